"""Grids: every number has a bin, and rounding keeps the order."""

import numpy as np
import pytest

from melanoma_detect.monitoring.grids import GRIDS


@pytest.mark.parametrize("name", GRIDS)
def test_every_number_has_a_bin_and_rounding_keeps_it(name):
    grid, rng = GRIDS[name], np.random.default_rng(1)
    values = rng.uniform(size=500) if grid.odds else rng.uniform(grid.low, grid.high, 500)
    values = np.concatenate([[0.0, 1.0], values, [] if grid.odds else [-1e300, 1e300]])
    found = grid.find(values)
    assert found.min() >= 0
    assert found.max() < grid.bins
    assert grid.find(grid.middles(found)).tolist() == found.tolist()
    assert (np.diff(grid.round_values(np.sort(values))) >= 0).all()


def test_probabilities_are_kept_within_two_percent_of_their_odds():
    values = np.array([1e-5, 0.01, 0.3, 0.99])
    rounded = GRIDS["melanoma"].round_values(values)
    assert np.abs(np.log(rounded / (1 - rounded)) - np.log(values / (1 - values))).max() <= 0.0101
