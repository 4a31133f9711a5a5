"""Whether a file is as long as it says: bytes that were lost or added on the way shift all that follows.

WebP, BMP, TIFF, GIF, AVIF and HEIF have no checksums. A decoder makes some image of a shifted file too, which may look like
another lesion. PNG has checksums; of JPEG, only a decoder can tell what belongs to the image.
"""

import os
from collections.abc import Callable
from typing import BinaryIO

from melanoma_detect.images.bmp import bmp_lengths
from melanoma_detect.images.tags import tiff_length

MAX_CHUNKS = (
    200_000  # of a PNG file: encoders write one for 8 KiB or more, Pillow takes microseconds for each; boxes are fewer
)
_MAX_BLOCKS = 2_000_000  # of a GIF file: 500 MB of full ones
_PNG_START, _RIFF_HEADER, _GIF_HEADER = 8, 12, 13
_END = b"IEND"
_TABLE, _EXTENSION, _FRAME, _TRAILER = 0x80, 0x21, 0x2C, 0x3B
_WIDE_BOX = 16
_MOST_PADDING = 3  # bytes behind a TIFF image


def check_length(kind: str, file: BinaryIO) -> None:
    r"""Raise ValueError where a file has other bytes than its own headers say.

    Args:
        kind: The format, such as `"WEBP"`; of `"JPEG"` and others nothing is checked.
        file: The open file; its position changes.

    Raises:
        ValueError: Bytes are missing or were added; or a PNG file has an absurd number of chunks.

    Examples:
        >>> import io
        >>> check_length("GIF", io.BytesIO(b"GIF89a" + bytes(7) + b";"))
    """
    if check := _CHECKS.get(kind):
        length = file.seek(0, os.SEEK_END)
        check(file, length)


def _check_png(file: BinaryIO, length: int) -> None:
    """Count the chunks: a header of a million small ones keeps Pillow busy for seconds."""
    place = _PNG_START
    for _ in range(MAX_CHUNKS):
        head = _read(file, place, 8)
        place += 12 + int.from_bytes(head[:4], "big")
        if len(head) < 8 or head[4:] == _END or place >= length:
            return
    raise ValueError(f"more than {MAX_CHUNKS:,} chunks; expected one for 8 KiB or more: save it again")


def _check_webp(file: BinaryIO, length: int) -> None:
    end = 8 + int.from_bytes(_read(file, 4, 4), "little")
    place = _RIFF_HEADER
    for _ in range(MAX_CHUNKS):
        if not place + 8 <= end <= length:
            break
        size = int.from_bytes(_read(file, place + 4, 4), "little")
        place += 8 + size + size % 2
    # Some programs leave the last byte of padding out. Zeros behind the image may be its own: its data often end with some.
    if place not in (end, end + 1) or length not in (end, place):
        raise _length_error(max(place, end), length)


def _check_bmp(file: BinaryIO, length: int) -> None:
    lengths = bmp_lengths(_read(file, 0, 138))
    if lengths and length not in lengths:
        raise _length_error(lengths[0], length)


def _check_tiff(file: BinaryIO, length: int) -> None:
    used = tiff_length(file)
    if used is not None and length - used > _MOST_PADDING and not _is_padding(file, used, length):
        raise _length_error(used, length)


def _check_gif(file: BinaryIO, length: int) -> None:
    """Follow the blocks to the trailer, which some programs leave out, and behind which nothing may come."""
    header = _read(file, 0, _GIF_HEADER)
    place = _GIF_HEADER + _colour_table(header[10] if len(header) > 10 else 0)
    blocks = 0
    while (mark := _read(file, place, 1)) and mark[0] != _TRAILER:
        blocks += 1
        if mark[0] == _EXTENSION:
            place += 2
        elif mark[0] == _FRAME:
            frame = _read(file, place, 10)
            place += 11 + _colour_table(frame[9] if len(frame) > 9 else 0)  # with the size of the first code
        else:
            raise ValueError("a block of no known kind: bytes were lost or added")
        while (size := _read(file, place, 1)) != b"\0":
            if not size:
                raise _length_error(place + 1, length)
            place += 1 + size[0]
            blocks += 1
            if blocks > _MAX_BLOCKS:
                break
        place += 1
        if blocks > _MAX_BLOCKS:
            raise ValueError(f"more than {_MAX_BLOCKS:,} blocks: save it again")
    if place != length and not (mark and _is_padding(file, place + 1, length)):
        raise _length_error(place + 1, length)


def _check_boxes(file: BinaryIO, length: int) -> None:
    """Follow the boxes of an AVIF or HEIF file, the last of which ends with the file."""
    place = 0
    for _ in range(MAX_CHUNKS):
        if place >= length:
            break
        head = _read(file, place, _WIDE_BOX)
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
            smallest = _WIDE_BOX
        else:
            smallest = 8
        if size == 0 and not any(head[4:8]):  # no box: padding, which must go on to the end
            break
        size = size or length - place  # the last one may leave it out
        if size < smallest:
            break
        place += size
    if place != length and not _is_padding(file, place, length):
        raise _length_error(place, length)


def _colour_table(flags: int) -> int:
    """Return the bytes of a colour table, which the flags of a GIF file or of a frame announce."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & _TABLE else 0


def _is_padding(file: BinaryIO, place: int, length: int) -> bool:
    """Return whether nothing but zeros follows."""
    if place > length:
        return False
    file.seek(place)
    while chunk := file.read(2**20):
        if chunk.strip(b"\0"):
            return False
    return True


def _read(file: BinaryIO, place: int, size: int) -> bytes:
    file.seek(place)
    return file.read(size)


def _length_error(expected: int, found: int) -> ValueError:
    if expected > found:
        return ValueError(f"its headers say {expected:,} bytes, found {found:,}: bytes were lost")
    return ValueError(f"its headers say {expected:,} bytes, found {found:,}: bytes were lost or added on the way")


_CHECKS: dict[str, Callable[[BinaryIO, int], None]] = {
    "PNG": _check_png,
    "WEBP": _check_webp,
    "BMP": _check_bmp,
    "TIFF": _check_tiff,
    "GIF": _check_gif,
    "AVIF": _check_boxes,
    "HEIF": _check_boxes,
}
