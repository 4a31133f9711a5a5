"""Plain values of a file: what Python would take for something else is refused."""

import math

import numpy as np
import pytest

from melanoma_detect.inference.value_checks import check_count, check_list, check_mapping, check_number, check_text


def test_numbers():
    assert check_number(1, "share", 0, 1) == 1.0
    assert check_number(np.float32(0.5), "share") == 0.5
    for value in (None, True, "0.5", [], {}):
        with pytest.raises(TypeError, match=r"share is .*, expected a number"):
            check_number(value, "share")
    for value in (math.nan, math.inf, -math.inf, 10**400):
        with pytest.raises(ValueError, match="expected a finite number"):
            check_number(value, "share")
    for value in (-0.1, 1.1):
        with pytest.raises(ValueError, match="expected 0 to 1"):
            check_number(value, "share", 0, 1)


def test_counts():
    assert check_count(0, "images") == 0
    for value in (None, True, 3.0, "3", []):
        with pytest.raises(TypeError, match=r"images is .*, expected a whole number"):
            check_count(value, "images")
    with pytest.raises(ValueError, match="images is -1, expected 0 or more"):
        check_count(-1, "images")
    with pytest.raises(ValueError, match="image_size is 0, expected 1 or more"):
        check_count(0, "image_size", 1)
    with pytest.raises(ValueError, match="images is a huge number"):
        check_count(10**5000, "images")


def test_text_lists_and_dictionaries():
    assert check_text("", "title") == ""
    assert check_list((1, 2), "size") == (1, 2)
    assert check_mapping({}, "recipe") == {}
    for check, wrong in (
        (check_text, [None, 3, []]),
        (check_list, [None, "ab", {}]),
        (check_mapping, [None, "ab", []]),
    ):
        for value in wrong:
            with pytest.raises(TypeError, match=r"x is .*, expected"):
                check(value, "x")
