"""Parallel decoding, and the cache of decoded images."""

import numpy as np
import pytest

from melanoma_detect.errors import ImageError
from melanoma_detect.images.pixel_cache import PixelCache, decode_all
from melanoma_detect.images.reader import read_pixels


def test_decode_all_gives_the_pixels_of_read_pixels(lesions):
    paths = sorted((lesions / "Test").rglob("*.jpg"))
    pixels = decode_all(paths, (40, 30))
    for index in (0, 7, -1):
        np.testing.assert_array_equal(pixels[index], read_pixels(paths[index], (40, 30)))


def test_a_truncated_image_is_named(lesions, tmp_path):
    good = next((lesions / "Test").rglob("*.jpg"))
    (tmp_path / "half.jpg").write_bytes(good.read_bytes()[:300])
    with pytest.raises(ImageError, match=r"half\.jpg"):
        decode_all([good, tmp_path / "half.jpg"], (32, 32))


def test_rows_are_found_without_a_copy(lesions):
    paths = sorted((lesions / "Train" / "nevus").iterdir())[:5]
    names, cache = [path.name for path in paths], PixelCache()
    cache.pixels(names[:4], paths[:4], (32, 32), "squash")
    chosen = [2, 0]
    pixels, rows = cache.find_rows([names[i] for i in chosen], [paths[i] for i in chosen], (32, 32), "squash")
    assert rows.tolist() == chosen
    assert np.shares_memory(pixels, cache.pixels(names[:4], paths[:4], (32, 32), "squash"))
    more, rows = cache.find_rows(names[3:], paths[3:], (32, 32), "squash")  # from two arrays
    assert np.array_equal(more[rows], [read_pixels(path, (32, 32)) for path in paths[3:]])
