"""Conformal p-values: uniform for an exchangeable stream, ties and small references included."""

from bisect import bisect_left, bisect_right, insort

import numpy as np
import pytest

from melanoma_detect.monitoring.conformal import ConformalRanks


@pytest.mark.parametrize("size", [0, 3, 50])
@pytest.mark.parametrize("draw", [lambda rng, n: rng.normal(size=n), lambda rng, n: rng.integers(0, 2, n)])
def test_p_values_of_an_exchangeable_stream_are_uniform_and_independent(size, draw):
    rng = np.random.default_rng(1)
    rows = np.array([ConformalRanks(draw(rng, size), seed).p_values(draw(rng, 8)) for seed in range(3000)])
    for column in rows.T:
        assert np.histogram(column, 10, (0, 1))[0] == pytest.approx(300, abs=75)  # over four standard deviations
    correlations = np.corrcoef(rows.T)[~np.eye(8, dtype=bool)]
    assert np.abs(correlations).max() < 0.08


def test_the_order_of_a_sorted_table_does_not_matter():
    values = np.linspace(0, 1, 2000)
    p_values = ConformalRanks(np.linspace(0, 1, 500), seed=2).p_values(values)
    assert abs(np.corrcoef(p_values, np.arange(2000))[0, 1]) < 0.08


def test_the_same_seed_gives_the_same_p_values():
    first, second = (ConformalRanks([1.0, 2.0], seed=3).p_values([1.0, 1.5, 2.0]) for _ in range(2))
    assert first.tolist() == second.tolist()


@pytest.mark.parametrize("draw", [lambda rng, n: rng.normal(size=n), lambda rng, n: rng.integers(0, 5, n) / 4])
def test_the_ranks_are_those_of_one_sorted_list(draw):
    rng = np.random.default_rng(4)
    reference, same = draw(rng, 70), np.random.default_rng(9)
    ranks, kept = ConformalRanks(reference, seed=9), np.sort(reference).tolist()
    for size in (0, 1, 255, 256, 257, 1000, 3):
        values, expected = draw(rng, size), []
        shuffled, ties = same.permutation(values), same.uniform(size=size)
        for value, tie in zip(shuffled, ties, strict=True):
            low, high = bisect_left(kept, value), bisect_right(kept, value)
            expected.append((low + tie * (high - low + 1)) / (len(kept) + 1))
            insort(kept, value)
        assert ranks.p_values(values).tolist() == expected


def test_few_sorted_runs_are_kept():
    ranks = ConformalRanks(np.arange(400.0))
    for _ in range(50):
        ranks.p_values(np.random.default_rng(1).uniform(size=1000))
    lengths = [len(run) for run in ranks._runs]
    assert sum(lengths) == 50_400
    assert len(lengths) < 12
