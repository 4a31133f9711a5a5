"""What an alert means where melanoma is rarer, or more common, than among the images that were measured."""

import math
from typing import TYPE_CHECKING, NamedTuple

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.bootstrap import Figure
from melanoma_detect.inference.operating_points import OperatingPoint

if TYPE_CHECKING:
    from melanoma_detect.evaluation.evaluation import Evaluation

PREVALENCES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)


class PredictiveFigures(NamedTuple):
    """What an alert, and a cleared image, mean at a prevalence, with intervals.

    Attributes:
        prevalence: The share of images that are melanomas, over 0 and under 1.
        ppv: The share of alerts that are melanomas (positive predictive value).
        npv: The share of cleared images that are none (negative predictive value).
        number_needed_to_biopsy: How many alerts it takes to find one melanoma: 1 / ppv.
    """

    prevalence: float
    ppv: Figure
    npv: Figure
    number_needed_to_biopsy: Figure

    def __str__(self) -> str:
        number = self.number_needed_to_biopsy
        if not math.isfinite(self.ppv.value):
            return f"at a prevalence of {self.prevalence:.2%}: it alerts to nothing"
        return (
            f"at a prevalence of {self.prevalence:.2%}: {self.ppv.value:.1%} [{self.ppv.low:.1%}, {self.ppv.high:.1%}] of "
            f"alerts are right (one in {number.value:.1f} [{number.low:.1f}, {number.high:.1f}]), {self.npv.value:.2%} "
            f"[{self.npv.low:.2%}, {self.npv.high:.2%}] of cleared images are"
        )


def at_prevalence(evaluation: "Evaluation", prevalence: float) -> PredictiveFigures:
    """Say what alerts mean where so many images are melanomas; see `Evaluation.at_prevalence`.

    Bayes' rule on what the detector did with the measured images. Images that it abstained from are neither alerts nor
    cleared. The ends of an interval take the rates in both classes at their worse, and at their better ends together: wider
    than 95 % needs, and it holds where no melanoma was missed too.

    Args:
        evaluation: The figures.
        prevalence: The share of images that are melanomas, over 0 and under 1.

    Returns:
        Predictive values, and the number needed to biopsy.

    Raises:
        DetectorError: The prevalence is out of range, or sensitivity and specificity are not defined.

    Examples:
        >>> at_prevalence(detector.evaluate(data.test), 0.02).prevalence
        0.02
    """
    found, missed, cleared, false = (
        evaluation.figures[name] for name in ("sensitivity", "missed", "specificity", "false_alarms")
    )
    if not (math.isfinite(found.value) and math.isfinite(cleared.value)):
        raise DetectorError(
            "there are no predictive values without sensitivity and specificity; expected melanomas and other images, and a "
            "detector with an operating point"
        )
    lesions = min(found.lesions, cleared.lesions)
    ppv, ppv_low, ppv_high = (
        _point(one, 1 - other).at_prevalence(prevalence).ppv
        for one, other in ((found.value, false.value), (found.low, false.high), (found.high, false.low))
    )
    npv, npv_low, npv_high = (
        _point(1 - one, other).at_prevalence(prevalence).npv
        for one, other in ((missed.value, cleared.value), (missed.high, cleared.low), (missed.low, cleared.high))
    )
    biopsies, fewest, most = (1 / share if share else math.inf for share in (ppv, ppv_high, ppv_low))
    return PredictiveFigures(
        prevalence,
        ppv=Figure(ppv, ppv_low, ppv_high, lesions),
        npv=Figure(npv, npv_low, npv_high, lesions),
        number_needed_to_biopsy=Figure(biopsies, fewest, most, lesions),
    )


def _point(sensitivity: float, specificity: float) -> OperatingPoint:
    return OperatingPoint(sensitivity, 0.5, sensitivity, specificity, positives=0, negatives=0)
