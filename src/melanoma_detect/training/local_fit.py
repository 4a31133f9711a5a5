"""The fit of a local calibration by maximum a posteriori: between what the images say and the original calibration.

The prior is a normal distribution around "nothing changes". With 50 images it decides what they leave open; with some hundreds,
hardly anything: there is no number of images at which parameters are suddenly freed.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from melanoma_detect.inference.local_calibration import LocalCalibration, LogOddsLine, kinds_of_classes, log_odds
from melanoma_detect.inference.operating_points import TARGETS, Target, ValidationScores
from melanoma_detect.inference.prediction import target_scores
from melanoma_detect.training.target_sides import target_sides
from melanoma_detect.utils.arrays import Float64Array

# Standard deviations of the prior: prevalence may well differ by a factor of four, a temperature by one of two. Half of them
# gave a higher error of calibration, or the same, on the sources of `benchmarks/localize.py`.
_PRIOR_INTERCEPT = 1.5
_PRIOR_LOG_SLOPE = 0.6
_PRIOR_BIAS = 2.0
_PRIOR_LOG_TEMPERATURE = 0.6
_PRECISE = {"gtol": 1e-3}  # of a sum over images: no threshold moves by what is left
_EPSILON = 1e-12  # the smallest probability whose logarithm is taken


class LocalImages(NamedTuple):
    """What is known of local images.

    Attributes:
        targets: The classes of the detector that the label of each image covers, bool `(n, classes)`.
        groups: The lesion of each image, `(n,)`.
        classes: The detector's classes.
        other_cancers: Which images show a malignant diagnosis for which the detector has no class, bool `(n,)`: among its
            classes they count as one that is no melanoma, and say nothing about malignancy. None for no image.
    """

    targets: NDArray[np.bool_]
    groups: NDArray[np.str_]
    classes: tuple[str, ...]
    other_cancers: NDArray[np.bool_] | None = None

    def select(self, rows: NDArray[np.bool_]) -> "LocalImages":
        """Return some of the images.

        Args:
            rows: Which, `(n,)`.

        Returns:
            These images.
        """
        others = None if self.other_cancers is None else self.other_cancers[rows]
        return LocalImages(self.targets[rows], self.groups[rows], self.classes, others)

    def sides(self, target: Target) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which images show a target, and of which the label tells.

        Args:
            target: `"melanoma"` or `"malignant"`.

        Returns:
            See `target_sides`.
        """
        shown, known = target_sides(self.targets, self.classes, target)
        if target == "malignant" and self.other_cancers is not None:
            known = known & ~self.other_cancers
        return shown, known

    def lesions(self, rows: NDArray[np.bool_]) -> int:
        """Count the lesions of some of the images.

        Args:
            rows: Which, `(n,)`.

        Returns:
            Their number.
        """
        return len(set(self.groups[rows].tolist()))


def fit_local(probabilities: Float64Array, images: LocalImages) -> LocalCalibration:
    """Fit a local calibration to the labels of a clinic's images.

    Args:
        probabilities: What the detector gives for them so far, `(n, classes)`.
        images: Their labels and lesions.

    Returns:
        The calibration, with the scores that operating points are read from.

    Examples:
        >>> rows = np.random.default_rng(1).dirichlet([1, 4], size=100)
        >>> images = LocalImages(np.eye(2, dtype=bool)[[0] * 40 + [1] * 60], np.arange(100).astype(str), ("melanoma", "nevus"))
        >>> bool(fit_local(rows, images).melanoma.intercept > 0)  # more melanomas here than the detector expects
        True
    """
    lines = {target: _fit_target(probabilities, images, target) for target in TARGETS}
    temperature, bias = fit_diagnoses(probabilities, images)
    moved = LocalCalibration(lines["melanoma"], lines["malignant"], temperature, bias)
    scores = moved.apply(probabilities, images.classes)
    return replace(moved, operating_scores=_local_scores(scores, images))


def fit_line(scores: Float64Array, positive: NDArray[np.bool_], weights: Float64Array) -> LogOddsLine:
    """Fit the line by which the log-odds of a probability are moved.

    Args:
        scores: The probability of the target for each image, `(n,)`.
        positive: Which images show it, `(n,)`.
        weights: What each image counts, `(n,)`.

    Returns:
        The most probable line, a posteriori.

    Examples:
        >>> scores = np.repeat(0.2, 1000)
        >>> line = fit_line(scores, np.arange(1000) < 50, np.ones(1000))
        >>> line(np.array([0.2])).round(2)
        array([0.05])
    """
    if not len(scores):
        return LogOddsLine()
    x = log_odds(scores)
    # Slope and intercept are nearly independent where the images are, which is far from log-odds of 0.
    pivot = float(np.average(x, weights=weights))

    def negative_log_posterior(values: Float64Array) -> tuple[float, Float64Array]:
        slope = np.exp(values[0])
        logits = slope * (x - pivot) + pivot + values[1]
        error = weights * (expit(logits) - positive)
        loss = float((weights * (np.logaddexp(0, logits) - positive * logits)).sum())
        scaled = values / (_PRIOR_LOG_SLOPE, _PRIOR_INTERCEPT)
        gradient = np.array([(error * (x - pivot)).sum() * slope, error.sum()])
        return loss + float(np.square(scaled).sum() / 2), gradient + scaled / (_PRIOR_LOG_SLOPE, _PRIOR_INTERCEPT)

    optimum = minimize(negative_log_posterior, np.zeros(2), method="BFGS", jac=True, options=_PRECISE).x
    slope = float(np.exp(optimum[0]))
    return LogOddsLine(slope, float(pivot - slope * pivot + optimum[1]))


def fit_diagnoses(probabilities: Float64Array, images: LocalImages) -> tuple[float, tuple[float, ...]]:
    """Fit how common diagnoses of one kind are among each other: carcinomas, and benign lesions.

    Args:
        probabilities: What the detector gives so far, `(n, classes)`.
        images: The labels.

    Returns:
        The temperature, and the bias of each class.

    Examples:
        >>> rows = np.tile([0.2, 0.4, 0.4], (60, 1))
        >>> targets = np.eye(3, dtype=bool)[[1] * 50 + [2] * 10]
        >>> images = LocalImages(targets, np.arange(60).astype(str), ("melanoma", "nevus", "dermatofibroma"))
        >>> temperature, bias = fit_diagnoses(rows, images)
        >>> bias[1] > 0 > bias[2]
        True
    """
    logs = np.log(np.maximum(probabilities, _EPSILON))
    parts = [part for kind in kinds_of_classes(images.classes) if (part := _labels_of_kind(images.targets, kind))]
    weights = image_weights(images.groups)

    def negative_log_posterior(values: Float64Array) -> tuple[float, Float64Array]:
        temperature, bias = np.exp(values[0]), values[1:]
        loss, gradient = 0.0, np.zeros_like(values)
        for rows, kind in parts:
            scores = logs[rows][:, kind] / temperature + bias[kind]
            shares = np.exp(scores - scores.max(axis=1, keepdims=True))
            shares /= shares.sum(axis=1, keepdims=True)
            covered = shares * images.targets[rows][:, kind]
            true = np.maximum(covered.sum(axis=1, keepdims=True), _EPSILON)
            error = weights[rows, None] * (shares - covered / true)
            loss -= float((weights[rows] * np.log(true[:, 0])).sum())
            gradient[0] -= (error * logs[rows][:, kind]).sum() / temperature
            gradient[1:][kind] += error.sum(axis=0)
        scaled = values / widths
        return loss + float(np.square(scaled).sum() / 2), gradient + scaled / widths

    widths = np.array([_PRIOR_LOG_TEMPERATURE, *[_PRIOR_BIAS] * len(images.classes)])
    optimum = minimize(negative_log_posterior, np.zeros(len(widths)), method="BFGS", jac=True, options=_PRECISE).x
    return float(np.exp(optimum[0])), tuple(map(float, optimum[1:]))


def image_weights(groups: NDArray[np.str_]) -> Float64Array:
    """Return what each image counts against the prior.

    Images of one lesion, or of one patient, are neither copies of each other nor independent. So that they do not outweigh the
    prior, all images together count as the geometric mean of the numbers of images and of groups, and each the same.

    Args:
        groups: The lesion, or the patient, of each image, `(n,)`.

    Returns:
        `(n,)`, over 0 and at most 1.

    Examples:
        >>> image_weights(np.array(["a", "a", "b", "b"])).round(2)
        array([0.71, 0.71, 0.71, 0.71])
    """
    return np.full(len(groups), np.sqrt(len(set(groups.tolist())) / max(len(groups), 1)))


def lowest_of_lesions(scores: Float64Array, groups: NDArray[np.str_]) -> NDArray[np.int64]:
    """Return the row of the image with the lowest score of each lesion.

    Args:
        scores: `(n,)`.
        groups: The lesion of each image, `(n,)`.

    Returns:
        One row for each lesion: lesions are independent draws, images of one lesion are not.

    Examples:
        >>> lowest_of_lesions(np.array([0.3, 0.2, 0.9]), np.array(["a", "a", "b"]))
        array([1, 2])
    """
    order = np.lexsort((scores, groups))
    _, first = np.unique(groups[order], return_index=True)
    return np.asarray(order[first], np.int64)


def _fit_target(probabilities: Float64Array, images: LocalImages, target: Target) -> LogOddsLine:
    positive, known = images.sides(target)
    scores = target_scores(probabilities[known], images.classes, target)
    return fit_line(scores, positive[known], image_weights(images.groups[known]))


def _labels_of_kind(
    targets: NDArray[np.bool_], kind: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]] | None:
    """Return the images whose label lies in one kind of diagnoses and tells something within it; None if there are none."""
    covered = targets[:, kind].sum(axis=1)
    rows = np.flatnonzero((covered > 0) & (covered < kind.sum()) & ~targets[:, ~kind].any(axis=1))
    return (rows, kind) if len(rows) else None


def _local_scores(probabilities: Float64Array, images: LocalImages) -> Mapping[Target, ValidationScores]:
    """Return the scores of each target that has both positive and negative images."""
    found: dict[Target, ValidationScores] = {}
    for target in TARGETS:
        positive, known = images.sides(target)
        scores, shown, others = (
            target_scores(probabilities, images.classes, target),
            positive & known,
            known & ~positive,
        )
        lowest = lowest_of_lesions(scores[shown], images.groups[shown])
        if len(lowest) and others.any():
            found[target] = ValidationScores(
                positive=tuple(np.sort(scores[shown][lowest]).tolist()),
                negative=tuple(np.sort(scores[others]).tolist()),
                positives=int(shown.sum()),
                negatives=int(others.sum()),
                positive_lesions=len(lowest),
                negative_lesions=images.lesions(others),
                target=target,
            )
    return found
