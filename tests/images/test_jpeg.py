"""JPEG files with more scans than an encoder writes are refused; all others are read."""

import io
import time

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import ImageError
from melanoma_detect.images import jpeg
from melanoma_detect.images.memory import BYTES_VARIABLE
from melanoma_detect.images.reader import read_pixels

LESION = Image.fromarray(md.draw_lesion("melanoma", seed=5, size=128).pixels)


def saved(image=LESION, **options):
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def with_scans(content, count):
    """Return a progressive JPEG whose last scan comes so many times more."""
    last, end = content.rindex(b"\xff\xda"), content.rindex(b"\xff\xd9")
    return content[:end] + content[last:end] * count + content[end:]


def test_scans_are_counted():
    for options, low, high in (({}, 1, 1), ({"progressive": True}, 8, 12)):
        content = saved(**options)
        assert low <= jpeg.count_scans(content) == jpeg._count(io.BytesIO(content)) <= high
        assert jpeg.count_scans(with_scans(content, 5)) == jpeg.count_scans(content) + 5


def test_many_scans_are_refused_at_once():
    content = with_scans(saved(progressive=True), 3000)
    started = time.monotonic()
    with pytest.raises(ImageError, match=r"30\d\d scans and 128×128 pixels"):
        read_pixels(content)
    assert time.monotonic() - started < 1
    assert read_pixels(with_scans(saved(progressive=True), 80)).shape == (128, 128, 3)


def test_the_scans_of_a_large_image_count_more(monkeypatch):
    monkeypatch.setattr(jpeg, "MAX_WORK", 20 * 128 * 128)
    assert read_pixels(saved(progressive=True)).shape == (128, 128, 3)
    with pytest.raises(ImageError, match="expected at most 20 scans"):
        read_pixels(with_scans(saved(progressive=True), 20))


def test_scans_of_thumbnails_and_of_further_images_do_not_count(monkeypatch):
    monkeypatch.setattr(jpeg, "MAX_SCANS", 2)
    thumbnails = b"Exif\0\0" + saved(LESION.resize((8, 8))) * 20
    content = saved(exif=thumbnails) + saved(progressive=True) * 20
    assert (read_pixels(content) == read_pixels(saved())).all()


def test_a_scan_marker_across_two_reads_counts(monkeypatch):
    for size in range(2, 40):
        monkeypatch.setattr(jpeg, "_CHUNK", size)
        assert jpeg._count(io.BytesIO(b"x" * 10 + b"\xff\xda" + b"y" * 7 + b"\xff\xda")) == 2


def test_the_coefficients_of_a_progressive_image_take_memory(monkeypatch):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (500, 500, 3), np.uint8))
    plain, fine, coarse = (
        saved(noise, **options)
        for options in ({}, {"progressive": True, "subsampling": 0}, {"progressive": True, "subsampling": 2})
    )
    monkeypatch.setenv(BYTES_VARIABLE, str(4 * 500 * 500))
    for content in (plain, coarse):
        assert read_pixels(content, (20, 20)).shape == (20, 20, 3)
    with pytest.raises(ImageError, match="of memory"):
        read_pixels(fine, (20, 20))
