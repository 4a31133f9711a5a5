"""Numbers that a user gives: Python's or NumPy's, checked and made Python's own.

A number of NumPy is no number for JSON, and some of Python's functions: what goes into a file or a checkpoint has to be plain.
"""

import math
import operator
from numbers import Real
from typing import Any


def whole_number(value: Any, name: str, error: type[Exception], *, low: int = 0, below: int | None = None) -> int:
    """Return a whole number as an int.

    Args:
        value: What the user gave: an int, or one of NumPy.
        name: The argument, for the message.
        error: The exception to raise.
        low: The smallest number that is allowed.
        below: The smallest number that is too large; None for no limit.

    Returns:
        The number.

    Raises:
        Exception: It is out of range, or no whole number; True, False and 3.0 are none.

    Examples:
        >>> whole_number(np.int64(3), "epochs", ValueError, low=1)
        3
        >>> whole_number(True, "epochs", ValueError, low=1)
        Traceback (most recent call last):
        ValueError: epochs=True; expected a whole number, 1 or more
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < low or (below is not None and number >= below):
        limit = f"from {low} to {below - 1}" if below is not None else f"{low} or more"
        raise error(f"{name}={show_number(value)}; expected a whole number, {limit}")
    return int(number)


def real_number(value: Any, name: str, error: type[Exception], expected: str = "a number") -> float:
    """Return a finite number as a float.

    Args:
        value: What the user gave: an int, a float, or one of NumPy.
        name: The argument, for the message.
        error: The exception to raise.
        expected: What the message says was expected.

    Returns:
        The number; one of NumPy in single precision as it is written: `np.float32(0.9)` is 0.9.

    Raises:
        Exception: It is no finite number; True and False are none.

    Examples:
        >>> real_number(np.float32(0.9), "sensitivity", ValueError)
        0.9
    """
    number = plain_number(value)
    try:
        found = math.nan if isinstance(number, bool) or not isinstance(number, Real) else float(number)
    except OverflowError:  # a whole number of over 300 digits
        found = math.inf
    if not math.isfinite(found):
        raise error(f"{name}={show_number(value)}; expected {expected}")
    return found


def show_number(value: Any) -> str:
    """Return a number as a message shows it.

    Args:
        value: What the user gave.

    Returns:
        Its text; of a whole number of more digits than Python writes, its length.

    Examples:
        >>> show_number(8193), show_number(10**5000)
        ('8193', 'a number of 16,610 bits')
    """
    try:
        return repr(value)
    except ValueError:  # Python writes no whole number of over 4300 digits
        return f"a number of {value.bit_length():,} bits"


def plain_number(value: Any) -> Any:
    """Return a number of NumPy as the same number of Python; anything else as it is.

    Args:
        value: Anything.

    Returns:
        A float for a number in single precision is the one that is written so, not the one that has its bits.

    Examples:
        >>> plain_number(np.int64(4)), plain_number(np.float32(0.9)), plain_number("auto")
        (4, 0.9, 'auto')
    """
    if getattr(value, "shape", None) != () or not hasattr(value, "item"):
        return value
    number = value.item()
    # In double precision np.float32(0.9) would be 0.8999999761581421.
    return float(str(value)) if isinstance(number, float) else number
