"""Conformal p-values of a stream: the rank of each value among the reference and all values before it."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from melanoma_detect.utils.arrays import Float64Array


class ConformalRanks:
    """Ranks of values among those before them.

    If reference and stream are exchangeable (such as independent draws from one distribution), the p-values are independent and
    uniform on [0, 1], exactly and for a reference of any size (Vovk, Gammerman and Shafer 2005, "Algorithmic Learning in a
    Random World", theorem 8.2). A value joins the reference once it has its p-value.

    Args:
        reference: The values that the stream is compared with, `(m,)`; any order.
        seed: Of the random numbers that break ties; without them the p-values of equal values would not be uniform.

    Examples:
        >>> ranks = ConformalRanks(np.arange(99.0))
        >>> p_values = ranks.p_values([200.0, -1.0])
        >>> bool(p_values[0] > 0.99), bool(p_values[1] < 0.01)
        (True, True)
    """

    def __init__(self, reference: Iterable[float] | Float64Array, seed: int | Sequence[int] = 0) -> None:
        self._sorted: list[float] = np.sort(np.asarray(list(reference), np.float64)).tolist()
        self._rng = np.random.default_rng(seed)

    def p_values(self, values: ArrayLike) -> Float64Array:
        """Return the p-value of each value: the share of the values up to it that are lower; high for a high value.

        The values of one call are taken in a random order, since a table may be sorted: exchangeable values stay exchangeable.

        Args:
            values: `(n,)`, the values of a period.

        Returns:
            `(n,)`, 0 to 1, in that random order.

        Examples:
            >>> ConformalRanks([], seed=1).p_values([3.0]).shape
            (1,)
        """
        shuffled = self._rng.permutation(np.asarray(values, np.float64)).tolist()
        ties = self._rng.uniform(size=len(shuffled)).tolist()
        found = np.empty(len(shuffled))
        for number, (value, tie) in enumerate(zip(shuffled, ties, strict=True)):
            low, high = bisect_left(self._sorted, value), bisect_right(self._sorted, value)
            found[number] = (low + tie * (high - low + 1)) / (len(self._sorted) + 1)
            insort(self._sorted, value)
        return found
