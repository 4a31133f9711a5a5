"""The size in the header of a WebP file is that of its image."""

import io

import pytest
from PIL import Image

from melanoma_detect.errors import ImageError
from melanoma_detect.images.reader import read_pixels
from melanoma_detect.images.webp import webp_size


def saved(size, mode="RGB", **options):
    file = io.BytesIO()
    Image.new(mode, size, "red").save(file, "WEBP", **options)
    return file.getvalue()


@pytest.mark.parametrize("size", [(1, 1), (300, 20), (20, 300), (16_383, 1)])
@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"mode": "RGBA"}, {"exif": b"Exif\0\0MM"}], ids=str)
def test_the_size(size, options):
    content = saved(size, **options)
    assert webp_size(content[:132]) == size


def test_damaged_headers():
    content = saved((9, 9))
    assert [webp_size(content[:length]) for length in range(30)] == [None] * 30
    assert webp_size(content[:12] + b"ALPH" + content[16:]) is None


def test_a_canvas_that_is_too_large_is_refused_before_it_is_made():
    content = bytearray(saved((9, 9), exif=b"Exif\0\0MM"))
    content[24:30] = b"\xfe\x3f\0\xff\x1f\0"
    with pytest.raises(ImageError, match="16383×8192 pixels would take"):
        read_pixels(bytes(content))
