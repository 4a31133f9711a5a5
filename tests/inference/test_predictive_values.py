"""Predictive values: Bayes' rule at a prevalence."""

import math

import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.predictive_values import predictive_values


def test_they_are_bayes_rule():
    found = predictive_values(0.9, 0.8, 0.1)
    assert (found.ppv, found.npv) == (pytest.approx(0.09 / 0.27), pytest.approx(0.72 / 0.73))
    assert found.number_needed_to_biopsy == pytest.approx(3)


def test_no_alert_and_no_cleared_image_leave_them_undefined():
    silent, loud = predictive_values(0.0, 1.0, 0.1), predictive_values(1.0, 0.0, 0.1)
    assert math.isnan(silent.ppv)
    assert silent.number_needed_to_biopsy != 1
    assert math.isnan(loud.npv)


@pytest.mark.parametrize("prevalence", [0, 1, -0.1, 20, math.nan, math.inf, "0.1", None, 10**400])
def test_the_prevalence_must_be_a_share(prevalence):
    with pytest.raises(DetectorError, match="over 0 and under 1"):
        predictive_values(0.9, 0.8, prevalence)


def test_intervals_come_from_those_of_sensitivity_and_specificity():
    found = predictive_values(0.95, 1.0, 0.01, (0.8, 0.99), (0.867, 1.0))  # no false alert, but among few images
    assert found.ppv == 1
    assert found.ppv_interval == (pytest.approx(0.008 / (0.008 + 0.99 * 0.133)), 1)
    assert found.npv_interval[0] == pytest.approx(0.99 * 0.867 / (0.99 * 0.867 + 0.002))
    assert found.number_needed_to_biopsy_interval == (1, pytest.approx(1 / found.ppv_interval[0]))
    assert "100.0% [5.7%, 100.0%] of alerts are right (one in 1.0 [1.0, 17.5])" in str(found)


def test_without_intervals_of_both_there_are_none():
    for known in (((0.8, 0.99),), ((0.0, 1.0), (0.8, 0.99))):
        found = predictive_values(0.95, 0.9, 0.01, *known)
        assert found.ppv_interval == (0, 1)
        assert "[" not in str(found)


def test_an_interval_may_have_no_end():
    found = predictive_values(0.5, 0.9, 0.1, (0.0, 0.9), (0.8, 0.95))
    assert found.number_needed_to_biopsy_interval[1] == math.inf
    assert "∞]" in str(found)
