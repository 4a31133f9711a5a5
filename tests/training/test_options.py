"""The options of a training and their checks."""

import pytest

import melanoma_detect as md
from melanoma_detect.errors import DetectorError
from melanoma_detect.training.options import FitOptions


def test_default_recipe_is_the_assignments():
    assert FitOptions().recipe == md.Recipe.named("assignment")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs=0; expected a whole number, 1 or more"),
        ({"sensitivity": 95}, "sensitivity=95"),
        ({"resume": True}, "without a folder"),
    ],
)
def test_values_out_of_range_raise(options, message):
    with pytest.raises(DetectorError, match=message):
        FitOptions(**options)
