"""`--json`: one strict document on standard output, and nothing else there."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from melanoma_detect.cli import app
from melanoma_detect.cli.json_output import to_json
from melanoma_detect.utils.disclaimer import DISCLAIMER


@pytest.fixture(scope="module")
def folder(lesions, detector, tmp_path_factory):
    root = tmp_path_factory.mktemp("json")
    shutil.copytree(lesions, root / "set")
    shutil.copy(next((lesions / "Test" / "melanoma").glob("*.jpg")), root / "photo.jpg")
    (root / "bad.jpg").write_text("no image")
    detector.save(root / "mine.detector")
    return root


@pytest.fixture(autouse=True)
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)


def strict(text):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def run(*arguments, status=0):
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert result.exit_code == status, result.output
    return strict(result.stdout)


def test_predict_gives_a_prediction_or_an_error_for_each_image(detector):
    document = run("predict", "photo.jpg", "bad.jpg", "photo.jpg", "-d", "mine.detector", status=1)
    first, bad, last = document["predictions"]
    assert first == last
    assert first == to_json(detector.predict("photo.jpg").to_dict())
    assert bad.keys() == {"source", "error"}
    assert "bad.jpg: not an image" in bad["error"]
    assert document["disclaimer"] == DISCLAIMER


def test_evaluate_gives_every_figure():
    document = run("evaluate", "set", "-d", "mine.detector", "--prevalence", 0.02)
    assert document["images"] == 36
    assert document["at_prevalence"][0]["prevalence"] == 0.02
    assert {"value", "low", "high"} <= document["figures"]["balanced_accuracy"].keys()


def test_evaluate_gives_several_sets(tmp_path):
    shutil.copytree("set/Test", tmp_path / "other")
    document = run("evaluate", "set", tmp_path / "other", "-d", "mine.detector", "--out", tmp_path / "sets.csv")
    assert document["sets"].keys() == {"set", "other"}
    assert document["written"] == [str(tmp_path / "sets.csv")]


def test_evaluate_compares_detectors(tmp_path):
    shutil.copy("mine.detector", tmp_path / "second.detector")
    document = run("evaluate", "set", "-d", "mine.detector", "-d", tmp_path / "second.detector")
    assert document["evaluations"].keys() == {"mine", "second"}
    assert len(document["comparisons"]) == 1


def test_card_gives_the_operating_point_and_the_text():
    document = run("card", "-d", "mine.detector", "--sensitivity", 0.5, "--prevalence", 0.02)
    assert document["operating_point"]["goal"] == 0.5
    assert document["predictive_values"]["prevalence"] == 0.02
    assert "model_card" not in document
    card = run("card", "-d", "mine.detector")
    assert card["model_card"].startswith("# Model card")
    assert card["predictive_values"] is None
    assert card["disclaimer"] == DISCLAIMER


def test_classes_gives_counts():
    document = run("classes", "set")
    assert document["classes"]["melanoma"]["test"] == 4
    assert document["all"]["total"] == sum(counts["total"] for counts in document["classes"].values())


def test_models_gives_names_or_one_description():
    assert "cnn" in {model["name"] for model in run("models")["models"]}
    described = run("models", "cnn")
    assert described["name"] == "cnn"
    assert described["options"]["dropout"]["type"] == "float"


def test_explain_gives_its_text_and_file(tmp_path):
    out = tmp_path / "overlay.png"
    document = run("explain", "photo.jpg", "-d", "mine.detector", "--method", "occlusion", "--out", out)
    assert (document["source"], document["method"]) == ("photo.jpg", "occlusion")
    assert document["written"] == [str(out)]
    assert "heat" not in document
    assert out.is_file()


def test_score_gives_its_summary(tmp_path):
    document = run("score", "set/Test", "-d", "mine.detector", "--out", tmp_path / "scores.csv")
    assert (document["images"], document["unreadable"]) == (36, 0)


def test_audit_and_balance_give_what_they_print(tmp_path):
    assert run("audit", "set/Test", "--html", tmp_path / "a.html")["written"] == [str(tmp_path / "a.html")]
    document = run("balance", "set", "--to", 21, "--out", tmp_path / "balanced")
    assert min(counts["train"] for counts in document["classes"].values()) == 21
    assert document["written"] == [str(tmp_path / "balanced")]


def test_localize_gives_what_was_set(tmp_path):
    from melanoma_detect import write_samples

    write_samples(tmp_path / "clinic", train=10, size=64, seed=9)
    document = run("localize", tmp_path / "clinic", "-d", "mine.detector", "--out", tmp_path / "local.detector")
    assert document["localizations"][0]["images"] >= 50


def test_an_error_leaves_standard_output_empty():
    result = CliRunner().invoke(app, ["evaluate", "nowhere", "--json"])
    assert (result.stdout, type(result.exception).__name__) == ("", "DatasetError")


def test_numbers_that_are_none_become_null():
    values = {
        "a": math.nan,
        "b": [np.float32(np.inf), np.int64(3)],
        "c": np.array([0.5, np.nan]),
        "d": Path("x"),
        1: True,
    }
    plain = to_json(values)
    assert plain == {"a": None, "b": [None, 3], "c": [0.5, None], "d": "x", "1": True}
    assert json.dumps(plain, allow_nan=False)
    assert to_json("n\udce4vus") == "n\\udce4vus"
