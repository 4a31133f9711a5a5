"""Run-length encoded BMP files: small ones are read, huge ones are refused before they take minutes."""

import struct
import time

import numpy as np
import pytest

from melanoma_detect.errors import ImageError
from melanoma_detect.images.bmp import MAX_PACKED
from melanoma_detect.images.reader import read_pixels, read_size


def packed_bmp(width, height, rows, bits=8):
    """Return a run-length encoded BMP of two colours, red and blue."""
    palette = b"\0\0\xff\0" + b"\xff\0\0\0" + bytes(4 * (2**bits - 2))
    start = 14 + 40 + len(palette)
    head = b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start)
    return (
        head
        + struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 3 - bits // 4, len(rows), 0, 0, 0, 0)
        + palette
        + rows
    )


def test_a_small_one_is_read():
    pixels = read_pixels(packed_bmp(4, 2, b"\2\0\2\1\0\0\4\1\0\0\0\1"))
    np.testing.assert_array_equal(pixels[:, :, 0], [[0, 0, 0, 0], [255, 255, 0, 0]])  # the last row comes first
    np.testing.assert_array_equal(pixels[:, :, 2], 255 - pixels[:, :, 0])


@pytest.mark.parametrize("bits", [4, 8])
def test_a_huge_one_of_few_bytes_is_refused(bits, tmp_path):
    path = tmp_path / "a.bmp"
    path.write_bytes(packed_bmp(65535, 3000, b"\2\1\0\0" * 3000 + b"\0\1", bits))
    start = time.perf_counter()
    for read in (read_pixels, read_size):
        with pytest.raises(ImageError, match=r"a\.bmp: a run-length encoded BMP of 65535×3000 pixels"):
            read(path)
    assert time.perf_counter() - start < 5


def test_the_largest_takes_seconds():
    side = int(MAX_PACKED**0.5)
    start = time.process_time()
    assert read_pixels(packed_bmp(side, side, b"\1\1\0\0" * side + b"\0\1"), (32, 32)).shape == (32, 32, 3)
    assert time.process_time() - start < 10
