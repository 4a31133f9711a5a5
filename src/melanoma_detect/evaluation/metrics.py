"""Every figure of an evaluation, as a function of how often each image counts: what the bootstrap draws again and again."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.inference.prediction import melanoma_scores, target_scores
from melanoma_detect.utils.arrays import Float64Array

# What is printed, in this order.
HEADLINES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "melanoma_auc": "melanoma ROC AUC",
    "sensitivity": "sensitivity for melanoma",
    "specificity": "specificity for melanoma",
    "missed": "melanomas that it clears",
    "false_alarms": "others that it alerts to",
    "coverage": "images that it judges",
    "specificity_at_95": "specificity at 95 % found",
    "spared": "benign that need no review",
    "ece": "calibration error (ECE)",
    "brier": "Brier score, melanoma",
    "brier_classes": "Brier score, all classes",
}
# Chance alone makes it larger, and drawing again makes it larger once more: its interval is mirrored.
MIRRORED = frozenset({"ece"})
FOUND = 0.95
BINS = 10


class Statistics:
    """Every figure as a function of how often each image counts.

    Args:
        probabilities: The answers, `(n, classes)`.
        labels: The truth as positions in `classes`, `(n,)`.
        classes: Class names.
        point: Where to take sensitivity and specificity; they are nan without one.
        abstained: Which images the detector abstained from, `(n,)`.

    Examples:
        >>> answers, away = np.array([[0.9, 0.1], [0.2, 0.8]]), np.zeros(2, bool)
        >>> statistics = Statistics(answers, np.array([0, 1]), ("nevus", "melanoma"), None, away)
        >>> statistics(np.ones((1, 2)))["accuracy"]
        array([1.])
    """

    def __init__(
        self,
        probabilities: Float64Array,
        labels: NDArray[np.int64],
        classes: tuple[str, ...],
        point: OperatingPoint | None,
        abstained: NDArray[np.bool_],
    ) -> None:
        self.classes, self.labels, self.answers = classes, labels, probabilities.argmax(axis=1)
        self.cells = labels * len(classes) + self.answers
        self._onehot = np.eye(len(classes) ** 2)[self.cells]
        self.positive, self.judged = is_melanoma(labels, classes), ~abstained
        self.benign = np.isin(labels, [at for at, label in enumerate(classes) if _is_benign(label)])
        self.scores = melanoma_scores(probabilities, classes)
        self.alert = target_scores(probabilities, classes, point.target) >= point.threshold if point else None
        self._brier = np.square(probabilities - np.eye(len(classes))[labels]).sum(axis=1)

    def __call__(self, weights: Float64Array) -> dict[str, Float64Array]:
        """Return each figure for each row of weights `(some, n)`; figures are `(some,)`."""
        size = len(self.classes)
        confusion = (weights @ self._onehot).reshape(-1, size, size)
        right = np.diagonal(confusion, axis1=1, axis2=2)
        recall, precision = ratio(right, confusion.sum(axis=2)), ratio(right, confusion.sum(axis=1))
        occurring = np.isfinite(recall)
        found = {
            "accuracy": ratio(right.sum(axis=1), weights.sum(axis=1)),
            "balanced_accuracy": ratio(np.where(occurring, recall, 0).sum(axis=1), occurring.sum(axis=1)),
            "melanoma_auc": weighted_auc(self.scores, self.positive, weights),
            "sensitivity": self._share(weights, self.positive, alert=True),
            "specificity": self._share(weights, ~self.positive, alert=False),
            "missed": self._share(weights, self.positive, alert=False),
            "false_alarms": self._share(weights, ~self.positive, alert=True),
            "coverage": ratio(weights @ self.judged, weights.sum(axis=1)),
            **self._on_the_curve(weights),
            **self._calibration(weights),
        }
        for at, label in enumerate(self.classes):
            found |= {f"recall {label}": recall[:, at], f"precision {label}": precision[:, at]}
        return found

    def counts(self, groups: Sequence[str]) -> dict[str, int]:
        """Count the independent lesions that each figure rests on.

        Args:
            groups: The lesion of each image, `(n,)`.

        Returns:
            For each figure, how many lesions.
        """
        named = np.asarray(groups)

        def lesions(chosen: NDArray[np.bool_]) -> int:
            return len(np.unique(named[chosen]))

        positives, negatives, every = lesions(self.positive), lesions(~self.positive), len(np.unique(named))
        of_all = ("accuracy", "balanced_accuracy", "coverage", "ece", "brier", "brier_classes")
        return {
            **dict.fromkeys(of_all, every),
            **dict.fromkeys(("melanoma_auc", "specificity_at_95"), min(positives, negatives)),
            **dict.fromkeys(("sensitivity", "missed"), positives),
            **dict.fromkeys(("specificity", "false_alarms"), negatives),
            "spared": min(positives, lesions(self.benign)),
            **{f"recall {label}": lesions(self.labels == at) for at, label in enumerate(self.classes)},
            **{f"precision {label}": lesions(self.answers == at) for at, label in enumerate(self.classes)},
        }

    def _share(self, weights: Float64Array, chosen: NDArray[np.bool_], *, alert: bool) -> Float64Array:
        if self.alert is None:
            return np.full(len(weights), np.nan)
        return ratio(weights @ (chosen & self.judged & (self.alert == alert)), weights @ chosen)

    def _on_the_curve(self, weights: Float64Array) -> dict[str, Float64Array]:
        """Read off, at the highest threshold that finds 95 % of the melanomas of these very images."""
        if not self.positive.any() or self.positive.all():
            return dict.fromkeys(("specificity_at_95", "spared"), np.full(len(weights), np.nan))
        order = np.argsort(-self.scores, kind="stable")
        last = np.flatnonzero(np.diff(self.scores[order], append=-np.inf))  # of each run of equal scores
        found = np.cumsum((weights * self.positive)[:, order], axis=1)[:, last]
        at = (found >= FOUND * found[:, -1:] - 1e-9).argmax(axis=1)[:, None]

        def cleared(chosen: NDArray[np.bool_]) -> Float64Array:
            reached = np.cumsum((weights * chosen)[:, order], axis=1)[:, last]
            under: Float64Array = reached[:, -1] - np.take_along_axis(reached, at, axis=1)[:, 0]
            return under

        some = weights @ self.positive > 0
        specificity = ratio(cleared(~self.positive), (weights @ ~self.positive) * some)
        # Whoever the detector abstains from must be looked at, whatever the score.
        return {
            "specificity_at_95": specificity,
            "spared": ratio(cleared(self.benign & self.judged), (weights @ self.benign) * some),
        }

    def _calibration(self, weights: Float64Array) -> dict[str, Float64Array]:
        total, many = weights.sum(axis=1), ratio(weights @ self._brier, weights.sum(axis=1))
        if not taxonomy.positions(self.classes, code=taxonomy.MELANOMA):
            return {**dict.fromkeys(("ece", "brier"), np.full(len(weights), np.nan)), "brier_classes": many}
        off = self.scores - self.positive
        gaps = np.abs(weights @ (np.eye(BINS)[bin_of(self.scores)] * off[:, None])).sum(axis=1)
        return {"ece": ratio(gaps, total), "brier": ratio(weights @ np.square(off), total), "brier_classes": many}


def weighted_auc(scores: Float64Array, positive: NDArray[np.bool_], weights: Float64Array) -> Float64Array:
    """Compute the area under the ROC curve, as the share of pairs in the right order (Mann and Whitney), ties counting half.

    Args:
        scores: `(n,)`.
        positive: `(n,)`.
        weights: How often each image counts, `(some, n)`.

    Returns:
        `(some,)`, 0 to 1; nan where one side is empty.

    Examples:
        >>> weighted_auc(np.array([0.1, 0.9]), np.array([False, True]), np.ones((1, 2)))
        array([1.])
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    for_, against = weights * positive, weights * ~positive
    wins = np.add.reduceat(for_[:, order], starts, axis=1)
    losses = np.add.reduceat(against[:, order], starts, axis=1)
    beaten = np.cumsum(losses, axis=1) - losses / 2
    return ratio((wins * beaten).sum(axis=1), for_.sum(axis=1) * against.sum(axis=1))


def bin_of(scores: Float64Array) -> NDArray[np.int64]:
    """Return in which of ten equally wide bins a probability lies.

    Args:
        scores: `(n,)`, 0 to 1.

    Returns:
        `(n,)`, 0 to 9.

    Examples:
        >>> bin_of(np.array([0.0, 0.05, 0.1, 1.0])).tolist()
        [0, 0, 1, 9]
    """
    return np.minimum((scores * BINS).astype(np.int64), BINS - 1)


def is_melanoma(labels: NDArray[np.int64], classes: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which labels mean melanoma.

    Args:
        labels: Positions in `classes`, `(n,)`.
        classes: Class names.

    Returns:
        `(n,)`.

    Examples:
        >>> is_melanoma(np.array([0, 1]), ("nevus", "melanoma")).tolist()
        [False, True]
    """
    return np.isin(labels, taxonomy.positions(classes, code=taxonomy.MELANOMA))


def ratio(above: NDArray[Any], below: NDArray[Any]) -> Float64Array:
    """Divide, with nan where there is nothing to divide by.

    Args:
        above: Any shape.
        below: The same shape.

    Returns:
        The same shape.

    Examples:
        >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0]))
        array([0.5, nan])
    """
    shares: Float64Array = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
    return shares


def _is_benign(label: str) -> bool:
    # Classes that the labels do not tell apart are written with "or" (see `measuring.joining`).
    known = [taxonomy.find(label)] if taxonomy.find(label) else [taxonomy.find(one) for one in label.split(" or ")]
    return all(diagnosis is not None and diagnosis.malignancy == "benign" for diagnosis in known)
