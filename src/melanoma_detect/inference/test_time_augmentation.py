"""An image seen in several ways at once: dermoscopy has no upside, so mirrored and turned images are as good."""

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.errors import DetectorError
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.runtime import Outputs, Runtime

Views: TypeAlias = Literal[1, 4, 8]

COUNTS: tuple[Views, ...] = (1, 4, 8)


def views_of(pixels: Pixels, count: int) -> list[Pixels]:
    """Return images as they are, mirrored, and turned by right angles.

    Args:
        pixels: uint8 `(n, height, width, 3)`.
        count: 1 as they are; 4 with those mirrored along either side and along both; 8 also with rows and columns swapped,
            for square images.

    Returns:
        So many arrays of the same shape.

    Raises:
        DetectorError: Another number, or 8 of images that are not square.

    Examples:
        >>> [view[0, 0, 0, 0] for view in views_of(np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3), 4)]
        [np.uint8(0), np.uint8(3), np.uint8(6), np.uint8(9)]
    """
    refuse_views(count, pixels.shape[1:3])
    if count == 1:
        return [pixels]
    flips = [pixels, pixels[:, :, ::-1], pixels[:, ::-1], pixels[:, ::-1, ::-1]]
    return flips if count == 4 else [*flips, *(flip.swapaxes(1, 2) for flip in flips)]


def run_views(runtime: Runtime, pixels: Pixels, count: int) -> Outputs:
    """Run a model on every view of some images and average what it says.

    Args:
        runtime: The model.
        pixels: uint8 `(n, height, width, 3)`.
        count: 1, 4 or 8.

    Returns:
        The mean logits and the mean features of each image.

    Examples:
        >>> run_views(detector.predictor.runtime, np.zeros((2, 32, 32, 3), np.uint8), 4).logits.shape
        (2, 9)
    """
    if count == 1:
        return runtime.run(pixels)
    seen = [runtime.run(np.ascontiguousarray(view)) for view in views_of(pixels, count)]
    return Outputs(_mean([one.logits for one in seen]), _mean([one.features for one in seen]))


def refuse_views(count: int, size: tuple[int, ...]) -> None:
    """Refuse a number of views that there is not.

    Args:
        count: The number.
        size: `(height, width)` of the images.

    Raises:
        DetectorError: It is not 1, 4 or 8, or 8 and the images are not square.

    Examples:
        >>> refuse_views(4, (180, 180))
    """
    if count not in COUNTS:
        raise DetectorError(f"views={count}; expected 1, 4 (mirrored) or 8 (mirrored and turned)")
    if count == 8 and size[0] != size[1]:
        raise DetectorError(f"views=8 turns images, and these are {size[0]}×{size[1]}; expected square ones: views=4")


def _mean(arrays: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = np.mean(arrays, axis=0, dtype=np.float32)
    return mean
