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


@pytest.mark.parametrize("prevalence", [0, 1, -0.1, 20])
def test_the_prevalence_must_be_a_share(prevalence):
    with pytest.raises(DetectorError, match="over 0 and under 1"):
        predictive_values(0.9, 0.8, prevalence)
