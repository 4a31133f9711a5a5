"""Artefacts of dermoscopy drawn into training images: hairs and the marks of a ruler.

Both are common in dermoscopy and say nothing about the diagnosis. Drawn into images of every class, they cannot be learnt as a
sign of one.
"""

import math
from typing import Any

from keras import ops

_HAIRS = 4  # in each image that gets any
_MARK_HALF_WIDTH = 0.006  # of a ruler's mark, as a share of the image's width


def add_hairs(images: Any, share: float, random: Any) -> Any:
    """Draw curved dark hairs across some of the images.

    Args:
        images: float32 `(n, height, width, 3)`, 0 to 255.
        share: The share of images that get hairs, 0 to 1.
        random: The source of random numbers, an `augmentation.BatchRandom`.

    Returns:
        Images of the same shape.

    Examples:
        >>> import keras
        >>> from melanoma_detect.training.augmentation import BatchRandom
        >>> white = np.full((1, 32, 32, 3), 255, np.float32)
        >>> float(np.asarray(add_hairs(white, 1.0, BatchRandom(keras.random.SeedGenerator(1), 1))).min()) < 200
        True
    """
    along, across = _line_coordinates(images, random, _HAIRS)
    bend, offset = random.uniform(-0.6, 0.6, 1, 1, _HAIRS), random.uniform(-0.5, 0.5, 1, 1, _HAIRS)
    width = random.uniform(0.002, 0.008, 1, 1, _HAIRS)
    distance = ops.abs(across - offset - bend * along * along)
    # The edge of a hair is one pixel wide, for an antialiased line: a pixel on the edge is covered by half.
    coverage = ops.clip((width - distance) * images.shape[1] + 0.5, 0, 1)
    return _paint(images, ops.max(coverage, axis=-1, keepdims=True), share, random)


def add_ruler_marks(images: Any, share: float, random: Any) -> Any:
    """Draw the marks of a ruler along a line through some of the images, mostly near an edge.

    Args:
        images: float32 `(n, height, width, 3)`, 0 to 255.
        share: The share of images that get marks, 0 to 1.
        random: The source of random numbers, an `augmentation.BatchRandom`.

    Returns:
        Images of the same shape.

    Examples:
        >>> import keras
        >>> from melanoma_detect.training.augmentation import BatchRandom
        >>> white = np.full((1, 32, 32, 3), 255, np.float32)
        >>> float(np.asarray(add_ruler_marks(white, 1.0, BatchRandom(keras.random.SeedGenerator(1), 1))).min()) < 200
        True
    """
    along, across = _line_coordinates(images, random, 1)
    step, length = random.uniform(0.04, 0.1, 1, 1, 1), random.uniform(0.03, 0.08, 1, 1, 1)
    # A quarter to two fifths from the middle: rulers are laid beside the lesion.
    start = random.uniform(0.25, 0.42, 1, 1, 1)
    distance = step * ops.abs(along / step - ops.round(along / step))
    coverage = ops.clip((_MARK_HALF_WIDTH - distance) * images.shape[1] + 0.5, 0, 1)
    inside = ops.cast(ops.logical_and(across > start, across < start + length), "float32")
    return _paint(images, coverage * inside, share, random)


def _line_coordinates(images: Any, random: Any, count: int) -> tuple[Any, Any]:
    """Return each pixel's distance from the centre along and across `count` lines in random directions.

    Both are `(n, height, width, count)`, in shares of the image's sides.
    """
    height, width = images.shape[1:3]
    angle = random.uniform(0, 2 * math.pi, 1, 1, count)
    x = ops.reshape(ops.cast(ops.linspace(-0.5, 0.5, width), "float32"), (1, 1, width, 1))
    y = ops.reshape(ops.cast(ops.linspace(-0.5, 0.5, height), "float32"), (1, height, 1, 1))
    return ops.cos(angle) * x + ops.sin(angle) * y, ops.cos(angle) * y - ops.sin(angle) * x


def _paint(images: Any, coverage: Any, share: float, random: Any) -> Any:
    """Blend a random brown to black into the covered pixels of some of the images."""
    colour = random.uniform(10, 70, 1, 1, 1) * ops.reshape(ops.convert_to_tensor([1.0, 0.85, 0.7]), (1, 1, 1, 3))
    opacity = random.uniform(0.6, 1, 1, 1, 1) * random.bernoulli(share)
    return images + coverage * opacity * (colour - images)
