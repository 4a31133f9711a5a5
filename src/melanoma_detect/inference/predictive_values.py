"""Predictive values of an operating point at a prevalence, by Bayes' rule."""

import math
from typing import NamedTuple

from melanoma_detect.errors import DetectorError


class PredictiveValues(NamedTuple):
    """Predictive values of an operating point at a prevalence.

    Attributes:
        prevalence: The share of images that show the target, over 0 and under 1.
        ppv: Positive predictive value: the share of alerts that are right.
        npv: Negative predictive value: the share of cleared images that do not show the target.
        number_needed_to_biopsy: Alerts for each one that is right: 1 / ppv.
    """

    prevalence: float
    ppv: float
    npv: float
    number_needed_to_biopsy: float

    def __str__(self) -> str:
        alerts, cleared = "there are no alerts", "no image is cleared"
        if math.isfinite(self.ppv):
            alerts = f"{self.ppv:.1%} of alerts are right (one in {self.number_needed_to_biopsy:.1f})"
        if math.isfinite(self.npv):
            cleared = f"{self.npv:.2%} of cleared images are"
        return f"at a prevalence of {self.prevalence:.2%}: {alerts}, {cleared}"


def predictive_values(sensitivity: float, specificity: float, prevalence: float) -> PredictiveValues:
    """Return the predictive values of a sensitivity and a specificity at a prevalence.

    Args:
        sensitivity: The share of positives with an alert, 0 to 1.
        specificity: The share of negatives without one, 0 to 1.
        prevalence: The share of images that show the target, over 0 and under 1.

    Returns:
        The predictive values and the number needed to biopsy.

    Raises:
        DetectorError: The prevalence is out of range.

    Examples:
        >>> round(predictive_values(0.95, 0.60, 0.02).ppv, 3)
        0.046
    """
    check_prevalence(prevalence)
    true_positive, false_negative = prevalence * sensitivity, prevalence * (1 - sensitivity)
    true_negative, false_positive = (1 - prevalence) * specificity, (1 - prevalence) * (1 - specificity)
    alerts, cleared = true_positive + false_positive, true_negative + false_negative
    ppv = true_positive / alerts if alerts else math.nan
    npv = true_negative / cleared if cleared else math.nan
    return PredictiveValues(prevalence, ppv, npv, 1 / ppv if ppv else math.inf)


def check_prevalence(prevalence: float) -> None:
    """Raise DetectorError unless 0 < prevalence < 1.

    Args:
        prevalence: A share.

    Raises:
        DetectorError: The prevalence is out of range.

    Examples:
        >>> check_prevalence(0.02)
    """
    if not 0 < prevalence < 1:
        raise DetectorError(f"prevalence={prevalence}; expected a share over 0 and under 1, such as 0.02")
