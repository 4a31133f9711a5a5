"""Scans kept on disk: an unchanged file is not read again, and nothing stale, damaged or foreign is ever used."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.data import scan, scan_cache, scan_store
from melanoma_detect.data.scan_store import ScanStore
from melanoma_detect.images.pixel_cache import PixelCache
from melanoma_detect.images.reader import StretchedImage

SETTINGS = {"image_size": (32, 32)}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Return an empty cache folder, for files that may have been made just now."""
    monkeypatch.setenv("MELANOMA_DETECT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(scan_store, "_SETTLED", -(10**12))
    return tmp_path / "cache"


@pytest.fixture
def folder(tree):
    root = tree({"Train/melanoma": 6, "Train/nevus": 6, "Test/melanoma": 2, "Test/nevus": 2})
    with Image.open(root / "Train" / "nevus" / "image_007.png") as image:
        image.transpose(Image.Transpose.ROTATE_90).save(root / "Train" / "nevus" / "turned.png")
    return root


@pytest.fixture
def read_files(monkeypatch):
    """Return a list that receives the name of every file that is scanned."""
    names, read = [], scan._read

    def record(image):
        names.append(Path(image).name)
        return read(image)

    monkeypatch.setattr(scan, "_read", record)
    return names


def database(cache):
    return next((cache / "scans").glob("*.sqlite"))


def contents(data):
    return data.records, data.set_aside, data.classes, data.other_files


def test_a_second_load_reads_no_file_and_gives_the_same_dataset(folder, cache, read_files, monkeypatch):
    first = md.load_dataset(folder, **SETTINGS)
    assert len(read_files) == 17
    read_files.clear()
    monkeypatch.setattr(scan_cache, "find_near_duplicates", None)  # calling it would fail
    second = md.load_dataset(folder, **SETTINGS)
    assert read_files == []
    assert contents(second) == contents(first)
    assert np.array_equal(second.train.pixels(), first.train.pixels())


def test_a_stored_scan_is_the_scan(lesions, cache, tmp_path):
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "EOS"
    camera, even, deep = tmp_path / "camera.jpg", tmp_path / "even.webp", tmp_path / "deep.tiff"
    Image.fromarray(md.draw_lesion("nevus", seed=1, size=700).pixels[:500]).save(camera, exif=exif)
    Image.new("RGB", (80, 60), "red").save(even)
    Image.fromarray(md.draw_lesion("nevus", seed=2, size=64).pixels).save(deep)
    files = [camera, even, deep, StretchedImage(deep, 4 / 3), *sorted((lesions / "Test" / "nevus").iterdir())]
    first, second = (scan_cache.scan_files(files, (32, 32), "squash", PixelCache()) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert replace(one, fingerprint=None) == replace(other, fingerprint=None)
        for own, stored in zip(one.fingerprint or (), other.fingerprint or (), strict=True):
            assert np.array_equal(own, stored)
    assert second[0].header == (500, 700, "JPEG", "Canon EOS", first[0].header.quantisation)
    assert second[1].fingerprint is None
    assert second[1].header.format == "WEBP"
    assert second[2].fingerprint.hex != second[3].fingerprint.hex, "one file, with and without stretching"


def test_only_changed_new_and_renamed_files_are_read(folder, cache, read_files):
    md.load_dataset(folder, **SETTINGS)
    read_files.clear()
    nevi = folder / "Train" / "nevus"
    Image.fromarray(md.draw_lesion("nevus", seed=99, size=40).pixels).save(nevi / "image_008.png")
    Image.fromarray(md.draw_lesion("nevus", seed=98, size=40).pixels).save(nevi / "new.png")
    (nevi / "image_009.png").rename(nevi / "renamed.png")
    (nevi / "image_010.png").unlink()
    data = md.load_dataset(folder, **SETTINGS)
    assert sorted(read_files) == ["image_008.png", "new.png", "renamed.png"]
    assert contents(data) == contents(without_store(folder))


def without_store(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan_store, "_SETTLED", 10**15)  # nothing is old enough to be kept
        patch.setenv("MELANOMA_DETECT_CACHE", str(folder.parent / "other cache"))
        return md.load_dataset(folder, **SETTINGS)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no time of change that cannot be set")
def test_the_same_size_and_a_restored_time_do_not_hide_a_change(tmp_path, cache):
    path = tmp_path / "image.bmp"
    Image.new("RGB", (8, 8), "red").save(path)
    before, times = path.stat(), (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    first = scan_cache.scan_files([path], (8, 8), "squash", PixelCache())
    Image.new("RGB", (8, 8), "blue").save(path)
    os.utime(path, ns=times)
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    second = scan_cache.scan_files([path], (8, 8), "squash", PixelCache())
    assert first[0].digest != second[0].digest == scan.digest(path)


def test_a_file_that_was_changed_just_now_is_not_kept(folder, cache, read_files, monkeypatch):
    monkeypatch.setattr(scan_store, "_SETTLED", 2 * 10**9)
    md.load_dataset(folder, **SETTINGS)
    md.load_dataset(folder, **SETTINGS)
    assert len(read_files) == 2 * 17


def test_another_size_has_scans_of_its_own(tmp_path, cache, read_files):
    path = tmp_path / "photo.jpg"
    Image.fromarray(md.draw_lesion("nevus", seed=1, size=1000).pixels).save(path)
    sizes = [(64, 64), (300, 300)]
    first = [scan_cache.scan_files([path], size, "squash", PixelCache())[0] for size in sizes]
    assert len(read_files) == 2, "a JPEG is decoded at a scale that fits the size"
    second = [scan_cache.scan_files([path], size, "squash", PixelCache())[0] for size in sizes]
    assert len(read_files) == 2
    assert [one.fingerprint.hex for one in first] == [one.fingerprint.hex for one in second]


@pytest.mark.filterwarnings("ignore::melanoma_detect.errors.DataWarning")
def test_unreadable_files_are_tried_again(folder, cache, read_files):
    (folder / "Train" / "nevus" / "half.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    first = md.load_dataset(folder, **SETTINGS)
    read_files.clear()
    second = md.load_dataset(folder, **SETTINGS)
    assert read_files == ["half.png"]
    assert [entry.reason for entry in second.set_aside] == [entry.reason for entry in first.set_aside]


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + bytes(5000)])
def test_a_damaged_database_is_replaced(folder, cache, read_files, content):
    expected = contents(md.load_dataset(folder, **SETTINGS))
    database(cache).write_bytes(content)
    for _ in range(3):
        assert contents(md.load_dataset(folder, **SETTINGS)) == expected
    read_files.clear()
    md.load_dataset(folder, **SETTINGS)
    assert read_files == []


def test_damaged_and_exchanged_rows_are_not_used(folder, cache, read_files):
    expected = contents(md.load_dataset(folder, **SETTINGS))
    read_files.clear()
    connection = sqlite3.connect(database(cache))
    with connection:
        (first, one), (second, other), (third, damaged), (fourth, _) = connection.execute(
            "SELECT path, scan FROM scans LIMIT 4"
        )
        damaged = damaged[:-1] + bytes([damaged[-1] ^ 1])
        changes = [(other, first), (one, second), (damaged, third), (b"", fourth)]
        connection.executemany("UPDATE scans SET scan = ? WHERE path = ?", changes)
        connection.execute("UPDATE pairs SET pairs = ?", (bytes(20),))
    connection.close()
    assert contents(md.load_dataset(folder, **SETTINGS)) == expected
    assert len(read_files) == 4


def test_a_database_of_another_program_is_left_alone(folder, cache):
    (cache / "scans").mkdir(parents=True)
    expected = contents(without_store(folder))
    connection = sqlite3.connect(cache / "scans" / f"scans-{scan_store._SCHEMA}.sqlite")
    connection.executescript("CREATE TABLE scans (thing TEXT); INSERT INTO scans VALUES ('mine')")
    assert contents(md.load_dataset(folder, **SETTINGS)) == expected
    assert connection.execute("SELECT thing FROM scans").fetchall() == [("mine",)]
    connection.close()


def test_a_database_that_another_process_locks_is_not_waited_for_long(folder, cache, monkeypatch):
    expected = contents(md.load_dataset(folder, **SETTINGS))
    monkeypatch.setattr(scan_store, "_PATIENCE", 0.01)
    connection = sqlite3.connect(database(cache))
    connection.execute("BEGIN EXCLUSIVE")
    assert contents(md.load_dataset(folder, **SETTINGS)) == expected
    connection.close()


def test_without_a_cache_folder_everything_is_read(folder, cache, read_files, monkeypatch):
    expected = contents(md.load_dataset(folder, **SETTINGS))
    (cache.parent / "file").touch()
    for place in (cache.parent / "file" / "below", "~nobody-of-this-name/cache"):
        monkeypatch.setenv("MELANOMA_DETECT_CACHE", str(place))
        read_files.clear()
        assert contents(md.load_dataset(folder, **SETTINGS)) == expected
        assert len(read_files) == 17


def test_two_processes_may_scan_at_once(lesions, cache):
    code = (
        "import sys; from pathlib import Path\n"
        "from melanoma_detect.data import scan_store\n"
        "from melanoma_detect.data.scan_cache import scan_files\n"
        "from melanoma_detect.images.pixel_cache import PixelCache\n"
        "scan_store._SETTLED = -10**12\n"
        "files = sorted(Path(sys.argv[1]).rglob('*.jpg'))\n"
        "print([result.digest for _ in range(5) for result in scan_files(files, (32, 32), 'squash', PixelCache())])"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(lesions)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    first, second = (process.communicate(timeout=60) for process in running)
    assert first == second
    assert first[1] == b""
    connection = sqlite3.connect(database(cache))
    assert connection.execute("SELECT count(*) FROM scans").fetchone()[0] == len(list(lesions.rglob("*.jpg")))
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_the_store_does_not_grow_without_end(folder, cache, read_files, monkeypatch):
    md.load_dataset(folder, **SETTINGS)
    monkeypatch.setattr(scan_store, "_MAX_BYTES", 1)
    md.load_dataset(folder, image_size=(48, 48))
    connection = sqlite3.connect(database(cache))
    settings = {setting for (setting,) in connection.execute("SELECT setting FROM scans")}
    connection.close()
    assert all("(96, 96)" in setting for setting in settings)


def test_a_scan_expires(lesions, cache, monkeypatch):
    files = sorted((lesions / "Test" / "nevus").iterdir())
    scan_cache.scan_files(files, (32, 32), "squash", PixelCache())
    assert None not in ScanStore((32, 32), "squash").find(files)
    monkeypatch.setattr(scan_store, "_MAX_AGE", -1)
    assert ScanStore((32, 32), "squash").find(files) == [None] * len(files)


def test_a_relative_path_is_the_same_file(lesions, cache, monkeypatch):
    files = sorted((lesions / "Test" / "nevus").iterdir())
    scan_cache.scan_files(files, (32, 32), "squash", PixelCache())
    monkeypatch.chdir(lesions)
    relative = [path.relative_to(lesions) for path in files]
    assert None not in ScanStore((32, 32), "squash").find(relative)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
@pytest.mark.parametrize("kind", ["pipe", "folder", "link to a pipe", "another program's database"])
def test_what_is_no_store_of_this_library_stops_nothing(lesions, tmp_path, kind):
    path = tmp_path / "scans.sqlite"
    if kind == "folder":
        path.mkdir()
    elif kind == "another program's database":
        with closing(sqlite3.connect(path)) as database:
            database.executescript("CREATE TABLE scans (number INTEGER); CREATE TABLE pairs (number INTEGER);")
    else:
        os.mkfifo(path if kind == "pipe" else tmp_path / "pipe")
        if kind == "link to a pipe":
            path.symlink_to(tmp_path / "pipe")
    files = sorted((lesions / "Test" / "nevus").iterdir())[:2]
    assert ScanStore((32, 32), "squash", path).find(files) == [None, None]
    assert ScanStore((32, 32), "squash", path).find(files) == [None, None]
    assert not path.is_file() or kind == "another program's database"  # which is made anew
