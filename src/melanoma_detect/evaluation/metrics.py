"""The metrics of an evaluation, computed for many weightings of the images at once, as the bootstrap needs them.

scikit-learn computes the same values (the tests compare them), one weighting a call; 2,000 replicates take too long that way.
"""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.bootstrap import Figure
from melanoma_detect.evaluation.ranking import MAX_PARTIAL_AUC, weighted_areas
from melanoma_detect.evaluation.ratio import ratio
from melanoma_detect.inference.operating_points import PLURALS, TARGETS, OperatingPoint, Target
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.deprecation import warn_renamed

# The metrics of `Evaluation.figures` with the titles that people read, in the order of tables. See `headlines`.
HEADLINES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "balanced_accuracy_common": "balanced accuracy, common classes",
    "melanoma_auc": "melanoma ROC AUC",
    "malignant_auc": "malignant ROC AUC",
    "melanoma_pauc_80": "melanoma pAUC above 80 % sensitivity",
    "malignant_pauc_80": "malignant pAUC above 80 % sensitivity",
    "sensitivity": "sensitivity for melanoma",
    "specificity": "specificity for melanoma",
    "false_negative_rate": "false-negative rate (cleared)",
    "false_positive_rate": "false-positive rate",
    "coverage": "coverage",
    "referral_rate": "referral rate",
    "clearance_rate": "other images cleared",
    "malignant_clearance_rate": "malignant lesions cleared",
    "specificity_at_95": "specificity at 95 % sensitivity",
    "benign_below_threshold": "benign images below that threshold",
    "ece": "expected calibration error (ECE)",
    "brier": "Brier score, melanoma",
    "brier_classes": "Brier score, all classes",
}
# Chance alone makes the ECE larger, and resampling adds as much again: see `compute_figures`.
BIASED = frozenset({"ece"})
MAXIMA: Final = {
    "melanoma_pauc_80": MAX_PARTIAL_AUC,
    "malignant_pauc_80": MAX_PARTIAL_AUC,
}  # of metrics that never reach 1
DECISIONS = tuple(name for name in HEADLINES if name.endswith("_rate") or name in ("sensitivity", "specificity"))
SENSITIVITY = 0.95  # at which specificity_at_95 and benign_below_threshold are read off
BINS = 10  # of the ECE and the calibration curve; ten are the custom since Naeini et al. 2015
# The names of 0.1; they go in 0.3.
_OLD_NAMES = {
    "missed": "false_negative_rate",
    "false_alarms": "false_positive_rate",
    "spared": "benign_below_threshold",
}


def headlines(target: Target) -> dict[str, str]:
    """Return the titles of the metrics for a target.

    Args:
        target: `"melanoma"` or `"malignant"`.

    Returns:
        The titles by name, in the order of tables.

    Examples:
        >>> headlines("malignant")["sensitivity"]
        'sensitivity for malignant lesions'
    """
    if target == "melanoma":
        return dict(HEADLINES)
    titles = {"sensitivity": "sensitivity", "specificity": "specificity"}
    return (
        HEADLINES
        | {name: f"{title} for {PLURALS[target]}" for name, title in titles.items()}
        | {"brier": f"Brier score, {PLURALS[target]}"}
    )


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
        size, labels, self.known = len(answers.classes), answers.labels, answers.has_class
        self.answers, self.predicted = answers, answers.predicted
        common = np.isin(answers.classes, answers.common_classes)
        self._common = common & (common.sum() > 1)  # the recall of one class is no balanced accuracy
        self._cells = np.eye(size**2)[labels * size + self.predicted] * self.known[:, None]
        self._brier_classes = np.square(answers.probabilities - np.eye(size)[labels]).sum(axis=1)
        self.positive, self.negative = answers.is_positive, answers.is_negative
        self.malignant, self.benign = answers.is_malignant, answers.is_benign
        self.covered, self.scores = ~answers.abstained, answers.target_scores
        self.alert = answers.alerts(point) if point else None
        self.cleared = answers.cleared(point) if point else None
        self._rankings = {target: ranking(answers, target) for target in TARGETS}

    def __call__(self, weights: Float64Array) -> dict[str, Float64Array]:
        """Return each metric, `(replicates,)`, for weights `(replicates, n)`."""
        size = len(self.answers.classes)
        confusion = (weights @ self._cells).reshape(-1, size, size)
        correct = np.diagonal(confusion, axis1=1, axis2=2)
        recall, precision = ratio(correct, confusion.sum(axis=2)), ratio(correct, confusion.sum(axis=1))
        metrics = {
            "accuracy": ratio(correct.sum(axis=1), weights @ self.known),
            "balanced_accuracy": mean_recall(recall),
            "balanced_accuracy_common": mean_recall(recall[:, self._common]),
            **self._areas(weights),
            "coverage": ratio(weights @ self.covered, weights.sum(axis=1)),
            **self._decisions(weights),
            **self._at_95_sensitivity(weights),
            **self._calibration(weights),
        }
        for column, label in enumerate(self.answers.classes):
            metrics |= {f"recall {label}": recall[:, column], f"precision {label}": precision[:, column]}
        return metrics

    def lesions(self) -> dict[str, int]:
        """Count the independent lesions that each metric rests on.

        Returns:
            For each metric, the number of lesions: for a metric of the target against others, those of the rarer side.
        """
        count = self.answers.count_lesions
        positives, negatives = count(self.positive), count(self.negative)
        rarer = {
            f"{target}_{area}": min(map(count, sides))
            for target, (_, *sides) in self._rankings.items()
            for area in ("auc", "pauc_80")
        }
        classes = list(enumerate(self.answers.classes))
        return {
            **dict.fromkeys(("accuracy", "balanced_accuracy", "brier_classes"), count(self.known)),
            "balanced_accuracy_common": count(self.known & self._common[self.answers.labels]),
            **dict.fromkeys(("coverage", "referral_rate"), self.answers.lesions),
            **dict.fromkeys(("ece", "brier"), count(self.positive | self.negative)),
            **rarer,
            "specificity_at_95": min(positives, negatives),
            **dict.fromkeys(("sensitivity", "false_negative_rate"), positives),
            **dict.fromkeys(("specificity", "false_positive_rate", "clearance_rate"), negatives),
            "malignant_clearance_rate": count(self.malignant),
            "benign_below_threshold": min(positives, count(self.benign)),
            **{f"recall {label}": count(self.answers.labels == column) for column, label in classes},
            **{f"precision {label}": count(self.known & (self.predicted == column)) for column, label in classes},
        }

    def _areas(self, weights: Float64Array) -> dict[str, Float64Array]:
        """Return the areas under the ROC curves; nan where one of the sides is missing."""
        areas = {}
        for target, (scores, positive, negative) in self._rankings.items():
            used = weights * (positive | negative)
            areas[f"{target}_auc"], areas[f"{target}_pauc_80"] = weighted_areas(scores, positive, used)
        return areas

    def _decisions(self, weights: Float64Array) -> dict[str, Float64Array]:
        """Return the rates of alerts, cleared and referred images; nan without an operating point."""
        if self.alert is None or self.cleared is None:
            return dict.fromkeys(DECISIONS, np.full(len(weights), np.nan))
        of = {
            "sensitivity": (self.alert, self.positive),
            # An image that is referred as likely malignant raises no alert to melanoma, which is right for a carcinoma.
            "specificity": (self.covered & ~self.alert, self.negative),
            "false_negative_rate": (self.cleared, self.positive),
            "false_positive_rate": (self.alert, self.negative),
            "referral_rate": (~self.alert & ~self.cleared, np.ones_like(self.alert)),
            "clearance_rate": (self.cleared, self.negative),
            "malignant_clearance_rate": (self.cleared, self.malignant),
        }
        return {name: ratio(weights @ (chosen & among), weights @ among) for name, (chosen, among) in of.items()}

    def _at_95_sensitivity(self, weights: Float64Array) -> dict[str, Float64Array]:
        """Return what lies below the highest threshold with 95 % sensitivity on these very images."""
        if not self.positive.any() or not self.negative.any():
            return dict.fromkeys(("specificity_at_95", "benign_below_threshold"), np.full(len(weights), np.nan))
        order = np.argsort(-self.scores, kind="stable")
        last = np.flatnonzero(np.diff(self.scores[order], append=-np.inf))  # the last image of each run of equal scores
        positives = np.cumsum((weights * self.positive)[:, order], axis=1)[:, last]
        # The small number: 0.95 × 20 is 19.000…01 in floating point, and 19 of 20 are enough.
        step = (positives >= SENSITIVITY * positives[:, -1:] - 1e-9).argmax(axis=1)[:, None]

        def below(chosen: NDArray[np.bool_]) -> Float64Array:
            reached = np.cumsum((weights * chosen)[:, order], axis=1)[:, last]
            under: Float64Array = reached[:, -1] - np.take_along_axis(reached, step, axis=1)[:, 0]
            return under

        defined = weights @ self.positive > 0  # a replicate without melanomas has no such threshold
        # An image that the detector abstains from needs a reader, whatever its score.
        return {
            "specificity_at_95": ratio(below(self.negative), (weights @ self.negative) * defined),
            "benign_below_threshold": ratio(below(self.benign & self.covered), (weights @ self.benign) * defined),
        }

    def _calibration(self, weights: Float64Array) -> dict[str, Float64Array]:
        brier_classes = ratio(weights @ (self._brier_classes * self.known), weights @ self.known)
        if not self.answers.has_target_class:
            undefined = dict.fromkeys(("ece", "brier"), np.full(len(weights), np.nan))
            return {**undefined, "brier_classes": brier_classes}
        sides = self.positive | self.negative
        error, total = (self.scores - self.positive) * sides, weights @ sides
        return {
            "ece": ratio(calibration_gaps(self.scores, error, weights), total),
            "brier": ratio(weights @ np.square(error), total),
            "brier_classes": brier_classes,
        }


def ranking(answers: Answers, target: Target) -> tuple[Float64Array, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return what the ROC curve of a target is drawn from.

    Args:
        answers: The detector's answers.
        target: `"melanoma"`, against all that is known to be none; or `"malignant"`, against benign lesions.

    Returns:
        The score of each image, and which images are positive and negative, each `(n,)`. No image is positive for a detector
        without a class of the target.

    Examples:
        >>> scores, positive, negative = ranking(detector.evaluate(data.test).per_image, "melanoma")
        >>> bool((positive ^ negative).all())
        True
    """
    own = replace(answers, target=target)
    negative = own.is_negative if target == "melanoma" else own.is_benign
    return own.target_scores, own.is_positive & own.has_target_class, negative


def calibration_gaps(scores: Float64Array, errors: Float64Array, weights: Float64Array) -> Float64Array:
    """Compute the distance between predicted and observed, summed over images: the ECE times their number.

    Args:
        scores: The predicted probability of each image, `(n,)`.
        errors: The score minus 1 for an image of the target, minus 0 for another one, `(n,)`; 0 for one that does not count.
        weights: How often each image counts, `(replicates, n)`.

    Returns:
        `(replicates,)`.

    Examples:
        >>> calibration_gaps(np.array([0.8, 0.8]), np.array([-0.2, 0.8]), np.ones((1, 2))).round(2)
        array([0.6])
    """
    # |mean predicted - observed| of a bin times its images is |sum of the errors in it|.
    return np.asarray(np.abs(weights @ (np.eye(BINS)[bin_index(scores)] * errors[:, None])).sum(axis=1))


def mean_recall(recall: Float64Array) -> Float64Array:
    """Compute the balanced accuracy: the mean recall of the classes that occur.

    Args:
        recall: The recall of each class, `(replicates, classes)`; nan where a class does not occur.

    Returns:
        `(replicates,)`; nan if no class occurs.

    Examples:
        >>> mean_recall(np.array([[0.5, 1.0, np.nan]]))
        array([0.75])
    """
    occurring = np.isfinite(recall)
    return ratio(np.where(occurring, recall, 0).sum(axis=1), occurring.sum(axis=1))


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
