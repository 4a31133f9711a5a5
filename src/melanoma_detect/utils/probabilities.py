"""Probabilities and shares as text: short, but never rounded to a certainty that they are not."""

import math

_MAX_DECIMALS = 16  # the closest float to 1 differs from it by 1e-16
ROUNDING = 1e-6  # by so much a probability may exceed 1
_EXTREME = 0.0005  # nearer to 0 or 1, three decimals do not tell a threshold from them


def format_percent(share: float, digits: int = 1) -> str:
    """Return a share in per cent as sentences, cards and figures of the library show it.

    Args:
        share: 0 to 1; nan or infinity where there is none.
        digits: Digits after the point.

    Returns:
        Its text: 100% and 0% only for exactly 1 and 0, so that nothing looks certain because it was rounded; "no number" for
        what is none.

    Examples:
        >>> [format_percent(share) for share in (0.9951, 0.007, 0.99996, 1e-5, 1.0)]
        ['99.5%', '0.7%', '>99.9%', '<0.1%', '100%']
    """
    if not math.isfinite(share):
        return "no number"
    if share in (0, 1):
        return f"{share:.0%}"
    smallest = 10.0 ** -(digits + 2)
    text = f"{share:.{digits}%}"
    if text == f"{1:.{digits}%}" and share < 1:
        return f">{1 - smallest:.{digits}%}"
    return f"<{smallest:.{digits}%}" if text == f"{0:.{digits}%}" and share > 0 else text


def format_threshold(share: float, digits: int = 1) -> str:
    """Return a threshold in per cent, with as many digits as tell it from 0 and 1.

    Args:
        share: 0 to 1.
        digits: Digits after the point, at least.

    Returns:
        Its text.

    Examples:
        >>> [format_threshold(share) for share in (0.0112, 0.9999999998959401, 0.0000002)]
        ['1.1%', '99.99999999%', '0.00002%']
    """
    return f"{share:.{max(digits, _decimals(share) - 2)}%}"


def format_probability(share: float, digits: int = 3) -> str:
    """Return a probability as a number, with as many digits as tell it from 0 and 1.

    Args:
        share: 0 to 1.
        digits: Digits after the point, at least.

    Returns:
        Its text.

    Examples:
        >>> [format_probability(share) for share in (0.011, 0.9999999998959401, 1.0)]
        ['0.011', '0.9999999999', '1.000']
    """
    return f"{share:.{max(digits, _decimals(share))}f}"


def is_extreme(share: float) -> bool:
    """Return whether a threshold lies so close to 0 or 1 that three digits do not tell it from them.

    Args:
        share: 0 to 1.

    Returns:
        True under 0.0005 and over 0.9995, without 0 and 1 themselves.

    Examples:
        >>> is_extreme(0.9999999998959401), is_extreme(0.011)
        (True, False)
    """
    return 0 < min(share, 1 - share) < _EXTREME


def is_probability(number: float) -> bool:
    """Return whether a number, such as a threshold, is one from 0 to 1.

    Args:
        number: Any number.

    Returns:
        False for nan, infinity and numbers out of range.

    Examples:
        >>> is_probability(0.2), is_probability(float("nan")), is_probability(1.5)
        (True, False, False)
    """
    return bool(0 <= number <= 1)


def _decimals(share: float) -> int:
    """Return the fewest digits after the point at which a share is not rounded to 0 or 1."""
    gap = min(share, 1 - share)
    return min(_MAX_DECIMALS, math.ceil(-math.log10(gap))) if gap > 0 else 0
