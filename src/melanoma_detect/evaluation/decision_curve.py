"""Decision curve: the net benefit of a detector against the threshold probability (Vickers and Elkin 2006)."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.bootstrap import Figure, compute_signed_figures
from melanoma_detect.evaluation.ratio import ratio
from melanoma_detect.inference.operating_points import PLURALS, OperatingPoint, Target
from melanoma_detect.inference.predictive_values import check_prevalence
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.counts import count_noun

# Of 100 to 3 excisions one melanoma. Specialists excised 7 to 13 lesions for each, other doctors 29 (Argenziano et al. 2012,
# J Am Acad Dermatol 67:54).
THRESHOLDS = tuple(percent / 100 for percent in range(1, 31))
_PRINTED = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
_STRATEGIES = ("model", "alerts", "alerts_and_referrals", "treat_all")


@dataclass(frozen=True)
class DecisionCurve:
    """The net benefit of several strategies at each threshold probability, with 95 % confidence intervals.

    The threshold probability `t` is the risk from which a person would act (look at the lesion, excise it): acting at 5 % means
    that 19 needless excisions are worth one melanoma found. The net benefit is `TP/n − FP/n × t/(1 − t)`: true positives per
    image, less the false positives weighed by these odds. Acting on nobody has net benefit 0.

    Attributes:
        target: `"melanoma"` or `"malignant"`.
        images: The number of images whose label tells whether they show the target.
        prevalence: The share of the target that the net benefits hold for.
        thresholds: The threshold probabilities.
        model: Act where the calibrated probability of the target reaches the threshold probability, also on images that the
            detector abstains from.
        alerts: Act on every alert at the operating point; empty without one.
        alerts_and_referrals: Act on everything that is not cleared; empty without an operating point.
        treat_all: Act on every image.
        advantage: How much higher the model's net benefit is than that of the better of acting on all and on nobody.
    """

    target: Target
    images: int
    prevalence: float
    thresholds: tuple[float, ...]
    model: tuple[Figure, ...]
    alerts: tuple[Figure, ...]
    alerts_and_referrals: tuple[Figure, ...]
    treat_all: tuple[Figure, ...]
    advantage: tuple[Figure, ...]

    @property
    def useful(self) -> tuple[float, ...]:
        """The thresholds at which the model is better than acting on all and on nobody, by an interval over 0."""
        return tuple(at for at, gain in zip(self.thresholds, self.advantage, strict=True) if gain.low > 0)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per threshold probability: the net benefit of each strategy with its interval.

        Returns:
            Indexed by `threshold`; `treat_none` is 0.

        Examples:
            >>> detector.evaluate(data.test).decision_curve().to_frame().loc[0.05, "treat_none"].item()
            0.0
        """
        columns: dict[str, list[float]] = {}
        for name in (*_STRATEGIES, "advantage"):
            for end in ("value", "low", "high") if getattr(self, name) else ():
                title = name if end == "value" else f"{name}_{end}"
                columns[title] = [getattr(figure, end) for figure in getattr(self, name)]
        index = pd.Index(self.thresholds, name="threshold")
        return pd.DataFrame(columns | {"treat_none": [0.0] * len(index)}, index=index)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values by name.

        Returns:
            For each strategy a list of values with their intervals.

        Examples:
            >>> len(detector.evaluate(data.test).decision_curve([0.05, 0.1]).to_dict()["treat_all"])
            2
        """
        strategies = {
            name: [figure._asdict() for figure in getattr(self, name)] for name in (*_STRATEGIES, "advantage")
        }
        return {
            "target": self.target,
            "images": self.images,
            "prevalence": self.prevalence,
            "thresholds": list(self.thresholds),
            **strategies,
            "treat_none": 0.0,
            "useful": list(self.useful),
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        images = count_noun(self.images, "image")
        yield f"Net benefit for {PLURALS[self.target]}, {images}, prevalence {self.prevalence:.1%}; treat none: 0"
        shown = [at for at in _PRINTED if at in self.thresholds] or list(self.thresholds)
        titles = {
            "model": "model",
            "alerts": "alerts",
            "alerts_and_referrals": "alerts + referrals",
            "treat_all": "treat all",
        }
        used = {name: title for name, title in titles.items() if getattr(self, name)}
        yield f"{'threshold':<11}" + "".join(f"{title:<26}" for title in used.values()).rstrip()
        for at in shown:
            row = self.thresholds.index(at)
            yield f"{at:<11.1%}" + "".join(f"{getattr(self, name)[row]!s:<26}" for name in used).rstrip()
        if self.useful:
            yield (
                f"The model is better than treating all and none at {len(self.useful)} of {len(self.thresholds)} thresholds, "
                f"from {min(self.useful):.1%} to {max(self.useful):.1%} (interval over 0)."
            )
        else:
            yield "At no threshold is the model better than treating all and none by more than its interval."


def decision_curve(
    answers: Answers,
    point: OperatingPoint | None,
    thresholds: Sequence[float] | None = None,
    *,
    prevalence: float | None = None,
    seed: int = 123,
) -> DecisionCurve | None:
    """Compute the decision curve; see `Evaluation.decision_curve`.

    Args:
        answers: The detector's answers.
        point: The operating point.
        thresholds: Threshold probabilities, each over 0 and under 1; None for 1 % to 30 %.
        prevalence: The share of the target to compute the net benefits for; None for that of the images.
        seed: Seed of the bootstrap.

    Returns:
        The curve; None if the images show the target only, or never, or no class belongs to it.

    Raises:
        DetectorError: A threshold or the prevalence is out of range.

    Examples:
        >>> evaluation = detector.evaluate(data.test)
        >>> len(decision_curve(evaluation.per_image, evaluation.operating_point, [0.05, 0.1]).model)
        2
    """
    used = _check_thresholds(THRESHOLDS if thresholds is None else thresholds)
    if prevalence is not None:
        check_prevalence(prevalence)
    known = answers.select(answers.is_positive | answers.is_negative)
    positive = known.is_positive
    if not answers.has_target_class or not positive.any() or positive.all():
        return None
    benefits = _NetBenefits(known, point, used, prevalence)
    lesions = min(known.count_lesions(positive), known.count_lesions(~positive))
    figures = compute_signed_figures(benefits, known.groups, lesions, seed=seed)
    rows = {
        name: tuple(figures[f"{name} {at}"] for at in used if f"{name} {at}" in figures)
        for name in (*_STRATEGIES, "advantage")
    }
    share = float(positive.mean()) if prevalence is None else prevalence
    return DecisionCurve(known.target, len(known), share, used, **rows)


class _NetBenefits:
    """The net benefit of each strategy at each threshold as a function of the weight of each image."""

    def __init__(
        self, answers: Answers, point: OperatingPoint | None, thresholds: tuple[float, ...], prevalence: float | None
    ) -> None:
        self._thresholds, self._prevalence = np.array(thresholds), prevalence
        self._positive = answers.is_positive
        scores = answers.target_scores
        if prevalence is not None:
            scores = at_other_prevalence(scores, float(self._positive.mean()), prevalence)
        one = np.ones(len(thresholds), np.bool_)
        self._acts = {
            "model": scores[:, None] >= self._thresholds,
            "treat_all": np.ones((len(answers), 1), np.bool_) & one,
        }
        if point:
            self._acts["alerts"] = answers.alerts(point)[:, None] & one
            self._acts["alerts_and_referrals"] = ~answers.cleared(point)[:, None] & one

    def __call__(self, weights: Float64Array) -> dict[str, Float64Array]:
        """Return each net benefit, `(replicates,)`, for weights `(replicates, n)`."""
        benefits = {name: self._net_benefit(weights, acts) for name, acts in self._acts.items()}
        benefits["advantage"] = benefits["model"] - np.maximum(benefits["treat_all"], 0)
        return {
            f"{name} {at}": values[:, column]
            for name, values in benefits.items()
            for column, at in enumerate(self._thresholds.tolist())
        }

    def _net_benefit(self, weights: Float64Array, acts: NDArray[np.bool_]) -> Float64Array:
        positives, negatives = weights * self._positive, weights * ~self._positive
        totals = positives.sum(axis=1, keepdims=True), negatives.sum(axis=1, keepdims=True)
        sensitivity, false_positive_rate = ratio(positives @ acts, totals[0]), ratio(negatives @ acts, totals[1])
        share = ratio(totals[0], totals[0] + totals[1]) if self._prevalence is None else self._prevalence
        odds = self._thresholds / (1 - self._thresholds)
        return np.asarray(sensitivity * share - false_positive_rate * (1 - share) * odds)


def at_other_prevalence(probabilities: Float64Array, prevalence: float, other: float) -> Float64Array:
    """Move calibrated probabilities from one prevalence to another by Bayes' rule: their odds change by one factor.

    Args:
        probabilities: Probabilities that are calibrated at the first prevalence, 0 to 1.
        prevalence: The share of the target where they are calibrated.
        other: The share elsewhere.

    Returns:
        The probabilities there, of the same shape.

    Examples:
        >>> at_other_prevalence(np.array([0.0, 0.5, 1.0]), 0.5, 0.1).round(2)
        array([0. , 0.1, 1. ])
    """
    factor = other / (1 - other) * (1 - prevalence) / prevalence
    return np.asarray(probabilities * factor / (probabilities * factor + 1 - probabilities))


def _check_thresholds(thresholds: Sequence[float]) -> tuple[float, ...]:
    used = tuple(sorted({float(at) for at in thresholds}))
    if not used or not all(math.isfinite(at) and 0 < at < 1 for at in used):
        raise DetectorError(
            f"thresholds={list(thresholds)}; expected one or more probabilities over 0 and under 1, such as 0.05"
        )
    return used
