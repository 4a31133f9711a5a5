"""Betting: the false-alarm rate that Ville's inequality promises, and what the capital does after a change."""

import numpy as np
import pytest

from melanoma_detect.monitoring.betting import BettingProcess, bet_factors, share_interval, start_weight


def ever_reaches(streams, level, draw):
    """Return the share of streams whose evidence reaches a level."""
    reached = 0
    for number in range(streams):
        process, rng = BettingProcess(), np.random.default_rng(number)
        for period in range(60):
            process.update(draw(rng, period))
        reached += process.peak >= level
    return reached / streams


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_uniform_p_values_raise_no_more_false_alarms_than_promised(alpha):
    share = ever_reaches(400, 1 / alpha, lambda rng, _: rng.uniform(size=20))
    assert share <= alpha + 2 * np.sqrt(alpha * (1 - alpha) / 400)


@pytest.mark.parametrize(
    "change",
    [lambda p: p**1.5, lambda p: 1 - p**1.5, lambda p: (p + 0.5) % 1 * 0.6 + 0.2, lambda p: np.clip(p, 0.4, 1)],
)
def test_a_late_change_is_found(change):
    draw = lambda rng, period: (change if period >= 30 else lambda p: p)(rng.uniform(size=50))  # noqa: E731
    assert ever_reaches(20, 20, draw) == 1


def test_bets_are_fair_and_never_lose_all():
    factors = bet_factors((np.arange(100_000) + 0.5) / 100_000)
    assert factors.mean(axis=0) == pytest.approx(1, abs=1e-6)
    assert factors.min() > 0.05


def test_the_parts_of_the_capital_sum_to_one():
    parts = sum(start_weight(period) for period in range(1, 10_000))
    assert parts + 1 / np.log2(10_001) == pytest.approx(1)


def test_evidence_stays_a_number():
    process = BettingProcess()
    assert process.update([]) == pytest.approx(1)
    assert process.update(np.full(5000, 0.999)) == float("inf")
    assert process.peak == float("inf")


def test_the_interval_of_a_share_holds_at_every_moment():
    missed = 0
    for number in range(300):
        hits = np.cumsum(np.random.default_rng(number).uniform(size=400) < 0.3)
        moments = range(1, 401, 7)
        missed += any(not low <= 0.3 <= high for low, high in (share_interval(int(hits[n - 1]), n) for n in moments))
    assert missed / 300 <= 0.05


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (0, 20), (20, 20), (1, 2), (5000, 10_000)])
def test_the_interval_holds_the_share_itself(successes, trials):
    low, high = share_interval(successes, trials)
    assert 0 <= low <= (successes / trials if trials else 0.5) <= high <= 1
