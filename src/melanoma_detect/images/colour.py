"""Any kind of pixels as RGB: modes, depths, transparency, colour profiles, arrays."""

import io
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from melanoma_detect.errors import ImageError

_KINDS = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab "}


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert an image to RGB.

    Transparency is laid over white, 16- and 32-bit grey is scaled to 8 bits, an embedded colour profile is converted to sRGB; a
    damaged profile is passed over.

    Args:
        image: A PIL image of any mode.

    Returns:
        The image in mode RGB.

    Raises:
        ValueError: An image of floating-point numbers is not from 0 to 1, nor from 0 to 255.

    Examples:
        >>> to_rgb(Image.new("LA", (2, 2), (0, 0))).getpixel((0, 0))
        (255, 255, 255)
    """
    if image.mode == "RGB" and not image.info.get("icc_profile") and "transparency" not in image.info:
        return image
    profile = image.info.get("icc_profile")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        flat = Image.alpha_composite(white, rgba).convert("RGB")
        return _to_srgb(flat, profile)
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    converted = _to_srgb(image, profile)
    if converted.mode == "LAB":
        converted = _lab_to_rgb(converted)
    return converted if converted.mode == "RGB" else converted.convert("RGB")


def from_array(array: np.ndarray) -> Image.Image:
    """Make an image from an array.

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
    right_shape = shaped.ndim == 2 or (shaped.ndim == 3 and shaped.shape[-1] in (3, 4))
    if not right_shape or 0 in array.shape:
        raise _strange(array, "")
    if shaped.dtype == np.uint8:
        return Image.fromarray(shaped)
    if shaped.dtype == np.bool_:
        return Image.fromarray(shaped.astype(np.uint8) * 255)
    if shaped.dtype == np.uint16:
        return Image.fromarray(_from_sixteen(shaped))
    if not np.issubdtype(shaped.dtype, np.floating):
        raise _strange(array, "")
    low, high = float(shaped.min()), float(shaped.max())
    if not (low >= 0 and high <= 1):  # also where one is not a number
        raise _strange(array, f" from {low:.3g} to {high:.3g}")
    return Image.fromarray(np.rint(shaped * 255).astype(np.uint8))


def _strange(array: np.ndarray, reach: str) -> ImageError:
    return ImageError(
        f"an array of shape {array.shape} and type {array.dtype}{reach} is not an image: expected (height, width, 3) in RGB, "
        "(height, width, 4) or (height, width), as uint8 from 0 to 255, uint16 from 0 to 65,535 or floats from 0 to 1; convert "
        "it first"
    )


def _from_sixteen(values: np.ndarray) -> NDArray[np.uint8]:
    grey: NDArray[np.uint8] = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return grey


def _eight_bits(values: np.ndarray) -> NDArray[np.uint8]:
    if np.issubdtype(values.dtype, np.floating):
        low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
        if not (low >= 0 and high <= 255):
            raise ValueError(f"numbers from {low:.3g} to {high:.3g}; expected 0 to 1, or 0 to 255")
        values = np.rint(values * (255 if high <= 1 else 1))
        return np.asarray(values, dtype=np.uint8)
    # Pillow's own conversion clips everything over 255 to white; 16-bit greyscale spans 0 to 65,535.
    wide = np.clip(values.astype(np.int64), 0, 65535)
    if values.dtype == np.int32 and wide.max(initial=0) < 256:
        return np.asarray(wide, dtype=np.uint8)
    return _from_sixteen(wide)


def _to_srgb(image: Image.Image, profile: Any) -> Image.Image:
    if not profile or image.mode not in _KINDS:
        return image
    transform = _transform(bytes(profile), image.mode)
    if transform is None:
        return image
    converted = ImageCms.applyTransform(image, transform)
    return converted or image


@lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> Any:
    """Return what turns a profile's colours into sRGB; None where it is sRGB itself, damaged, or for other pixels."""
    try:
        source = ImageCms.getOpenProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != _KINDS[mode].strip():
            return None
        if "sRGB" in (source.profile.profile_description or ""):
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _lab_to_rgb(image: Image.Image) -> Image.Image:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB") or image
