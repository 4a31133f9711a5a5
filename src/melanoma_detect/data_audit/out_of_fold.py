"""What a regression says about the labels of images whose lesions it has not learnt from."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from melanoma_detect.data.folds import make_folds
from melanoma_detect.utils.arrays import Float32Array, Float64Array
from melanoma_detect.utils.progress import stage

FOLDS = 5
_COMPONENTS = 128  # of the features
# The weight of the detector's answers, and the regression's freedom: chosen on MILK10k and the nine-class set with planted
# errors.
_ANSWERS, _FREEDOM = 0.3, 0.1
_LEAST = 1e-6  # of a probability, before its logarithm is taken
_TOLERANCE, _STEPS = 1e-3, 200


def predict_out_of_fold(
    inputs: Float64Array, labels: NDArray[np.intp], groups: Sequence[str], *, seed: int = 123
) -> Float64Array:
    """Return the probabilities of a regularised logistic regression that has not learnt from an image's own lesion.

    Args:
        inputs: What the regression learns from, `(n, d)`: of `regression_inputs`.
        labels: The position of each image's label among the classes, `(n,)`, from 0, none left out.
        groups: The lesion or patient of each image, `(n,)`; a fold holds whole groups.
        seed: Of the folds.

    Returns:
        `(n, classes)`; rows sum to 1.

    Examples:
        >>> rng = np.random.default_rng(1)
        >>> labels = rng.integers(0, 2, 200)
        >>> points = np.eye(2)[labels] * 8 + rng.normal(size=(200, 2))
        >>> predicted = predict_out_of_fold(points, labels, [str(number) for number in range(200)])
        >>> bool((predicted.argmax(axis=1) == labels).all())
        True
    """
    probabilities = np.full((len(labels), int(labels.max()) + 1), _LEAST)
    for fold in stage(make_folds(labels.astype(str), np.asarray(groups), FOLDS, seed=seed), "judging labels", FOLDS):
        rest = np.delete(np.arange(len(labels)), fold)
        model = LogisticRegression(C=_FREEDOM, tol=_TOLERANCE, max_iter=_STEPS).fit(inputs[rest], labels[rest])
        probabilities[np.ix_(fold, model.classes_)] = model.predict_proba(inputs[fold])
    return np.asarray(probabilities / probabilities.sum(axis=1, keepdims=True))


def regression_inputs(features: Float32Array, probabilities: Float64Array) -> Float64Array:
    """Return what the regression learns from: principal components of the features, and the logarithms of the probabilities.

    Args:
        features: Of a detector, `(n, d)`.
        probabilities: Its calibrated probabilities, `(n, its classes)`; they need not be the classes of the labels.

    Returns:
        `(n, 128 + its classes)` at most.

    Examples:
        >>> regression_inputs(np.eye(8, 4, dtype=np.float32), np.full((8, 3), 1 / 3)).shape
        (8, 5)
    """
    centred = centre(features).astype(np.float64)
    wide = centred.shape[1] > len(centred)
    products = centred @ centred.T if wide else centred.T @ centred  # the smaller one has the same eigenvalues
    values, axes = np.linalg.eigh(products / len(centred))
    count = min(_COMPONENTS, max(len(centred) // 4, 1), len(values))
    values, axes = np.maximum(values[::-1][:count], 0), axes[:, ::-1][:, :count]
    components = axes * np.sqrt(values * len(centred)) if wide else centred @ axes
    components /= max(float(np.sqrt(values[0])), _LEAST)
    answers = np.log(np.maximum(probabilities, _LEAST))
    return np.hstack([components, _ANSWERS * (answers - answers.mean(axis=1, keepdims=True))])


def centre(features: Float32Array) -> Float32Array:
    """Return features at length 1, less their mean.

    Args:
        features: `(n, d)`.

    Returns:
        `(n, d)`.

    Examples:
        >>> centre(np.array([[2, 0], [0, 4]], np.float32)).tolist()
        [[0.5, -0.5], [-0.5, 0.5]]
    """
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), _LEAST)
    return np.asarray(unit - unit.mean(axis=0), np.float32)
