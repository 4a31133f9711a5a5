import json
from dataclasses import replace

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.page.parameters import page_parameters


def test_parameters_hold_what_a_prediction_needs(detector):
    predictor = detector.predictor
    parameters = page_parameters(predictor, predictor.runtime)
    assert json.loads(json.dumps(parameters, allow_nan=False))["classes"] == list(predictor.classes)
    assert parameters["diagnoses"][3] == {"name": "melanoma", "code": "MEL", "malignancy": "malignant"}
    assert parameters["diagnoses"][0]["malignancy"] == "indeterminate"  # actinic keratosis
    assert parameters["settings"]["image_type"] == "auto"
    assert (
        parameters["calibration"]["operating_scores"].keys() == predictor.config.calibrations[1].operating_scores.keys()
    )


def test_parameters_of_two_types_of_image():
    predictor = md.Detector.load().at(image_type="clinical", sensitivity=0.9).predictor
    parameters = page_parameters(predictor, predictor.runtime)
    assert parameters["types"] == ["dermoscopy", "clinical"]
    assert (parameters["settings"]["image_type"], parameters["settings"]["sensitivity"]) == ("clinical", 0.9)
    assert parameters["clinical"]["temperature"] == predictor.config.clinical[1].temperature
    assert len(parameters["classifier"]["weights"]) == pytest.approx(4 * 1280 * 4 / 3, abs=4)


def test_an_infinite_threshold_is_no_number(detector):
    threshold = page_parameters(detector.predictor, detector.predictor.runtime)["calibration"]["ood_threshold"]
    own = detector.predictor.config.calibrations[1].ood_threshold
    assert threshold == (own if np.isfinite(own) else None)


def test_every_note_on_a_licence_is_shown_with_its_title(detector):
    shipped = md.Detector.load().predictor
    licence = page_parameters(shipped, shipped.runtime)["licence"]
    assert licence == f"Licence of the weights: {shipped.config.notes['Licence of the weights']}"
    notes = {"Images": "ours", "License": "MIT", "LICENCE (images)": "CC0"}
    predictor = detector.predictor
    config = replace(predictor.config, notes=notes)
    changed = page_parameters(Predictor(config, predictor.runtime, predictor.files), predictor.runtime)
    assert changed["licence"] == "License: MIT\nLICENCE (images): CC0"
    assert page_parameters(predictor, predictor.runtime)["licence"] == ""
