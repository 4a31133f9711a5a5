"""Decoded images in a file: whole or absent, and safe from those who cut it."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from melanoma_detect.errors import OutputError
from melanoma_detect.images import pixel_file
from melanoma_detect.images.pixel_file import map_pixels
from melanoma_detect.utils.files import cache_folder

SHAPE = (5, 40, 30, 3)
IMAGES = np.arange(np.prod(SHAPE), dtype=np.uint32).astype(np.uint8).reshape(SHAPE)
DIGESTS = list("abcde")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("MELANOMA_DETECT_CACHE", str(tmp_path))


def mapped(decoded=None):
    def decode(keep):
        if decoded is not None:
            decoded.append(1)
        for index in reversed(range(len(IMAGES))):
            keep(index, IMAGES[index])

    return map_pixels(DIGESTS, SHAPE, "squash", decode)


def files():
    return sorted(path for path in cache_folder("decoded").iterdir())


def test_images_are_decoded_once_and_read_again():
    decoded = []
    first, second = mapped(decoded), mapped(decoded)
    assert np.array_equal(first, IMAGES)
    assert np.array_equal(second, IMAGES)
    assert len(decoded) == 1
    assert len(files()) == 1


def test_the_file_is_an_array_of_numpy():
    mapped()
    assert np.array_equal(np.load(files()[0]), IMAGES)


@pytest.mark.parametrize("damage", [lambda path: os.truncate(path, 5000), lambda path: path.write_bytes(b"x" * 20000)])
def test_a_file_that_is_cut_or_another_is_written_anew(damage):
    decoded = []
    mapped(decoded)
    damage(files()[0])
    assert np.array_equal(mapped(decoded), IMAGES)
    assert len(decoded) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cuts no file that is mapped")
def test_a_file_that_is_cut_while_it_is_used_changes_nothing():
    code = """
    import os, sys
    sys.path.insert(0, sys.argv[1])
    from test_pixel_file import IMAGES, files, mapped
    pixels = mapped()
    os.truncate(files()[0], 0)
    print((pixels == IMAGES).all())
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


def test_without_room_for_a_copy_the_file_gives_up_its_name(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pixel_file, "_copy", full)
    assert np.array_equal(mapped(), IMAGES)
    assert files() == []


def test_a_file_system_that_shares_no_blocks_copies_them(monkeypatch):
    def unable(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "copy_file_range", unable, raising=False)
    assert np.array_equal(mapped(), IMAGES)


def test_a_file_that_is_cut_while_it_is_copied_is_an_error(monkeypatch):
    whole = pixel_file._is_whole

    def cut_after_the_check(path, shape):
        found = whole(path, shape)
        if found:
            os.truncate(path, 5000)
        return found

    mapped()
    monkeypatch.setattr(pixel_file, "_is_whole", cut_after_the_check)
    with pytest.raises(OutputError, match="was cut"):
        mapped()


def test_a_failed_decoding_leaves_nothing():
    def fail(keep):
        keep(0, IMAGES[0])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        map_pixels(DIGESTS, SHAPE, "squash", fail)
    assert files() == []
