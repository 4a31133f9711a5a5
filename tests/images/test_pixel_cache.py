"""Parallel decoding, and the cache of decoded images."""

import numpy as np
import pytest

from melanoma_detect.errors import DataWarning, ImageError, OutputError
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


@pytest.mark.parametrize("memory", [10, None])
def test_images_that_do_not_fit_in_memory_are_the_same(lesions, memory):
    paths = sorted((lesions / "Test").rglob("*.jpg"))[:6]
    names = [path.name for path in paths]
    pixels = PixelCache(memory).pixels(names, paths, (32, 32), "squash")
    assert np.array_equal(pixels, decode_all(paths, (32, 32)))
    assert not pixels.flags.writeable


def test_a_cache_folder_without_room_is_noted_and_the_memory_used(lesions, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MELANOMA_DETECT_CACHE", str(tmp_path / "file"))
    paths = sorted((lesions / "Test").rglob("*.jpg"))[:6]
    cache = PixelCache(memory=10)
    with pytest.warns(DataWarning, match=r"decoded: cannot hold 0 MiB .*; the images are kept in memory"):
        pixels = cache.pixels([path.name for path in paths], paths, (32, 32), "squash")
    assert np.array_equal(pixels, decode_all(paths, (32, 32)))


def test_images_for_which_there_is_no_room_anywhere_are_an_error(lesions, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MELANOMA_DETECT_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr("melanoma_detect.images.pixel_cache._total_memory", lambda: 1000)
    path = next((lesions / "Test").rglob("*.jpg"))
    with pytest.raises(OutputError, match="name a folder on another one by MELANOMA_DETECT_CACHE"):
        PixelCache().pixels(["a"], [path], (32, 32), "squash")
