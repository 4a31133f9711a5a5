"""Tags of TIFF files and of EXIF metadata that stand for far more bytes than there are.

Pillow copies the values of all tags of a directory. In a file of a few megabytes, 65,000 tags may each point to the same
megabytes: terabytes, where an honest file has each byte once.
"""

import io
import os
import re
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from PIL.JpegImagePlugin import MARKER

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_FOLDERS = frozenset({34665, 34853, 40965})  # of EXIF, of a place, of interoperability: directories of their own
_DEPTH = 3
_PARTS = ((273, 279), (324, 325))  # where strips and tiles lie, and their sizes
_PLACES = frozenset(tag for pair in _PARTS for tag in pair)
MAX_PARTS = 200_000  # strips or tiles: of an image of 200 million pixels, tiles of 32×32
# Tags from here on are those of companies; these are public: of Photoshop, IPTC, colour profiles, ImageJ.
_PRIVATE, _KNOWN = 32768, frozenset({33432, 33723, 34377, 34675, 37724, 50838, 50839})
_ALLOWED = 2  # times the bytes there are: two tags may share one value
_SLACK = 2**16
_BEGINNING = re.compile(rb"II\*\0|MM\0\*|II\+\0|MM\0\+")
_MOST_BEGINNINGS = 64
_MOST_ENTRIES = 100_000  # of all directories: one may name itself
_EXIF, _PAGES = b"Exif\0\0", b"MPF\0"
_START, _APP1, _APP2, _SCAN = b"\xff\xd8\xff", 0xE1, 0xE2, 0xDA
_MOST_MARKERS = (
    1_000_000  # of a JPEG file before its pixels, with what lies between: Pillow takes microseconds for each
)


def check_tags(file: BinaryIO | bytes) -> None:
    r"""Raise ValueError where tags stand for more than twice the bytes there are.

    Args:
        file: An open TIFF file, or the bytes of one, or of EXIF metadata with or without their prefix.

    Raises:
        ValueError: They do. What is damaged in another way passes.

    Examples:
        >>> check_tags(b"II*\0" + bytes(8))
    """
    if isinstance(file, bytes):
        file = io.BytesIO(file.removeprefix(_EXIF))
    length = file.seek(0, os.SEEK_END)
    mark = _read(file, 0, 4)
    if not _BEGINNING.match(mark):
        return
    order, wide = ("<" if mark[:2] == b"II" else ">"), b"+" in mark
    total, limit, entries = 0, _ALLOWED * length + _SLACK, 0
    form = f"{order}{'Q' if wide else 'I'}"
    start = _unpack(form, _read(file, 8 if wide else 4, 8))
    for size in _value_sizes(file, length, order, start, wide=wide, depth=_DEPTH):
        total, entries = total + size, entries + 1
        if entries > _MOST_ENTRIES:
            raise ValueError(f"metadata of more than {_MOST_ENTRIES:,} tags; expected those of a photograph")
        if total > limit:
            raise ValueError("metadata whose tags stand for far more bytes than the file has")


def check_jpeg_tags(file: BinaryIO) -> None:
    r"""Raise ValueError where the metadata of a JPEG file do: EXIF, or a list of pages; Pillow reads them when it opens one.

    Args:
        file: The open file.

    Raises:
        ValueError: See `check_tags`; or its header is endless.

    Examples:
        >>> check_jpeg_tags(io.BytesIO(b"\xff\xd8\xff\xd9"))
    """
    exif, pages = [], b""
    for marker, content in _jpeg_segments(file):
        if marker == _APP1 and content.startswith(_EXIF):
            exif.append(content.removeprefix(_EXIF))
        elif marker == _APP2 and content.startswith(_PAGES):
            pages = content.removeprefix(_PAGES)
    check_tags(b"".join(exif))  # Pillow joins what several segments hold
    check_tags(pages)


def check_boxed_tags(file: BinaryIO) -> None:
    """Raise ValueError where the EXIF metadata within an AVIF or HEIF file do, wherever they stand.

    Args:
        file: The open file.

    Raises:
        ValueError: See `check_tags`.

    Examples:
        >>> check_boxed_tags(io.BytesIO(b"no tags"))
    """
    file.seek(0)
    content = file.read()
    for number, found in enumerate(_BEGINNING.finditer(content)):
        if number >= _MOST_BEGINNINGS:
            raise ValueError("metadata that begin very often")
        check_tags(content[found.start() :])


def _jpeg_segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the marker and the content of those segments that may hold tags, where Pillow finds them.

    It passes over whatever lies between segments, and reads on after an end of the image.
    """
    file.seek(len(_START))
    is_marker = True  # whether the byte before was 0xFF
    for _ in range(_MOST_MARKERS):
        if not (byte := file.read(1)):
            return
        if not is_marker or byte[0] in (0x00, 0xFF):
            is_marker = byte[0] == 0xFF
            continue
        _, _, reader = MARKER.get(0xFF00 | byte[0], ("", "", None))
        if byte[0] == _SCAN:
            return
        if reader is not None:
            length = max(0, int.from_bytes(file.read(2), "big") - 2)
            if byte[0] in (_APP1, _APP2):
                yield byte[0], file.read(length)
            else:
                file.seek(length, os.SEEK_CUR)
        is_marker = False
    raise ValueError(f"a header of more than {_MOST_MARKERS:,} markers; expected one of a photograph")


def tiff_length(file: BinaryIO) -> int | None:
    r"""Return how many bytes a TIFF file of one page uses: all that its tags point to.

    Args:
        file: The open file.

    Returns:
        Bytes from the beginning; None for a file of several pages, of a damaged directory, or with tags of its maker's own,
        which may point to bytes that only the maker knows of.

    Raises:
        ValueError: It has more than 200,000 strips or tiles, of which a decoder takes microseconds for each.

    Examples:
        >>> tiff_length(io.BytesIO(b"II*\0" + bytes(8))) is None
        True
    """
    mark = _read(file, 0, 4)
    if not _BEGINNING.match(mark):
        return None
    order, wide = ("<" if mark[:2] == b"II" else ">"), b"+" in mark
    form = f"{order}{'Q' if wide else 'I'}"
    start = _unpack(form, _read(file, 8 if wide else 4, 8))
    entries, end = _entries(file, order, start, wide=wide)
    for entry in entries:
        if entry.tag in _PLACES and entry.number > MAX_PARTS:
            raise ValueError(f"{entry.number:,} strips or tiles; expected at most {MAX_PARTS:,}: save it as PNG")
    if not entries or _unpack(form, _read(file, end, 8)):
        return None
    used = end + struct.calcsize(form)
    values: dict[int, tuple[int, ...]] = {}
    for entry in entries:
        if entry.tag >= _PRIVATE and entry.tag not in _KNOWN:
            return None
        used = max(used, entry.place + entry.size)
        if entry.tag in _PLACES:
            number = {3: "H", 4: "I", 16: "Q"}.get(entry.kind)
            content = _read(file, entry.place, entry.size)
            if number is None or len(content) < entry.size:
                return None
            values[entry.tag] = struct.unpack(f"{order}{entry.number}{number}", content)
    for places, sizes in _PARTS:
        used = max(used, *map(sum, zip(values.get(places, ()), values.get(sizes, ()), strict=False)), 0)
    return used


def _value_sizes(file: BinaryIO, length: int, order: str, start: int, *, wide: bool, depth: int) -> Iterator[int]:
    """Yield the bytes of each value of a directory, and of those within it; 0 for one that needs no place of its own."""
    for entry in _entries(file, order, start, wide=wide)[0]:
        yield max(0, min(entry.size, length - entry.place)) if entry.is_elsewhere else 0
        if entry.tag in _FOLDERS and depth:
            yield from _value_sizes(file, length, order, entry.pointer, wide=wide, depth=depth - 1)


class _Entry(NamedTuple):
    tag: int
    kind: int
    number: int
    size: int
    pointer: int
    place: int
    is_elsewhere: bool


def _entries(file: BinaryIO, order: str, start: int, *, wide: bool) -> tuple[list[_Entry], int]:
    """Return the entries of a directory, and where they end."""
    head, length, inline = (8, 20, 8) if wide else (2, 12, 4)
    form = f"{order}{'Q' if wide else 'I'}"
    count = min(_unpack(f"{order}{'Q' if wide else 'H'}", _read(file, start, head)), _MOST_ENTRIES)
    content = _read(file, start + head, count * length)
    entries = []
    for place in range(0, len(content) - length + 1, length):
        tag, kind = struct.unpack_from(f"{order}HH", content, place)
        (number,) = struct.unpack_from(form, content, place + 4)
        (pointer,) = struct.unpack_from(form, content, place + length - inline)
        size = _SIZES.get(kind, 0) * number
        is_elsewhere = size > inline
        value_place = pointer if is_elsewhere else start + head + place + length - inline
        entries.append(_Entry(tag, kind, number, size, pointer, value_place, is_elsewhere))
    return entries, start + head + count * length


def _read(file: BinaryIO, place: int, size: int) -> bytes:
    try:
        file.seek(place)
    except (OSError, OverflowError, ValueError):
        return b""
    return file.read(size)


def _unpack(form: str, content: bytes) -> int:
    try:
        return int(struct.unpack_from(form, content)[0])
    except struct.error:
        return 0
