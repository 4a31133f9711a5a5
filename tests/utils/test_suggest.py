"""Hints at names that are like an unknown one."""

import pytest

from melanoma_detect.utils.suggest import did_you_mean


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mobilnet", "did you mean 'mobilenet'? "),
        ("CNN", "did you mean 'cnn'? "),
        ("Cnn3", "did you mean 'cnn'? "),
        ("", ""),
    ],
)
def test_only_close_names_are_suggested(name, hint):
    assert did_you_mean(name, ["cnn", "mobilenet", "mobilenet_v2"]) == hint
