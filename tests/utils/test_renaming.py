"""Folders that give way to new ones, and data that is on the disk before it has its name."""

import os

import pytest

from melanoma_detect.utils import renaming
from melanoma_detect.utils.renaming import flush, replace_folder


@pytest.fixture
def folders(tmp_path):
    for name in ("new", "run"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    return tmp_path / "new", tmp_path / "run"


@pytest.mark.parametrize("exchange", [True, False])
def test_the_new_folder_takes_the_place_of_the_old(folders, monkeypatch, exchange):
    if not exchange:  # as on other systems than Linux
        monkeypatch.setattr(renaming, "_exchange_function", lambda: None)
    new, path = folders
    replace_folder(new, path)
    assert [file.name for file in path.iterdir()] == ["new"]
    assert [file.name for file in path.parent.iterdir()] == ["run"]


@pytest.mark.parametrize("exchange", [True, False])
def test_a_failed_renaming_keeps_the_old_folder(folders, monkeypatch, exchange):
    if not exchange:
        monkeypatch.setattr(renaming, "_exchange_function", lambda: None)
    new, path = folders
    (new / "new").unlink()
    new.rmdir()
    with pytest.raises(FileNotFoundError):
        replace_folder(new, path)
    assert [file.name for file in path.iterdir()] == ["run"]
    assert [file.name for file in path.parent.iterdir()] == ["run"]


def test_the_old_folder_is_there_until_the_exchange(folders, monkeypatch):
    new, path = folders
    seen = []
    monkeypatch.setattr(renaming, "remove_path", lambda _: seen.append([file.name for file in path.iterdir()]))
    replace_folder(new, path)
    assert seen == [["new"]], "the old one is deleted last"


@pytest.mark.parametrize("files", [1, 250])
def test_every_file_of_a_folder_is_flushed(tmp_path, monkeypatch, files):
    for number in range(files):
        (tmp_path / f"{number}.txt").touch()
    (tmp_path / "link").symlink_to("nowhere")
    flushed = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    monkeypatch.setattr(os, "sync", lambda: flushed.extend(range(files)))
    flush(tmp_path)
    assert len(flushed) == files


def test_a_disk_that_is_full_says_so_when_it_is_flushed(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    (tmp_path / "a").touch()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        flush(tmp_path / "a")


def test_a_file_system_that_flushes_nothing_is_no_error(tmp_path, monkeypatch):
    def unable(_):
        raise OSError(22, "Invalid argument")

    (tmp_path / "a").touch()
    monkeypatch.setattr(os, "fsync", unable)
    flush(tmp_path / "a")
