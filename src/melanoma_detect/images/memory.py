"""The memory that an image takes at its peak, estimated from its header before anything is decoded.

A few kilobytes may stand for 200 million pixels. Pillow holds a pixel in colour in 4 bytes, and each conversion takes as much
again; some decoders hold the image in a form of their own meanwhile.
"""

import os

from PIL import Image, TiffImagePlugin

from melanoma_detect.errors import ImageError

MAX_PIXELS = 200_000_000  # above every camera
MAX_SIDE = 65_535  # pixels: the most that a JPEG has
BYTES_VARIABLE = "MELANOMA_DETECT_IMAGE_BYTES"
_DEFAULT_BYTES = 2**30
_ONE_BYTE, _TWO_BYTES = {"1", "L", "P"}, "I;16"
_COEFFICIENT = 2  # bytes
_RGB, _ARRAY = 4, 3  # bytes a pixel: in Pillow, and in the array that a caller gets at full size
# Bytes a pixel that a decoder holds beside the image: of WebP two canvases and the decoded frame, of AVIF and HEIF planes of up
# to 16 bits and the colours made from them.
_DECODERS = {"WEBP": 12, "AVIF": 14, "HEIF": 14}
_TILE_WIDTH, _TILE_LENGTH, _SAMPLES, _BITS, _ROWS = 322, 323, 277, 258, 278  # tags of TIFF


def image_bytes() -> int:
    """Return how many bytes one image may take: those of `MELANOMA_DETECT_IMAGE_BYTES`, or 1 GiB.

    Returns:
        At least 1.

    Raises:
        ImageError: The variable is no number of bytes.

    Examples:
        >>> image_bytes() // 2**20
        1024
    """
    given = os.environ.get(BYTES_VARIABLE, "").strip()
    if not given:
        return _DEFAULT_BYTES
    if not given.isascii() or not given.isdigit() or not int(given):
        raise ImageError(f"{BYTES_VARIABLE}={given}; expected a number of bytes, such as {2 * _DEFAULT_BYTES}")
    return int(given)


def check_size(size: tuple[int, int], name: str) -> None:
    """Raise ImageError for an image of more than 200 million pixels, or 65,535 on a side.

    Args:
        size: `(width, height)` in pixels.
        name: The image's name, for the message.

    Raises:
        ImageError: It is too large.

    Examples:
        >>> check_size((30, 20), "photo.png")
    """
    width, height = size
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{name}: {width}×{height} pixels; expected at most {MAX_PIXELS // 10**6} million: make it smaller, "
            "or remove it"
        )
    if max(size) > MAX_SIDE:
        raise ImageError(
            f"{name}: {width}×{height} pixels; expected at most {MAX_SIDE:,} on a side: make it smaller, or remove it"
        )


def check_bytes(needed: int, size: tuple[int, int], name: str) -> None:
    """Raise ImageError where an image would take more memory than one image may.

    Args:
        needed: The bytes at its peak.
        size: `(width, height)` in pixels.
        name: The image's name, for the message.

    Raises:
        ImageError: It would.

    Examples:
        >>> check_bytes(2400, (30, 20), "photo.png")
    """
    if needed > (limit := image_bytes()):
        raise ImageError(
            f"{name}: {size[0]}×{size[1]} pixels would take {needed / 2**30:.1f} GiB of memory; expected at most "
            f"{limit / 2**30:.3g} GiB: make it smaller, or set {BYTES_VARIABLE}"
        )


def check_decoder(size: tuple[int, int], kind: str, name: str) -> None:
    """Raise ImageError for an image whose decoder alone would take too much memory; before it is made.

    Args:
        size: `(width, height)` in pixels.
        kind: `"WEBP"`, `"AVIF"` or `"HEIF"`.
        name: The image's name, for the message.

    Raises:
        ImageError: It is too large, or would take too much.

    Examples:
        >>> check_decoder((30, 20), "WEBP", "photo.webp")
    """
    check_size(size, name)
    check_bytes(size[0] * size[1] * (_DECODERS[kind] + _RGB), size, name)


def check_memory(image: Image.Image, name: str, *, turned: bool, at_full_size: bool) -> None:
    """Raise ImageError for an image whose reading would take too much memory.

    Args:
        image: A PIL image whose header has been read, at the scale that it will be decoded at.
        name: The image's name, for the message.
        turned: Whether it will be turned upright.
        at_full_size: Whether the caller gets all of its pixels as an array.

    Raises:
        ImageError: It would.

    Examples:
        >>> check_memory(Image.new("RGB", (30, 20)), "photo.png", turned=False, at_full_size=True)
    """
    pixels = image.width * image.height
    needed = pixels * _bytes_a_pixel(image, turned=turned, at_full_size=at_full_size) + _buffer(image)
    if "progression" in image.info:  # of a JPEG: the coefficients are those of the full scale
        scale = getattr(image, "decoderconfig", ()) or (1,)
        needed += round(pixels * coefficient_bytes(image) * (scale[0] or 1) ** 2)
    check_bytes(needed, image.size, name)


def coefficient_bytes(image: Image.Image) -> float:
    """Return the bytes a pixel of the coefficients that the decoder of a JPEG with several scans keeps from one to the next.

    Args:
        image: A PIL image of a JPEG file.

    Returns:
        Bytes a pixel at full scale.

    Examples:
        >>> coefficient_bytes(Image.new("RGB", (4, 3)))  # of no JPEG
        0.0
    """
    layers = [(int(layer[1]), int(layer[2])) for layer in getattr(image, "layer", ()) if len(layer) > 2]
    widest = max((across for across, _ in layers), default=1) * max((down for _, down in layers), default=1)
    return _COEFFICIENT * sum(across * down for across, down in layers) / max(1, widest)


def _bytes_a_pixel(image: Image.Image, *, turned: bool, at_full_size: bool) -> int:
    stored = 1 if image.mode in _ONE_BYTE else 2 if image.mode.startswith(_TWO_BYTES) else 4
    converted = image.mode != "RGB" or "icc_profile" in image.info or "transparency" in image.info
    decoding = stored + _DECODERS.get(image.format or "", 0)
    reading = stored * (1 + turned) + _RGB * converted
    returning = _RGB + _ARRAY * at_full_size
    return max(decoding, reading + stored * _is_shifted(image), returning if not (converted or turned) else reading)


def _is_shifted(image: Image.Image) -> bool:
    """Return whether the values of a TIFF file of 16 bits are corrected, for which they are held twice more."""
    return isinstance(image, TiffImagePlugin.TiffImageFile) and image.mode.startswith(_TWO_BYTES)


def _buffer(image: Image.Image) -> int:
    """Return the bytes of the largest tile or strip of a TIFF file, which is decoded as a whole."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return 0
    tags = image.tag_v2
    width, height = tag_number(tags, _TILE_WIDTH), tag_number(tags, _TILE_LENGTH)
    if not width or not height:
        width, height = image.width, min(tag_number(tags, _ROWS) or image.height, image.height)
    bits = max((int(value) for value in tags.get(_BITS, (1,))), default=1)
    return width * height * (tag_number(tags, _SAMPLES) or 1) * -(-bits // 8)


def tag_number(tags: TiffImagePlugin.ImageFileDirectory_v2, tag: int) -> int:
    """Return the value of a tag of a TIFF file as a whole number.

    Args:
        tags: The tags.
        tag: Its number.

    Returns:
        The value, the first of several; 0 where the tag is missing or no number.

    Examples:
        >>> tag_number({322: (16,), 270: "a lesion"}, 322)
        16
    """
    value = tags.get(tag, 0)
    value = value[0] if isinstance(value, tuple) and value else value
    return int(value) if isinstance(value, (int, float)) else 0
