"""Local calibration: what a clinic's own labelled images change in the probabilities and thresholds of a detector.

`training.localize` fits it. The probability of melanoma, and that of any malignant diagnosis, are each moved along a line on
the log-odds scale (Cox 1958, doi 10.1093/biomet/45.3-4.562; "logistic recalibration" in Steyerberg, Clinical Prediction
Models, 2009, chapter 20). The intercept stands for the prevalence, the slope for the temperature. A line that rises keeps the
order of the images: a threshold that is moved along the same line makes the same decisions as before. NumPy only.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
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
from melanoma_detect.utils.arrays import Float64Array

_EPSILON = 1e-12  # the smallest probability whose log-odds are taken
_FARTHEST = 500.0  # log-odds whose exponential is finite


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

    def after(self, first: "LogOddsLine") -> "LogOddsLine":
        """Return the line that does what another line does, and then this one.

        Args:
            first: The other line.

        Returns:
            One line.

        Examples:
            >>> LogOddsLine(2.0, 1.0).after(LogOddsLine(0.5, -1.0))
            LogOddsLine(slope=1.0, intercept=-1.0)
        """
        return LogOddsLine(self.slope * first.slope, self.slope * first.intercept + self.intercept)


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
    """

    melanoma: LogOddsLine = field(default_factory=LogOddsLine)
    malignant: LogOddsLine = field(default_factory=LogOddsLine)
    temperature: float = 1.0
    bias: tuple[float, ...] = ()
    operating_scores: Mapping[Target, ValidationScores] = field(default_factory=dict)

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
        melanoma, others, rest = kinds_of_classes(classes)
        raised = np.maximum(probabilities, _EPSILON) ** (1 / self.temperature)
        weights = raised * np.exp(np.asarray(self.bias or np.zeros(len(classes))))
        first = self.line("melanoma")(probabilities[:, melanoma].sum(axis=1)) if melanoma.any() else 0.0
        malignant = first
        if others.any():
            score = probabilities[:, melanoma | others].sum(axis=1)
            malignant = np.maximum(self.line("malignant")(score), first) if rest.any() else np.ones_like(score)
        elif not rest.any():
            first = malignant = np.ones(len(probabilities))
        local: Float64Array = np.empty_like(weights)
        for columns, share in ((melanoma, first), (others, malignant - first), (rest, 1 - malignant)):
            total = weights[:, columns].sum(axis=1, keepdims=True)
            local[:, columns] = weights[:, columns] / total * np.reshape(share, (-1, 1))
        return local

    def formula(self) -> dict[str, Any]:
        """Return the numbers by which `apply` moves probabilities, for programs that run an exported model.

        Returns:
            Plain values by name.

        Examples:
            >>> LocalCalibration().formula()["melanoma"]
            {'slope': 1.0, 'intercept': 0.0}
        """
        values = asdict(self)
        del values["operating_scores"]
        return values

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

    def moved(self, scores: Mapping[Target, ValidationScores]) -> dict[Target, ValidationScores]:
        """Return the scores of other images on the local scale, so that operating points that were set on them stay in force.

        Args:
            scores: For each target, before the local calibration.

        Returns:
            The same images' scores after it, in the same order.

        Examples:
            >>> old = {"melanoma": ValidationScores.of(np.array([0.9, 0.5]), [True, False])}
            >>> LocalCalibration(melanoma=LogOddsLine(intercept=1.0)).moved(old)["melanoma"].negative
            (0.7310585786300049,)
        """
        return {target: _move(of_target, self.line(target)) for target, of_target in scores.items()}

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
        check_sensitivity(sensitivity)
        scores = self.operating_scores.get(target)
        if scores is None or scores.positive_lesions < lesions_needed(sensitivity) or not scores.negative_lesions:
            return None
        lesions, positive, negative = scores.positive_lesions, np.array(scores.positive), np.array(scores.negative)
        rank = int(np.floor((1 - sensitivity) * (lesions + 1) + 1e-6))  # 0.05 × 20 is 0.999…96 and must be 1
        lowest = positive[(rank - 1) * len(positive) // lesions]  # of very many scores only quantiles are stored
        below = np.concatenate([positive[positive < lowest], negative[negative < lowest]])
        threshold = float((lowest + below.max()) / 2) if below.size else float(lowest)
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

    def after(self, first: "LocalCalibration | None", sensitivity: float) -> "LocalCalibration":
        """Return the calibration that does what an earlier local calibration does, and then this one.

        Args:
            first: The earlier one; None for none.
            sensitivity: The share of a target that must raise an alert. Where the scores of this one do not support it, those
                of the earlier one stay, on the new scale.

        Returns:
            One calibration.

        Examples:
            >>> halved = LocalCalibration(melanoma=LogOddsLine(intercept=-0.7))
            >>> halved.after(halved, 0.95).melanoma.intercept
            -1.4
        """
        if first is None:
            return self
        earlier, own = (np.array(each.bias or (0.0,)) for each in (first, self))
        bias = earlier / self.temperature + own if first.bias or self.bias else ()
        supported = {
            target: scores
            for target, scores in self.operating_scores.items()
            if target not in first.operating_scores or self.operating_point(sensitivity, target)
        }
        return LocalCalibration(
            melanoma=self.melanoma.after(first.melanoma),
            malignant=self.malignant.after(first.malignant),
            temperature=self.temperature * first.temperature,
            bias=tuple(map(float, bias)),
            operating_scores={**self.moved(first.operating_scores), **supported},
        )


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


def _move(scores: ValidationScores, line: LogOddsLine) -> ValidationScores:
    def moved(values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(line(np.array(values)).tolist())

    return replace(
        scores,
        positive=moved(scores.positive),
        negative=moved(scores.negative),
        by_source={source: moved(values) for source, values in scores.by_source.items()},
    )
