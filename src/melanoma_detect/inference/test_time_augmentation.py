"""Test-time augmentation: a model's outputs, averaged over mirrored and rotated views of each image.

Dermoscopy has no upside, so every view is as good as the original; Perez et al. 2018 (arXiv:1809.01442) measure the gain on
skin lesions. Rotations are by right angles only, since these move pixels without interpolation.
"""

from typing import Literal, TypeAlias

import numpy as np

from melanoma_detect.errors import DetectorError
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.runtime import ModelOutputs, Runtime
from melanoma_detect.utils.arrays import Float32Array

Views: TypeAlias = Literal[1, 4, 8]

VIEW_COUNTS: tuple[Views, ...] = (1, 4, 8)


def make_views(pixels: Pixels, count: int) -> list[Pixels]:
    """Return images as they are, mirrored, and rotated by right angles.

    Args:
        pixels: uint8 `(n, height, width, 3)`.
        count: 1 for the images themselves; 4 for these and three mirrored views (left to right, top to bottom, both); 8 for
            these and their transposes, which needs square images.

    Returns:
        `count` arrays of the same shape.

    Raises:
        DetectorError: `count` is not 1, 4 or 8, or it is 8 and the images are not square.

    Examples:
        >>> [view[0, 0, 0, 0] for view in make_views(np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3), 4)]
        [np.uint8(0), np.uint8(3), np.uint8(6), np.uint8(9)]
    """
    check_views(count, pixels.shape[1:3])
    if count == 1:
        return [pixels]
    mirrored = [pixels, pixels[:, :, ::-1], pixels[:, ::-1], pixels[:, ::-1, ::-1]]
    return mirrored if count == 4 else [*mirrored, *(view.swapaxes(1, 2) for view in mirrored)]


def run_with_views(runtime: Runtime, pixels: Pixels, count: int) -> ModelOutputs:
    """Run a model on several views of each image and average its outputs.

    Args:
        runtime: The model.
        pixels: uint8 `(n, height, width, 3)`.
        count: How many views: 1, 4 or 8.

    Returns:
        The mean logits and the mean features of each image.

    Examples:
        >>> run_with_views(detector.predictor.runtime, np.zeros((2, 32, 32, 3), np.uint8), 4).logits.shape
        (2, 9)
    """
    if count == 1:
        return runtime.run(pixels)
    outputs = [runtime.run(np.ascontiguousarray(view)) for view in make_views(pixels, count)]
    return ModelOutputs(_mean([output.logits for output in outputs]), _mean([output.features for output in outputs]))


def check_views(count: int, size: tuple[int, ...]) -> None:
    """Raise DetectorError unless images can be augmented to a number of views.

    Args:
        count: The number of views.
        size: `(height, width)` of the images.

    Raises:
        DetectorError: `count` is not 1, 4 or 8, or it is 8 and the images are not square.

    Examples:
        >>> check_views(4, (180, 180))
    """
    # True is no number of views, and an array is none either.
    if isinstance(count, bool) or not isinstance(count, int) or count not in VIEW_COUNTS:
        raise DetectorError(f"views={count!r}; expected 1, 4 (mirrored) or 8 (mirrored and rotated)")
    if count == 8 and size[0] != size[1]:
        raise DetectorError(
            f"views=8 rotates images, which must be square for it; these are {size[0]}×{size[1]}: use views=4"
        )


def _mean(arrays: list[Float32Array]) -> Float32Array:
    mean: Float32Array = np.mean(arrays, axis=0, dtype=np.float32)
    return mean
