"""Where to alert: thresholds, what they did on the validation images, and what an alert means at a prevalence.

NumPy only. Scores are never remapped: a threshold is a score that the model gives.
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
GOALS = (0.90, 0.95, 0.99)
_KEPT = 2000  # scores of a side; of more, as many quantiles stand for all
_PLURAL = {"melanoma": "melanomas", "malignant": "malignant lesions"}


class PredictiveValues(NamedTuple):
    """What an alert, and its absence, mean where so many images show the target.

    Attributes:
        prevalence: The share of images that show it, over 0 and under 1.
        ppv: The share of alerts that are right (positive predictive value).
        npv: The share of cleared images that do not show it (negative predictive value).
        number_needed_to_biopsy: How many alerts it takes to find one: 1 / ppv.
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
    """A threshold on the probability of melanoma (or malignancy), and what it did on the validation images.

    Attributes:
        goal: The sensitivity that it was set for, 0 to 1.
        threshold: Alert at this probability or over it, 0 to 1.
        sensitivity: The share of validation melanomas that it finds.
        specificity: The share of other validation images that it leaves alone.
        positives: Images of melanomas in validation.
        negatives: Other images in validation.
        target: What it finds: `"melanoma"`, or `"malignant"` for any malignant diagnosis.
        sensitivity_interval: 95 % interval of the sensitivity (Wilson 1927, doi 10.1080/01621459.1927.10502953), counted in
            lesions: images of one lesion are one.
        specificity_interval: Likewise.
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

    def __str__(self) -> str:
        many = _PLURAL[self.target]
        return (
            f"alert from {self.threshold:.3f}: set for {self.goal:.0%} sensitivity for {self.target}; on validation it finds "
            f"{_with_interval(self.sensitivity, self.sensitivity_interval)} of {self.positives} {many} and clears "
            f"{_with_interval(self.specificity, self.specificity_interval)} of {self.negatives} others"
        )

    def at_prevalence(self, prevalence: float) -> PredictiveValues:
        """Say what an alert means where so many images show the target (Bayes' rule on validation's figures).

        Args:
            prevalence: The share of images that show it, over 0 and under 1.

        Returns:
            Predictive values and the number needed to biopsy.

        Raises:
            DetectorError: The prevalence is out of range.

        Examples:
            >>> point = OperatingPoint(0.95, 0.2, sensitivity=0.95, specificity=0.60, positives=100, negatives=900)
            >>> round(point.at_prevalence(0.02).number_needed_to_biopsy, 1)
            21.6
        """
        if not 0 < prevalence < 1:
            raise DetectorError(f"prevalence={prevalence}; expected a share over 0 and under 1, such as 0.02")
        found, missed = prevalence * self.sensitivity, prevalence * (1 - self.sensitivity)
        cleared, false = (1 - prevalence) * self.specificity, (1 - prevalence) * (1 - self.specificity)
        ppv = found / (found + false) if found + false else math.nan
        npv = cleared / (cleared + missed) if cleared + missed else math.nan
        return PredictiveValues(prevalence, ppv, npv, 1 / ppv if ppv else math.inf)


@dataclass(frozen=True)
class ValidationScores:
    """What the validation images scored: what every operating point is read from.

    Attributes:
        positive: The scores of images that show the target, ascending.
        negative: The scores of the others, ascending.
        positives: Images that show the target.
        negatives: The others.
        positive_lesions: How many lesions the former show.
        negative_lesions: How many the latter.
        target: The target.
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
        """Keep what matters of the validation images.

        Args:
            scores: The probability of the target for each image, `(n,)`, 0 to 1.
            positive: Which show it, `(n,)`.
            groups: The lesion of each; each its own where it is None.
            target: `"melanoma"` or `"malignant"`.

        Returns:
            The scores.

        Examples:
            >>> ValidationScores.of(np.array([0.9, 0.2, 0.1]), [True, False, False], ["a", "b", "b"]).negative_lesions
            1
        """
        scores, chosen = np.asarray(scores, np.float64), np.asarray(positive, bool)
        named = np.arange(len(scores)) if groups is None else np.asarray(groups)
        return cls(
            positive=_kept(scores[chosen]),
            negative=_kept(scores[~chosen]),
            positives=int(chosen.sum()),
            negatives=int((~chosen).sum()),
            positive_lesions=len(np.unique(named[chosen])),
            negative_lesions=len(np.unique(named[~chosen])),
            target=target,
        )

    def point(self, sensitivity: float) -> OperatingPoint:
        """Find the highest threshold that finds a given share of the positives.

        It lies halfway between the last positive that must be found and the next lower score.

        Args:
            sensitivity: The share to find, over 0 and under 1.

        Returns:
            The operating point, with what it does on these images.

        Raises:
            DetectorError: The sensitivity is out of range, or there are too few lesions on a side to support it.

        Examples:
            >>> scores = ValidationScores.of(np.array([0.9, 0.4, 0.6, 0.1]), [True, True, False, False])
            >>> scores.point(0.5).threshold
            0.75
        """
        self.refuse(sensitivity)
        positive, negative = np.array(self.positive), np.array(self.negative)
        # The small number keeps 0.95 × 20 = 19.000…01 from asking for a twentieth melanoma.
        may_miss = len(positive) - int(np.ceil(sensitivity * len(positive) - 1e-9))
        needed = positive[may_miss]
        below = np.concatenate([positive[positive < needed], negative[negative < needed]])
        threshold = float((needed + below.max()) / 2) if below.size else float(needed)
        found, cleared = float((positive >= threshold).mean()), float((negative < threshold).mean())
        return OperatingPoint(
            goal=sensitivity,
            threshold=threshold,
            sensitivity=found,
            specificity=cleared,
            positives=self.positives,
            negatives=self.negatives,
            target=self.target,
            sensitivity_interval=wilson(found, self.positive_lesions),
            specificity_interval=wilson(cleared, self.negative_lesions),
        )

    def refuse(self, sensitivity: float) -> None:
        """Refuse a sensitivity that these images cannot support.

        Args:
            sensitivity: A share.

        Raises:
            DetectorError: It is out of range, or needs more lesions; the message says how many.

        Examples:
            >>> ValidationScores.of(np.array([0.9, 0.1]), [True, False]).refuse(0.5)
        """
        refuse_sensitivity(sensitivity)
        many, needed = _PLURAL[self.target], lesions_needed(sensitivity)
        if self.positive_lesions < needed or not self.negative_lesions:
            raise DetectorError(
                f"{sensitivity:.4g} sensitivity for {self.target} cannot be set on {self.positive_lesions} {many} and "
                f"{self.negative_lesions} other lesions in validation; expected at least {needed} {many} and others beside "
                "them: load more data, or name a lower sensitivity"
            )


def lesions_needed(sensitivity: float) -> int:
    """Return the fewest lesions on which a sensitivity can be set: with fewer, no lesion could be missed at all.

    The lowest of n scores is expected to lie at the share 1 / (n + 1) of all; so n / (n + 1) must reach the sensitivity.

    Args:
        sensitivity: A share, over 0 and under 1.

    Returns:
        The number.

    Examples:
        >>> [lesions_needed(goal) for goal in (0.90, 0.95, 0.99)]
        [9, 19, 99]
    """
    return max(1, math.ceil(sensitivity / (1 - sensitivity) - 1e-6))


def refuse_sensitivity(sensitivity: float) -> None:
    """Refuse a sensitivity that is none.

    Args:
        sensitivity: A share, over 0 and under 1.

    Raises:
        DetectorError: It is out of range.

    Examples:
        >>> refuse_sensitivity(0.95)
    """
    if not 0 < sensitivity < 1:
        raise DetectorError(
            f"sensitivity={sensitivity}; expected over 0 and under 1, such as 0.95: no number of images supports 100 %"
        )


def wilson(share: float, count: int) -> Interval:
    """Return the 95 % interval of a share (Wilson 1927, doi 10.1080/01621459.1927.10502953).

    Args:
        share: 0 to 1.
        count: How many independent cases it was counted on.

    Returns:
        Its lower and its upper end.

    Examples:
        >>> [round(end, 3) for end in wilson(0.95, 100)]
        [0.888, 0.978]
    """
    if not count:
        return (0.0, 1.0)
    z = 1.959964
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return (max(0.0, middle - half), min(1.0, middle + half))


def _kept(scores: NDArray[np.float64]) -> tuple[float, ...]:
    ordered = np.sort(scores)
    if len(ordered) > _KEPT:
        ordered = np.quantile(ordered, np.linspace(0, 1, _KEPT))
    return tuple(ordered.tolist())


def _with_interval(share: float, interval: Interval) -> str:
    return f"{share:.1%}" if interval == (0.0, 1.0) else f"{share:.1%} [{interval[0]:.1%}, {interval[1]:.1%}]"
