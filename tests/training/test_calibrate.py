"""Calibration on validation: temperature, bias, prediction sets, OOD threshold, and scores for each number of views."""

from dataclasses import replace

import numpy as np
import pytest

from melanoma_detect.inference.prediction import prediction_sets, softmax
from melanoma_detect.training.calibrate import (
    calibrate,
    collect_calibration_inputs,
    fit_bias,
    fit_conformal_threshold,
    fit_ood_threshold,
    fit_temperature,
)


def calibrate_split(runtime, split, space):
    """Calibrate on a split, as `Detector.fit` does."""
    inputs = collect_calibration_inputs(runtime, split.pixels((32, 32)), space)
    return calibrate(inputs, split.targets[split.labels], split.groups, split.classes)


def draw_logits(count, confidence, seed=0):
    """Return the logits of a model that is overconfident by a factor, and the labels."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(count, 4))
    labels = np.array([rng.choice(4, p=row) for row in softmax(logits)])
    return (logits * confidence).astype(np.float32), labels


@pytest.mark.parametrize("confidence", [0.5, 1.0, 3.0])
def test_temperature_corrects_overconfidence(confidence):
    logits, labels = draw_logits(4000, confidence)
    assert fit_temperature(logits, np.eye(4, dtype=bool)[labels]) == pytest.approx(confidence, rel=0.1)


def test_temperature_uses_coarse_labels():
    logits, labels = draw_logits(4000, 2.0)
    targets = np.eye(4, dtype=bool)[labels]
    targets[::2, 2:] |= targets[::2, 2:].any(axis=1, keepdims=True)
    assert fit_temperature(logits, targets) == pytest.approx(2.0, rel=0.15)


def test_bias_recovers_the_class_frequencies():
    rng = np.random.default_rng(1)
    logits, added = rng.normal(size=(6000, 4)), np.array([1.5, 0.0, -1.0, -0.5])
    labels = np.array([rng.choice(4, p=row) for row in softmax(logits + added)])
    temperature, bias = fit_bias((2 * logits).astype(np.float32), np.eye(4, dtype=bool)[labels])
    assert temperature == pytest.approx(2.0, rel=0.1)
    np.testing.assert_allclose(bias, added - added.mean(), atol=0.15)


def test_class_without_images_has_a_finite_bias():
    logits, labels = draw_logits(500, 1.0)
    _, bias = fit_bias(logits, np.eye(4, dtype=bool)[np.minimum(labels, 2)])
    assert -15 < bias[3] < bias[0]


def test_operating_scores_use_the_bias(detector, data):
    split = data.validation
    inputs = collect_calibration_inputs(detector.predictor.runtime, split.pixels((32, 32)), None)
    labels_and_groups = (split.targets[split.labels], split.groups, split.classes)
    plain, biased = (calibrate(inputs, *labels_and_groups, bias=use_bias)[1] for use_bias in (False, True))
    assert plain.bias == ()
    scores = biased.probabilities(inputs[1].logits, split.classes)[:, split.classes.index("melanoma")]
    is_melanoma = split.labels == split.classes.index("melanoma")
    np.testing.assert_allclose(biased.operating_scores["melanoma"].positive, np.sort(scores[is_melanoma]))


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_prediction_sets_have_the_requested_coverage(coverage):
    contained = []
    for seed in range(40):
        logits, labels = draw_logits(500, 2.0, seed=seed)
        rows = softmax(logits)
        threshold = fit_conformal_threshold(rows[:200], labels[:200], coverage)
        contained.append(prediction_sets(rows[200:], threshold)[np.arange(300), labels[200:]].mean())
    assert coverage - 0.01 < np.mean(contained) < coverage + 0.02


def test_prediction_sets_hold_every_class_with_too_few_images():
    rows, labels = softmax(draw_logits(8, 1.0)[0]), draw_logits(8, 1.0)[1]
    assert fit_conformal_threshold(rows, labels, 0.9) == 0
    assert fit_conformal_threshold(rows, labels, 0.8) > 0


def test_ood_threshold_accepts_unseen_images():
    rng = np.random.default_rng(1)
    accepted = [(rng.normal(size=2000) <= fit_ood_threshold(rng.normal(size=400), 400)).mean() for _ in range(60)]
    assert np.mean(np.array(accepted) >= 0.95) > 0.85
    assert fit_ood_threshold(np.empty(0), 0) == float("inf")


def test_each_number_of_views_has_its_own_calibration(detector, data):
    calibrations = calibrate_split(detector.predictor.runtime, data.validation, detector.predictor.files.feature_space)
    assert calibrations == detector.predictor.config.calibrations
    one, four, eight = (calibrations[count] for count in (1, 4, 8))
    assert len({views.operating_scores["melanoma"].positive for views in (one, four, eight)}) == 3
    logits = detector.predictor.runtime.run(data.validation.pixels((32, 32))).logits
    melanoma = softmax(logits / one.temperature)[:, data.classes.index("melanoma")]
    is_melanoma = data.validation.labels == data.classes.index("melanoma")
    np.testing.assert_allclose(one.operating_scores["melanoma"].positive, np.sort(melanoma[is_melanoma]), atol=1e-6)


def test_coarse_label_of_both_kinds_is_left_out(detector, data):
    coarse = {"melanoma or nevus": ("melanoma", "nevus"), "nevus or dermatofibroma": ("nevus", "dermatofibroma")}
    records = [
        replace(record, label="melanoma or nevus" if record.label == "melanoma" else "nevus or dermatofibroma")
        if record.label in ("melanoma", "nevus")
        else record
        for record in data.validation
    ]
    split = replace(data.validation, records=tuple(records), label_groups=coarse)
    calibration = calibrate_split(detector.predictor.runtime, split, None)[1]
    assert "melanoma" not in calibration.operating_scores
    nevi = sum(record.label == "nevus or dermatofibroma" for record in records)
    malignant = calibration.operating_scores["malignant"]
    assert malignant.positives + malignant.negatives == len(records) - sum(
        record.label == "melanoma or nevus" for record in records
    )
    assert nevi
    assert calibration.ood_threshold == float("inf")
