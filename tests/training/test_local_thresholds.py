"""Thresholds of a local calibration: prediction sets and the abstention distance."""

import numpy as np
import pytest

from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.prediction import prediction_sets
from melanoma_detect.training.calibrate import CalibrationInputs
from melanoma_detect.training.local_fit import LocalImages
from melanoma_detect.training.local_thresholds import (
    assign_folds,
    cross_validate,
    distance_rank,
    localize_calibration,
    validated_probabilities,
)

CLASSES = ("melanoma", "basal cell carcinoma", "nevus", "dermatofibroma")


def draw(count, seed=1, views=1):
    """Return outputs and labels of a model that is right in most cases."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(4, size=count, p=[0.2, 0.2, 0.5, 0.1])
    logits = (rng.normal(size=(count, 4)) + 2 * np.eye(4)[labels]).astype(np.float32)
    inputs = CalibrationInputs(logits, rng.gamma(4.0, size=count * views))
    return inputs, LocalImages(np.eye(4, dtype=bool)[labels], np.arange(count).astype(str), CLASSES)


def localize(inputs, images):
    folds = cross_validate(Calibration(), inputs, images, assign_folds(images.groups, seed=1))
    return localize_calibration(Calibration(ood_threshold=9.0), inputs, images, folds)


def test_lesions_are_never_divided():
    groups = np.array(["a", "b", "a", "c", "b"] * 30)
    folds = assign_folds(groups, seed=1)
    assert all(len(set(folds[groups == name].tolist())) == 1 for name in "abc")
    assert (assign_folds(groups, seed=1) == folds).all()


def test_prediction_sets_hold_the_truth_of_new_images():
    calibration = localize(*draw(150))
    inputs, images = draw(4000, seed=2)
    rows = calibration.probabilities(inputs.logits, CLASSES)
    held = prediction_sets(rows, calibration.conformal_threshold(0.9))[images.targets].mean()
    assert held == pytest.approx(0.9, abs=0.04)


def test_coverage_that_too_few_lesions_support_holds_every_diagnosis():
    calibration = localize(*draw(60))
    assert calibration.conformal_threshold(0.99) == 0
    assert calibration.conformal_threshold(0.95) > 0


@pytest.mark.parametrize("views", [1, 8])
def test_new_images_lie_within_the_distance(views):
    calibration = localize(*draw(100, views=views))
    accepted = (np.random.default_rng(3).gamma(4.0, size=4000) <= calibration.ood_threshold).mean()
    assert accepted == pytest.approx(0.955, abs=0.025)


def test_few_lesions_keep_the_distance():
    inputs, images = draw(60)
    images = images._replace(groups=(np.arange(60) % 15).astype(str))
    assert localize(inputs, images).ood_threshold == 9.0
    assert [distance_rank(lesions) for lesions in (18, 19, 39)] == [0, 19, 38]


def test_validated_probabilities_do_not_know_their_own_labels():
    inputs, images = draw(60)
    folds = assign_folds(images.groups, seed=1)
    original = validated_probabilities(inputs, images, cross_validate(Calibration(), inputs, images, folds))
    images.targets[0] = images.targets[0][::-1].copy()
    changed = validated_probabilities(inputs, images, cross_validate(Calibration(), inputs, images, folds))
    np.testing.assert_allclose(changed[folds == folds[0]], original[folds == folds[0]])
    assert not np.allclose(changed[folds != folds[0]], original[folds != folds[0]])
