"""What lies over lesions in real images: hairs, and the marks of a ruler."""

import math
from typing import Any

from keras import ops

_HAIRS = 4  # for each image that gets any
_MARK = 0.006  # half the width of a ruler's mark, as a share of the image


def with_hairs(images: Any, share: float, draw: Any) -> Any:
    """Draw bent dark hairs across some of the images.

    Args:
        images: float32 `(n, height, width, 3)`, 0 to 255.
        share: The share of images, 0 to 1.
        draw: The random numbers; see `augmentation.Draw`.

    Returns:
        Images of the same shape.

    Examples:
        >>> import keras
        >>> from melanoma_detect.training.augmentation import Draw
        >>> white = np.full((1, 32, 32, 3), 255, np.float32)
        >>> float(np.asarray(with_hairs(white, 1.0, Draw(keras.random.SeedGenerator(1), 1))).min()) < 200
        True
    """
    along, across = _turned(images, draw, _HAIRS)
    bend, offset = draw.uniform(-0.6, 0.6, 1, 1, _HAIRS), draw.uniform(-0.5, 0.5, 1, 1, _HAIRS)
    width = draw.uniform(0.002, 0.008, 1, 1, _HAIRS)
    distance = ops.abs(across - offset - bend * along * along)
    # A hair's edge is a pixel wide: half of it covers a pixel on the edge by half.
    covered = ops.clip((width - distance) * images.shape[1] + 0.5, 0, 1)
    return _painted(images, ops.max(covered, axis=-1, keepdims=True), share, draw)


def with_ruler(images: Any, share: float, draw: Any) -> Any:
    """Draw a ruler's marks along a line through some of the images, mostly near an edge.

    Args:
        images: float32 `(n, height, width, 3)`, 0 to 255.
        share: The share of images, 0 to 1.
        draw: The random numbers; see `augmentation.Draw`.

    Returns:
        Images of the same shape.

    Examples:
        >>> import keras
        >>> from melanoma_detect.training.augmentation import Draw
        >>> white = np.full((1, 32, 32, 3), 255, np.float32)
        >>> float(np.asarray(with_ruler(white, 1.0, Draw(keras.random.SeedGenerator(1), 1))).min()) < 200
        True
    """
    along, across = _turned(images, draw, 1)
    step, length = draw.uniform(0.04, 0.1, 1, 1, 1), draw.uniform(0.03, 0.08, 1, 1, 1)
    start = draw.uniform(0.25, 0.42, 1, 1, 1)
    distance = step * ops.abs(along / step - ops.round(along / step))
    mark = ops.clip((_MARK - distance) * images.shape[1] + 0.5, 0, 1)
    inside = ops.cast(ops.logical_and(across > start, across < start + length), "float32")
    return _painted(images, mark * inside, share, draw)


def _turned(images: Any, draw: Any, count: int) -> tuple[Any, Any]:
    """Return each pixel's place along and across lines in random directions, `(n, height, width, count)`, from the middle."""
    height, width = images.shape[1:3]
    angle = draw.uniform(0, 2 * math.pi, 1, 1, count)
    x = ops.reshape(ops.cast(ops.linspace(-0.5, 0.5, width), "float32"), (1, 1, width, 1))
    y = ops.reshape(ops.cast(ops.linspace(-0.5, 0.5, height), "float32"), (1, height, 1, 1))
    return ops.cos(angle) * x + ops.sin(angle) * y, ops.cos(angle) * y - ops.sin(angle) * x


def _painted(images: Any, covered: Any, share: float, draw: Any) -> Any:
    colour = draw.uniform(10, 70, 1, 1, 1) * ops.reshape(ops.convert_to_tensor([1.0, 0.85, 0.7]), (1, 1, 1, 3))
    opacity = draw.uniform(0.6, 1, 1, 1, 1) * draw.chance(share)
    return images + covered * opacity * (colour - images)
