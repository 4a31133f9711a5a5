"""Probabilities as text: what is neither 0 nor 1 is not shown as either."""

import pytest

from melanoma_detect.utils.probabilities import format_percent, format_probability, format_threshold, is_extreme


@pytest.mark.parametrize(
    ("share", "percent", "threshold", "probability"),
    [
        (0.0, "0%", "0.0%", "0.000"),
        (1.0, "100%", "100.0%", "1.000"),
        (0.5, "50.0%", "50.0%", "0.500"),
        (0.223, "22.3%", "22.3%", "0.223"),
        (0.9999999998959401, ">99.9%", "99.99999999%", "0.9999999999"),
        (1.04e-10, "<0.1%", "0.00000001%", "0.0000000001"),
        (0.9996, ">99.9%", "99.96%", "0.9996"),
        (0.00049, "<0.1%", "0.05%", "0.0005"),
        (float("nan"), "no number", "nan%", "nan"),
    ],
)
def test_what_is_neither_0_nor_1_is_not_shown_as_either(share, percent, threshold, probability):
    assert format_percent(share) == percent
    assert format_threshold(share) == threshold
    assert format_probability(share) == probability


@pytest.mark.parametrize("exponent", range(1, 17))
def test_no_digit_is_rounded_away(exponent):
    for share in (10.0**-exponent, 3.7 * 10.0**-exponent, 1 - 10.0**-exponent, 1 - 0.37 * 10.0**-exponent):
        if 0 < share < 1:
            assert 0 < float(format_probability(share)) < 1
            assert 0 < float(format_threshold(share)[:-1]) < 100


def test_extreme_thresholds():
    assert is_extreme(0.9999999998959401)
    assert is_extreme(1e-9)
    assert not any(map(is_extreme, (0.0, 1.0, 0.001, 0.5, 0.999)))
