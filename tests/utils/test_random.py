"""Seeds of the global random generators."""
# ruff: noqa: NPY002 - the global generators are what is tested

import random

import numpy as np
import pytest

from melanoma_detect.utils.random import seeded


def draw():
    return random.random(), np.random.rand()


def test_the_same_seed_gives_the_same_numbers():
    with seeded(1):
        first = draw()
    with seeded(2):
        second = draw()
    with seeded(1):
        assert draw() == first != second


def test_the_generators_are_restored_after_an_error_too():
    states = random.getstate(), np.random.get_state()[1].tolist()
    with pytest.raises(ZeroDivisionError), seeded(1):
        raise ZeroDivisionError(draw())
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states
