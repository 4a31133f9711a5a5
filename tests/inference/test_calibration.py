"""Calibration: from logits to probabilities."""

import json

import numpy as np

from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.config import DetectorConfig
from melanoma_detect.inference.operating_points import ValidationScores
from melanoma_detect.inference.prediction import softmax


def test_a_bias_changes_only_the_share_of_melanoma():
    classes = ("nevus", "melanoma", "dermatofibroma")
    logits = np.random.default_rng(1).normal(scale=3, size=(50, 3))
    even = Calibration(temperature=1.5).probabilities(logits, classes)
    np.testing.assert_allclose(even, softmax(logits / 1.5))
    moved = Calibration(temperature=1.5, bias=(2.0, 0.5, -1.0)).probabilities(logits, classes)
    np.testing.assert_allclose(moved.sum(axis=1), 1)
    np.testing.assert_allclose(moved[:, 1], softmax(logits / 1.5 + np.array([2.0, 0.5, -1.0]))[:, 1])
    np.testing.assert_allclose(moved[:, 0] / moved[:, 2], even[:, 0] / even[:, 2])


def test_a_bias_without_melanoma_changes_nothing():
    logits = np.array([[1.0, 0.0]])
    biased = Calibration(bias=(3.0, -3.0)).probabilities(logits, ("nevus", "dermatofibroma"))
    np.testing.assert_allclose(biased, softmax(logits))


def test_vanishing_probabilities_do_not_divide_by_zero():
    far = Calibration(bias=(0.0, 1.0)).probabilities(np.array([[1e4, -1e4]]), ("nevus", "melanoma"))
    np.testing.assert_allclose(far, [[1.0, 0.0]], atol=1e-12)


def test_the_threshold_of_referrals_is_the_malignant_one_of_the_same_sensitivity():
    scores = {
        "melanoma": ValidationScores.of(np.linspace(0.1, 1, 100), np.arange(100) >= 50),
        "malignant": ValidationScores.of(np.linspace(0.2, 0.6, 100), np.arange(100) >= 20, target="malignant"),
    }
    calibration = Calibration(operating_scores=scores)
    for target in ("melanoma", "malignant"):
        point = calibration.operating_point(0.9, target)
        own = scores["malignant"].operating_point(0.9).threshold
        assert point.malignant_threshold == own < 0.5
    # No threshold clears a malignant diagnosis that is more likely than not.
    assert scores["malignant"].operating_point(0.2).threshold > 0.5
    assert calibration.operating_point(0.2).malignant_threshold == 0.5
    assert (
        Calibration(operating_scores={"melanoma": scores["melanoma"]}).operating_point(0.9).malignant_threshold == 0.5
    )


def test_too_few_malignant_lesions_leave_the_default_threshold():
    few = ValidationScores.of(np.array([0.9, 0.2, 0.1]), [True, False, False], target="malignant")
    many = ValidationScores.of(np.linspace(0, 1, 100), np.arange(100) >= 50)
    calibration = Calibration(operating_scores={"melanoma": many, "malignant": few})
    assert calibration.operating_point(0.95).malignant_threshold == 0.5


def config_with(scores):
    calibration = Calibration(operating_scores={"melanoma": scores})
    return DetectorConfig(("nevus", "melanoma"), (32, 32), calibrations={1: calibration})


def test_scores_by_source_survive_json():
    scores = ValidationScores.of(np.linspace(0, 1, 120), np.arange(120) >= 60, sources=["a", "b", "c"] * 40)
    config = DetectorConfig(
        ("nevus", "melanoma"), (32, 32), calibrations={1: Calibration(operating_scores={"melanoma": scores})}
    )
    again = DetectorConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert again == config
    point = again.calibration(1).operating_point(0.95)
    assert point == config.calibration(1).operating_point(0.95)
    assert [source.source for source in point.sources] == ["a", "b", "c"]


def test_a_configuration_without_scores_by_source_still_loads():
    scores = ValidationScores.of(np.linspace(0, 1, 120), np.arange(120) >= 60)
    config = DetectorConfig(
        ("nevus", "melanoma"), (32, 32), calibrations={1: Calibration(operating_scores={"melanoma": scores})}
    )
    values = json.loads(json.dumps(config.to_dict()))
    stored = values["calibrations"]["1"]["operating_scores"]["melanoma"]
    assert "by_source" not in stored
    assert DetectorConfig.from_dict(values) == config
