"""Predictive values: what an alert means at another prevalence of melanoma than that of the measured images."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.bootstrap import Figure
from melanoma_detect.inference.operating_points import PLURALS, OperatingPoint, Target

# From a general practice to a specialist's clinic: what a report tabulates.
PREVALENCES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)


class PredictiveFigures(NamedTuple):
    """Predictive values at a prevalence, with 95 % confidence intervals.

    Attributes:
        prevalence: The share of images that are melanomas, over 0 and under 1.
        ppv: Positive predictive value: the share of alerts that are right.
        npv: Negative predictive value: the share of cleared images that do not show the target.
        number_needed_to_biopsy: The number of alerts for each one that is right: 1 / ppv.
        target: `"melanoma"` or `"malignant"`.
    """

    prevalence: float
    ppv: Figure
    npv: Figure
    number_needed_to_biopsy: Figure
    target: Target = "melanoma"

    def __str__(self) -> str:
        number = self.number_needed_to_biopsy
        alerts, cleared = "there are no alerts", "no image is cleared"
        if math.isfinite(self.ppv.value):
            alerts = (
                f"{self.ppv.value:.1%} [{self.ppv.low:.1%}, {self.ppv.high:.1%}] of alerts are {PLURALS[self.target]} (one in "
                f"{number.value:.1f} [{number.low:.1f}, {number.high:.1f}])"
            )
        if math.isfinite(self.npv.value):
            cleared = f"{self.npv.value:.2%} [{self.npv.low:.2%}, {self.npv.high:.2%}] of cleared images are not"
        return f"at a prevalence of {self.prevalence:.2%}: {alerts}; {cleared}"


def predictive_values(
    figures: Mapping[str, Figure], prevalence: float, target: Target = "melanoma"
) -> PredictiveFigures:
    """Compute predictive values at a prevalence with Bayes' rule; see `Evaluation.at_prevalence`.

    Images that the detector refers are neither alerts nor cleared. The lower end of an interval combines the worse ends
    of the rates in both classes, and the upper end the better ones. That is wider than a 95 % interval has to be, and it also
    holds if none of the target was cleared.

    Args:
        figures: `Evaluation.figures`: sensitivity, both error rates, and the clearance rate.
        prevalence: The share of images that show the target, over 0 and under 1.
        target: What the figures were measured for.

    Returns:
        Predictive values and the number needed to biopsy.

    Raises:
        DetectorError: The prevalence is out of range, or sensitivity or specificity is not defined.

    Examples:
        >>> predictive_values(detector.evaluate(data.test).figures, 0.02).prevalence
        0.02
    """
    names = ("sensitivity", "false_negative_rate", "clearance_rate", "false_positive_rate")
    sensitivity, false_negatives, clearance, false_positives = (figures[name] for name in names)
    if not (math.isfinite(sensitivity.value) and math.isfinite(clearance.value)):
        raise DetectorError(
            f"predictive values need sensitivity and specificity, which are not defined here; expected {PLURALS[target]} and "
            "other images, and a detector with an operating point"
        )
    lesions = min(sensitivity.lesions, clearance.lesions)
    ppv, ppv_low, ppv_high = (
        _point(alerts_in_melanomas, 1 - alerts_in_others).at_prevalence(prevalence).ppv
        for alerts_in_melanomas, alerts_in_others in (
            (sensitivity.value, false_positives.value),
            (sensitivity.low, false_positives.high),
            (sensitivity.high, false_positives.low),
        )
    )
    npv, npv_low, npv_high = (
        _point(1 - cleared_in_melanomas, cleared_in_others).at_prevalence(prevalence).npv
        for cleared_in_melanomas, cleared_in_others in (
            (false_negatives.value, clearance.value),
            (false_negatives.high, clearance.low),
            (false_negatives.low, clearance.high),
        )
    )
    biopsies, fewest, most = (1 / share if share else math.inf for share in (ppv, ppv_high, ppv_low))
    return PredictiveFigures(
        prevalence,
        ppv=Figure(ppv, ppv_low, ppv_high, lesions),
        npv=Figure(npv, npv_low, npv_high, lesions),
        number_needed_to_biopsy=Figure(biopsies, fewest, most, lesions),
        target=target,
    )


def _point(sensitivity: float, specificity: float) -> OperatingPoint:
    """Return an operating point for its Bayes' rule only: goal and threshold do not enter."""
    return OperatingPoint(sensitivity, 0.5, sensitivity, specificity, positives=0, negatives=0)
