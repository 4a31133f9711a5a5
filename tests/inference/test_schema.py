"""Schemas of the detector's file: a saved file of each one that can be read still gives the predictions it gave."""

import json
import zipfile
from pathlib import Path

import pytest

import melanoma_detect as md
from melanoma_detect import taxonomy
from melanoma_detect.inference.schema import FINGERPRINT_MEMBERS, SCHEMA, upgrade

DATA = Path(__file__).parent / "data"  # written by scripts/schema_files.py
SETTINGS = {"default": {}, "views": {"views": 4}, "malignant": {"target": "malignant"}, "coverage": {"coverage": 0.8}}


@pytest.fixture(params=FINGERPRINT_MEMBERS)
def schema(request):
    return request.param


@pytest.fixture
def loaded(schema):
    return md.Detector.load(DATA / f"schema_{schema}.detector")


@pytest.fixture
def values(schema):
    with zipfile.ZipFile(DATA / f"schema_{schema}.detector") as archive:
        return json.loads(archive.read("detector.json"))


@pytest.mark.parametrize("name", SETTINGS)
def test_every_schema_gives_the_predictions_that_it_gave(loaded, schema, name):
    with zipfile.ZipFile(DATA / f"schema_{schema}.zip") as archive:
        expected = json.loads(archive.read("predictions.json"))[name]
        images = [archive.read(f"{number}.png") for number in range(len(expected))]
    for prediction, values in zip(loaded.at(**SETTINGS[name]).predict(images), expected, strict=True):
        assert prediction.probabilities == pytest.approx(values["probabilities"], abs=1e-6)
        assert prediction.operating_point.threshold == values["threshold"]
        assert list(prediction.prediction_set) == values["prediction_set"]
        # A likely malignant diagnosis without an alert was cleared when the file was written; now it is referred.
        likely = taxonomy.malignancy(prediction.diagnosis) == "malignant"
        likely |= prediction.malignant >= prediction.operating_point.malignant_threshold
        if values["decision"] == "clear" and likely:
            assert (prediction.decision, prediction.abstained) == ("refer", False)
            assert "malignant" in prediction.reason
        else:
            assert (prediction.decision, prediction.reason) == (values["decision"], values["reason"])


def test_the_predictions_differ_between_images(schema):
    with zipfile.ZipFile(DATA / f"schema_{schema}.zip") as archive:
        expected = json.loads(archive.read("predictions.json"))
    assert {values["decision"] for way in expected.values() for values in way} == {"alert", "clear", "refer"}


def test_every_schema_has_a_fingerprint_and_a_model_card(loaded):
    assert len(loaded.predictor.files.fingerprint()) > 200
    assert "| false-negative rate" in loaded.model_card
    assert "216 training images" in loaded.model_card


def test_every_schema_can_be_saved_in_the_present_one(loaded, tmp_path):
    loaded.save(tmp_path / "again.detector")
    again = md.Detector.load(tmp_path / "again.detector")
    assert again.predictor.config == loaded.predictor.config
    assert again.predictor.files.fingerprint() == loaded.predictor.files.fingerprint()


def test_an_upgrade_has_the_present_names_at_every_depth(values):
    with zipfile.ZipFile(DATA / f"schema_{SCHEMA}.detector") as archive:
        present = json.loads(archive.read("detector.json"))
    assert names(upgrade(values)) == names(present)


def test_an_upgrade_leaves_the_values_as_they_were(values):
    before = json.dumps(values)
    upgrade(values)
    assert json.dumps(values) == before


def names(values, path=""):
    """The names of all values inside dictionaries."""
    if not isinstance(values, dict):
        return {path}
    return {path}.union(*(names(value, f"{path}/{name}") for name, value in values.items()))
