"""Worklists: rows sorted by risk."""

import csv
import io
from pathlib import Path

import melanoma_detect as md
from melanoma_detect.scoring import worklist


def score(sources, detector, out="scores.csv", **settings):
    return md.score(sources, detector=detector, out=out, progress=False, **settings)


def read(path="scores.csv"):
    return list(csv.DictReader(io.StringIO(Path(path).read_bytes().decode(), newline="")))


def paths(path="scores.csv"):
    return [row["path"] for row in read(path)]


def test_rows_are_sorted_by_decision_and_probability(make_detector, make_images, monkeypatch):
    shading = {"a.png": 10, "b.png": 240, "c.png": 120, "d.png": 140, "e.png": 240}
    folder = make_images(shading)
    (folder / "a_bad.jpg").write_text("no image")
    expected = ["b.png", "e.png", "d.png", "a_bad.jpg", "c.png", "a.png"]
    score(folder, make_detector(), sort="risk")
    assert [Path(path).name for path in paths()] == expected
    monkeypatch.setattr(worklist, "_RUN_ROWS", 2)  # more than fits into memory
    score(folder, make_detector(), "again.csv", sort="risk")
    assert [Path(path).name for path in paths("again.csv")] == expected
    score(folder, make_detector(threshold=None), "referred.csv", sort="risk")
    assert [Path(path).name for path in paths("referred.csv")][-1] == "a_bad.jpg"
