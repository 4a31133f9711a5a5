"""Bootstrap intervals that count lesions."""

import numpy as np
import pytest

from melanoma_detect.evaluation.bootstrap import Figure, compute_figures, draw_replicates


def interval(correct, groups, seed=1):
    correct = np.asarray(correct, float)

    def accuracy(weights):
        return {"accuracy": weights @ correct / weights.sum(axis=1)}

    return compute_figures(accuracy, groups, {"accuracy": len(set(groups))}, seed=seed)["accuracy"]


def test_images_of_a_group_are_drawn_together():
    for weights in draw_replicates(["a", "b", "a", "c"], seed=1, count=50):
        np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
        np.testing.assert_array_equal(weights[:, [0, 1, 3]].sum(axis=1), 3)


def test_repeated_images_of_a_lesion_do_not_narrow_the_interval():
    rng = np.random.default_rng(0)
    correct = rng.random(40) < 0.6
    single = interval(correct, [str(number) for number in range(40)])
    repeated = interval(correct.repeat(10), [str(number) for number in range(40) for _ in range(10)])
    ungrouped = interval(correct.repeat(10), [str(number) for number in range(400)])
    assert repeated.high - repeated.low == pytest.approx(single.high - single.low, abs=0.02)
    assert ungrouped.high - ungrouped.low < 0.5 * (repeated.high - repeated.low)


def test_the_interval_covers_the_true_value_in_about_95_percent():
    rng = np.random.default_rng(0)
    groups = [str(number) for number in range(120)]
    intervals = [interval(rng.random(120) < 0.7, groups, seed=seed) for seed in range(100)]
    coverage = np.mean([figure.low <= 0.7 <= figure.high for figure in intervals])
    assert 0.88 <= coverage <= 1.0


@pytest.mark.parametrize(("correct", "low", "high"), [([1] * 8, 0.631, 1.0), ([0] * 8, 0.0, 0.369)])
def test_eight_of_eight_has_the_exact_interval(correct, low, high):
    figure = interval(correct, list("abcdefgh"))
    assert (figure.low, figure.high) == pytest.approx((low, high), abs=5e-4)


def test_the_same_seed_gives_the_same_interval():
    correct = [1, 0, 1, 1, 0]
    assert interval(correct, list("abcde"), seed=3) == interval(correct, list("abcde"), seed=3)


def test_figures_print_with_their_interval():
    assert str(Figure(float("nan"), float("nan"), float("nan"), 0)) == "–"
    assert str(Figure(0.5, 0.25, 0.75, 9)) == "0.500 [0.250, 0.750]"
    assert str(Figure(-0.0001, -0.2, 0.1, 9)) == "0.000 [-0.200, 0.100]"
