"""Drawing of heat maps over images. NumPy and Pillow only."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from melanoma_detect.images.reader import Pixels
from melanoma_detect.utils.arrays import Float32Array

# The stops of matplotlib's viridis, from dark blue to yellow: its brightness rises evenly, colour-blind readers can read it,
# and skin has none of its colours.
_STOPS = np.array(
    [(68, 1, 84), (65, 68, 135), (42, 120, 142), (34, 168, 132), (122, 209, 81), (253, 231, 37)], np.float64
)
_MAX_OPACITY = 0.72  # of the colours: the lesion must stay visible under them
_MIN_HEAT, _OPAQUE_HEAT = 0.08, 0.6  # opacity rises from 0 to its maximum between these: little heat is noise


def apply_colormap(heat: NDArray[np.floating]) -> Pixels:
    """Return the colour of each value of a heat map.

    Args:
        heat: Any shape, 0 to 1.

    Returns:
        uint8, the same shape with a last axis of red, green and blue.

    Examples:
        >>> apply_colormap(np.array([0.0, 1.0])).tolist()
        [[68, 1, 84], [253, 231, 37]]
    """
    positions = np.linspace(0, 1, len(_STOPS))
    channels = [np.interp(heat, positions, _STOPS[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def resize_heat(heat: NDArray[np.floating], size: tuple[int, int]) -> Float32Array:
    """Resize a heat map by bicubic interpolation.

    Args:
        heat: `(height, width)`, 0 to 1.
        size: `(height, width)` in pixels.

    Returns:
        float32 of that size, 0 to 1.

    Examples:
        >>> resize_heat(np.eye(2), (4, 4)).shape
        (4, 4)
    """
    height, width = size
    resized = Image.fromarray(heat.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(resized).clip(0, 1)  # bicubic interpolation overshoots


def draw_overlay(image: Pixels, heat: NDArray[np.floating]) -> Image.Image:
    """Draw a heat map over an image: the more heat, the more opaque; without heat, the image shows in grey.

    Args:
        image: uint8 `(height, width, 3)`.
        heat: `(rows, columns)` of any size, 0 to 1.

    Returns:
        A PIL image in mode RGB, of the image's size.

    Examples:
        >>> draw_overlay(draw_lesion("nevus", seed=1).pixels, np.eye(6)).size
        (180, 180)
    """
    resized = resize_heat(heat, image.shape[:2])
    opacity = (_MAX_OPACITY * np.clip((resized - _MIN_HEAT) / (_OPAQUE_HEAT - _MIN_HEAT), 0, 1))[..., None]
    # In grey, no colour of the lesion can be mistaken for one of the map.
    grey = np.repeat((image @ np.array([0.299, 0.587, 0.114]))[..., None], 3, axis=2)
    return Image.fromarray((grey * (1 - opacity) + apply_colormap(resized) * opacity).round().astype(np.uint8))
