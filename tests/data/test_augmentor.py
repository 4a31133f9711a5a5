"""Augmentor's operations by name."""

# ruff: noqa: NPY002 - the global generators are what is tested

import random

import numpy as np
import pytest
from PIL import Image

from melanoma_detect.data.augmentor import ASSIGNMENT, available, parse
from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.random import seeded


def test_augmentor_offers_its_operations():
    assert len(available()) == 32
    assert {"rotate", "zoom", "flip_left_right", "shear", "random_distortion"} <= set(available())


def test_the_assignment_rotates_by_ten_degrees():
    operation = parse(ASSIGNMENT)[0]
    assert (operation.name, operation.probability) == ("rotate", 0.7)
    assert operation.options == {"max_left_rotation": 10, "max_right_rotation": 10}


@pytest.mark.parametrize(
    "name", ["rotate", "flip_left_right", "zoom", "shear", "random_brightness", "random_distortion"]
)
def test_the_same_seed_gives_the_same_image(image, name):
    options = {
        "rotate": {"max_left_rotation": 10, "max_right_rotation": 10},
        "zoom": {"min_factor": 1.1, "max_factor": 1.5},
        "shear": {"max_shear_left": 10, "max_shear_right": 10},
        "random_brightness": {"min_factor": 0.5, "max_factor": 0.8},
        "random_distortion": {"grid_width": 4, "grid_height": 4, "magnitude": 4},
    }
    operation = parse({name: options.get(name, {})})[0]

    def changed(seed):
        with seeded(seed):
            return np.asarray(operation.apply(Image.fromarray(image)))

    first = next(seed for seed in range(50) if not np.array_equal(changed(seed), image))
    np.testing.assert_array_equal(changed(first), changed(first))


def test_the_global_generators_are_put_back():
    random.seed(7)
    np.random.seed(7)
    expected = random.random(), np.random.random()
    random.seed(7)
    np.random.seed(7)
    with seeded(1):
        random.random()
        np.random.random()
    assert (random.random(), np.random.random()) == expected


@pytest.mark.parametrize(
    ("operations", "message"),
    [
        ({"rotat": {}}, "did you mean 'rotate'"),
        ({"sample": {"n": 3}}, "no operation 'sample'"),
        ({"rotate": {"probability": 2}}, "expected 0 to 1"),
        ({"rotate": {"angle": 5}}, r"expected rotate\(self, probability, max_left_rotation"),
        ({"zoom": {"min_factor": -1, "max_factor": 2}}, "Augmentor refuses"),
        ({}, "no operations"),
    ],
)
def test_slips_are_answered(operations, message):
    with pytest.raises(DatasetError, match=message):
        parse(operations)
