"""Seeds of the global random generators."""
# ruff: noqa: NPY002 - the global generators are what is tested

import random
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import MelanomaDetectError
from melanoma_detect.training.options import FitOptions
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


REFUSED = [-1, 2**32, 2**64, True, 1.0, np.float32(1), "1", [1]]
TAKEN = [2**32 - 1, np.int64(5)]
DOORS = {
    "load_dataset": lambda seed, made: md.load_dataset(made.folder, seed=seed, image_size=(32, 32), progress=False),
    "write_samples": lambda seed, _: md.write_samples(
        f"seed {seed}", train=2, test=1, size=32, classes=["nevus"], seed=seed
    ),
    "draw_lesion": lambda seed, _: md.draw_lesion("nevus", seed=seed, size=32),
    "balance": lambda seed, made: md.balance(made.data, add=1, seed=seed, method="weights"),
    "folds": lambda seed, made: list(md.folds(made.data, 2, seed=seed)),
    "batches": lambda seed, made: made.data.train.batches(seed=seed, shuffle=True),
    "tf_dataset": lambda seed, made: made.data.train.tf_dataset(seed=seed, shuffle=True),
    "build_model": lambda seed, _: md.build_model("cnn", num_classes=2, input_shape=(32, 32, 3), seed=seed),
    "fit": lambda seed, _: FitOptions(seed=seed),
    "evaluate": lambda seed, made: made.detector.evaluate(made.data.test, seed=seed, seen="keep", progress=False),
}


class Made(NamedTuple):
    folder: Path
    data: md.Dataset
    detector: md.Detector


@pytest.mark.parametrize("door", DOORS)
def test_every_door_takes_the_same_seeds(door, lesions, data, detector):
    made = Made(lesions, data, detector)
    for seed in REFUSED:
        with pytest.raises(MelanomaDetectError, match=r"seed=.*; expected a whole number, from 0 to 4294967295"):
            DOORS[door](seed, made)
    for seed in TAKEN:
        DOORS[door](seed, made)
