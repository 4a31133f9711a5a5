"""Arrays of probabilities: what is none is named, with what was expected."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.inference.batch_prediction import batch_prediction
from melanoma_detect.inference.decisions import decide
from melanoma_detect.utils.probability_arrays import check_probabilities, check_table, sound_rows

CLASSES = ("nevus", "melanoma")
ROW = [0.3, 0.7]

WRONG_SHAPES = {
    "one row alone": ROW,
    "three axes": [[ROW]],
    "a column too many": [[0.2, 0.3, 0.5]],
    "a class missing": [[1.0]],
    "no axis": 0.5,
    "no column": np.empty((3, 0)),
    "nothing": [],
}
NO_NUMBERS = {
    "ragged": [ROW, [1.0]],
    "text": [["0.3", "0.7"]],
    "objects": np.array([[None, 0.7]]),
    "complex numbers": np.array([ROW], complex),
    "truth values": np.array([[True, False]]),
    "None": None,
    "a text": "melanoma",
    "a dictionary": {"nevus": 1.0},
}


@pytest.mark.parametrize("values", WRONG_SHAPES.values(), ids=WRONG_SHAPES)
def test_a_wrong_shape_is_named_with_the_expected_one(values):
    with pytest.raises(DetectorError, match=r"probabilities have the shape \(.*\); expected \(images, 2\)"):
        check_table(values, CLASSES)


@pytest.mark.parametrize("values", NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_what_has_no_numbers_is_named(values):
    with pytest.raises(DetectorError, match=r"probabilities are .*; expected numbers of the shape \(images, 2\)"):
        check_table(values, CLASSES)


def test_another_number_of_rows_than_images_is_named():
    with pytest.raises(DetectorError, match=r"the shape \(1, 2\); expected \(3, 2\)"):
        check_table([ROW], CLASSES, images=3)
    assert check_table(np.empty((0, 2)), CLASSES, images=0).shape == (0, 2)


@pytest.mark.parametrize("row", [[np.nan, 0.7], [np.inf, 0.0], [0.3, 0.3], [-0.5, 1.5], [2.0, -1.0], [1e308, 1e308]])
def test_rows_that_are_no_probabilities_name_their_images(row):
    table = [ROW, row, row, row, row]
    with pytest.raises(DetectorError, match=r"4 of 5 images \(b.png, c.png, d.png and 1 more\): .* add up to 1$"):
        check_probabilities(table, CLASSES, names=[f"{name}.png" for name in "abcde"])
    with pytest.raises(DetectorError, match="row 1, row 2"):
        check_probabilities(table, CLASSES)


@settings(max_examples=150, deadline=None)
@given(
    arrays(np.float64, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    | arrays(np.float16, array_shapes(max_side=3))
    | st.lists(st.lists(st.floats() | st.none() | st.text(max_size=2), max_size=3), max_size=3)
)
def test_every_function_that_takes_probabilities_answers_or_says_what_is_wrong(values):
    try:
        table = check_table(values, CLASSES)
    except DetectorError:
        with pytest.raises(DetectorError):
            decide(values, CLASSES, None)
        with pytest.raises(DetectorError):
            batch_prediction(values, CLASSES, None)
    else:
        batch = batch_prediction(values, CLASSES, None)
        assert [batch.decision(row) for row in range(len(table))] == ["refer"] * len(table)
    with pytest.raises(DetectorError) if not _are_probabilities(values) else _Nothing():
        check_probabilities(values, CLASSES)


class _Nothing:
    def __enter__(self): ...

    def __exit__(self, *error): ...


def _are_probabilities(values):
    try:
        return bool(sound_rows(check_table(values, CLASSES)).all())
    except DetectorError:
        return False


def test_figures_are_not_made_of_what_is_no_probability():
    with pytest.raises(DetectorError, match=r"1 of 2 images \(row 1\): 2 of 2 numbers are nan or infinite"):
        measure(np.array([ROW, [np.nan, np.nan]]), np.array([0, 1]), ["a", "b"], CLASSES)
    with pytest.raises(DetectorError, match=r"\(1, 2\); expected \(2, 2\)"):
        measure(np.array([ROW]), np.array([0, 1]), ["a", "b"], CLASSES)
