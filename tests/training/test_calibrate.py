"""What is fitted on validation: temperature, prediction sets, distances, operating points for each number of views."""

from dataclasses import replace

import numpy as np
import pytest

from melanoma_detect.inference.prediction import prediction_sets, softmax
from melanoma_detect.training.calibrate import answered, calibrate, farthest, fit_bias, fit_sets, fit_temperature


def calibrated(runtime, part, space):
    """Calibrate on a split, as `Detector.fit` does."""
    answers = answered(runtime, part.pixels((32, 32)), space)
    return calibrate(answers, part.targets[part.labels], part.groups, part.classes)


def drawn(count, sureness, seed=0):
    """Answers of a model that is `sureness` times as sure as it may be, and the truth."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(count, 4))
    labels = np.array([rng.choice(4, p=row) for row in softmax(logits)])
    return (logits * sureness).astype(np.float32), labels


@pytest.mark.parametrize("sureness", [0.5, 1.0, 3.0])
def test_the_temperature_takes_back_what_a_model_is_too_sure(sureness):
    logits, labels = drawn(4000, sureness)
    assert fit_temperature(logits, np.eye(4, dtype=bool)[labels]) == pytest.approx(sureness, rel=0.1)


def test_coarse_labels_count_for_the_temperature():
    logits, labels = drawn(4000, 2.0)
    targets = np.eye(4, dtype=bool)[labels]
    targets[::2, 2:] |= targets[::2, 2:].any(axis=1, keepdims=True)
    assert fit_temperature(logits, targets) == pytest.approx(2.0, rel=0.15)


def test_the_bias_brings_the_population_back():
    rng = np.random.default_rng(1)
    logits, added = rng.normal(size=(6000, 4)), np.array([1.5, 0.0, -1.0, -0.5])
    labels = np.array([rng.choice(4, p=row) for row in softmax(logits + added)])
    temperature, bias = fit_bias((2 * logits).astype(np.float32), np.eye(4, dtype=bool)[labels])
    assert temperature == pytest.approx(2.0, rel=0.1)
    np.testing.assert_allclose(bias, added - added.mean(), atol=0.15)


def test_a_class_that_nothing_shows_has_a_finite_bias():
    logits, labels = drawn(500, 1.0)
    _, bias = fit_bias(logits, np.eye(4, dtype=bool)[np.minimum(labels, 2)])
    assert -15 < bias[3] < bias[0]


def test_calibrating_with_a_bias_ranks_melanoma_by_it(detector, data):
    part = data.validation
    answers = answered(detector.predictor.runtime, part.pixels((32, 32)), None)
    told = (part.targets[part.labels], part.groups, part.classes)
    plain, biased = (calibrate(answers, *told, bias=wanted)[1] for wanted in (False, True))
    assert plain.bias == ()
    scores = biased.probabilities(answers[1].logits, part.classes)[:, part.classes.index("melanoma")]
    is_melanoma = part.labels == part.classes.index("melanoma")
    np.testing.assert_allclose(biased.scores["melanoma"].positive, np.sort(scores[is_melanoma]))


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_sets_hold_the_truth_as_often_as_promised(coverage):
    held = []
    for seed in range(40):
        logits, labels = drawn(500, 2.0, seed=seed)
        rows = softmax(logits)
        least = fit_sets(rows[:200], labels[:200], coverage)
        held.append(prediction_sets(rows[200:], least)[np.arange(300), labels[200:]].mean())
    assert coverage - 0.01 < np.mean(held) < coverage + 0.02


def test_with_too_few_images_a_set_holds_everything():
    rows, labels = softmax(drawn(8, 1.0)[0]), drawn(8, 1.0)[1]
    assert fit_sets(rows, labels, 0.9) == 0
    assert fit_sets(rows, labels, 0.8) > 0


def test_unseen_images_are_accepted_with_confidence():
    rng = np.random.default_rng(1)
    accepted = [(rng.normal(size=2000) <= farthest(rng.normal(size=400), 400)).mean() for _ in range(60)]
    assert np.mean(np.array(accepted) >= 0.95) > 0.85
    assert farthest(np.empty(0), 0) == float("inf")


def test_each_number_of_views_has_its_own(detector, data):
    found = calibrated(detector.predictor.runtime, data.validation, detector.predictor.files.space)
    assert found == detector.predictor.config.calibrations
    one, four, eight = (found[count] for count in (1, 4, 8))
    assert (
        len({one.scores["melanoma"].positive, four.scores["melanoma"].positive, eight.scores["melanoma"].positive}) == 3
    )
    logits = detector.predictor.runtime.run(data.validation.pixels((32, 32))).logits
    melanoma = softmax(logits / one.temperature)[:, data.classes.index("melanoma")]
    is_melanoma = data.validation.labels == data.classes.index("melanoma")
    np.testing.assert_allclose(one.scores["melanoma"].positive, np.sort(melanoma[is_melanoma]), atol=1e-6)


def test_a_coarse_label_across_the_border_says_nothing(detector, data):
    coarse = {"melanoma or nevus": ("melanoma", "nevus"), "nevus or dermatofibroma": ("nevus", "dermatofibroma")}
    records = [
        replace(record, label="melanoma or nevus" if record.label == "melanoma" else "nevus or dermatofibroma")
        if record.label in ("melanoma", "nevus")
        else record
        for record in data.validation
    ]
    part = replace(data.validation, records=tuple(records), coarse=coarse)
    found = calibrated(detector.predictor.runtime, part, None)[1]
    assert "melanoma" not in found.scores
    nevi = sum(record.label == "nevus or dermatofibroma" for record in records)
    malignant = found.scores["malignant"]
    assert malignant.positives + malignant.negatives == len(records) - sum(
        record.label == "melanoma or nevus" for record in records
    )
    assert nevi
    assert found.farthest == float("inf")
