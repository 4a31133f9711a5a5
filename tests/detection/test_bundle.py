"""A detector's file: whole, checked before it is read, and without code."""

import json
import zipfile

import pytest

import melanoma_detect as md
from melanoma_detect.detection.bundle import locate
from melanoma_detect.errors import DetectorError


@pytest.fixture
def saved(detector, tmp_path):
    detector.save(tmp_path / "mine.detector")
    return tmp_path / "mine.detector"


def rewritten(saved, change, extra=()):
    """Return a copy of a detector's file with its card changed."""
    place = saved.with_name("changed.detector")
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(place, "w") as new:
        new.writestr("detector.json", change(old.read("detector.json").decode()))
        new.writestr("model.keras", old.read("model.keras"))
        for name in extra:
            new.writestr(name, b"import os")
    return place


def test_it_holds_no_pickle_and_no_code(saved):
    with zipfile.ZipFile(saved) as bundle:
        assert sorted(bundle.namelist()) == ["detector.json", "model.keras"]
        assert json.loads(bundle.read("detector.json"))["schema"] == 1


def test_nothing_else_is_left_beside_it(saved):
    assert [path.name for path in saved.parent.iterdir()] == ["mine.detector"]


def test_a_run_folder_stands_for_its_detector(saved):
    assert locate(saved.parent) == saved
    (saved.parent / "second.detector").write_bytes(b"")
    with pytest.raises(DetectorError, match=r"found mine\.detector, second\.detector; name the file"):
        md.Detector.load(saved.parent)


def test_missing_files(tmp_path):
    with pytest.raises(DetectorError, match="no such detector"):
        md.Detector.load(tmp_path / "nowhere.detector")
    with pytest.raises(DetectorError, match="found none"):
        md.Detector.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 broken"])
def test_what_is_no_zip(tmp_path, content):
    (tmp_path / "bad.detector").write_bytes(content)
    with pytest.raises(DetectorError, match=r"bad\.detector: not a detector"):
        md.Detector.load(tmp_path / "bad.detector")


def test_a_cut_off_file(saved):
    saved.write_bytes(saved.read_bytes()[: saved.stat().st_size // 2])
    with pytest.raises(DetectorError, match="not a detector, or a damaged one"):
        md.Detector.load(saved)


def test_another_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "other.detector", "w") as other:
        other.writestr("hello.txt", "hello")
    with pytest.raises(DetectorError, match=r"lacks detector\.json, model\.keras"):
        md.Detector.load(tmp_path / "other.detector")


def test_a_model_that_keras_refuses(saved):
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(saved.with_name("odd.detector"), "w") as new:
        new.writestr("detector.json", old.read("detector.json"))
        new.writestr("model.keras", b"no model")
    with pytest.raises(DetectorError, match="Keras cannot load the model"):
        md.Detector.load(saved.with_name("odd.detector"))


def test_strange_members_are_not_trusted(saved):
    with pytest.raises(DetectorError, match="members that no detector has"):
        md.Detector.load(rewritten(saved, str, extra=["../evil.py"]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace('"schema": 1', '"schema": 99'), "schema 99"),
        (lambda text: text.replace('"classes"', '"clases"'), "is damaged"),
        (lambda text: text.replace('"threshold"', '"treshold"'), "is damaged"),
        (lambda text: text[:100], "damaged"),
        (lambda text: "[]", "schema None"),
    ],
)
def test_a_damaged_card(saved, change, message):
    with pytest.raises(DetectorError, match=message):
        md.Detector.load(rewritten(saved, change))
