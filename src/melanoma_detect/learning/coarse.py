"""Learning from labels that cover several classes: the sum of their probabilities is what a coarse label speaks of."""

from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

_LEAST = 1e-7


def coarse_loss(targets: NDArray[np.bool_]) -> Any:
    """Return the cross-entropy of labels of which some cover several classes: -log of the sum of their probabilities.

    For a label of one class it is the usual sparse categorical cross-entropy.

    Args:
        targets: Which classes each label covers, `(labels, classes)`; see `Part.targets`.

    Returns:
        A function of labels `(batch,)` and probabilities `(batch, classes)`, as Keras takes it.

    Examples:
        >>> loss = coarse_loss(np.array([[1, 0, 0], [0, 1, 1]], dtype=bool))
        >>> float(loss(np.array([1]), np.array([[0.5, 0.25, 0.25]], np.float32))[0])
        0.693...
    """
    table = targets.astype(np.float32)

    def loss(labels: Any, probabilities: Any) -> Any:
        return -ops.log(ops.maximum(_covered(table, labels, probabilities), _LEAST))

    return loss


def coarse_accuracy(targets: NDArray[np.bool_]) -> Any:
    """Return the share of answers that lie within what the label covers.

    Args:
        targets: Which classes each label covers, `(labels, classes)`.

    Returns:
        A function of labels and probabilities, named accuracy, as Keras takes it.

    Examples:
        >>> accuracy = coarse_accuracy(np.array([[1, 0, 0], [0, 1, 1]], dtype=bool))
        >>> float(accuracy(np.array([1]), np.array([[0.2, 0.1, 0.7]], np.float32))[0])
        1.0
    """
    table = targets.astype(np.float32)

    def accuracy(labels: Any, probabilities: Any) -> Any:
        answers = ops.one_hot(ops.argmax(probabilities, axis=-1), table.shape[1])
        return _covered(table, labels, answers)

    return accuracy


def _covered(table: NDArray[np.float32], labels: Any, values: Any) -> Any:
    rows = ops.take(ops.convert_to_tensor(table), ops.cast(ops.reshape(labels, (-1,)), "int32"), axis=0)
    return ops.sum(rows * ops.cast(values, "float32"), axis=-1)
