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


def test_likely_cancers_of_other_kinds_lead_the_referred_images(tmp_path):
    names = ("path", "melanoma", "malignant", "decision")
    rows = [
        ["mole", "0.01", "0.02", "clear"],
        ["carcinoma", "0.01", "0.99", "refer"],
        ["unsure", "0.20", "0.30", "refer"],
        ["unreadable", "", "", "refer"],
        ["melanoma", "0.60", "0.60", "alert"],
        ["both", "0.55", "0.95", "alert"],
        ["spot", "0.01", "0.40", "clear"],
    ]
    expected = ["both", "melanoma", "carcinoma", "unsure", "unreadable", "spot", "mole"]
    assert [row[0] for row in worklist.sort_by_risk(rows, names, tmp_path)] == expected


def test_a_worklist_puts_a_likely_carcinoma_before_what_is_cleared(make_detector, make_images):
    folder = make_images({"a.png": 10, "b.png": 240})
    score(folder, make_detector(("nevus", "basal cell carcinoma", "melanoma")[:2], threshold=None), sort="risk")
    assert [Path(path).name for path in paths()] == ["b.png", "a.png"]
