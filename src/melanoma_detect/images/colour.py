"""Conversion of PIL images to RGB: colour modes, bit depths, transparency, colour profiles."""

import io
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

_PROFILE_SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab"}  # how ICC profiles call Pillow's modes
STRIP_PIXELS = 2**21  # a larger image is converted in strips of so many: they take megabytes, not gigabytes
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
    return in_strips(image, lambda strip: _convert(strip, profile))


def in_strips(image: Image.Image, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Convert an image to RGB, a large one in strips: what a conversion holds meanwhile is then small.

    Args:
        image: A PIL image.
        convert: Converts each pixel by itself, to mode RGB.

    Returns:
        The converted image.

    Examples:
        >>> in_strips(Image.new("L", (4, 3), 7), lambda strip: strip.convert("RGB")).getpixel((3, 2))
        (7, 7, 7)
    """
    rows = max(1, STRIP_PIXELS // max(1, image.width))
    if image.height <= rows:
        return convert(image)
    result = Image.new("RGB", image.size)
    for top, strip in _strips(image):
        converted = convert(strip)
        result.paste(converted, (0, top))
        result.info = converted.info
    return result


def to_array(image: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels of an image; those of a large one in strips, since Pillow holds what it gives three times.

    Args:
        image: In mode RGB.

    Returns:
        A uint8 array `(height, width, 3)`.

    Examples:
        >>> to_array(Image.new("RGB", (4, 3))).shape
        (3, 4, 3)
    """
    if image.width * image.height <= STRIP_PIXELS:
        return np.asarray(image, dtype=np.uint8)
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top, strip in _strips(image):
        pixels[top : top + strip.height] = np.asarray(strip)
    return pixels


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    rows = max(1, STRIP_PIXELS // max(1, image.width))
    for top in range(0, image.height, rows):
        whole = image.height <= rows
        yield top, image if whole else image.crop((0, top, image.width, min(top + rows, image.height)))


def _convert(image: Image.Image, profile: Any) -> Image.Image:
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
    return _scale_float(values, float(values.min()), float(values.max()))


def _scale_float(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
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
    # The range of the whole image says what its values mean, also where it is converted in strips. NaN stays NaN.
    ranges = [(values.min(), values.max()) for _, strip in _strips(image) if (values := np.asarray(strip)).size]
    low, high = np.min([low for low, _ in ranges]), np.max([high for _, high in ranges])
    transparent = image.info.get("transparency")

    def convert(strip: Image.Image) -> Image.Image:
        values = np.asarray(strip)
        grey = _scale_to_uint8(values, low, high)
        if isinstance(transparent, int):
            grey = np.where(values == transparent, np.uint8(255), grey)
        return Image.fromarray(grey).convert("RGB")

    return in_strips(image, convert)


def _scale_to_uint8(values: NDArray[Any], low: Any, high: Any) -> NDArray[np.uint8]:
    if values.dtype.kind == "f":
        return _scale_float(values, float(low), float(high))
    low, high = int(low), int(high)
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
