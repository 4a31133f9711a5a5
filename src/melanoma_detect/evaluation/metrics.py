"""The metrics of an evaluation, computed for many weightings of the images at once, as the bootstrap needs them.

scikit-learn computes the same values (the tests compare them), one weighting a call; 2,000 replicates take too long that way.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.bootstrap import Figure
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.inference.prediction import target_scores
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.deprecation import warn_renamed

# The metrics of `Evaluation.figures` with the titles that people read, in the order of tables.
HEADLINES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "melanoma_auc": "melanoma ROC AUC",
    "sensitivity": "sensitivity for melanoma",
    "specificity": "specificity for melanoma",
    "false_negative_rate": "false-negative rate",
    "false_positive_rate": "false-positive rate",
    "coverage": "coverage",
    "specificity_at_95": "specificity at 95 % sensitivity",
    "benign_below_threshold": "benign below that threshold",
    "ece": "expected calibration error",
    "brier": "Brier score, melanoma",
    "brier_classes": "Brier score, all classes",
}
# Chance alone makes the ECE larger, and resampling adds as much again: see `compute_figures`.
BIASED = frozenset({"ece"})
SENSITIVITY = 0.95  # at which specificity_at_95 and benign_below_threshold are read off
BINS = 10  # of the ECE and the calibration curve; ten are the custom since Naeini et al. 2015
# The names of 0.1; they go in 0.3.
_OLD_NAMES = {
    "missed": "false_negative_rate",
    "false_alarms": "false_positive_rate",
    "spared": "benign_below_threshold",
}


class Figures(dict[str, Figure]):
    """Metrics by name; names of earlier versions still work, with a warning.

    Examples:
        >>> Figures(coverage=Figure(0.9, 0.8, 1.0, 40))["coverage"].value
        0.9
    """

    def __missing__(self, name: str) -> Figure:
        if name not in _OLD_NAMES:
            raise KeyError(name)
        warn_renamed(f'figures["{name}"]', f'figures["{_OLD_NAMES[name]}"]')
        return self[_OLD_NAMES[name]]


class WeightedMetrics:
    """Every metric as a function of the weight of each image.

    Args:
        answers: The detector's answers.
        point: The operating point of sensitivity and specificity; they are nan without one.

    Examples:
        >>> rows = np.array([[0.9, 0.1], [0.2, 0.8]])
        >>> answers = Answers(rows, np.array([0, 1]), ("a", "b"), ("nevus", "melanoma"), np.zeros(2, bool))
        >>> WeightedMetrics(answers, None)(np.ones((1, 2)))["accuracy"]
        array([1.])
    """

    def __init__(self, answers: Answers, point: OperatingPoint | None) -> None:
        classes, labels = answers.classes, answers.labels
        self.answers, self.predicted = answers, answers.predicted
        self._cells = np.eye(len(classes) ** 2)[labels * len(classes) + self.predicted]
        self.positive, self.covered = answers.is_melanoma, ~answers.abstained
        self.benign = np.isin(labels, [column for column, label in enumerate(classes) if _is_benign(label)])
        self.scores = answers.melanoma_scores
        self.alert = target_scores(answers.probabilities, classes, point.target) >= point.threshold if point else None
        self._brier_classes = np.square(answers.probabilities - np.eye(len(classes))[labels]).sum(axis=1)

    def __call__(self, weights: Float64Array) -> dict[str, Float64Array]:
        """Return each metric, `(replicates,)`, for weights `(replicates, n)`."""
        size = len(self.answers.classes)
        confusion = (weights @ self._cells).reshape(-1, size, size)
        correct = np.diagonal(confusion, axis1=1, axis2=2)
        recall, precision = ratio(correct, confusion.sum(axis=2)), ratio(correct, confusion.sum(axis=1))
        occurring = np.isfinite(recall)  # balanced accuracy is the mean over the classes that occur
        metrics = {
            "accuracy": ratio(correct.sum(axis=1), weights.sum(axis=1)),
            "balanced_accuracy": ratio(np.where(occurring, recall, 0).sum(axis=1), occurring.sum(axis=1)),
            "melanoma_auc": weighted_auc(self.scores, self.positive, weights),
            "sensitivity": self._rate(weights, self.positive, alert=True),
            "specificity": self._rate(weights, ~self.positive, alert=False),
            "false_negative_rate": self._rate(weights, self.positive, alert=False),
            "false_positive_rate": self._rate(weights, ~self.positive, alert=True),
            "coverage": ratio(weights @ self.covered, weights.sum(axis=1)),
            **self._at_95_sensitivity(weights),
            **self._calibration(weights),
        }
        for column, label in enumerate(self.answers.classes):
            metrics |= {f"recall {label}": recall[:, column], f"precision {label}": precision[:, column]}
        return metrics

    def lesions(self) -> dict[str, int]:
        """Count the independent lesions that each metric rests on.

        Returns:
            For each metric, the number of lesions: for a metric of melanomas against others, those of the rarer side.
        """
        count = self.answers.count_lesions
        positives, negatives, benign = count(self.positive), count(~self.positive), count(self.benign)
        of_all = ("accuracy", "balanced_accuracy", "coverage", "ece", "brier", "brier_classes")
        classes = list(enumerate(self.answers.classes))
        return {
            **dict.fromkeys(of_all, self.answers.lesions),
            **dict.fromkeys(("melanoma_auc", "specificity_at_95"), min(positives, negatives)),
            **dict.fromkeys(("sensitivity", "false_negative_rate"), positives),
            **dict.fromkeys(("specificity", "false_positive_rate"), negatives),
            "benign_below_threshold": min(positives, benign),
            **{f"recall {label}": count(self.answers.labels == column) for column, label in classes},
            **{f"precision {label}": count(self.predicted == column) for column, label in classes},
        }

    def _rate(self, weights: Float64Array, chosen: NDArray[np.bool_], *, alert: bool) -> Float64Array:
        """Return the share of the chosen images with an alert, or cleared; those abstained from count in neither."""
        if self.alert is None:
            return np.full(len(weights), np.nan)
        return ratio(weights @ (chosen & self.covered & (self.alert == alert)), weights @ chosen)

    def _at_95_sensitivity(self, weights: Float64Array) -> dict[str, Float64Array]:
        """Return what lies below the highest threshold with 95 % sensitivity on these very images."""
        if not self.positive.any() or self.positive.all():
            return dict.fromkeys(("specificity_at_95", "benign_below_threshold"), np.full(len(weights), np.nan))
        order = np.argsort(-self.scores, kind="stable")
        last = np.flatnonzero(np.diff(self.scores[order], append=-np.inf))  # the last image of each run of equal scores
        melanomas = np.cumsum((weights * self.positive)[:, order], axis=1)[:, last]
        # The small number: 0.95 × 20 is 19.000…01 in floating point, and 19 of 20 are enough.
        step = (melanomas >= SENSITIVITY * melanomas[:, -1:] - 1e-9).argmax(axis=1)[:, None]

        def below(chosen: NDArray[np.bool_]) -> Float64Array:
            reached = np.cumsum((weights * chosen)[:, order], axis=1)[:, last]
            under: Float64Array = reached[:, -1] - np.take_along_axis(reached, step, axis=1)[:, 0]
            return under

        defined = weights @ self.positive > 0  # a replicate without melanomas has no such threshold
        # An image that the detector abstains from needs a reader, whatever its score.
        return {
            "specificity_at_95": ratio(below(~self.positive), (weights @ ~self.positive) * defined),
            "benign_below_threshold": ratio(below(self.benign & self.covered), (weights @ self.benign) * defined),
        }

    def _calibration(self, weights: Float64Array) -> dict[str, Float64Array]:
        total = weights.sum(axis=1)
        brier_classes = ratio(weights @ self._brier_classes, total)
        if not self.answers.has_melanoma_class:
            undefined = dict.fromkeys(("ece", "brier"), np.full(len(weights), np.nan))
            return {**undefined, "brier_classes": brier_classes}
        error = self.scores - self.positive
        # |mean predicted - observed| of a bin times its images is |sum of the errors in it|.
        gaps = np.abs(weights @ (np.eye(BINS)[bin_index(self.scores)] * error[:, None])).sum(axis=1)
        return {
            "ece": ratio(gaps, total),
            "brier": ratio(weights @ np.square(error), total),
            "brier_classes": brier_classes,
        }


def weighted_auc(scores: Float64Array, positive: NDArray[np.bool_], weights: Float64Array) -> Float64Array:
    """Compute the area under the ROC curve as the Mann-Whitney statistic: the share of pairs in the right order.

    Ties count half, as in `sklearn.metrics.roc_auc_score`.

    Args:
        scores: `(n,)`.
        positive: bool `(n,)`.
        weights: The weight of each image, `(replicates, n)`.

    Returns:
        `(replicates,)`, 0 to 1; nan if all images are positive, or none.

    Examples:
        >>> weighted_auc(np.array([0.1, 0.9]), np.array([False, True]), np.ones((1, 2)))
        array([1.])
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))  # of each run of equal scores
    positives, negatives = weights * positive, weights * ~positive
    positives_at = np.add.reduceat(positives[:, order], starts, axis=1)
    negatives_at = np.add.reduceat(negatives[:, order], starts, axis=1)
    below = np.cumsum(negatives_at, axis=1) - negatives_at / 2
    return ratio((positives_at * below).sum(axis=1), positives.sum(axis=1) * negatives.sum(axis=1))


def bin_index(scores: Float64Array) -> NDArray[np.int64]:
    """Return the bin of each probability, of ten equally wide ones.

    Args:
        scores: `(n,)`, 0 to 1.

    Returns:
        `(n,)`, 0 to 9; a lower edge belongs to its bin.

    Examples:
        >>> bin_index(np.array([0.0, 0.05, 0.1, 1.0])).tolist()
        [0, 0, 1, 9]
    """
    return np.minimum((scores * BINS).astype(np.int64), BINS - 1)


def ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> Float64Array:
    """Divide element by element, with nan where the denominator is zero.

    Args:
        numerator: Any shape.
        denominator: The same shape.

    Returns:
        The same shape.

    Examples:
        >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0]))
        array([0.5, nan])
    """
    undefined = np.full(np.shape(numerator), np.nan)
    quotient: Float64Array = np.divide(numerator, denominator, out=undefined, where=denominator > 0)
    return quotient


def _is_benign(label: str) -> bool:
    # A class that covers several diagnoses is named with "or" between them.
    names = [label] if taxonomy.find(label) else label.split(" or ")
    diagnoses = [taxonomy.find(name) for name in names]
    return all(diagnosis is not None and diagnosis.malignancy == "benign" for diagnosis in diagnoses)
