"""Conformal p-values of a stream: the rank of each value among the reference and all values before it."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from melanoma_detect.utils.arrays import Float64Array

_BLOCK = 256  # values that are compared with each other at once, before they join the sorted ones


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
        values = reference if isinstance(reference, np.ndarray) else list(reference)
        self._runs: list[Float64Array] = [np.sort(np.asarray(values, np.float64))]
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
        shuffled = self._rng.permutation(np.asarray(values, np.float64))
        ties = self._rng.uniform(size=len(shuffled))
        found = np.empty(len(shuffled))
        for start in range(0, len(shuffled), _BLOCK):
            block = slice(start, start + _BLOCK)
            found[block] = self._ranks(shuffled[block], ties[block])
            self._add(np.sort(shuffled[block]))
        return found

    def _ranks(self, values: Float64Array, ties: Float64Array) -> Float64Array:
        """Return the p-values of a few values, each among the sorted ones and those before it."""
        before = np.tri(len(values), k=-1, dtype=bool)
        lower = ((values[None, :] < values[:, None]) & before).sum(axis=1)
        equal = ((values[None, :] == values[:, None]) & before).sum(axis=1)
        for run in self._runs:
            low = np.searchsorted(run, values, side="left")
            lower += low
            equal += np.searchsorted(run, values, side="right") - low
        count = sum(map(len, self._runs)) + np.arange(len(values))
        return np.asarray((lower + ties * (equal + 1)) / (count + 1))

    def _add(self, run: Float64Array) -> None:
        """Add sorted values. Runs at least halve in length, so that there are few, and each value is merged few times."""
        while self._runs and len(self._runs[-1]) < 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")  # merges two sorted parts
        self._runs.append(run)
