"""Calibration figures, held against scikit-learn's and against models whose calibration is known."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from melanoma_detect.evaluation.calibration_curve import reliability
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.metrics import bin_of

CLASSES = ("melanoma", "nevus")


def answers(count, seed, *, exponent=1.0):
    """Return an evaluation of a model that says p where melanomas come with p to the power of the exponent."""
    rng = np.random.default_rng(seed)
    said = rng.beta(0.5, 1.5, count)
    labels = np.where(rng.random(count) < said**exponent, 0, 1)
    return measure(np.stack([said, 1 - said], axis=1), labels, [str(at) for at in range(count)], CLASSES)


def test_the_curve_and_the_brier_score_are_those_of_scikit_learn():
    found = answers(3000, seed=1)
    observed, predicted = calibration_curve(found.is_melanoma, found.melanoma_scores, n_bins=10)
    bins = reliability(found)
    assert [one.observed.value for one in bins] == pytest.approx(list(observed))
    assert [one.predicted for one in bins] == pytest.approx(list(predicted))
    assert found.figures["brier"].value == pytest.approx(brier_score_loss(found.is_melanoma, found.melanoma_scores))
    assert found.figures["brier_classes"].value == pytest.approx(2 * found.figures["brier"].value)


def test_the_error_is_the_mean_distance_of_the_bins():
    found = answers(2000, seed=2, exponent=2.0)
    bins = reliability(found)
    distances = [one.images * abs(one.predicted - one.observed.value) for one in bins]
    assert found.figures["ece"].value == pytest.approx(sum(distances) / 2000)


def test_what_is_true_is_told_from_what_is_not():
    true, false = answers(4000, seed=3), answers(4000, seed=3, exponent=2.0)
    assert true.figures["ece"].value < 0.03
    assert false.figures["ece"].low > 0.05


def test_the_interval_of_the_error_takes_off_what_chance_adds():
    """A calibrated model's true error is 0, and what is measured is not; plain percentiles would begin at the measured one."""
    found = [answers(400, seed=seed).figures["ece"] for seed in range(10)]
    assert np.mean([figure.value for figure in found]) > 0.03
    assert np.mean([figure.low for figure in found]) < 0.01


def test_the_interval_of_an_error_that_is_there_holds_it():
    said = np.random.default_rng(0).beta(0.5, 1.5, 1_000_000)
    bins = bin_of(said)
    truth = sum(abs((said - said**2)[bins == at].sum()) for at in range(10)) / len(said)
    found = [answers(1000, seed=seed, exponent=2.0).figures["ece"] for seed in range(20)]
    assert sum(figure.low <= truth <= figure.high for figure in found) >= 17


def test_bins_have_their_edges_below():
    np.testing.assert_array_equal(bin_of(np.array([0.0, 0.0999, 0.1, 0.95, 1.0])), [0, 0, 1, 9, 9])


def test_without_a_melanoma_class_nothing_is_calibrated():
    found = measure(np.array([[0.2, 0.8]]), np.array([1]), ["a"], ("wart", "nevus"))
    assert reliability(found) == ()
    assert np.isnan(found.figures["ece"].value)
    assert found.figures["brier_classes"].value == pytest.approx(0.08)
