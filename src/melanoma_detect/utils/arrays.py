"""NumPy arrays: their types, and sums that do not depend on who else is in a batch."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Float32Array: TypeAlias = NDArray[np.float32]
Float64Array: TypeAlias = NDArray[np.float64]


def sum_columns(array: Float64Array, columns: NDArray[np.bool_]) -> Float64Array:
    """Return the sum of some columns in each row: for every row exactly what it is for that row alone.

    `array[:, columns].sum(axis=1)` adds up in another order for several rows than for one, since the selected columns then lie
    in memory column by column: an image's probability would depend in its last bits on the other images of its batch.

    Args:
        array: `(n, k)`.
        columns: Which columns, `(k,)`.

    Returns:
        `(n,)`.

    Examples:
        >>> sum_columns(np.array([[0.5, 0.25, 0.25]]), np.array([True, False, True]))
        array([0.75])
    """
    with np.errstate(invalid="ignore", over="ignore"):  # what is no number gives no number
        return np.asarray(np.compress(columns, array, axis=1).sum(axis=1))
