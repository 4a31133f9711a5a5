"""Division that is not defined for nothing."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.utils.arrays import Float64Array


def ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> Float64Array:
    """Divide element by element, with nan where the denominator is zero.

    Args:
        numerator: Any shape.
        denominator: A shape that it broadcasts with.

    Returns:
        The shape of both together.

    Examples:
        >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0]))
        array([0.5, nan])
    """
    undefined = np.full(np.broadcast_shapes(np.shape(numerator), np.shape(denominator)), np.nan)
    quotient: Float64Array = np.divide(numerator, denominator, out=undefined, where=np.asarray(denominator) > 0)
    return quotient
