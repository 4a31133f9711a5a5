"""Where the model looks, asked of the model alone: hide a part of the image, and see how the answer changes.

Occlusion sensitivity (Zeiler and Fergus 2014, doi 10.1007/978-3-319-10590-1_53). What is hidden gets the colour of the skin
around the lesion, with soft edges: a black square is something that no model has seen, and its answer to one says little.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.images.reader import Pixels
from melanoma_detect.utils.arrays import Float64Array

Answer = Callable[[Pixels], Float64Array]

# Windows across the image, coarse to fine: large ones find what a small one leaves enough of, small ones find where.
SCALES = (5, 10)
_BATCH = 32
_MARGIN = 0.12  # of each side: where skin is looked for


class Occlusion(NamedTuple):
    """What hiding parts of an image did.

    Attributes:
        evidence: float32 `(height, width)`: by how much the log-odds fall where the image is hidden; negative where hiding it
            makes the model surer.
        probability: What the detector gives the whole image, 0 to 1.
        hidden: The least that it gives with one part hidden.
    """

    evidence: NDArray[np.float32]
    probability: float
    hidden: float


def occlude(answer: Answer, pixels: Pixels, wanted: Sequence[int], *, scales: Sequence[int] = SCALES) -> Occlusion:
    """Measure how much each part of an image speaks for some of the classes.

    Each scale lays overlapping windows over the image that sum to 1 everywhere; a place's evidence is the mean, over the
    scales, of what its windows cost when they were hidden. The cost is counted in log-odds, which still move where a
    probability is already near 0 or 1.

    Args:
        answer: From images, uint8 `(n, height, width, 3)`, to probabilities `(n, classes)`: `Detector.probabilities`.
        pixels: uint8 `(height, width, 3)`, one image at the model's size.
        wanted: The classes to explain, by their positions; several count as one.
        scales: How many windows fit across the image side by side, one number for each pass.

    Returns:
        The evidence, and what the model gave.

    Examples:
        >>> found = occlude(detector.predictor.probabilities, draw_lesion("melanoma", seed=1, size=32).pixels, [4])
        >>> found.evidence.shape, found.hidden < found.probability
        ((32, 32), True)
    """
    whole = log_odds(answer(pixels[None]), wanted)[0]
    skin = skin_colour(pixels)
    evidence = np.zeros(pixels.shape[:2])
    least = whole
    for scale in scales:
        for masks in _batches(_windows(pixels.shape[:2], scale)):
            found = log_odds(answer(_hidden(pixels, skin, masks)), wanted)
            evidence += np.tensordot(whole - found, masks, axes=1) / len(scales)
            least = min(least, found.min())
    return Occlusion(evidence.astype(np.float32), _sigmoid(whole), _sigmoid(least))


def log_odds(probabilities: Float64Array, wanted: Sequence[int]) -> Float64Array:
    """Return the log-odds of some classes against all others.

    Args:
        probabilities: `(n, classes)`; rows sum to 1.
        wanted: Positions of the classes; several count as one.

    Returns:
        `(n,)`: log(p / (1 − p)), in natural units.

    Examples:
        >>> log_odds(np.array([[0.5, 0.25, 0.25]]), [0])
        array([0.])
    """
    inside = np.isin(np.arange(probabilities.shape[1]), wanted)
    shares = np.stack([probabilities[:, inside].sum(axis=1), probabilities[:, ~inside].sum(axis=1)])
    favour, against = np.log(np.maximum(shares, np.finfo(np.float64).tiny))
    return np.asarray(favour - against)


def skin_colour(pixels: Pixels) -> Float64Array:
    """Guess the colour of the skin around a lesion: the median of the brighter half of the image's margin.

    Lesions, hair and the dark corners of a dermoscope are darker than skin, so the brighter half is mostly skin.

    Args:
        pixels: uint8 `(height, width, 3)`.

    Returns:
        Red, green and blue, `(3,)`, 0 to 255.

    Examples:
        >>> skin_colour(np.full((10, 10, 3), 200, np.uint8))
        array([200., 200., 200.])
    """
    height, width = pixels.shape[:2]
    rows, columns = max(1, round(_MARGIN * height)), max(1, round(_MARGIN * width))
    inside = np.zeros((height, width), np.bool_)
    inside[rows:-rows, columns:-columns] = True
    margin = pixels[~inside].astype(np.float64)
    brightness = margin.sum(axis=1)
    return np.asarray(np.median(margin[brightness >= np.median(brightness)], axis=0))


def _windows(size: tuple[int, int], scale: int) -> Float64Array:
    """Return soft windows `(n, height, width)`, 0 to 1, that sum to 1 at every pixel."""
    rows, columns = (_bumps(length, scale) for length in size)
    return (rows[:, None, :, None] * columns[None, :, None, :]).reshape(-1, *size)


def _bumps(length: int, scale: int) -> Float64Array:
    """Return raised cosines `(scale + 1, length)` half a width apart."""
    step = length / scale
    away = (np.arange(length) + 0.5 - step * np.arange(scale + 1)[:, None]) / step
    return np.asarray(np.where(np.abs(away) < 1, 0.5 + 0.5 * np.cos(np.pi * away), 0.0))


def _batches(masks: Float64Array) -> Iterator[Float64Array]:
    for at in range(0, len(masks), _BATCH):
        yield masks[at : at + _BATCH]


def _hidden(pixels: Pixels, skin: Float64Array, masks: Float64Array) -> Pixels:
    amount = masks[..., None]
    return np.asarray((pixels * (1 - amount) + skin * amount).round(), np.uint8)


def _sigmoid(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))
