"""Conversion to RGB: colour modes, bit depths, transparency, colour profiles, arrays."""

import io
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from melanoma_detect.errors import ImageError

_PROFILE_SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab"}  # how ICC profiles call Pillow's modes


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert an image to RGB.

    Transparency is laid over white, 16- and 32-bit grey is scaled to 8 bits, an embedded colour profile is converted to sRGB. A
    damaged profile is ignored.

    Args:
        image: A PIL image of any mode.

    Returns:
        The image in mode RGB.

    Raises:
        ValueError: The values of a floating-point image are outside 0 to 1 and outside 0 to 255.

    Examples:
        >>> to_rgb(Image.new("LA", (2, 2), (0, 0))).getpixel((0, 0))
        (255, 255, 255)
    """
    if image.mode == "RGB" and not image.info.get("icc_profile") and "transparency" not in image.info:
        return image  # nearly every image: nothing to convert, and nothing to copy
    profile = image.info.get("icc_profile")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        flat = Image.alpha_composite(white, rgba).convert("RGB")
        return _to_srgb(flat, profile)
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_scale_to_uint8(np.asarray(image))).convert("RGB")
    converted = _to_srgb(image, profile)
    if converted.mode == "LAB":
        converted = _lab_to_rgb(converted)
    return converted if converted.mode == "RGB" else converted.convert("RGB")


def from_array(array: np.ndarray) -> Image.Image:
    """Return the image of an array.

    Args:
        array: `(height, width)`, `(height, width, 1)`, `(height, width, 3)` in RGB or `(height, width, 4)` in RGBA; uint8,
            bool, uint16 from 0 to 65,535, or floating-point from 0 to 1.

    Returns:
        The image.

    Raises:
        ImageError: Another shape, type or range.

    Examples:
        >>> from_array(np.ones((2, 2, 3), np.float32)).getpixel((0, 0))
        (255, 255, 255)
    """
    shaped = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    is_image_shape = shaped.ndim == 2 or (shaped.ndim == 3 and shaped.shape[-1] in (3, 4))
    if not is_image_shape or 0 in array.shape:
        raise _array_error(array, "")
    if shaped.dtype == np.uint8:
        return Image.fromarray(shaped)
    if shaped.dtype == np.bool_:
        return Image.fromarray(shaped.astype(np.uint8) * 255)
    if shaped.dtype == np.uint16:
        return Image.fromarray(_uint16_to_uint8(shaped))
    if not np.issubdtype(shaped.dtype, np.floating):
        raise _array_error(array, "")
    low, high = float(shaped.min()), float(shaped.max())
    if not (low >= 0 and high <= 1):  # false for NaN too
        raise _array_error(array, f" from {low:.3g} to {high:.3g}")
    return Image.fromarray(np.rint(shaped * 255).astype(np.uint8))


def _array_error(array: np.ndarray, value_range: str) -> ImageError:
    return ImageError(
        f"an array of shape {array.shape} and type {array.dtype}{value_range} is not an image: expected (height, width, 3) in "
        "RGB, (height, width, 4) or (height, width), as uint8 from 0 to 255, uint16 from 0 to 65,535 or floats from 0 to 1; "
        "convert it first"
    )


def _uint16_to_uint8(values: np.ndarray) -> NDArray[np.uint8]:
    # 65,535 / 257 = 255; adding 128 rounds to the nearest.
    grey: NDArray[np.uint8] = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return grey


def _scale_to_uint8(values: np.ndarray) -> NDArray[np.uint8]:
    if np.issubdtype(values.dtype, np.floating):
        low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
        if not (low >= 0 and high <= 255):
            raise ValueError(f"values from {low:.3g} to {high:.3g}; expected 0 to 1, or 0 to 255")
        values = np.rint(values * (255 if high <= 1 else 1))
        return np.asarray(values, dtype=np.uint8)
    # Pillow's own conversion clips everything over 255 to white, while 16-bit greyscale reaches 65,535.
    wide = np.clip(values.astype(np.int64), 0, 65535)
    # Pillow holds 32-bit greyscale in int32: where no value is over 255, the file has 8 bits of content.
    if values.dtype == np.int32 and wide.max(initial=0) < 256:
        return np.asarray(wide, dtype=np.uint8)
    return _uint16_to_uint8(wide)


def _to_srgb(image: Image.Image, profile: Any) -> Image.Image:
    if not profile or image.mode not in _PROFILE_SPACES:
        return image
    transform = _srgb_transform(bytes(profile), image.mode)
    if transform is None:
        return image
    return ImageCms.applyTransform(image, transform) or image


@lru_cache(maxsize=32)  # the images of a collection share a few profiles, and building a transform takes milliseconds
def _srgb_transform(profile: bytes, mode: str) -> Any:
    """Return the transform from a profile to sRGB; None for a profile that is sRGB, damaged, or of another colour space."""
    try:
        source = ImageCms.getOpenProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != _PROFILE_SPACES[mode]:
            return None
        if "sRGB" in (source.profile.profile_description or ""):
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _lab_to_rgb(image: Image.Image) -> Image.Image:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB") or image
