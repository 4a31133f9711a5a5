"""Numbers of Python and of NumPy, as arguments."""

import json
import re

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DatasetError, DetectorError
from melanoma_detect.training.options import FitOptions
from melanoma_detect.training.recipes import Augmentation, Recipe
from melanoma_detect.utils.number_arguments import plain_number, real_number, whole_number


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3)])
def test_whole_numbers_of_numpy_are_taken(value):
    found = whole_number(value, "epochs", ValueError, low=1)
    assert found == 3
    assert type(found) is int


@pytest.mark.parametrize("value", [0, -1, True, np.True_, 3.0, np.float32(3), "3", None, [3], np.array([3]), 2**40])
def test_other_values_are_refused_with_the_range(value):
    with pytest.raises(DatasetError, match=re.escape("; expected a whole number, from 1 to 99")):
        whole_number(value, "epochs", DatasetError, low=1, below=100)


@pytest.mark.parametrize("value", [0.9, np.float32(0.9), np.float16(0.9), np.float64(0.9), np.array(0.9)])
def test_real_numbers_of_numpy_are_the_numbers_that_they_are_written_as(value):
    found = real_number(value, "sensitivity", ValueError)
    assert found == 0.9
    assert type(found) is float


@pytest.mark.parametrize("value", [True, np.True_, "0.9", None, float("nan"), np.inf, 1j, [0.9], np.array([0.9])])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(DetectorError, match="expected a share"):
        real_number(value, "sensitivity", DetectorError, "a share")


def test_other_values_stay_as_they_are():
    values = ["auto", None, [1], np.array([1, 2]), 5, 0.5]
    assert [plain_number(value) is value for value in values] == [True] * len(values)


def test_options_of_a_training_are_plain_whatever_they_came_as():
    options = FitOptions(epochs=np.int32(2), seed=np.uint32(7), sensitivity=np.float32(0.9))
    assert (options.epochs, options.seed, options.sensitivity) == (2, 7, 0.9)
    recipe = Recipe(
        patience=np.int64(3), learning_rate=np.float32(0.01), augmentation=Augmentation(zoom=np.float16(0.1))
    )
    assert json.dumps([options.epochs, recipe.patience, recipe.learning_rate, recipe.augmentation.zoom])
    for options in ({"epochs": 2.5}, {"epochs": True}, {"sensitivity": "0.9"}, {"sensitivity": np.nan}, {"seed": -1}):
        with pytest.raises(DetectorError, match=f"{next(iter(options))}="):
            FitOptions(**options)


def test_a_detector_takes_numbers_of_numpy(detector, tmp_path):
    used = detector.at(sensitivity=np.float32(0.6), views=np.int64(4), coverage=np.float32(0.9))
    used.save(tmp_path / "used.detector")
    loaded = md.Detector.load(tmp_path / "used.detector")
    assert loaded.predictor.settings == detector.at(sensitivity=0.6, views=4, coverage=0.9).predictor.settings
