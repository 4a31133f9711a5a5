"""The Wilson interval agrees with published values."""

import pytest

from melanoma_detect.inference.wilson import share_with_interval, wilson_interval


def test_the_interval_agrees_with_published_values():
    # Newcombe 1998 (doi 10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E), table I, method 3.
    assert wilson_interval(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(0 / 20, 20) == pytest.approx((0, 0.1611), abs=5e-5)
    assert wilson_interval(0.5, 0) == (0, 1)


def test_an_unknown_interval_is_not_shown():
    assert share_with_interval(0.5, wilson_interval(0.5, 0)) == "50.0%"
    assert share_with_interval(0.5, wilson_interval(0.5, 4), 2) == "50.00% [15.00%, 85.00%]"
