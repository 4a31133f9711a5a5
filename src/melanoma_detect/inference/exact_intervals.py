"""Exact intervals for small numbers: of a proportion (Clopper-Pearson), and of what a ranked score promises. NumPy only."""

import functools
import math

import numpy as np

_STEPS = 50  # of the bisection: each halves the error, so that 50 reach the precision of a float near 1
_TAIL = 0.025  # on each side of a 95 % interval


def clopper_pearson_interval(successes: float, count: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a proportion (Clopper and Pearson 1934, doi 10.1093/biomet/26.4.404).

    Args:
        successes: The number of successes, 0 to `count`. Where several images of one lesion make it a fraction, the interval
            covers those of both whole numbers beside it.
        count: The number of independent cases.

    Returns:
        The lower and the upper end; `(0, 1)` for no cases.

    Examples:
        >>> [round(end, 3) for end in clopper_pearson_interval(19, 20)]
        [0.751, 0.999]
        >>> [round(end, 3) for end in clopper_pearson_interval(0, 60)]
        [0.0, 0.06]
    """
    few, many = math.floor(successes + 1e-9), math.ceil(successes - 1e-9)
    low = _solve(count, few, _TAIL) if few else 0.0
    high = _solve(count, many + 1, 1 - _TAIL) if many < count else 1.0
    return (low, high)


def rank_interval(rank: int, count: int) -> tuple[float, float]:
    """Return the exact 95 % interval of the share of new cases that reach a score, by the score's rank.

    The share of a continuous distribution that lies over the `rank`-th lowest of n independent draws has the distribution
    Beta(n + 1 - rank, rank), whatever the distribution (Wilks 1941, doi 10.1214/aoms/1177731788). Its mean is
    1 - rank / (n + 1).

    Args:
        rank: 1 for the lowest score, up to `count`.
        count: The number of independent cases.

    Returns:
        The lower and the upper end.

    Examples:
        >>> [round(end, 3) for end in rank_interval(1, 19)]
        [0.824, 0.999]
    """
    needed = count + 1 - rank
    return (_solve(count, needed, _TAIL), _solve(count, needed, 1 - _TAIL))


@functools.lru_cache(maxsize=1024)  # the model card and each prediction's operating point ask for the same ones
def _solve(count: int, needed: int, probability: float) -> float:
    """Return the chance at which at least `needed` of `count` cases succeed with a probability: a quantile of Beta."""
    # The chance that Bin(n, p) reaches k is the chance that Beta(k, n + 1 - k) lies under p.
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, count + 1)))])  # of the factorials
    successes = np.arange(needed, count + 1)
    combinations = logs[count] - logs[successes] - logs[count - successes]
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        terms = combinations + successes * math.log(middle) + (count - successes) * math.log1p(-middle)
        low, high = (middle, high) if np.exp(terms).sum() < probability else (low, middle)
    return (low + high) / 2
