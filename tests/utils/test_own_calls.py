"""Calls that this package has caused."""

import sys

import pytest

from melanoma_detect.utils.interruption import Interruption, noting_interruption
from melanoma_detect.utils.own_calls import is_asked_by_package


def test_a_call_by_the_user_is_none():
    assert not is_asked_by_package(sys._getframe())
    assert not is_asked_by_package(None)


def test_a_call_through_this_package_is_one():
    seen = []

    def describe():
        seen.append(is_asked_by_package(sys._getframe()))
        return Interruption("nothing was kept")

    with pytest.raises(KeyboardInterrupt), noting_interruption(describe):
        raise KeyboardInterrupt
    assert seen == [True]
