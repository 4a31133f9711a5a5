"""Counts in messages."""

import pytest

from melanoma_detect.utils.counts import count_noun


@pytest.mark.parametrize(
    ("number", "plural", "text"),
    [(0, "", "0 images"), (1, "", "1 image"), (2, "", "2 images"), (1234, "", "1,234 images"), (2, "x", "2 x")],
)
def test_one_is_singular(number, plural, text):
    assert count_noun(number, "image", plural) == text
