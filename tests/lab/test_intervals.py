import math

import numpy as np
import pytest
from scipy import stats

from melanoma_detect.lab.intervals import corrected_mean


def test_independent_trials_have_students_interval():
    values = np.random.default_rng(1).normal(3, 2, 12)
    expected = stats.t.interval(0.95, 11, values.mean(), stats.sem(values))
    assert corrected_mean(values)[1:] == pytest.approx(expected)


def test_trials_that_share_images_have_a_wider_one():
    values = [1.0, 2.0, 4.0]
    plain, shared = corrected_mean(values), corrected_mean(values, overlap=0.5)
    # Nadeau and Bengio: 1/3 + 1/2 in place of 1/3.
    ratio = (shared.high - shared.low) / (plain.high - plain.low)
    assert ratio == pytest.approx(math.sqrt((1 / 3 + 0.5) * 3))


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(4)
    means = [corrected_mean(rng.normal(0, 1, 6)) for _ in range(2000)]
    assert np.mean([mean.low <= 0 <= mean.high for mean in means]) == pytest.approx(0.95, abs=0.015)


def test_one_trial_has_no_interval():
    assert corrected_mean([2.0]).value == 2
    assert math.isnan(corrected_mean([2.0]).low)
