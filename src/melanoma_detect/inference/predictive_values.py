"""Predictive values of an operating point at a prevalence, by Bayes' rule."""

import math
from typing import NamedTuple

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.wilson import UNKNOWN, Interval, share_with_interval
from melanoma_detect.utils.number_arguments import real_number


class PredictiveValues(NamedTuple):
    """Predictive values of an operating point at a prevalence.

    Attributes:
        prevalence: The share of images that show the target, over 0 and under 1.
        ppv: Positive predictive value: the share of alerts that are right.
        npv: Negative predictive value: the share of cleared images that do not show the target.
        number_needed_to_biopsy: Alerts for each one that is right: 1 / ppv.
        ppv_interval: The ppv at the lower ends of the intervals of sensitivity and specificity, and at the upper ends: at
            least as wide as a 95 % interval has to be; `(0, 1)` where those are not known.
        npv_interval: That of the npv.
        number_needed_to_biopsy_interval: That of the number needed to biopsy; the upper end may be infinite.
    """

    prevalence: float
    ppv: float
    npv: float
    number_needed_to_biopsy: float
    ppv_interval: Interval = UNKNOWN
    npv_interval: Interval = UNKNOWN
    number_needed_to_biopsy_interval: Interval = (1.0, math.inf)

    def __str__(self) -> str:
        alerts, cleared = "there are no alerts", "no image is cleared"
        if math.isfinite(self.ppv):
            low, high = self.number_needed_to_biopsy_interval
            ends = "" if self.ppv_interval == UNKNOWN else f" [{low:.1f}, {high:.1f}]".replace("inf", "∞")
            alerts = (
                f"{share_with_interval(self.ppv, self.ppv_interval)} of alerts are right "
                f"(one in {self.number_needed_to_biopsy:.1f}{ends})"
            )
        if math.isfinite(self.npv):
            cleared = f"{share_with_interval(self.npv, self.npv_interval, 2)} of cleared images are"
        return f"at a prevalence of {self.prevalence:.2%}: {alerts}, {cleared}"


def predictive_values(
    sensitivity: float,
    specificity: float,
    prevalence: float,
    sensitivity_interval: Interval = UNKNOWN,
    specificity_interval: Interval = UNKNOWN,
) -> PredictiveValues:
    """Return the predictive values of a sensitivity and a specificity at a prevalence.

    Args:
        sensitivity: The share of positives with an alert, 0 to 1.
        specificity: The share of negatives without one, 0 to 1.
        prevalence: The share of images that show the target, over 0 and under 1.
        sensitivity_interval: The 95 % interval of the sensitivity; `(0, 1)` if it is not known.
        specificity_interval: That of the specificity.

    Returns:
        The predictive values, with intervals where those of sensitivity and specificity are known.

    Raises:
        DetectorError: The prevalence is out of range.

    Examples:
        >>> round(predictive_values(0.95, 0.60, 0.02).ppv, 3)
        0.046
        >>> found = predictive_values(0.95, 1.0, 0.01, (0.83, 0.99), (0.89, 1.0))  # no false alert among 31 others
        >>> print(str(found).split(",")[0])
        at a prevalence of 1.00%: 100.0% [7.1%
    """
    check_prevalence(prevalence)
    ppv, npv = _bayes(sensitivity, specificity, prevalence)
    biopsies = 1 / ppv if ppv else math.inf
    if UNKNOWN in (sensitivity_interval, specificity_interval):
        return PredictiveValues(prevalence, ppv, npv, biopsies)
    low, high = (
        _bayes(*ends, prevalence) for ends in zip(sensitivity_interval, specificity_interval, strict=True)
    )  # the worse ends of both, and the better ends
    return PredictiveValues(
        prevalence,
        ppv,
        npv,
        biopsies,
        ppv_interval=(low[0], high[0]),
        npv_interval=(low[1], high[1]),
        number_needed_to_biopsy_interval=(1 / high[0] if high[0] else math.inf, 1 / low[0] if low[0] else math.inf),
    )


def _bayes(sensitivity: float, specificity: float, prevalence: float) -> tuple[float, float]:
    """Return the positive and the negative predictive value; nan where there are no alerts, or nothing is cleared."""
    true_positive, false_negative = prevalence * sensitivity, prevalence * (1 - sensitivity)
    true_negative, false_positive = (1 - prevalence) * specificity, (1 - prevalence) * (1 - specificity)
    alerts, cleared = true_positive + false_positive, true_negative + false_negative
    return true_positive / alerts if alerts else math.nan, true_negative / cleared if cleared else math.nan


def check_prevalence(prevalence: float) -> None:
    """Raise DetectorError unless 0 < prevalence < 1.

    Args:
        prevalence: A share.

    Raises:
        DetectorError: The prevalence is out of range.

    Examples:
        >>> check_prevalence(0.02)
    """
    expected = "a share over 0 and under 1, such as 0.02"
    if not 0 < real_number(prevalence, "prevalence", DetectorError, expected) < 1:
        raise DetectorError(f"prevalence={prevalence}; expected {expected}")
