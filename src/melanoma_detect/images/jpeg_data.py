"""Damage to the data of a JPEG image, which its decoder passes over without a word.

JPEG has no checksums. After a changed bit the decoder reads on out of step: it makes some image, and needs more bytes than
there are, or fewer. libjpeg warns of either, and Pillow drops the warning. Seen from outside, the decoder is done before it has
got the last bytes of the data, or not even when it has got some more.
"""

import re
from typing import BinaryIO

from PIL import Image

from melanoma_detect.images.jpeg import SCAN, segments

_SEQUENTIAL = (0xC0, 0xC1)  # of others, the pixels are written when all scans have been read
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_END = re.compile(rb"\xff\xd9")  # finds two bytes in a third of the time that bytes.find takes
# Some encoders write a few bytes too many, or fill the data up. The decoder reads up to 8 bytes ahead.
_UNUSED, _FILLING, _MORE = 8, b"\0\xff", bytes(16)
_PART = 4096
# What a download or a disk leaves where the rest of a file should be: to the decoder zeros are data, of flat grey or colour.
_LOST = bytes(16)


class CheckedData:
    """A JPEG file that its decoder reads, and that sees how much of it the decoder asks for.

    The decoder gets all but the last bytes of the data, then the last ones and some zeros, then the rest of the file.

    Args:
        file: The file.
        needed: Where the last bytes start, which the decoder must need.
        end: Where the data end.
    """

    def __init__(self, file: BinaryIO, needed: int, end: int) -> None:
        self._file, self._needed, self._end = file, needed, end
        self._got_all = self._got_more = False

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes for the decoder.

        Args:
            size: At most so many; all that are left where it is negative.

        Returns:
            The bytes; none at the end of the file.
        """
        place = self._file.tell()
        if place < self._needed:
            most = self._needed - place
            return self._file.read(most if size < 0 else min(size, most))
        if not self._got_all:
            self._got_all = True
            return self._file.read(self._end - place) + _MORE
        self._got_more = True
        return self._file.read(size)

    def seek(self, place: int) -> int:
        """Go to a place in the file.

        Args:
            place: From its start.

        Returns:
            The place.
        """
        return self._file.seek(place)

    def tell(self) -> int:
        """Return the place in the file."""
        return self._file.tell()

    def close(self) -> None:
        """Leave the file open: whoever opened it closes it."""

    def check(self) -> None:
        """Raise ValueError where the decoder did not need all data, or needed more; call it when the image is decoded.

        Raises:
            ValueError: The data were damaged.
        """
        if not self._got_all:
            raise ValueError("its data go on behind the end of the image: bytes were changed on the way")
        if self._got_more:
            raise ValueError("its data end before the image does: bytes were lost or changed on the way")


def check_while_decoding(image: Image.Image) -> CheckedData | None:
    """Let a JPEG image be decoded from a file that sees whether its data are damaged.

    Args:
        image: The PIL image, opened from a file and not decoded.

    Returns:
        What tells it after decoding; None for a progressive image, or one that is not whole, of which it cannot be told.

    Raises:
        ValueError: The file ends in zeros in place of data.

    Examples:
        >>> with open(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg", "rb") as file:
        ...     image = Image.open(file, formats=["JPEG"])
        ...     checked = check_while_decoding(image)
        ...     _ = image.load()
        ...     checked.check()
    """
    file: BinaryIO = image.fp  # type: ignore[attr-defined]
    place = file.tell()
    ends = _ends_of_data(file)
    file.seek(place)
    if ends is None:
        return None
    checked = CheckedData(file, *ends)
    image.fp = checked  # type: ignore[attr-defined]
    return checked


def _ends_of_data(file: BinaryIO) -> tuple[int, int] | None:
    """Return where the last bytes of the data of a sequential image of one scan start, and end; None for other images.

    Raises:
        ValueError: The file ends in zeros in place of data.
    """
    file.seek(0)
    content = file.read()
    channels = b""
    for marker, place in segments(content):
        if marker in _FRAMES:
            channels = content[place + 9 : place + 10] if marker in _SEQUENTIAL else b""
        if marker == SCAN:
            start = place + 2 + int.from_bytes(content[place + 2 : place + 4], "big")
            found = _END.search(content, start)
            end = found.start() if found else 0
            if not found and content.endswith(_LOST):
                raise ValueError("it ends in zeros, without the mark of its end: the rest of the file was lost")
            needed = _without_filling(content, start, end) - _UNUSED
            # All channels in one scan: then nothing but restarts comes between the start of the data and the end of the image.
            is_alone = channels != b"" and channels == content[place + 4 : place + 5]
            return (needed, end) if is_alone and end > needed > start else None
    return None


def _without_filling(content: bytes, start: int, end: int) -> int:
    """Return where data end that an encoder has filled up: a few bytes at a time, as copying all of them takes longer."""
    while end > start:
        first = max(start, end - _PART)
        if tail := content[first:end].rstrip(_FILLING):
            return first + len(tail)
        end = first
    return end
