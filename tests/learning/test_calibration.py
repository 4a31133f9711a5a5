"""Where to alert."""

import numpy as np
import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.learning.calibration import fit_operating_point


@pytest.mark.parametrize("goal", [0.5, 0.8, 0.9, 0.95, 0.99, 1.0])
@pytest.mark.parametrize("positives", [1, 7, 20, 100, 333])
def test_the_goal_is_reached_and_no_threshold_higher_would_do(goal, positives):
    rng = np.random.default_rng(positives)
    scores = np.concatenate([rng.beta(3, 2, positives), rng.beta(2, 4, 500)])
    positive = np.arange(len(scores)) < positives
    point = fit_operating_point(scores, positive, sensitivity=goal)
    assert (scores[positive] >= point.threshold).mean() == point.sensitivity >= goal
    assert (scores[~positive] < point.threshold).mean() == point.specificity
    higher = np.sort(scores[positive])
    higher = higher[higher > point.threshold]
    assert len(higher) < 2 or (scores[positive] >= higher[1]).mean() < goal
    assert (point.positives, point.negatives) == (positives, 500)


def test_ties_are_all_found():
    point = fit_operating_point(np.array([0.5, 0.5, 0.5, 0.5, 0.1]), [True, True, True, False, False], sensitivity=0.5)
    assert point.sensitivity == 1.0
    assert point.threshold == pytest.approx(0.3)


def test_scores_that_say_nothing_still_give_a_threshold():
    point = fit_operating_point(np.zeros(10), [True] * 5 + [False] * 5)
    assert (point.sensitivity, point.specificity) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("positive", "sensitivity", "message"),
    [([True, True], 0.9, "0 other"), ([False, False], 0.9, "0 melanomas"), ([True, False], 0, "over 0")],
)
def test_what_cannot_be_set_is_refused(positive, sensitivity, message):
    with pytest.raises(DetectorError, match=message):
        fit_operating_point(np.array([0.1, 0.2]), positive, sensitivity=sensitivity)
