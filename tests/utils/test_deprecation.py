"""Deprecation warnings: each names the old name, the new name and the line that uses the old one."""

import warnings

import pytest

from melanoma_detect.utils.deprecation import REMOVED_IN, call_moved, renamed_keywords, warn_renamed


def old_function():
    warn_renamed("md.old", "md.new")


def moved_function(value):
    return call_moved("md.root", "math.sqrt", "math", "sqrt", value)


def test_the_warning_names_both_names_and_the_line_of_the_caller():
    with pytest.warns(DeprecationWarning, match=f"md.old is deprecated .* {REMOVED_IN}; use md.new") as caught:
        old_function()
    assert caught[0].filename == __file__


def test_a_moved_function_is_called():
    with pytest.warns(DeprecationWarning, match=r"use math\.sqrt") as caught:
        assert moved_function(9) == 3
    assert caught[0].filename == __file__


def test_a_renamed_keyword_is_passed_on():
    @renamed_keywords(pictures="images")
    def count(images):
        return len(images)

    with pytest.warns(DeprecationWarning, match="use .*images=") as caught:
        assert count(pictures=[1, 2]) == 2
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert count(images=[1]) == count([1]) == 1


def test_each_of_several_renamed_keywords_warns_once_at_the_line_of_the_caller():
    @renamed_keywords(part="split", pictures="images")
    def count(split, images):
        return (split, images)

    with pytest.warns(DeprecationWarning, match="use .*=…") as caught:
        assert count(part="train", pictures=2) == ("train", 2)
    assert [warning.filename for warning in caught] == [__file__] * 2


def test_a_keyword_under_both_names_is_refused():
    @renamed_keywords(pictures="images")
    def count(images=()):
        return len(images)

    with pytest.raises(TypeError, match="both images= and its deprecated name pictures="):
        count(images=[], pictures=[1])
