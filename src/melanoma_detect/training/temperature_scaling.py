"""Temperature scaling, with and without a bias for each class, on images that a model was not trained on."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from melanoma_detect.inference.prediction import softmax
from melanoma_detect.utils.arrays import Float32Array, Float64Array

_EPSILON = 1e-12  # the smallest probability whose logarithm is taken
_BIAS_PENALTY = 1e-4  # without it the bias of a class that no image shows would go to minus infinity


def fit_temperature(logits: Float32Array, targets: NDArray[np.bool_], weights: Float64Array | None = None) -> float:
    """Fit the temperature by which logits are divided, by the least cross-entropy (Guo et al. 2017, arXiv:1706.04599).

    Args:
        logits: `(n, classes)`.
        targets: The classes that the label of each image covers, `(n, classes)`.
        weights: The weight of each image, `(n,)`; None for equal weights.

    Returns:
        The temperature, 0.05 to 20; over 1 for an overconfident model.

    Examples:
        >>> logits = np.array([[4.0, 0.0]] * 3 + [[0.0, 4.0]], np.float32)
        >>> round(fit_temperature(logits, np.array([[1, 0]] * 3 + [[1, 0]], dtype=bool)), 2)
        3.64
    """

    def cross_entropy(log_temperature: float) -> float:
        covered = (softmax(logits / np.exp(log_temperature)) * targets).sum(axis=1)
        return float(-np.average(np.log(np.maximum(covered, _EPSILON)), weights=weights))

    optimum = minimize_scalar(cross_entropy, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(optimum.x))


def fit_bias(
    logits: Float32Array, targets: NDArray[np.bool_], weights: Float64Array | None = None
) -> tuple[float, tuple[float, ...]]:
    """Fit a temperature and a bias for each logit by the least cross-entropy: bias-corrected temperature scaling.

    Args:
        logits: `(n, classes)`.
        targets: The classes that the label of each image covers, `(n, classes)`.
        weights: The weight of each image, `(n,)`; None for equal weights.

    Returns:
        The temperature, and the bias of each class, with a mean of 0 (Alexandari, Kundaje and Shrikumar 2020,
        arXiv:1901.06852).

    Examples:
        >>> logits = np.array([[2.0, 0.0]] * 9 + [[0.0, 2.0]], np.float32)
        >>> temperature, bias = fit_bias(logits, np.array([[1, 0]] * 7 + [[0, 1]] * 2 + [[1, 0]], dtype=bool))
        >>> bias[0] > bias[1]
        True
    """

    def penalised_cross_entropy(values: Float64Array) -> float:
        covered = (softmax(logits / np.exp(values[0]) + values[1:]) * targets).sum(axis=1)
        loss = -np.average(np.log(np.maximum(covered, _EPSILON)), weights=weights)
        return float(loss + _BIAS_PENALTY * np.square(values).sum())

    optimum = minimize(penalised_cross_entropy, np.zeros(1 + logits.shape[1]), method="L-BFGS-B").x
    bias = optimum[1:] - optimum[1:].mean()  # softmax does not change with a constant
    return float(np.exp(optimum[0])), tuple(bias.tolist())


def source_weights(sources: Sequence[str], power: float = 0.5) -> Float64Array:
    """Return weights with which the total weight of a source grows with a power of its size.

    Args:
        sources: The source of each image, `(n,)`.
        power: 1 for equal weights of images, 0 for equal weights of sources, 0.5 for something between the two.

    Returns:
        The weight of each image, `(n,)`, with a mean of 1.

    Examples:
        >>> source_weights(["a", "a", "a", "b"], power=0).round(2)
        array([0.67, 0.67, 0.67, 2.  ])
    """
    _, inverse, counts = np.unique(np.asarray(sources), return_inverse=True, return_counts=True)
    weights = counts[inverse].astype(np.float64) ** (power - 1)
    return np.asarray(weights / weights.mean())
