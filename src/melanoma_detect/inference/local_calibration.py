"""Local calibration: what a clinic's own labelled images change in the probabilities and thresholds of a detector.

`training.localize` fits it. The probability of melanoma, and that of any malignant diagnosis, are each moved along a line on
the log-odds scale (Cox 1958, doi 10.1093/biomet/45.3-4.562; "logistic recalibration" in Steyerberg, Clinical Prediction
Models, 2009, chapter 20). The intercept stands for the prevalence, the slope for the temperature. A line that rises keeps the
order of the images: a threshold that is moved along the same line makes the same decisions as before. One exception errs on the
safe side: the probability of any malignant diagnosis is never under that of melanoma. An image with a high probability of
melanoma may therefore reach a threshold for malignant diagnoses that it did not reach before. NumPy only.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.inference.exact_intervals import clopper_pearson_interval, rank_interval
from melanoma_detect.inference.operating_points import (
    OperatingPoint,
    Target,
    ValidationScores,
    check_sensitivity,
    lesions_needed,
)
from melanoma_detect.utils.arrays import Float64Array, sum_columns
from melanoma_detect.utils.probabilities import ROUNDING, is_probability

_EPSILON = 1e-12  # the smallest probability whose log-odds are taken
_FARTHEST = 500.0  # log-odds whose exponential is finite
_ROUNDING = 1e-12  # relative; by so much a moved threshold gives way, so that rounding keeps no image from reaching it


@dataclass(frozen=True)
class LogOddsLine:
    """A line on the log-odds scale, by which a probability is moved.

    Attributes:
        slope: Over 0; under 1 where the detector was overconfident.
        intercept: Over 0 where the detector's probabilities were too low.
    """

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, probabilities: Float64Array) -> Float64Array:
        """Return the moved probabilities, in the same order."""
        moved = np.clip(self.slope * log_odds(probabilities) + self.intercept, -_FARTHEST, _FARTHEST)
        return np.asarray(1 / (1 + np.exp(-moved)))


@dataclass(frozen=True)
class LocalCalibration:
    """What local images changed, for one number of test-time views.

    Attributes:
        melanoma: Moves the probability of melanoma.
        malignant: Moves the probability of any malignant diagnosis.
        temperature: The log-probabilities of diagnoses of one kind (melanoma, other malignant ones, the rest) are divided by
            it.
        bias: Then added to them, one number a class: their prevalence among each other. Empty for none.
        operating_scores: The scores of the local images, for each target that they show; operating points that the number of
            local lesions supports are read from them. Of each lesion of the target, the lowest score.
        first: An earlier local calibration, which is applied first; None for none.
    """

    melanoma: LogOddsLine = field(default_factory=LogOddsLine)
    malignant: LogOddsLine = field(default_factory=LogOddsLine)
    temperature: float = 1.0
    bias: tuple[float, ...] = ()
    operating_scores: Mapping[Target, ValidationScores] = field(default_factory=dict)
    first: "LocalCalibration | None" = None

    def apply(self, probabilities: Float64Array, classes: tuple[str, ...]) -> Float64Array:
        """Return the local probabilities.

        Args:
            probabilities: What the original calibration gives, `(n, classes)`.
            classes: Class names, in the order of the columns.

        Returns:
            float64 `(n, classes)`; rows sum to 1. The probability of any malignant diagnosis is at least that of melanoma.

        Examples:
            >>> local = LocalCalibration(melanoma=LogOddsLine(intercept=1.0), malignant=LogOddsLine(intercept=1.0))
            >>> local.apply(np.array([[0.2, 0.5, 0.3]]), ("melanoma", "nevus", "dermatofibroma")).round(2)
            array([[0.4 , 0.37, 0.22]])
        """
        if self.first is not None:
            probabilities = self.first.apply(probabilities, classes)
        melanoma, others, rest = kinds_of_classes(classes)
        raised = np.maximum(probabilities, _EPSILON) ** (1 / self.temperature)
        weights = raised * np.exp(np.asarray(self.bias or np.zeros(len(classes))))
        first = self.line("melanoma")(sum_columns(probabilities, melanoma)) if melanoma.any() else 0.0
        malignant = first
        if others.any():
            score = sum_columns(probabilities, melanoma | others)
            malignant = np.maximum(self.line("malignant")(score), first) if rest.any() else np.ones_like(score)
        elif not rest.any():
            first = malignant = np.ones(len(probabilities))
        local: Float64Array = np.empty_like(weights)
        for columns, share in ((melanoma, first), (others, malignant - first), (rest, 1 - malignant)):
            total = sum_columns(weights, columns)[:, None]
            local[:, columns] = weights[:, columns] / total * np.reshape(share, (-1, 1))
        return local

    def formula(self) -> dict[str, Any]:
        """Return the numbers by which `apply` moves probabilities, for programs that run an exported model.

        Returns:
            Plain values by name; `first` holds those of an earlier local calibration, or None.

        Examples:
            >>> LocalCalibration().formula()["melanoma"]
            {'slope': 1.0, 'intercept': 0.0}
        """
        values = asdict(self)
        del values["operating_scores"]
        return values | {"first": self.first and self.first.formula()}

    def line(self, target: Target) -> LogOddsLine:
        """Return the line of a target.

        Args:
            target: `"melanoma"` or `"malignant"`.

        Returns:
            The line.

        Examples:
            >>> LocalCalibration().line("malignant")
            LogOddsLine(slope=1.0, intercept=0.0)
        """
        return self.melanoma if target == "melanoma" else self.malignant

    def move(self, threshold: float, target: Target) -> float:
        """Return a threshold on the scale of this calibration, so that what reached it before still does.

        Args:
            threshold: A probability of the target on the scale before this calibration (and after an earlier one).
            target: `"melanoma"` or `"malignant"`.

        Returns:
            The threshold that makes the same decisions; nan for one that is no number from 0 to 1.

        Examples:
            >>> round(LocalCalibration(melanoma=LogOddsLine(intercept=1.0)).move(0.5, "melanoma"), 3)
            0.731
        """
        # The line would move what is out of range to a threshold that looks sound.
        inside = is_probability(threshold)
        return float(self.line(target)(np.array(threshold))) * (1 - _ROUNDING) if inside else math.nan

    def operating_point(self, sensitivity: float, target: Target) -> OperatingPoint | None:
        """Return the operating point that the local lesions support.

        The threshold is the highest of the lesions' scores that a new lesion of the clinic reaches with at least the given
        probability, by the rule of order statistics: the `rank`-th lowest of n with 1 - rank / (n + 1) >= sensitivity.

        Args:
            sensitivity: The share of the target that must raise an alert, over 0 and under 1.
            target: `"melanoma"` or `"malignant"`.

        Returns:
            The operating point, whose sensitivity is the expected one for a new lesion, with its exact interval; None where the
            local lesions are too few.

        Raises:
            DetectorError: The sensitivity is out of range.

        Examples:
            >>> scores = ValidationScores.of(np.linspace(0.05, 1, 20), [False] + [True] * 19)
            >>> local = LocalCalibration(operating_scores={"melanoma": scores})
            >>> local.operating_point(0.95, "melanoma").sensitivity, local.operating_point(0.96, "melanoma")
            (0.95, None)
        """
        sensitivity = check_sensitivity(sensitivity)
        scores = self.operating_scores.get(target)
        if scores is None or scores.positive_lesions < lesions_needed(sensitivity) or not scores.negative_lesions:
            return None
        lesions, positive, negative = scores.positive_lesions, np.array(scores.positive), np.array(scores.negative)
        rank = min(
            int(np.floor((1 - sensitivity) * (lesions + 1) + 1e-6)), lesions
        )  # 0.05 × 20 is 0.999…96 and must be 1
        lowest = positive[rank - 1]  # one score for each lesion, ascending
        below = np.concatenate([positive[positive < lowest], negative[negative < lowest]])
        halfway = float((lowest + below.max()) / 2) if below.size else float(lowest)
        threshold = 1.0 if 1 < halfway <= 1 + ROUNDING else halfway
        specificity = float((negative < threshold).mean())
        return OperatingPoint(
            goal=sensitivity,
            threshold=threshold,
            sensitivity=1 - rank / (lesions + 1),
            specificity=specificity,
            positives=lesions,
            negatives=scores.negatives,
            target=target,
            sensitivity_interval=rank_interval(rank, lesions),
            specificity_interval=clopper_pearson_interval(
                specificity * scores.negative_lesions, scores.negative_lesions
            ),
            local=True,
        )

    def nearest_point(self, sensitivity: float, target: Target) -> OperatingPoint | None:
        """Return the operating point of the highest sensitivity that the local lesions support, up to a given one.

        Args:
            sensitivity: The share of the target that should raise an alert, over 0 and under 1.
            target: `"melanoma"` or `"malignant"`.

        Returns:
            The operating point, whose goal is the sensitivity or a lower one; None without local lesions.

        Raises:
            DetectorError: The sensitivity is out of range.

        Examples:
            >>> scores = ValidationScores.of(np.linspace(0.1, 1, 10), [False] + [True] * 9)
            >>> LocalCalibration(operating_scores={"melanoma": scores}).nearest_point(0.95, "melanoma").goal
            0.9
        """
        sensitivity = check_sensitivity(sensitivity)
        lesions = self.lesions(target)
        if not lesions:
            return None
        # The lowest of n scores supports n / (n + 1): see `lesions_needed`.
        supported = sensitivity if lesions >= lesions_needed(sensitivity) else lesions / (lesions + 1)
        return self.operating_point(supported, target)

    def lesions(self, target: Target) -> int:
        """Return how many local lesions show a target.

        Args:
            target: `"melanoma"` or `"malignant"`.

        Returns:
            Their number; 0 too where no image shows another lesion.
        """
        scores = self.operating_scores.get(target)
        return scores.positive_lesions if scores is not None else 0


def log_odds(probabilities: Float64Array) -> Float64Array:
    """Return the log-odds of probabilities, finite for 0 and 1 too.

    Args:
        probabilities: 0 to 1, of any shape.

    Returns:
        log(p / (1 - p)) of the same shape.

    Examples:
        >>> log_odds(np.array([0.5, 0.9])).round(2)
        array([0. , 2.2])
    """
    inside = np.clip(probabilities, _EPSILON, 1 - _EPSILON)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def kinds_of_classes(classes: tuple[str, ...]) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which classes are melanoma, which are malignant otherwise, and which are neither.

    Args:
        classes: Class names.

    Returns:
        bool `(classes,)` three times; each class is True in one.

    Examples:
        >>> [kind.tolist() for kind in kinds_of_classes(("melanoma", "nevus"))]
        [[True, False], [False, False], [False, True]]
    """
    columns = np.arange(len(classes))
    melanoma = np.isin(columns, taxonomy.positions(classes, code=taxonomy.MELANOMA))
    malignant = np.isin(columns, taxonomy.positions(classes, malignant=True))
    return melanoma, malignant & ~melanoma, ~malignant & ~melanoma
