"""Limits for DICOM files that are made to take hours or gigabytes: elements, packed data, and what decoding takes."""

from typing import Any, BinaryIO

from melanoma_detect.images.memory import image_bytes

# Each element takes a read or more. The functional groups of a film of 10,000 frames stay below.
MAX_READS = 1_000_000
_PACKED_SHARE = 4  # of what an image may take: the packed bytes stay in memory while the pixels are decoded
# The literal runs of the clumsiest encoder double the data; the fullest repeat makes 128 bytes of 2.
_LARGEST_RLE = 2
_RLE_HEADER = 4096
_OPENJPEG = 4  # bytes a sample within the decoder


class LimitedReads:
    """A file for the time in which its header is read: it raises an error after a million reads.

    Args:
        file: The open file.

    Examples:
        >>> import io
        >>> LimitedReads(io.BytesIO(b"DICM")).read(4)
        b'DICM'
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, MAX_READS

    def read(self, size: int = -1) -> bytes:
        """Read bytes.

        Args:
            size: How many.

        Returns:
            The bytes.

        Raises:
            ValueError: The file has been read from too often.
        """
        self._left -= 1
        if self._left < 0:
            raise ValueError(f"a header that takes more than {MAX_READS:,} reads; expected one of a photograph")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a position.

        Args:
            offset: Of the position.
            whence: As for Python's files.

        Returns:
            The position.
        """
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the position.

        Returns:
            In bytes from the beginning.
        """
        return self._file.tell()


def packed_limit() -> int:
    """Return how many bytes a deflated file may have unpacked: a few kilobytes may stand for any number.

    Returns:
        A quarter of what an image may take.

    Examples:
        >>> packed_limit() // 2**20
        256
    """
    return image_bytes() // _PACKED_SHARE


def check_rle(length: int, dataset: Any) -> None:
    """Raise ValueError for run-length encoded data that are far longer than the pixels that they stand for.

    Args:
        length: Of the data of one frame, in bytes.
        dataset: The header.

    Raises:
        ValueError: They are.

    Examples:
        >>> from types import SimpleNamespace
        >>> check_rle(9, SimpleNamespace(Rows=3, Columns=3, SamplesPerPixel=1, BitsAllocated=8))
    """
    expected = int(dataset.Rows) * int(dataset.Columns) * _sample_bytes(dataset)
    if length > _LARGEST_RLE * expected + _RLE_HEADER:
        raise ValueError(f"{length:,} bytes of run-length encoded data for an image of {expected:,} bytes")


def decoded_bytes(dataset: Any, *, is_jpeg_2000: bool) -> int:
    """Return how many bytes a frame takes at its peak while it is decoded.

    Args:
        dataset: The header.
        is_jpeg_2000: Whether it is compressed so; its decoder holds 4 bytes for each sample.

    Returns:
        The stored values, those that are decoded from them, and the image of 8 bits.

    Examples:
        >>> from types import SimpleNamespace
        >>> grey = SimpleNamespace(Rows=100, Columns=100, SamplesPerPixel=1, BitsAllocated=16)
        >>> decoded_bytes(grey, is_jpeg_2000=False)
        80000
    """
    samples = int(dataset.SamplesPerPixel)
    pixel = 2 * _sample_bytes(dataset) + 4 + samples * _OPENJPEG * is_jpeg_2000
    return int(dataset.Rows) * int(dataset.Columns) * pixel


def _sample_bytes(dataset: Any) -> int:
    return int(dataset.SamplesPerPixel) * -(-int(dataset.BitsAllocated) // 8)
