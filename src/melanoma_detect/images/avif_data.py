"""Damage to the data of an AVIF image, which its decoder passes over without a word.

AVIF has no checksums. After a changed bit the arithmetic decoder of AV1 reads on out of step: it makes some image, and needs
more bytes than there are, or fewer.
"""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from PIL import AvifImagePlugin

from melanoma_detect.images.webp import check_needed

_META, _PRIMARY, _PLACES, _MOVIE = b"meta", b"pitm", b"iloc", b"moov"
_WIDE_BOX = 16
_MAX_BOXES = 1000
_TILES, _FRAME = 4, 6  # the kinds of OBU (open bitstream unit) that hold pixels
_HAS_SIZE, _HAS_EXTENSION, _KIND = 0x02, 0x04, 0x0F
# What a decoder does not find it takes for zeros, and complains where that are more than 15 bits: without the last 8 bytes one
# whole image in some thousands is decoded by chance, and without the last 16 and 24 as well none of 131,000.
_UNUSED = (8, 16, 24)
_SMALLEST = 64


def check_avif_data(file: BinaryIO) -> None:
    """Raise ValueError where an image's decoder stops before the end of its data, which shows that they were damaged.

    A decoder that needs more bytes than there are says so itself. That it needs fewer is found by decoding the image without
    its last bytes, which must fail; it takes as long as decoding the image. Of a frame in several tiles this is told of the
    last one, and of an image that is put together from several, or of an animation, it is not told. The format is that of
    ISO/IEC 23008-12 (boxes) and of the AV1 specification, section 5.3 (units).

    Args:
        file: The open file; its position changes.

    Raises:
        ValueError: The image can be decoded without its last bytes.

    Examples:
        >>> import io
        >>> check_avif_data(io.BytesIO(b"no boxes"))
    """
    file.seek(0)
    content = file.read()
    found = _find_data(content)
    if found is None:
        return
    check_needed(AvifImagePlugin.AvifImageFile, (_shorten(content, *found, unused) for unused in _UNUSED))


class _Box(NamedTuple):
    kind: bytes
    start: int
    end: int


class _Item(NamedTuple):
    """Where the data of an item, or of a unit in it, are, and where their length is written, in how many bytes."""

    start: int
    length: int
    place: int
    width: int


def _find_data(content: bytes) -> tuple[_Item, _Item] | None:
    """Return a still image's item and the last unit in it; None for any other file, or a damaged or tiny one."""
    try:
        boxes = {box.kind: box for box in _boxes(content, 0, len(content))}
        if _MOVIE in boxes:
            return None
        meta = boxes[_META]
        inner = {box.kind: box for box in _boxes(content, meta.start + 4, meta.end)}
        item = _find_item(content, inner[_PLACES], _primary(content, inner[_PRIMARY]))
        unit = None if item is None else _last_unit(content, item.start, item.start + item.length)
    except (KeyError, IndexError):
        return None
    return (item, unit) if item and unit and unit.length >= _SMALLEST else None


def _shorten(content: bytes, item: _Item, unit: _Item, unused: int) -> bytes:
    """Return a file in which an item and the last unit in it are said to end earlier."""
    made = bytearray(content)
    if unit.width:
        made[unit.place : unit.place + unit.width] = _leb128(unit.length - unused, unit.width)
    made[item.place : item.place + item.width] = (item.length - unused).to_bytes(item.width, "big")
    return bytes(made)


def _boxes(content: bytes, place: int, end: int) -> Iterator[_Box]:
    for _ in range(_MAX_BOXES):
        if place + 8 > end:
            return
        size, start = int.from_bytes(content[place : place + 4], "big"), place + 8
        if size == 1:
            size, start = int.from_bytes(content[place + 8 : place + _WIDE_BOX], "big"), place + _WIDE_BOX
        stop = place + size if size else end
        if stop < start or stop > end:
            return
        yield _Box(content[place + 4 : place + 8], start, stop)
        place = stop


def _primary(content: bytes, box: _Box) -> int:
    """Return the number of the item that is the image."""
    width = 4 if content[box.start] else 2
    return int.from_bytes(content[box.start + 4 : box.start + 4 + width], "big")


def _find_item(content: bytes, box: _Box, wanted: int) -> _Item | None:
    """Return an item whose data are in one piece of the file."""
    version, place = content[box.start], box.start + 4

    def number(width: int) -> int:
        nonlocal place
        place += width
        return int.from_bytes(content[place - width : place], "big")

    widths = number(2)
    offset_width, length_width, base_width = widths >> 12 & 15, widths >> 8 & 15, widths >> 4 & 15
    index_width = widths & 15 if version in (1, 2) else 0
    id_width = 4 if version == 2 else 2
    for _ in range(number(id_width)):
        found = number(id_width)
        way = number(2) & 15 if version in (1, 2) else 0
        number(2)
        base, pieces = number(base_width), number(2)
        if place >= box.end:
            return None
        if found == wanted:
            number(index_width)
            start = base + number(offset_width)
            length = number(length_width)
            is_plain = way == 0 and pieces == 1 and length_width > 0 and start + length <= len(content)
            return _Item(start, length, place - length_width, length_width) if is_plain else None
        place += pieces * (index_width + offset_width + length_width)
    return None


def _last_unit(content: bytes, place: int, end: int) -> _Item | None:
    """Return the last unit of an AV1 image if it holds pixels; its length is an LEB128 number, or that of all that is left."""
    last = None
    for _ in range(_MAX_BOXES):
        if place >= end:
            break
        head = content[place]
        place += 2 if head & _HAS_EXTENSION else 1
        size, width = end - place, 0
        if head & _HAS_SIZE:
            size, width = _read_leb128(content, place)
        start = place + width
        if start + size > end:
            return None
        last = _Item(start, size, place, width) if head >> 3 & _KIND in (_TILES, _FRAME) else None
        place = start + size
    return last


def _read_leb128(content: bytes, place: int) -> tuple[int, int]:
    """Return a number of 7 bits a byte, the lowest first, and its bytes."""
    value = 0
    for width in range(8):
        byte = content[place + width]
        value |= (byte & 0x7F) << (7 * width)
        if not byte & 0x80:
            return value, width + 1
    return value, 8


def _leb128(value: int, width: int) -> bytes:
    """Return a number in so many bytes, of which the last may be zeros."""
    parts = [value >> (7 * position) & 0x7F for position in range(width)]
    return bytes([*(part | 0x80 for part in parts[:-1]), parts[-1]])
