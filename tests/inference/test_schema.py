"""Schemas of the detector's file: a saved file of each one that can be read still gives the predictions it gave."""

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from upgrade_detector import copy_in_present_schema

import melanoma_detect as md
from melanoma_detect import taxonomy
from melanoma_detect.inference.local_calibration import LocalCalibration
from melanoma_detect.inference.schema import FINGERPRINT_MEMBERS, SCHEMA, upgrade

# What schema 4 has beside the values of schema 3, where it is used.
NEW = ("/clinical", "/referred_types", "/localizations", "/local", "by_source", "/image_type")
DATA = Path(__file__).parent / "data"  # written by scripts/schema_files.py
SETTINGS = {"default": {}, "views": {"views": 4}, "malignant": {"target": "malignant"}, "coverage": {"coverage": 0.8}}


def without_shares(text):
    return re.sub(r"[\d.]+%", "%", text)


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
        # The last bit depends on the processor that adds the scores up.
        assert prediction.operating_point.threshold == pytest.approx(values["threshold"], rel=1e-12)
        assert list(prediction.prediction_set) == values["prediction_set"]
        assert prediction.image_type == values.get("image_type", "")
        # A likely malignant diagnosis without an alert was cleared when the file was written; now it is referred.
        likely = taxonomy.malignancy(prediction.diagnosis) == "malignant"
        likely |= prediction.malignant >= prediction.operating_point.malignant_threshold
        if values["decision"] == "clear" and likely:
            assert (prediction.decision, prediction.abstained) == ("refer", False)
            assert "malignant" in prediction.reason
        else:
            assert prediction.decision == values["decision"]
            # How many digits a probability has in a sentence is no part of a file.
            assert without_shares(prediction.reason) == without_shares(values["reason"])


def test_the_predictions_differ_between_images(schema):
    with zipfile.ZipFile(DATA / f"schema_{schema}.zip") as archive:
        expected = json.loads(archive.read("predictions.json"))
    assert {values["decision"] for way in expected.values() for values in way} == {"alert", "clear", "refer"}


def test_every_schema_has_a_fingerprint_and_a_model_card(loaded):
    assert len(loaded.predictor.files.fingerprint()) > 200
    assert "| false-negative rate" in loaded.model_card
    assert "216 training images" in loaded.model_card


def test_every_schema_can_be_saved_in_the_present_one(loaded, schema, tmp_path):
    loaded.save(tmp_path / "again.detector")
    again = md.Detector.load(tmp_path / "again.detector")
    assert again.predictor.config == loaded.predictor.config
    with zipfile.ZipFile(tmp_path / "again.detector") as archive:
        assert json.loads(archive.read("detector.json"))["schema"] == SCHEMA
        assert "digests.json" in archive.namelist()
    assert again.predictor.files.fingerprint() == loaded.predictor.files.fingerprint()


def test_an_upgrade_has_the_present_names_at_every_depth(values):
    with zipfile.ZipFile(DATA / f"schema_{SCHEMA}.detector") as archive:
        present = json.loads(archive.read("detector.json"))
    found, expected = names(upgrade(values)), names(present)
    assert found <= expected
    # Evaluations measure more than they did.
    assert not {name for name in expected - found if not any(new in name for new in (*NEW, "/metrics/test/"))}


def test_the_file_of_schema_4_has_what_is_new():
    loaded = md.Detector.load(DATA / "schema_4.detector")
    config, files = loaded.predictor.config, loaded.predictor.files
    assert files.image_types is not None
    assert files.feature_space.outliers is not None
    assert config.clinical[1].local is not None
    assert set(config.calibrations[1].operating_scores["melanoma"].by_source) == {"one hospital", "another"}


def test_what_schema_4_added_is_kept(tmp_path):
    plain = md.Detector.load(DATA / "schema_3.detector").predictor
    config, scores = plain.config, plain.config.calibration(1).operating_scores["melanoma"]
    by_source = replace(scores, by_source={"a": scores.positive}, lesions_by_source={"a": scores.positive_lesions})
    calibration = config.calibration(1)
    changes = {
        "plain": {},
        "clinical": {"clinical": config.calibrations},
        "referred": {"referred_types": ("clinical",)},
        "told": {"settings": replace(config.settings, image_type="dermoscopy")},
        "sources": {"calibrations": {1: replace(calibration, operating_scores={"melanoma": by_source})}},
        "local": {"calibrations": {1: replace(calibration, local=LocalCalibration())}},
    }
    for name, change in changes.items():
        path = tmp_path / f"{name}.detector"
        changed = replace(config, **change)
        md.Detector(changed, plain.runtime, plain.files).save(path)
        with zipfile.ZipFile(path) as archive:
            text = archive.read("detector.json").decode()
        assert ("by_source" in text) == (name == "sources")
        assert md.Detector.load(path).predictor.config == changed


def test_an_upgrade_by_the_script_keeps_the_answers(loaded, schema, tmp_path):
    copy_in_present_schema(DATA / f"schema_{schema}.detector", tmp_path / "upgraded.detector")
    upgraded = md.Detector.load(tmp_path / "upgraded.detector")
    assert upgraded.predictor.config == loaded.predictor.config
    assert upgraded.predictor.files.onnx == loaded.predictor.files.onnx
    assert upgraded.predictor.files.fingerprint() == loaded.predictor.files.fingerprint()


def test_an_upgrade_leaves_the_values_as_they_were(values):
    before = json.dumps(values)
    upgrade(values)
    assert json.dumps(values) == before


def names(values, path=""):
    """The names of all values inside dictionaries."""
    if not isinstance(values, dict):
        return {path}
    return {path}.union(*(names(value, f"{path}/{name}") for name, value in values.items()))
