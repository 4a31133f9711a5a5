"""Operating points: thresholds for alerts, their sensitivity and specificity on validation, and predictive values.

NumPy only. Scores are not remapped: a threshold is a probability as the calibrated model gives it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.predictive_values import PredictiveValues, predictive_values
from melanoma_detect.inference.source_sensitivity import SourceSensitivity, shrink_sensitivities
from melanoma_detect.inference.wilson import Interval, share_with_interval, wilson_interval
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.notebook import notebook_view
from melanoma_detect.utils.number_arguments import real_number
from melanoma_detect.utils.probabilities import ROUNDING, format_probability, is_extreme

Target: TypeAlias = Literal["melanoma", "malignant"]

TARGETS: tuple[Target, ...] = ("melanoma", "malignant")
SENSITIVITIES = (0.90, 0.95, 0.99)  # of the operating points that evaluations and model cards list
_MAX_SCORES = 2000  # stored of positives, and of negatives; of more, this many quantiles, which are 0.05 % apart
MALIGNANT_THRESHOLD = 0.5  # on the probability of a malignant diagnosis, where validation supports no other
PLURALS: dict[Target, str] = {"melanoma": "melanomas", "malignant": "malignant lesions"}


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
        sources: The sensitivity on each source of validation that shows the target; empty for one source.
        local: Whether the threshold was set on local images (see `Detector.localize`). The sensitivity is then the expected one
            for a new lesion, under the goal where local lesions are few, by order statistics, and both intervals are exact.
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
    sources: tuple[SourceSensitivity, ...] = ()
    local: bool = False

    _repr_html_ = notebook_view

    def __str__(self) -> str:
        plural, found = PLURALS[self.target], share_with_interval(self.sensitivity, self.sensitivity_interval)
        finds = f"on validation it finds {found} of {self.positives} images of {plural}"
        if self.local:
            finds = f"by the ranks of {self.positives} local {plural} it is expected to find {found} of new ones"
        quiet = share_with_interval(self.specificity, self.specificity_interval)
        return (
            f"alert from {format_probability(self.threshold)}: set for {100 * self.goal:g}% sensitivity for {self.target}; "
            f"{finds} and raises no alert for {quiet} of {self.negatives} other images{self._worst_text()}"
            f"{self.extreme_note and f'; {self.extreme_note}'}"
        )

    @property
    def extreme_note(self) -> str:
        """Why the threshold lies next to 0 or 1, where it does, as the part of a sentence; else empty."""
        if not is_extreme(self.threshold):
            return ""
        end = "1" if self.threshold > 0.5 else "0"
        return (
            f"the threshold lies next to {end} because this model is overconfident: nearly all its probabilities are close to "
            "0 or 1, so read its alerts, not its probabilities"
        )

    @property
    def worst(self) -> SourceSensitivity | None:
        """The source with the lowest sensitivity, of those with enough lesions to judge; None for fewer than two of them.

        This is the sensitivity as counted, which may be under the goal: a threshold is set on shrunk ones, see
        `ValidationScores.operating_point`.
        """
        deciding = [source for source in self.sources if source.decides]
        return min(deciding, key=lambda source: source.sensitivity) if len(deciding) > 1 else None

    @property
    def worst_source(self) -> str:
        """The name of the source with the lowest sensitivity; empty where there is none, see `worst`."""
        return self.worst.source if self.worst else ""

    @property
    def worst_sensitivity(self) -> float:
        """The sensitivity on the worst source; that on all images where there is none, see `worst`."""
        return self.worst.sensitivity if self.worst else self.sensitivity

    def to_dict(self) -> dict[str, Any]:
        """Return plain values by name, also of each source, which JSON would write as a list without names."""
        return vars(self) | {"sources": [source._asdict() for source in self.sources]}

    def _worst_text(self) -> str:
        if (worst := self.worst) is None:
            return ""
        found, judged = (
            share_with_interval(worst.sensitivity, worst.interval),
            sum(each.decides for each in self.sources),
        )
        return f"; on the worst of {judged} sources, {worst.source}, it finds {found}"

    def at_prevalence(self, prevalence: float) -> PredictiveValues:
        """Return the predictive values at a prevalence, by Bayes' rule from sensitivity and specificity on validation.

        Args:
            prevalence: The share of images that show the target, over 0 and under 1.

        Returns:
            The predictive values and the number needed to biopsy, with intervals from those of sensitivity and specificity.

        Raises:
            DetectorError: The prevalence is out of range.

        Examples:
            >>> point = OperatingPoint(0.95, 0.2, sensitivity=0.95, specificity=0.60, positives=100, negatives=900)
            >>> round(point.at_prevalence(0.02).number_needed_to_biopsy, 1)
            21.6
        """
        intervals = self.sensitivity_interval, self.specificity_interval
        return predictive_values(self.sensitivity, self.specificity, prevalence, *intervals)


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
        by_source: The scores of images that show the target, ascending, by their source; empty for one source.
        lesions_by_source: How many lesions those show.
    """

    positive: tuple[float, ...]
    negative: tuple[float, ...]
    positives: int
    negatives: int
    positive_lesions: int
    negative_lesions: int
    target: Target = "melanoma"
    by_source: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    lesions_by_source: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        scores: NDArray[np.float64],
        positive: NDArray[np.bool_] | Sequence[bool],
        groups: Sequence[str] | None = None,
        target: Target = "melanoma",
        sources: Sequence[str] | None = None,
    ) -> "ValidationScores":
        """Collect the scores of validation images.

        Args:
            scores: The probability of the target for each image, `(n,)`, 0 to 1.
            positive: Which images show the target, `(n,)`.
            groups: The lesion of each image; None where each image shows a lesion of its own.
            target: `"melanoma"` or `"malignant"`.
            sources: The source of each image; None where all come from one.

        Returns:
            The scores.

        Examples:
            >>> ValidationScores.of(np.array([0.9, 0.2, 0.1]), [True, False, False], ["a", "b", "b"]).negative_lesions
            1
        """
        scores, mask = np.asarray(scores, np.float64), np.asarray(positive, bool)
        lesions = np.arange(len(scores)) if groups is None else np.asarray(groups)
        origins = np.full(len(scores), "") if sources is None else np.asarray(sources)
        several = len(np.unique(origins)) > 1
        of_source = {str(name): mask & (origins == name) for name in np.unique(origins[mask]) if several}
        return cls(
            positive=_stored_scores(scores[mask]),
            negative=_stored_scores(scores[~mask]),
            positives=int(mask.sum()),
            negatives=int((~mask).sum()),
            positive_lesions=len(np.unique(lesions[mask])),
            negative_lesions=len(np.unique(lesions[~mask])),
            target=target,
            by_source={name: _stored_scores(scores[rows]) for name, rows in of_source.items()},
            lesions_by_source={name: len(np.unique(lesions[rows])) for name, rows in of_source.items()},
        )

    def operating_point(self, sensitivity: float) -> OperatingPoint:
        """Return the operating point with the highest threshold that reaches a sensitivity, on all images and on each source.

        A source shows few lesions, so that its own sensitivity is partly chance. What must reach the goal is therefore the
        sensitivity of a source shrunk towards that of all images, the more the fewer lesions it shows; see
        `shrink_sensitivities`. As counted, it may be lower: with 17 of 19 melanomas found (89 %) a source is estimated at 93 %
        where 95 % of all are found, and at 95 % where 98 % are. `OperatingPoint.sources` has the sensitivities as counted. The
        threshold lies halfway between the lowest score that must raise an alert and the next lower one.

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
        lowest = self._lowest_alert(positive, sensitivity)
        below = np.concatenate([positive[positive < lowest], negative[negative < lowest]])
        halfway = float((lowest + below.max()) / 2) if below.size else lowest
        threshold = 1.0 if 1 < halfway <= 1 + ROUNDING else halfway
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
            sources=tuple(self._sensitivity_on(source, threshold, sensitivity) for source in sorted(self.by_source)),
        )

    def _lowest_alert(self, positive: Float64Array, goal: float) -> float:
        """Return the highest score of a positive from which the goal is reached on all images and, shrunk, on each source."""
        candidates = np.concatenate([positive, *self.by_source.values()])  # not np.unique: it imports numpy.ma
        pooled = _share_from(positive, candidates)
        # The small number: 0.95 × 20 is 19.000…01 in floating point, and 19 of 20 are enough.
        reached = pooled >= goal - 1e-9
        if self.by_source:
            own = np.stack([_share_from(np.array(scores), candidates) for scores in self.by_source.values()])
            lesions = np.array([self.lesions_by_source[source] for source in self.by_source], np.float64)
            reached &= (shrink_sensitivities(own, lesions, pooled) >= goal - 1e-9).all(axis=0)
        return float(candidates[reached].max())  # at the lowest score every sensitivity is 1

    def _sensitivity_on(self, source: str, threshold: float, goal: float) -> SourceSensitivity:
        reached, lesions = float((np.array(self.by_source[source]) >= threshold).mean()), self.lesions_by_source[source]
        return SourceSensitivity(
            source, reached, lesions, wilson_interval(reached, lesions), decides=lesions >= lesions_needed(goal)
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
        sensitivity = check_sensitivity(sensitivity)
        if self.positive_lesions < (needed := lesions_needed(sensitivity)) or not self.negative_lesions:
            reachable = math.floor(1000 * self.positive_lesions / (self.positive_lesions + 1)) / 1000
            lower = f"choose a sensitivity of at most {reachable:g}, or fit" if reachable else "fit"
            raise DetectorError(
                f"{sensitivity:.12g} sensitivity for {self.target} cannot be set: validation has "
                f"{count_noun(self.positive_lesions, 'lesion')} of the target and {self.negative_lesions} others; expected at "
                f"least {needed} and one other: {lower} a detector with more lesions in validation"
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
    # 0.9 / (1 - 0.9) is 9.000…02 and must not need a tenth.
    return max(1, math.ceil(sensitivity / (1 - sensitivity) - 1e-6))


def check_sensitivity(sensitivity: Any) -> float:
    """Return a sensitivity as a float.

    Args:
        sensitivity: A share, also one of NumPy.

    Returns:
        The share.

    Raises:
        DetectorError: It is not over 0 and under 1, or no number.

    Examples:
        >>> check_sensitivity(np.float32(0.95))
        0.95
    """
    expected = "over 0 and under 1, such as 0.95: no number of images supports 100 %"
    share = real_number(sensitivity, "sensitivity", DetectorError, expected)
    if not 0 < share < 1:
        raise DetectorError(f"sensitivity={sensitivity}; expected {expected}")
    return share


def _share_from(scores: Float64Array, thresholds: Float64Array) -> Float64Array:
    """Return the share of ascending scores that reach each threshold."""
    return np.asarray(1 - np.searchsorted(scores, thresholds) / len(scores))


def _stored_scores(scores: NDArray[np.float64]) -> tuple[float, ...]:
    few = len(scores) <= _MAX_SCORES
    return tuple((np.sort(scores) if few else np.quantile(scores, np.linspace(0, 1, _MAX_SCORES))).tolist())
