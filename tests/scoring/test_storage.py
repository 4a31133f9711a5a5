"""Stores of score tables on this machine."""

import csv
import io
import os
from pathlib import Path

import pytest

import melanoma_detect as md
from melanoma_detect.errors import OutputError
from melanoma_detect.scoring.resume import ScoringState
from melanoma_detect.scoring.storage import open_store


def score(sources, detector, out="scores.csv", **settings):
    return md.score(sources, detector=detector, out=out, progress=False, **settings)


def read(path="scores.csv"):
    return list(csv.DictReader(io.StringIO(Path(path).read_bytes().decode(), newline="")))


class Stop(Exception):
    """Interrupts a run."""


def test_an_existing_table_is_kept_until_the_new_one_is_complete(make_detector, make_images, monkeypatch):
    folder = make_images({"a.png": 1})
    Path("scores.csv").write_text("precious")
    with pytest.raises(OutputError, match=r"scores\.csv: already exists; choose another path, or overwrite it"):
        score(folder, make_detector())
    with monkeypatch.context() as patch:
        patch.setattr(ScoringState, "check_complete", lambda *_: (_ for _ in ()).throw(Stop))
        with pytest.raises(Stop):
            score(folder, make_detector(), overwrite=True)
    assert Path("scores.csv").read_text() == "precious"
    assert score(folder, make_detector(), overwrite=True).resumed == 1
    assert len(read()) == 1


def test_a_path_that_cannot_be_written_is_named(make_detector, make_images):
    folder = make_images({"a.png": 1})
    Path("file").write_text("")
    with pytest.raises(OutputError, match=r"file/scores\.csv: cannot be written"):
        score(folder, make_detector(), "file/scores.csv")
    score(folder, make_detector(), "new/folder/scores.csv")
    assert [path.name for path in Path("new/folder").iterdir()] == ["scores.csv"]


@pytest.mark.skipif(os.name == "nt", reason="no such locks there")
def test_two_runs_cannot_write_the_same_table(make_detector, make_images):
    folder = make_images({"a.png": 1})
    with open_store("scores.csv").lock(), pytest.raises(OutputError, match="another run is writing it"):
        score(folder, make_detector())
    assert score(folder, make_detector()).images == 1
