"""The Wilson score interval of a proportion, and proportions with their intervals as text. Plain Python only."""

import math
from typing import TypeAlias

Interval: TypeAlias = tuple[float, float]

UNKNOWN: Interval = (0.0, 1.0)  # the interval of a proportion of no cases
_Z = 1.959964  # the 97.5 % quantile of the normal distribution: two-sided 95 % intervals


def wilson_interval(share: float, count: int) -> Interval:
    """Return the 95 % Wilson score interval of a proportion (Wilson 1927, doi 10.1080/01621459.1927.10502953).

    Args:
        share: The proportion, 0 to 1.
        count: The number of independent cases.

    Returns:
        The lower and the upper end; `(0, 1)` for no cases.

    Examples:
        >>> [round(end, 3) for end in wilson_interval(0.95, 100)]
        [0.888, 0.978]
    """
    if not count:
        return UNKNOWN
    middle = (share + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
    half = _Z / (1 + _Z**2 / count) * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    return (max(0.0, middle - half), min(1.0, middle + half))


def share_with_interval(share: float, interval: Interval, decimals: int = 1) -> str:
    """Return a share and its interval in per cent.

    Args:
        share: 0 to 1.
        interval: Its lower and upper end; `(0, 1)` where it is not known.
        decimals: How many of each.

    Returns:
        Text; without the interval where it is not known.

    Examples:
        >>> share_with_interval(0.95, (0.888, 0.978)), share_with_interval(0.95, (0.0, 1.0))
        ('95.0% [88.8%, 97.8%]', '95.0%')
    """
    shown = f"{share:.{decimals}%}"
    return shown if interval == UNKNOWN else f"{shown} [{interval[0]:.{decimals}%}, {interval[1]:.{decimals}%}]"
