"""Two judges of labels: a regression that learns from them, and the detector, which does not."""

import numpy as np
import pytest

from melanoma_detect.data_audit.label_judges import judge_labels, match_frequencies
from melanoma_detect.inference.image_outputs import ImageOutputs

CLASSES = ("melanoma", "nevus", "vascular lesion")


def outputs(truth, seed=1):
    """Features and probabilities of a detector that is mostly right."""
    rng = np.random.default_rng(seed)
    sure = rng.uniform(2, 6, (len(truth), 1))  # some lesions are plain, some hard
    features = (np.eye(3)[truth] * sure + rng.normal(size=(len(truth), 3))).astype(np.float32)
    answers = np.exp(2 * features.astype(float))
    return ImageOutputs(features, answers / answers.sum(axis=1, keepdims=True), ())


def judge(truth, names):
    return judge_labels(outputs(truth), names, [str(number) for number in range(len(names))], CLASSES)


def test_errors_at_random_come_first_and_are_counted():
    truth = np.random.default_rng(2).integers(0, 3, 400)
    given = truth.copy()
    given[:20] = (given[:20] + 1) % 3
    judged = judge(truth, [CLASSES[label] for label in given])
    assert (np.argsort(-judged.chances)[:20] < 20).mean() >= 0.9
    estimate = judged.estimate()
    assert estimate["low"] <= 20 <= estimate["high"]
    assert (judged.looks_like[:20] == truth[:20]).mean() >= 0.9
    assert judged.doubtful[:20].mean() >= 0.8
    assert judged.doubtful[20:].mean() <= 0.02


def test_a_diagnosis_that_is_always_filed_under_another_is_found_by_the_detector():
    truth = np.repeat([0, 1, 2, 2], [100, 100, 100, 20])
    given = np.repeat([0, 1, 2, 1], [100, 100, 100, 20])  # of the vascular lesions these twenty are "nevus"
    # They look a little different from the others, so that a regression can learn them.
    told = outputs(truth)
    told.features[-20:] *= 2
    judged = judge_labels(told, [CLASSES[label] for label in given], [str(n) for n in range(320)], CLASSES)
    by_regression, by_detector = (noise.chances[-20:].mean() for noise in judged.noises)
    assert by_regression < 0.3
    assert by_detector > by_regression + 0.3
    assert (np.argsort(-judged.chances)[:20] >= 300).mean() >= 0.6  # of 0.06 by chance
    assert judged.estimate()["low"] <= 20 <= judged.estimate()["high"]


def test_classes_that_the_detector_has_not_are_judged_by_the_regression_alone():
    truth = np.random.default_rng(2).integers(0, 3, 300)
    judged = judge(truth, [("acne", "eczema", "wart")[label] for label in truth])
    assert len(judged.noises) == len(judged.opinions) == 1
    assert judged.doubtful.mean() < 0.02


def test_a_label_that_covers_several_diagnoses_has_their_probability():
    truth = np.random.default_rng(2).integers(0, 3, 300)
    judged = judge(truth, [("malignant", "benign", "benign")[label] for label in truth])
    assert len(judged.noises) == 2
    assert judged.opinions[1][truth > 0, 0].mean() > 0.9  # "benign" comes first


def test_frequencies_are_matched_as_far_as_a_class_can_change():
    probabilities = np.random.default_rng(1).dirichlet([8, 1, 1], 500)
    labels = np.repeat([0, 1, 2], [100, 200, 200])
    assert match_frequencies(probabilities, labels).mean(axis=0) == pytest.approx([0.2, 0.4, 0.4], abs=0.02)
    assert np.isfinite(match_frequencies(np.eye(3)[labels], np.zeros(500, int))).all()
