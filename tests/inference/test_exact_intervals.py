"""Exact intervals, compared with SciPy's Beta distribution."""

import numpy as np
import pytest
from scipy.stats import beta

from melanoma_detect.inference.exact_intervals import clopper_pearson_interval, rank_interval


@pytest.mark.parametrize(("successes", "count"), [(1, 1), (19, 20), (3, 57), (1900, 2000)])
def test_clopper_pearson_is_the_beta_quantile(successes, count):
    low, high = clopper_pearson_interval(successes, count)
    assert low == pytest.approx(beta.ppf(0.025, successes, count - successes + 1), abs=1e-9)
    expected = 1.0 if successes == count else beta.ppf(0.975, successes + 1, count - successes)
    assert high == pytest.approx(expected, abs=1e-9)


def test_no_success_and_no_case():
    assert clopper_pearson_interval(0, 60)[0] == 0.0
    assert clopper_pearson_interval(0, 0) == (0.0, 1.0)


def test_fraction_covers_both_whole_numbers_beside_it():
    low, high = clopper_pearson_interval(18.5, 20)
    assert low == clopper_pearson_interval(18, 20)[0]
    assert high == clopper_pearson_interval(19, 20)[1]


def test_rank_interval_covers_the_share_of_new_scores():
    rng = np.random.default_rng(1)
    low, high = rank_interval(2, 39)
    shares = 1 - np.sort(rng.random((4000, 39)), axis=1)[:, 1]  # of a uniform distribution over the second lowest draw
    assert shares.mean() == pytest.approx(1 - 2 / 40, abs=0.002)
    assert ((shares >= low) & (shares <= high)).mean() == pytest.approx(0.95, abs=0.01)
