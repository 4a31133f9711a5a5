"""Progress and places."""

from pathlib import Path

import pytest

from melanoma_detect.errors import OutputError
from melanoma_detect.utils.files import cache_folder, track, writing_to


def test_the_cache_is_where_the_variable_says(monkeypatch, tmp_path):
    monkeypatch.setenv("MELANOMA_DETECT_CACHE", str(tmp_path))
    assert cache_folder("balanced") == tmp_path / "balanced"


def test_or_where_the_system_keeps_caches(monkeypatch):
    monkeypatch.delenv("MELANOMA_DETECT_CACHE")
    assert "melanoma-detect" in cache_folder("balanced").parts


def test_track_hands_on_and_draws_on_standard_error(capsys):
    assert list(track([1, 2, 3], "counting", 3)) == [1, 2, 3]
    shown = capsys.readouterr()
    assert "counting" in shown.err
    assert "3/3" in shown.err
    assert shown.out == ""


def test_what_the_system_refuses_is_said_with_the_place():
    with pytest.raises(OutputError, match="out: cannot be written \\(No space left"), writing_to(Path("out")):
        raise OSError(28, "No space left on device")
