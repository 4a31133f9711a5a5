"""Operating points: thresholds for alerts, their sensitivity and specificity on validation, and predictive values.

NumPy only. Scores are not remapped: a threshold is a probability as the calibrated model gives it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.errors import DetectorError

Target: TypeAlias = Literal["melanoma", "malignant"]
Interval: TypeAlias = tuple[float, float]

TARGETS: tuple[Target, ...] = ("melanoma", "malignant")
SENSITIVITIES = (0.90, 0.95, 0.99)  # of the operating points that evaluations and model cards list
_MAX_SCORES = 2000  # stored of positives, and of negatives; of more, this many quantiles, which are 0.05 % apart
_Z = 1.959964  # the 97.5 % quantile of the normal distribution: two-sided 95 % intervals
MALIGNANT_THRESHOLD = 0.5  # on the probability of a malignant diagnosis, where validation supports no other
PLURALS: dict[Target, str] = {"melanoma": "melanomas", "malignant": "malignant lesions"}


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
        return (
            f"at a prevalence of {self.prevalence:.2%}: {self.ppv:.1%} of alerts are right (one in "
            f"{self.number_needed_to_biopsy:.1f}), {self.npv:.2%} of cleared images are"
        )


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold on the probability of melanoma (or malignancy), with its sensitivity and specificity on validation.

    Attributes:
        goal: The sensitivity that the threshold was set for, 0 to 1.
        threshold: An image with this probability or a higher one raises an alert, 0 to 1.
        sensitivity: The share of validation images of the target with an alert.
        specificity: The share of other validation images without one.
        positives: How many validation images show the target.
        negatives: How many do not.
        target: `"melanoma"`, or `"malignant"` for any malignant diagnosis.
        sensitivity_interval: 95 % Wilson interval of the sensitivity (see `wilson_interval`); its sample size is the number of
            lesions, since images of one lesion are not independent.
        specificity_interval: That of the specificity.
        malignant_threshold: An image without an alert is referred, not cleared, if its probability of any malignant diagnosis
            reaches this, 0 to 0.5: the detector's own threshold for malignant diagnoses at the same sensitivity, and 0.5 where
            validation does not support that one.
    """

    goal: float
    threshold: float
    sensitivity: float
    specificity: float
    positives: int
    negatives: int
    target: Target = "melanoma"
    sensitivity_interval: Interval = (0.0, 1.0)
    specificity_interval: Interval = (0.0, 1.0)
    malignant_threshold: float = MALIGNANT_THRESHOLD

    def __str__(self) -> str:
        plural = PLURALS[self.target]
        return (
            f"alert from {self.threshold:.3f}: set for {self.goal:.0%} sensitivity for {self.target}; on validation it finds "
            f"{_with_interval(self.sensitivity, self.sensitivity_interval)} of {self.positives} {plural} and raises no "
            f"alert for {_with_interval(self.specificity, self.specificity_interval)} of {self.negatives} others"
        )

    def at_prevalence(self, prevalence: float) -> PredictiveValues:
        """Return the predictive values at a prevalence, by Bayes' rule from sensitivity and specificity on validation.

        Args:
            prevalence: The share of images that show the target, over 0 and under 1.

        Returns:
            The predictive values and the number needed to biopsy.

        Raises:
            DetectorError: The prevalence is out of range.

        Examples:
            >>> point = OperatingPoint(0.95, 0.2, sensitivity=0.95, specificity=0.60, positives=100, negatives=900)
            >>> round(point.at_prevalence(0.02).number_needed_to_biopsy, 1)
            21.6
        """
        if not 0 < prevalence < 1:
            raise DetectorError(f"prevalence={prevalence}; expected a share over 0 and under 1, such as 0.02")
        true_positive, false_negative = prevalence * self.sensitivity, prevalence * (1 - self.sensitivity)
        true_negative, false_positive = (1 - prevalence) * self.specificity, (1 - prevalence) * (1 - self.specificity)
        alerts, cleared = true_positive + false_positive, true_negative + false_negative
        ppv = true_positive / alerts if alerts else math.nan
        npv = true_negative / cleared if cleared else math.nan
        return PredictiveValues(prevalence, ppv, npv, 1 / ppv if ppv else math.inf)


@dataclass(frozen=True)
class ValidationScores:
    """The scores of the validation images for one target, from which operating points are read.

    Attributes:
        positive: The scores of images that show the target, ascending.
        negative: The scores of the others, ascending.
        positives: How many images show the target.
        negatives: How many do not.
        positive_lesions: How many lesions the positives show.
        negative_lesions: How many lesions the negatives show.
        target: `"melanoma"` or `"malignant"`.
    """

    positive: tuple[float, ...]
    negative: tuple[float, ...]
    positives: int
    negatives: int
    positive_lesions: int
    negative_lesions: int
    target: Target = "melanoma"

    @classmethod
    def of(
        cls,
        scores: NDArray[np.float64],
        positive: NDArray[np.bool_] | Sequence[bool],
        groups: Sequence[str] | None = None,
        target: Target = "melanoma",
    ) -> "ValidationScores":
        """Collect the scores of validation images.

        Args:
            scores: The probability of the target for each image, `(n,)`, 0 to 1.
            positive: Which images show the target, `(n,)`.
            groups: The lesion of each image; None where each image shows a lesion of its own.
            target: `"melanoma"` or `"malignant"`.

        Returns:
            The scores.

        Examples:
            >>> ValidationScores.of(np.array([0.9, 0.2, 0.1]), [True, False, False], ["a", "b", "b"]).negative_lesions
            1
        """
        scores, mask = np.asarray(scores, np.float64), np.asarray(positive, bool)
        lesions = np.arange(len(scores)) if groups is None else np.asarray(groups)
        return cls(
            positive=_stored_scores(scores[mask]),
            negative=_stored_scores(scores[~mask]),
            positives=int(mask.sum()),
            negatives=int((~mask).sum()),
            positive_lesions=len(np.unique(lesions[mask])),
            negative_lesions=len(np.unique(lesions[~mask])),
            target=target,
        )

    def operating_point(self, sensitivity: float) -> OperatingPoint:
        """Return the operating point with the highest threshold that reaches a sensitivity.

        The threshold lies halfway between the lowest score that must raise an alert and the next lower one.

        Args:
            sensitivity: The share of the positives that must raise an alert, over 0 and under 1.

        Returns:
            The operating point, with its sensitivity and specificity on these images.

        Raises:
            DetectorError: The sensitivity is out of range, or there are too few lesions to support it.

        Examples:
            >>> scores = ValidationScores.of(np.array([0.9, 0.4, 0.6, 0.1]), [True, True, False, False])
            >>> scores.operating_point(0.5).threshold
            0.75
        """
        self.check(sensitivity)
        positive, negative = np.array(self.positive), np.array(self.negative)
        # Without the small number, 0.95 × 20 = 19.000…01 would ask for a twentieth melanoma.
        allowed_misses = len(positive) - int(np.ceil(sensitivity * len(positive) - 1e-9))
        lowest = positive[allowed_misses]
        below = np.concatenate([positive[positive < lowest], negative[negative < lowest]])
        threshold = float((lowest + below.max()) / 2) if below.size else float(lowest)
        reached, specificity = float((positive >= threshold).mean()), float((negative < threshold).mean())
        return OperatingPoint(
            goal=sensitivity,
            threshold=threshold,
            sensitivity=reached,
            specificity=specificity,
            positives=self.positives,
            negatives=self.negatives,
            target=self.target,
            sensitivity_interval=wilson_interval(reached, self.positive_lesions),
            specificity_interval=wilson_interval(specificity, self.negative_lesions),
        )

    def check(self, sensitivity: float) -> None:
        """Raise DetectorError unless these images support a sensitivity.

        Args:
            sensitivity: The share of the positives that must raise an alert, over 0 and under 1.

        Raises:
            DetectorError: The sensitivity is out of range, or needs more lesions; the message says how many.

        Examples:
            >>> ValidationScores.of(np.array([0.9, 0.1]), [True, False]).check(0.5)
        """
        check_sensitivity(sensitivity)
        plural, needed = PLURALS[self.target], lesions_needed(sensitivity)
        if self.positive_lesions < needed or not self.negative_lesions:
            raise DetectorError(
                f"{sensitivity:.4g} sensitivity for {self.target} cannot be set on {self.positive_lesions} {plural} and "
                f"{self.negative_lesions} other lesions in validation; expected at least {needed} {plural} and one other "
                "lesion: load more data, or choose a lower sensitivity"
            )


def lesions_needed(sensitivity: float) -> int:
    """Return the fewest validation lesions on which a threshold for a sensitivity can be set.

    With a threshold at the lowest of n scores, a new lesion scores higher with probability n / (n + 1), since each of the n + 1
    ranks is equally likely. n / (n + 1) must therefore reach the sensitivity.

    Args:
        sensitivity: The share of the positives that must raise an alert, over 0 and under 1.

    Returns:
        The number of lesions.

    Examples:
        >>> [lesions_needed(goal) for goal in (0.90, 0.95, 0.99)]
        [9, 19, 99]
    """
    return max(
        1, math.ceil(sensitivity / (1 - sensitivity) - 1e-6)
    )  # 0.9 / (1 - 0.9) is 9.000…02 and must not need a tenth


def check_sensitivity(sensitivity: float) -> None:
    """Raise DetectorError unless 0 < sensitivity < 1.

    Args:
        sensitivity: A share.

    Raises:
        DetectorError: The sensitivity is out of range.

    Examples:
        >>> check_sensitivity(0.95)
    """
    if not 0 < sensitivity < 1:
        raise DetectorError(
            f"sensitivity={sensitivity}; expected over 0 and under 1, such as 0.95: no number of images supports 100 %"
        )


def wilson_interval(share: float, count: int) -> Interval:
    """Return the 95 % Wilson score interval of a proportion (Wilson 1927, doi 10.1080/01621459.1927.10502953).

    Args:
        share: The proportion, 0 to 1.
        count: The number of independent cases.

    Returns:
        The lower and the upper end; `(0, 1)` for no cases.

    Examples:
        >>> [round(end, 3) for end in wilson_interval(0.95, 100)]
        [0.888, 0.978]
    """
    if not count:
        return (0.0, 1.0)
    middle = (share + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
    half = _Z / (1 + _Z**2 / count) * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    return (max(0.0, middle - half), min(1.0, middle + half))


def _stored_scores(scores: NDArray[np.float64]) -> tuple[float, ...]:
    ordered = np.sort(scores)
    if len(ordered) > _MAX_SCORES:
        ordered = np.quantile(ordered, np.linspace(0, 1, _MAX_SCORES))
    return tuple(ordered.tolist())


def _with_interval(share: float, interval: Interval) -> str:
    return f"{share:.1%}" if interval == (0.0, 1.0) else f"{share:.1%} [{interval[0]:.1%}, {interval[1]:.1%}]"
