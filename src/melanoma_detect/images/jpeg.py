"""JPEG files that are made to keep a decoder busy: a progressive image is gone over once for each of its scans."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from PIL import Image

from melanoma_detect.errors import ImageError
from melanoma_detect.images.memory import check_bytes, coefficient_bytes

MAX_SCANS = 100  # encoders write up to some twenty
MAX_WORK = 4_000_000_000  # scans times pixels: some 15 seconds
_CHUNK = 2**20
SCAN, _END = 0xDA, 0xD9  # the second byte of a marker
_MARK_OF_SCAN = re.compile(rb"\xff\xda")  # counts in a third of the time that bytes.count takes
_ALONE = frozenset({0x01, *range(0xD0, 0xDA)})  # markers without a length


def check_jpeg(image: Image.Image, file: BinaryIO, name: str) -> None:
    """Raise ImageError for a JPEG file of too many scans, or whose coefficients would take too much memory.

    Args:
        image: The PIL image, of which only the header has been read.
        file: The open file; its position stays.
        name: The image's name, for the message.

    Raises:
        ImageError: It has too many scans for its size, or would take too much memory.

    Examples:
        >>> with open(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg", "rb") as file:
        ...     check_jpeg(Image.open(file, formats=["JPEG"]), file, "melanoma_5000.jpg")
    """
    place = file.tell()
    try:
        scans = _count(file)
        if scans > 2 * MAX_SCANS or scans * image.width * image.height > MAX_WORK:
            file.seek(0)  # a thumbnail, or a second image after the first, has scans too
            scans = count_scans(file.read())
    finally:
        file.seek(place)
    pixels = image.width * image.height
    if scans > MAX_SCANS or scans * pixels > MAX_WORK:
        raise ImageError(
            f"{name}: a JPEG of {scans} scans and {image.width}×{image.height} pixels, which would take very long; expected at "
            f"most {max(1, min(MAX_SCANS, MAX_WORK // max(1, pixels)))} scans: save it again, or remove it"
        )
    if scans > 1:
        check_bytes(round(pixels * coefficient_bytes(image)), image.size, name)


def count_scans(content: bytes) -> int:
    """Return the number of scans of the first image in a file.

    Args:
        content: The bytes of a JPEG or JPEG-LS file.

    Returns:
        How often its pixels are gone over; 0 for a file of another format.

    Examples:
        >>> count_scans((isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").read_bytes())
        1
    """
    return sum(marker == SCAN for marker, _ in segments(content)) if content.startswith(b"\xff\xd8") else 0


def segments(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield the segments of a JPEG file up to the end of its first image; what lies between them is passed over.

    Args:
        content: The bytes of a file.

    Yields:
        The second byte of a segment's marker, and where the marker stands; markers without a length are left out.

    Examples:
        >>> [hex(marker) for marker, _ in segments(bytes.fromhex("ffd8 ffe0 0004 0000 ffda 0002 12 ffd9"))]
        ['0xe0', '0xda']
    """
    place = 2
    while 0 <= (place := content.find(b"\xff", place)) < len(content) - 1:
        marker = content[place + 1]
        if marker == _END:
            return
        if marker in (0x00, 0xFF) or marker in _ALONE:
            place += 1 if marker == 0xFF else 2
            continue
        yield marker, place
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")


def _count(file: BinaryIO) -> int:
    """Return how often the marker of a scan stands in a file: at least as often as its image has scans."""
    file.seek(0)
    count, last = 0, b""
    while chunk := file.read(_CHUNK):
        count += len(_MARK_OF_SCAN.findall(last + chunk))
        last = chunk[-1:]
    return count
