"""The fine detail of an image, by which two photographs of one lesion are told from two lesions that look alike.

With NumPy alone: the small install compares images too.
"""

import numpy as np
from PIL import Image

from melanoma_detect.utils.arrays import Float32Array, Float64Array

DETAIL_SIDE = 128  # pixels of the thumbnails that are compared
MIN_CORRELATION = 0.8  # two photographs of a lesion correlate over it, two lesions under 0.75
_BLUR = 2.5  # pixels: coarser shapes are the same in all round lesions
_REACH = round(4 * _BLUR)  # pixels: beyond, weights are nothing
_WEIGHTS = np.exp(-0.5 * (np.arange(-_REACH, _REACH + 1) / _BLUR) ** 2)
_WEIGHTS /= _WEIGHTS.sum()
_WINDOW = np.outer(np.hanning(DETAIL_SIDE), np.hanning(DETAIL_SIDE))


def grey_levels(image: Image.Image) -> Float32Array:
    """Return an image as 128×128 grey levels.

    Args:
        image: An upright image.

    Returns:
        float32 `(128, 128)`, 0 to 255.

    Examples:
        >>> grey_levels(Image.new("RGB", (300, 200), "white"))[0, 0]
        np.float32(255.0)
    """
    small = image.convert("L").resize((DETAIL_SIDE, DETAIL_SIDE), Image.Resampling.BILINEAR)
    return np.asarray(small, dtype=np.float32)


def fine_detail(grey: Float32Array) -> Float32Array:
    """Return an image without its coarse shapes, faded out towards the border, as a vector of length 1.

    Args:
        grey: `(128, 128)`.

    Returns:
        `(128, 128)`; all 0 for an image of one even colour.

    Examples:
        >>> float(np.square(fine_detail(np.eye(128, dtype=np.float32))).sum().round(3))
        1.0
    """
    detail = (grey - _blur(_blur(grey.astype(np.float64)).T).T) * _WINDOW
    detail -= detail.mean()
    length = float(np.sqrt(np.square(detail).sum()))
    return np.asarray(detail / length if length > 1 else np.zeros_like(detail), np.float32)


def correlate(first: Float32Array, second: Float32Array) -> float:
    """Return the correlation of the fine detail of two images, the highest over shifts and right-angle turns.

    Args:
        first: From `fine_detail`.
        second: Of the other image.

    Returns:
        About 0 for different lesions, 1 for the same image.

    Examples:
        >>> detail = fine_detail(grey_levels(Image.fromarray(draw_lesion("nevus", seed=1).pixels)))
        >>> round(correlate(detail, detail[::-1].T), 3)
        1.0
    """
    wave = np.conj(np.fft.rfft2(second))
    turns = [flipped[::down, ::along] for flipped in (first, first.T) for down in (1, -1) for along in (1, -1)]
    return max(float(np.fft.irfft2(np.fft.rfft2(turn) * wave, s=turn.shape).max()) for turn in turns)


def _blur(values: Float64Array) -> Float64Array:
    """Return values blurred down their columns, mirrored at the ends."""
    padded = np.pad(values, ((_REACH, _REACH), (0, 0)), mode="symmetric")
    blurred = np.zeros_like(values)
    for shift, weight in enumerate(_WEIGHTS):
        blurred += weight * padded[shift : shift + len(values)]
    return blurred
