"""How well scores rank: the area under the ROC curve, and its part above 80 % sensitivity, for many weightings at once."""

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.evaluation.ratio import ratio
from melanoma_detect.utils.arrays import Float64Array

MIN_SENSITIVITY = 0.8  # of the partial AUC of the ISIC 2024 challenge
MAX_PARTIAL_AUC = 1 - MIN_SENSITIVITY


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
    return _area(*_by_score(scores, positive, weights))


def weighted_partial_auc(scores: Float64Array, positive: NDArray[np.bool_], weights: Float64Array) -> Float64Array:
    """Compute the area between the ROC curve and the line of 80 % sensitivity, as the ISIC 2024 challenge does.

    Its scorer (Kurtansky et al., `ISIC-Research/Challenge-2024-Metrics`) exchanges the classes, so that the area lies to the
    left of a false-positive rate of 0.2, and interpolates linearly at the limit; so does this function.

    Args:
        scores: `(n,)`.
        positive: bool `(n,)`.
        weights: The weight of each image, `(replicates, n)`.

    Returns:
        `(replicates,)`, 0 to 0.2; 0.02 for scores that tell nothing, and nan if all images are positive, or none.

    Examples:
        >>> scores, positive = np.array([0.1, 0.2, 0.9]), np.array([False, False, True])
        >>> weighted_partial_auc(scores, positive, np.ones((1, 3))).round(3), weighted_partial_auc(
        ...     np.zeros(3), positive, np.ones((1, 3))
        ... ).round(3)
        (array([0.2]), array([0.02]))
    """
    return _partial_area(*_by_score(scores, positive, weights))


def weighted_areas(
    scores: Float64Array, positive: NDArray[np.bool_], weights: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Compute both areas at once: scores are sorted once only.

    Args:
        scores: `(n,)`.
        positive: bool `(n,)`.
        weights: The weight of each image, `(replicates, n)`.

    Returns:
        What `weighted_auc` and `weighted_partial_auc` give.

    Examples:
        >>> areas = weighted_areas(np.array([0.1, 0.9]), np.array([False, True]), np.ones((1, 2)))
        >>> [area.round(2).item() for area in areas]
        [1.0, 0.2]
    """
    sides = _by_score(scores, positive, weights)
    return _area(*sides), _partial_area(*sides)


def _area(positives: Float64Array, negatives: Float64Array) -> Float64Array:
    below = np.cumsum(negatives, axis=1) - negatives / 2
    return ratio((positives * below).sum(axis=1), positives.sum(axis=1) * negatives.sum(axis=1))


def _partial_area(positives: Float64Array, negatives: Float64Array) -> Float64Array:
    """Return the area from the weight of each side at each score, from the lowest score up."""
    width = ratio(positives, positives.sum(axis=1, keepdims=True))
    rise = ratio(negatives, negatives.sum(axis=1, keepdims=True))
    # The share of positives missed (x) and of negatives recognised (y) below each threshold.
    missed, recognised = np.cumsum(width, axis=1), np.cumsum(rise, axis=1)
    used = np.minimum(missed, MAX_PARTIAL_AUC) - np.minimum(missed - width, MAX_PARTIAL_AUC)
    inside = np.divide(used, width, out=np.zeros_like(width), where=width > 0)
    return np.asarray((used * (recognised - rise * (1 - inside / 2))).sum(axis=1))


def _by_score(
    scores: Float64Array, positive: NDArray[np.bool_], weights: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Return the weight of positives and of negatives at each different score, in ascending order, `(replicates, scores)`."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))  # of each run of equal scores
    positives, negatives = weights * positive, weights * ~positive
    return (
        np.add.reduceat(positives[:, order], starts, axis=1),
        np.add.reduceat(negatives[:, order], starts, axis=1),
    )
