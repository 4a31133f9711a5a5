"""Scores of images: rows, options, errors."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

import melanoma_detect as md
from melanoma_detect.errors import DatasetError, DetectorError, OutputError

NINE = ["p_AK", "p_BCC", "p_DF", "p_MEL", "p_NV", "p_BKL", "p_SK", "p_SCC", "p_VASC"]


COLUMNS = [
    "path",
    "diagnosis",
    *NINE,
    "melanoma",
    "malignant",
    "decision",
    "alert",
    "abstained",
    "image_type",
    "reason",
    "error",
]


def score(sources, detector, out="scores.csv", **settings):
    return md.score(sources, detector=detector, out=out, progress=False, **settings)


def read(path="scores.csv"):
    return list(csv.DictReader(io.StringIO(Path(path).read_bytes().decode(), newline="")))


def test_a_row_is_the_prediction_of_the_detector(detector, lesions):
    photos = sorted((lesions / "Test").rglob("*.jpg"))
    result = score(lesions / "Test", detector, batch_size=7)
    rows = read()
    assert list(rows[0]) == COLUMNS
    assert [row["path"] for row in rows] == [str(photo) for photo in photos]
    for row, answer in zip(rows, detector.predict(photos), strict=True):
        codes = {f"p_{md.taxonomy.find(name).code}": value for name, value in answer.probabilities.items()}
        assert {name: float(row[name]) for name in NINE} == pytest.approx(codes, abs=1e-6)
        assert sum(float(row[name]) for name in NINE) == pytest.approx(1)
        assert float(row["melanoma"]) == pytest.approx(answer.melanoma, abs=1e-6)
        assert float(row["malignant"]) == pytest.approx(answer.malignant, abs=1e-6)
        assert (row["diagnosis"], row["decision"]) == (answer.diagnosis, answer.decision)
        assert row["alert"] == ("true" if answer.alert else "false")
        assert (row["abstained"], row["reason"]) == ("true" if answer.abstained else "false", answer.reason)
        assert (row["error"], row["image_type"]) == ("", "")
    assert result.images == result.alerts + result.clears + result.refers == 36


def test_classes_that_the_detector_lacks_have_probability_zero(make_detector, make_images):
    score(make_images({"a.png": 200}), make_detector(("mole", "nevus", "malignant melanoma")))
    [row] = read()
    assert {name for name in NINE if float(row[name])} == {"p_NV", "p_MEL"}
    assert float(row["p_NV"]) == pytest.approx(1 - float(row["melanoma"]))  # two classes of one code are one column


def test_a_class_outside_the_taxonomy_has_its_own_column(make_detector, make_images):
    score(make_images({"a.png": 200}), make_detector(("nevus", "akiec", "wart")))
    [row] = read()
    assert list(row) == [*COLUMNS[:11], "p_akiec", "p_wart", *COLUMNS[11:]]
    assert float(row["p_wart"]) > 0.9
    assert float(row["melanoma"]) == 0


def test_every_image_is_referred_without_a_threshold(make_detector, make_images):
    result = score(make_images({"a.png": 200, "b.png": 2}), make_detector(threshold=None))
    assert result.refers == 2
    assert [row["decision"] for row in read()] == ["refer", "refer"]


def test_an_unreadable_image_has_a_row_with_its_error(make_detector, make_images):
    folder = make_images({"a.png": 10, "z.png": 250})
    (folder / "text.jpg").write_text("no image")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "half.png").write_bytes((folder / "a.png").read_bytes()[:45])
    result = score([folder, "missing.jpg"], make_detector(), batch_size=2)
    rows = {Path(row["path"]).name: row for row in read()}
    assert list(rows) == ["a.png", "empty.jpg", "half.png", "text.jpg", "z.png", "missing.jpg"]
    assert (result.images, result.unreadable, result.refers) == (6, 4, 4)
    for name, words in {
        "empty.jpg": "the file is empty",
        "half.png": "cannot be decoded",
        "text.jpg": "not an image",
        "missing.jpg": "no such file",
    }.items():
        row = rows[name]
        assert words in row["error"]
        assert (row["decision"], row["alert"], row["abstained"], row["reason"]) == (
            "refer",
            "false",
            "true",
            "unreadable",
        )
        assert [row[column] for column in ("diagnosis", *NINE, "melanoma", "malignant")] == [""] * 12
    assert rows["a.png"]["decision"] == "clear"
    assert rows["z.png"]["decision"] == "alert"


def test_a_batch_may_consist_of_unreadable_images(make_detector, tmp_path):
    (tmp_path / "bad.jpg").write_text("no image")
    assert score("bad.jpg", make_detector()).unreadable == 1


def test_any_exception_of_a_decoder_becomes_a_row(make_detector, make_images, monkeypatch):
    def burst(*_):
        raise MemoryError

    detector = make_detector()
    monkeypatch.setattr(detector.predictor, "preprocess", burst)
    assert score(make_images({"a.png": 10}), detector).unreadable == 1
    assert read()[0]["error"] == "MemoryError"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "batch_size=0; expected a whole number, 1 or more"),
        ({"workers": -1}, "workers=-1"),
        ({"sort": "name"}, "sort='name'; expected 'risk'"),
        ({"engine": "spark"}, "engine='spark'; expected one of 'local', 'ray'"),
    ],
)
def test_invalid_options_raise_errors(make_detector, make_images, settings, message):
    with pytest.raises(DatasetError, match=message):
        score(make_images({"a.png": 1}), make_detector(), **settings)


def test_wrong_arguments_are_reported_before_the_detector_is_loaded(make_images):
    folder = make_images({"a.png": 1})
    with pytest.raises(OutputError, match=r"expected a name that ends in \.csv or \.parquet"):
        score(folder, "nowhere", "scores.txt")
    with pytest.raises(DatasetError, match="nothere: no such file"):
        score(["nothere"], "nowhere")
    with pytest.raises(DatasetError, match="no sources"):
        score([], "nowhere")
    with pytest.raises(DetectorError, match="nowhere: no such detector"):
        score(folder, "nowhere")


def test_an_exception_of_the_model_is_raised(make_detector, make_images, monkeypatch):
    detector = make_detector()
    folder = make_images({"a.png": 1})
    score(folder, detector)
    run = detector.predictor.runtime.run
    monkeypatch.setattr(detector.predictor.runtime, "run", lambda pixels: run(pixels) if len(pixels) == 3 else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        score(folder, detector, "other.csv")


LIGHT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from conftest import BrightnessRuntime
import melanoma_detect as md
from melanoma_detect.inference.config import DetectorConfig
detector = md.Detector(DetectorConfig(("nevus", "melanoma"), (8, 8)), BrightnessRuntime(2))
for out in ("scores.csv", "scores.parquet"):
    md.score(sys.argv[2], detector=detector, out=out, sort="risk", progress=False)
heavy = ("tensorflow", "keras", "pandas", "sklearn", "matplotlib", "ray", "fsspec")
print(json.dumps([name for name in heavy if name in sys.modules]))
"""


def test_scoring_imports_nothing_heavy(make_images):
    folder = make_images({"a.png": 1})
    command = [sys.executable, "-c", LIGHT, str(Path(__file__).parent), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_scores_print_as_a_summary(make_detector, make_images):
    result = score(make_images({"a.png": 1, "b.png": 250}), make_detector())
    assert str(result).startswith("2 images in ")
    assert str(result).endswith("1 alert, 1 clear, 0 refer, of which 0 unreadable")


def test_pictures_is_deprecated(make_detector, make_images):
    scores = score(make_images({"a.png": 1}), make_detector())
    with pytest.warns(DeprecationWarning, match=r"Scores\.pictures is deprecated .* use Scores\.images"):
        assert scores.pictures == 1
