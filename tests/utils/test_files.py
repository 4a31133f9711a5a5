"""Atomic files and folders, and the cache folder."""

import contextlib
import os
import sys
from pathlib import Path

import pytest

from melanoma_detect.errors import OutputError
from melanoma_detect.utils.files import (
    atomic_file,
    atomic_folder,
    cache_folder,
    convert_write_errors,
    is_hidden,
)


def test_the_environment_variable_sets_the_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("MELANOMA_DETECT_CACHE", str(tmp_path))
    assert cache_folder("balanced") == tmp_path / "balanced"


def test_the_default_cache_folder_is_the_systems(monkeypatch):
    monkeypatch.delenv("MELANOMA_DETECT_CACHE")
    assert "melanoma-detect" in cache_folder("balanced").parts


def test_a_write_error_names_the_path_and_the_cause():
    with pytest.raises(OutputError, match="out: cannot be written \\(No space left"), convert_write_errors(Path("out")):
        raise OSError(28, "No space left on device")


def test_an_output_error_is_not_converted_again():
    with pytest.raises(OutputError, match="inner"), convert_write_errors(Path("outer")):
        raise OutputError("inner")


def write_and_fail(path):
    path.write_text("half")
    raise ZeroDivisionError


def test_a_failed_block_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_file(path) as partial:
        write_and_fail(partial)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def write_while_another_does(path):
    with atomic_file(path, overwrite=False) as partial:
        partial.write_text("ours")
        path.write_text("of somebody else")


def test_a_file_that_has_appeared_meanwhile_stays(tmp_path):
    with pytest.raises(OutputError, match="already exists"):
        write_while_another_does(tmp_path / "a.csv")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.csv", "of somebody else")]


def test_a_file_that_is_a_folder_is_renamed_or_deleted_too(tmp_path):
    with atomic_file(tmp_path / "saved_model") as partial:
        partial.mkdir()
        (partial / "weights").write_text("1")
    with contextlib.suppress(ZeroDivisionError), atomic_file(tmp_path / "other") as partial:
        partial.mkdir()
        write_and_fail(partial / "weights")
    assert [path.name for path in tmp_path.iterdir()] == ["saved_model"]


def test_the_partial_file_has_the_suffix_and_is_hidden(tmp_path):
    with atomic_file(tmp_path / "new" / "figure.png") as partial:
        assert partial.suffix == ".png"
        assert is_hidden(partial.name)
        partial.touch()


def test_a_file_where_a_folder_is_expected_is_named(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with (
        pytest.raises(OutputError, match=r"taken/a\.txt: cannot be written"),
        atomic_file(tmp_path / "taken" / "a.txt"),
    ):
        pass
    with (
        pytest.raises(OutputError, match=r"result\.csv: cannot be written"),
        atomic_file(tmp_path / "taken" / "a.txt", named=Path("result.csv")),
    ):
        pass


def test_a_failed_block_leaves_no_folder(tmp_path):
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "set") as partial:
        write_and_fail(partial / "a.txt")
    assert not list(tmp_path.iterdir())


def test_a_resumed_folder_keeps_what_a_failed_block_wrote(tmp_path):
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "set", resume=True) as partial:
        write_and_fail(partial / "a.txt")
    with atomic_folder(tmp_path / "set", resume=True) as partial:
        assert (partial / "a.txt").read_text() == "half"
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("resume", [False, True])
def test_the_first_of_two_processes_wins(tmp_path, resume):
    with atomic_folder(tmp_path / "set", resume=resume) as partial:
        (partial / "a.txt").write_text("slower")
        (tmp_path / "set").mkdir()
        (tmp_path / "set" / "a.txt").write_text("faster")
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    assert (tmp_path / "set" / "a.txt").read_text() == "faster"


def test_a_shared_folder_that_another_process_has_finished_ends_the_block(tmp_path):
    with atomic_folder(tmp_path / "set", resume=True) as partial:
        (partial / "a.txt").write_text("faster")
        partial.rename(tmp_path / "set")
        (partial / "b.txt").write_text("too late")
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["a.txt"]


def test_replace_deletes_the_folder_that_was_there(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "old.txt").touch()
    with atomic_folder(tmp_path / "run", replace=True) as partial:
        (partial / "new.txt").touch()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["new.txt"]


def test_a_folder_that_cannot_be_renamed_leaves_the_old_one(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "old.txt").touch()
    with (
        pytest.raises(OutputError, match="run: cannot be written"),
        atomic_folder(tmp_path / "run", replace=True) as new,
    ):
        new.rmdir()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["old.txt"]


def test_a_failed_replacement_is_raised_and_leaves_the_old_folder(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "old.txt").touch()
    with pytest.raises(OSError, match="disk"), atomic_folder(tmp_path / "run", replace=True):
        raise OSError("disk")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["old.txt"]


def test_a_system_without_a_place_for_caches_has_one_among_the_temporary_files(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "tmp").mkdir()
    monkeypatch.delenv("MELANOMA_DETECT_CACHE")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "file" / "cache")
    found = cache_folder("balanced")
    assert found.name == "balanced"
    assert found.parent.parent == tmp_path / "tmp"
    assert found.parent == cache_folder("scans").parent
    # A home that nobody knows gives a relative path, which would lie in the working folder.
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: Path("~/.cache/melanoma-detect"))
    assert cache_folder("balanced") == found


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_a_folder_that_others_can_write_is_no_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("MELANOMA_DETECT_CACHE")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: Path("nowhere"))
    foreign = tmp_path / f"melanoma-detect-{os.getuid()}"
    foreign.mkdir()
    foreign.chmod(0o777)
    assert cache_folder("balanced").parent != foreign
    assert cache_folder("balanced").parent == cache_folder("scans").parent


def test_a_link_to_a_folder_stays_and_what_it_leads_to_is_written(tmp_path):
    (tmp_path / "large").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "large")
    with atomic_folder(tmp_path / "run", replace=True) as partial:
        (partial / "new.txt").touch()
    assert (tmp_path / "run").is_symlink()
    assert [path.name for path in (tmp_path / "large").iterdir()] == ["new.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["large", "run"]
