"""Conversion of PIL images to RGB: colour modes, bit depths, transparency, colour profiles."""

import io
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

_PROFILE_SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab"}  # how ICC profiles call Pillow's modes
_HALF_LEVEL = 0.5  # of 255 grey levels: what rounding, or resizing by a filter with overshoot, may add
_UNSURE = (
    2.0  # floats whose largest is between 1 and 2 may be shares with an overshoot, or grey levels of a black image
)


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert an image to RGB.

    Transparency is laid over white, 16- and 32-bit grey is scaled to 8 bits, an embedded colour profile is converted to sRGB. A
    damaged profile is ignored, and so is a PNG's gamma.

    Args:
        image: A PIL image of any mode.

    Returns:
        The image in mode RGB.

    Raises:
        ValueError: The values of a floating-point image are outside 0 to 1 and outside 0 to 255, or those of a 32-bit one
            outside 0 to 65,535.

    Examples:
        >>> to_rgb(Image.new("LA", (2, 2), (0, 0))).getpixel((0, 0))
        (255, 255, 255)
    """
    if image.mode == "RGB" and not image.info.get("icc_profile") and "transparency" not in image.info:
        return image  # nearly every image: nothing to convert, and nothing to copy
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I") or image.mode == "F":
        return _wide_grey_to_rgb(image)
    if image.has_transparency_data:
        rgba = (image.convert("LA") if image.mode == "La" else image).convert(
            "RGBA"
        )  # Pillow has no way from La to RGBA
        white = Image.new("RGBA", rgba.size, "white")
        flat = Image.alpha_composite(white, rgba).convert("RGB")
        return _to_srgb(flat, profile)
    converted = _to_srgb(image, profile)
    if converted.mode == "LAB":
        converted = _lab_to_rgb(converted)
    return converted if converted.mode == "RGB" else converted.convert("RGB")


def scale_float(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Bring floating-point grey levels to 8 bits, by the one rule of this library for images and arrays.

    Values up to 1 are shares of white, others are grey levels up to 255. An overshoot of half a grey level is clipped.

    Args:
        values: Floats of any shape, not empty.

    Returns:
        The grey levels, 0 to 255.

    Raises:
        ValueError: Some are outside 0 to 255 or NaN, or the largest is just over 1, so that neither reading is sure.

    Examples:
        >>> scale_float(np.array([0.0, 1.0])), scale_float(np.array([0.0, 99.6]))
        (array([  0, 255], dtype=uint8), array([  0, 100], dtype=uint8))
    """
    low, high = float(values.min()), float(values.max())
    scale = 255 if high <= 1 + _HALF_LEVEL / 255 else 1
    in_range = low * scale >= -_HALF_LEVEL and high * scale <= 255 + _HALF_LEVEL  # false for NaN too
    if not in_range or (scale == 1 and high <= _UNSURE):
        raise ValueError(f"floats from {low:.4g} to {high:.4g}; expected 0 to 1, or 0 to 255")
    return np.clip(np.rint(values.astype(np.float32) * scale), 0, 255).astype(np.uint8)


def scale_uint16(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Bring grey levels of 16 bits to 8 bits.

    Args:
        values: Integers from 0 to 65,535.

    Returns:
        The grey levels, 0 to 255.

    Examples:
        >>> scale_uint16(np.array([0, 257, 65535]))
        array([  0,   1, 255], dtype=uint8)
    """
    # 65,535 / 257 = 255; adding 128 rounds to the nearest.
    grey: NDArray[np.uint8] = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return grey


def _wide_grey_to_rgb(image: Image.Image) -> Image.Image:
    """Convert a greyscale image of more than 8 bits; pixels of the transparent grey level become white."""
    values = np.asarray(image)
    grey = _scale_to_uint8(values)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey = np.where(values == transparent, np.uint8(255), grey)
    return Image.fromarray(grey).convert("RGB")


def _scale_to_uint8(values: NDArray[Any]) -> NDArray[np.uint8]:
    if values.dtype.kind == "f":
        return scale_float(values)
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise ValueError(f"integers from {low} to {high}; expected 0 to 65535")
    # Pillow holds 32-bit greyscale in int32: where no value is over 255, the file has 8 bits of content.
    if values.dtype.kind == "i" and high < 256:
        return values.astype(np.uint8)
    return scale_uint16(values)


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
