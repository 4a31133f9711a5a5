"""BMP files: how long one of a header is, and run-length encoded ones, which Pillow decodes pixel by pixel in Python."""

import struct

from PIL import Image

from melanoma_detect.errors import ImageError

MAX_PACKED = 10_000_000  # pixels: some two seconds
_PACKED = "bmp_rle"
_FILE_HEADER, _OLD_HEADER = 14, 12
_UNPACKED = (0, 3, 6)  # BI_RGB, BI_BITFIELDS, BI_ALPHABITFIELDS
_RUN_LENGTHS = (1, 2)
_MOST_PADDING = 3
_WITH_PROFILE = 124  # bytes of the header that may point to a colour profile behind the pixels


def check_bmp(image: Image.Image, name: str) -> None:
    """Raise ImageError for a run-length encoded BMP file that would take very long: one of a kilobyte may be of any size.

    Args:
        image: The PIL image, of which only the header has been read; images of other formats pass.
        name: The image's name, for the message.

    Raises:
        ImageError: It has more than 10 million pixels.

    Examples:
        >>> check_bmp(Image.new("L", (30, 20)), "photo.bmp")
    """
    packed = any(tile.codec_name == _PACKED for tile in getattr(image, "tile", ()))
    if packed and image.width * image.height > MAX_PACKED:
        raise ImageError(
            f"{name}: a run-length encoded BMP of {image.width}×{image.height} pixels, which would take very long; expected at "
            f"most {MAX_PACKED // 10**6} million: save it without compression, or as PNG"
        )


def bmp_lengths(header: bytes) -> tuple[int, ...]:
    """Return how many bytes a BMP file may have by its header: the first is that of the pixels alone.

    Many programs write a wrong length into the header: what counts is the pixels. What may follow them, up to three bytes or a
    colour profile, must agree with that length.

    Args:
        header: The first 138 bytes of the file, or as many as it has.

    Returns:
        Lengths in bytes; none where the header is damaged or of an unknown kind.

    Examples:
        >>> bmp_lengths(b"BM")
        ()
    """
    if len(header) < _FILE_HEADER + _OLD_HEADER:
        return ()
    said, _, start, size = struct.unpack_from("<IIII", header, 2)
    if size == _OLD_HEADER:
        width, height, _, bits = struct.unpack_from("<HHHH", header, 18)
        packing = stored = 0
    elif len(header) >= _FILE_HEADER + 24:
        width, height, _, bits, packing, stored = struct.unpack_from("<iiHHII", header, 18)
    else:
        return ()
    if start < _FILE_HEADER + size:
        return ()
    if packing in _RUN_LENGTHS:
        return tuple(length for length in (start + stored if stored else 0, said) if length)
    if packing not in _UNPACKED or not bits:
        return ()
    pixels = start + (abs(width) * bits + 31) // 32 * 4 * abs(height)
    has_more = pixels < said <= pixels + _MOST_PADDING or (size >= _WITH_PROFILE and said > pixels)
    return (pixels, said) if has_more else (pixels,)
