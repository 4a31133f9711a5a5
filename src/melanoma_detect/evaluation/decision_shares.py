"""The share of each decision, overall and by what the images truly show."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.bootstrap import Figure, compute_figures
from melanoma_detect.evaluation.ratio import ratio
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.counts import count_noun

DECISIONS = ("alert", "clear", "refer", "abstain")


class DecisionShares(NamedTuple):
    """What a detector decides for the images of one kind, with 95 % confidence intervals.

    Attributes:
        truth: What the images show: `"all"`, `"melanoma"`, `"other malignant"`, `"benign"`, or `"indeterminate or unknown"`.
        images: The number of images.
        lesions: The number of lesions that they show.
        alert: The share that raises an alert. Alert, clear and refer add up to 1.
        clear: The share that is cleared.
        refer: The share that is referred to a person without an alert, abstentions among them.
        abstain: The share that the detector abstains from; these are referred.
        counts: The number of images of each decision.
    """

    truth: str
    images: int
    lesions: int
    alert: Figure
    clear: Figure
    refer: Figure
    abstain: Figure
    counts: dict[str, int]

    def __str__(self) -> str:
        shares = ", ".join(f"{name} {getattr(self, name)}" for name in DECISIONS)
        return f"{self.truth}: {count_noun(self.images, 'image')}; {shares}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values by name.

        Returns:
            The shares as dictionaries with value, low, high and lesions.

        Examples:
            >>> detector.evaluate(data.test).decision_shares()[0].to_dict()["truth"]
            'all'
        """
        return {name: value._asdict() if isinstance(value, Figure) else value for name, value in self._asdict().items()}


def decision_shares(answers: Answers, point: OperatingPoint | None, *, seed: int = 123) -> tuple[DecisionShares, ...]:
    """Measure the share of each decision; see `Evaluation.decision_shares`.

    Args:
        answers: The detector's answers.
        point: The operating point; without one every image is referred.
        seed: Seed of the bootstrap.

    Returns:
        All images first, then those of each kind that occurs.

    Examples:
        >>> evaluation = detector.evaluate(data.test)
        >>> [shares.truth for shares in decision_shares(evaluation.per_image, evaluation.operating_point)]
        ['all', 'melanoma', 'other malignant', 'benign', 'indeterminate or unknown']
    """
    decisions = _decisions(answers, point)
    kinds = {truth: chosen for truth, chosen in _kinds(answers).items() if chosen.any()}

    def shares(weights: Float64Array) -> dict[str, Float64Array]:
        return {
            f"{truth} {name}": ratio(weights @ (chosen & rows), weights @ chosen)
            for truth, chosen in kinds.items()
            for name, rows in decisions.items()
        }

    # All kinds on the same replicates as the figures: the share of melanomas with an alert is the sensitivity.
    lesions = {truth: answers.count_lesions(chosen) for truth, chosen in kinds.items()}
    counted = {f"{truth} {name}": lesions[truth] for truth in kinds for name in DECISIONS}
    figures = compute_figures(shares, answers.groups, counted, seed=seed)
    return tuple(
        DecisionShares(
            truth,
            int(chosen.sum()),
            lesions[truth],
            **{name: figures[f"{truth} {name}"] for name in DECISIONS},
            counts={name: int((rows & chosen).sum()) for name, rows in decisions.items()},
        )
        for truth, chosen in kinds.items()
    )


def _kinds(answers: Answers) -> dict[str, NDArray[np.bool_]]:
    melanoma = replace(answers, target="melanoma")
    # "malignant" alone may be a melanoma: it is neither a melanoma nor another cancer for certain.
    kinds = {
        "all": np.ones(len(answers), np.bool_),
        "melanoma": melanoma.is_positive,
        "other malignant": answers.is_malignant & melanoma.is_negative,
        "benign": answers.is_benign,
    }
    return kinds | {"indeterminate or unknown": ~(kinds["melanoma"] | kinds["other malignant"] | kinds["benign"])}


def _decisions(answers: Answers, point: OperatingPoint | None) -> dict[str, NDArray[np.bool_]]:
    nothing = np.zeros(len(answers), np.bool_)
    alert = answers.alerts(point) if point else nothing
    clear = answers.cleared(point) if point else nothing
    return {"alert": alert, "clear": clear, "refer": ~alert & ~clear, "abstain": answers.abstained}
