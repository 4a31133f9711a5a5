"""Temporary folders: gone at the end, and an error that names the way out where there is no room."""

import errno
import tempfile

import pytest

from melanoma_detect.errors import OutputError
from melanoma_detect.utils.temporary import is_full, temporary_folder


@pytest.fixture(autouse=True)
def own_temporary_files(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_the_folder_is_gone_after_the_block(tmp_path):
    with temporary_folder() as folder:
        (folder / "a").touch()
        assert folder.parent == tmp_path
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("Unable to flush file (errno = 28, error message = 'No space left on device')"),
    ],
)
def test_a_full_disk_names_the_folder_and_the_way_out(error, tmp_path):
    with pytest.raises(OutputError, match=f"{tmp_path}: temporary files .*No space left.*TMPDIR"), temporary_folder():
        raise error
    assert not list(tmp_path.iterdir())


def test_other_errors_come_out_as_they_are():
    with pytest.raises(ZeroDivisionError), temporary_folder():
        raise ZeroDivisionError


def test_a_missing_folder_is_an_error_too(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(OutputError, match="nowhere: temporary files cannot be written"), temporary_folder():
        pass


def test_the_cause_of_an_error_counts():
    error = ValueError("the model")
    assert not is_full(error)
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert is_full(error)
