"""Recipes are plain data."""

from dataclasses import replace

import pytest

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.learning.recipes import find_recipe


def test_the_assignments_recipe():
    recipe = find_recipe("assignment")
    assert (recipe.optimizer, recipe.augmentation) == ("adam", md.Augmentation("horizontal", 0.1, 0.1))


def test_a_recipe_of_ones_own_is_taken_as_it_is():
    mine = replace(find_recipe("assignment"), name="mine", learning_rate=1e-4)
    assert find_recipe(mine) is mine


def test_an_unknown_name_is_answered():
    with pytest.raises(DetectorError, match="did you mean 'assignment'"):
        find_recipe("asignment")
