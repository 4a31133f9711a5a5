"""Who is near whom, against comparing all with all."""

import numpy as np
import pytest

from melanoma_detect.data import neighbours
from melanoma_detect.data.neighbours import find_pairs


def codes(count, twins, bits, seed=0):
    """Return random codes, some of which are others with so many bits turned over."""
    rng = np.random.default_rng(seed)
    found = rng.integers(0, 256, (count, 32), np.uint8)
    for at in range(twins):
        changed = np.unpackbits(found[at])
        changed[rng.choice(256, bits, replace=False)] ^= 1
        found[count - 1 - at] = np.packbits(changed)
    return found


@pytest.mark.parametrize("exact", [True, False], ids=["all with all", "index"])
def test_every_pair_within_the_radius_is_found_and_no_other(monkeypatch, exact):
    monkeypatch.setattr(neighbours, "EXACT", 10_000 if exact else 10)
    some = codes(3000, twins=200, bits=24)
    pairs = find_pairs(some, some, np.arange(3000), radius=24)
    assert pairs.first.tolist() == list(range(200))
    assert pairs.second.tolist() == [2999 - at for at in range(200)]
    assert set(pairs.bits.tolist()) == {24}


def test_a_pair_counts_once_with_its_smallest_distance():
    some = codes(2, twins=1, bits=10)
    queries = np.concatenate([some, some[:1]])
    queries[2, 0] ^= 255
    pairs = find_pairs(some, queries, np.array([0, 1, 0]), radius=24)
    assert (pairs.first.tolist(), pairs.second.tolist(), pairs.bits.tolist()) == ([0], [1], [10])


def test_nothing_is_near_nothing():
    assert (
        len(find_pairs(np.empty((0, 32), np.uint8), np.empty((0, 32), np.uint8), np.empty(0, int), radius=9).first) == 0
    )
