"""The calibration curve, compared with scikit-learn's and with models whose calibration is known."""

import numpy as np
import pytest
from sklearn import calibration
from sklearn.metrics import brier_score_loss

from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.metrics import bin_index

CLASSES = ("melanoma", "nevus")


def simulate(count, seed, *, exponent=1.0):
    """Evaluate a model that predicts p where melanomas occur with a probability of p to the power of the exponent."""
    rng = np.random.default_rng(seed)
    predicted = rng.beta(0.5, 1.5, count)
    labels = np.where(rng.random(count) < predicted**exponent, 0, 1)
    groups = [str(number) for number in range(count)]
    return measure(np.stack([predicted, 1 - predicted], axis=1), labels, groups, CLASSES)


def test_the_curve_and_the_brier_score_are_those_of_scikit_learn():
    evaluation = simulate(3000, seed=1)
    positive, scores = evaluation.is_melanoma, evaluation.melanoma_scores
    observed, predicted = calibration.calibration_curve(positive, scores, n_bins=10)
    bins = evaluation.calibration_curve()
    assert [tenth.observed.value for tenth in bins] == pytest.approx(list(observed))
    assert [tenth.predicted for tenth in bins] == pytest.approx(list(predicted))
    assert evaluation.figures["brier"].value == pytest.approx(brier_score_loss(positive, scores))
    assert evaluation.figures["brier_classes"].value == pytest.approx(2 * evaluation.figures["brier"].value)


def test_the_ece_is_the_mean_distance_of_the_bins():
    evaluation = simulate(2000, seed=2, exponent=2.0)
    bins = evaluation.calibration_curve()
    distances = [tenth.images * abs(tenth.predicted - tenth.observed.value) for tenth in bins]
    assert evaluation.figures["ece"].value == pytest.approx(sum(distances) / 2000)


def test_the_ece_separates_calibrated_from_miscalibrated():
    calibrated, miscalibrated = simulate(4000, seed=3), simulate(4000, seed=3, exponent=2.0)
    assert calibrated.figures["ece"].value < 0.03
    assert miscalibrated.figures["ece"].low > 0.05


def test_the_interval_of_the_ece_corrects_its_bias():
    """A calibrated model's true ECE is 0, and the measured one is not; a percentile interval would exclude 0."""
    figures = [simulate(400, seed=seed).figures["ece"] for seed in range(10)]
    assert np.mean([figure.value for figure in figures]) > 0.03
    assert np.mean([figure.low for figure in figures]) < 0.01


@pytest.mark.slow
def test_the_interval_of_the_ece_holds_the_true_error():
    predicted = np.random.default_rng(0).beta(0.5, 1.5, 1_000_000)
    bins = bin_index(predicted)
    true = sum(abs((predicted - predicted**2)[bins == number].sum()) for number in range(10)) / len(predicted)
    figures = [simulate(1000, seed=seed, exponent=2.0).figures["ece"] for seed in range(20)]
    assert sum(figure.low <= true <= figure.high for figure in figures) >= 17


def test_a_lower_edge_belongs_to_its_bin():
    np.testing.assert_array_equal(bin_index(np.array([0.0, 0.0999, 0.1, 0.95, 1.0])), [0, 0, 1, 9, 9])


def test_without_a_melanoma_class_there_is_no_curve():
    evaluation = measure(np.array([[0.2, 0.8]]), np.array([1]), ["a"], ("wart", "nevus"))
    assert evaluation.calibration_curve() == ()
    assert np.isnan(evaluation.figures["ece"].value)
    assert evaluation.figures["brier_classes"].value == pytest.approx(0.08)
