"""Calls of packages above the caller's."""

from melanoma_detect.utils.upward_calls import call_upwards


def test_call_upwards():
    assert call_upwards("builtins", "sorted", [2, 1], reverse=True) == [2, 1]
