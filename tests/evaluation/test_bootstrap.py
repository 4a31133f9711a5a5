"""Intervals drawn lesion by lesion."""

import numpy as np
import pytest

from melanoma_detect.evaluation.bootstrap import Figure, figures, replicates


def share(right):
    return lambda weights: {"share": weights @ right / weights.sum(axis=1)}


def interval(right, groups, seed=1):
    return figures(share(np.asarray(right, float)), groups, {"share": len(set(groups))}, seed=seed)["share"]


def test_images_of_a_group_are_drawn_together():
    for weights in replicates(["a", "b", "a", "c"], seed=1, count=50):
        np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
        np.testing.assert_array_equal(weights[:, [0, 1, 3]].sum(axis=1), 3)


def test_ten_views_of_a_lesion_are_no_ten_lesions():
    rng = np.random.default_rng(0)
    right = rng.random(40) < 0.6
    alone = interval(right, [str(number) for number in range(40)])
    repeated = interval(right.repeat(10), [str(number) for number in range(40) for _ in range(10)])
    blind = interval(right.repeat(10), [str(number) for number in range(400)])
    assert repeated.high - repeated.low == pytest.approx(alone.high - alone.low, abs=0.02)
    assert blind.high - blind.low < 0.5 * (repeated.high - repeated.low)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    groups = [str(number) for number in range(120)]
    found = [interval(rng.random(120) < 0.7, groups, seed=seed) for seed in range(100)]
    covered = np.mean([figure.low <= 0.7 <= figure.high for figure in found])
    assert 0.88 <= covered <= 1.0


@pytest.mark.parametrize(("right", "low", "high"), [([1] * 8, 0.631, 1.0), ([0] * 8, 0.0, 0.369)])
def test_all_right_is_not_certain(right, low, high):
    figure = interval(right, list("abcdefgh"))
    assert (figure.low, figure.high) == pytest.approx((low, high), abs=5e-4)


def test_the_same_seed_gives_the_same_interval():
    right = [1, 0, 1, 1, 0]
    assert interval(right, list("abcde"), seed=3) == interval(right, list("abcde"), seed=3)


def test_a_figure_that_is_not_defined_says_so():
    assert str(Figure(float("nan"), float("nan"), float("nan"), 0)) == "–"
    assert str(Figure(0.5, 0.25, 0.75, 9)) == "0.500 [0.250, 0.750]"
