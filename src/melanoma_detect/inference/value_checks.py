"""Checks of plain values, as JSON holds them: numbers, counts, text, lists and dictionaries.

Python takes `true` for 1, a text for a list of letters and an empty list for an empty dictionary. A file with such values would
be read, and answer nonsense.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from numbers import Real
from typing import Any

_LARGEST_COUNT = 2**53  # exact as a float
_LONGEST_TEXT = 100_000  # characters: several pages


def check_number(value: Any, name: str, low: float = -math.inf, high: float = math.inf) -> float:
    """Return a value that is a finite number in a range.

    Args:
        value: What a file holds.
        name: Its name, for the message.
        low: The lowest number that is accepted.
        high: The highest.

    Returns:
        The number.

    Raises:
        TypeError: It is no number; `true` and `false` are none.
        ValueError: It is not finite, or out of range.

    Examples:
        >>> check_number(2, "share", 0, 1)
        Traceback (most recent call last):
        ValueError: share is 2.0, expected 0 to 1
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is {value!r:.100}, expected a number")
    try:
        number = float(value)
    except OverflowError:  # JSON's integers have any length
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name} is {number}, expected a finite number")
    if not low <= number <= high:
        raise ValueError(f"{name} is {number}, expected {low:g} to {high:g}")
    return number


def check_count(value: Any, name: str, low: int = 0, high: int = _LARGEST_COUNT) -> int:
    """Return a value that is a whole number, 0 or more.

    Args:
        value: What a file holds.
        name: Its name, for the message.
        low: The lowest number that is accepted.
        high: The highest.

    Returns:
        The number.

    Raises:
        TypeError: It is no integer.
        ValueError: It is out of range.

    Examples:
        >>> check_count(-1, "images")
        Traceback (most recent call last):
        ValueError: images is -1, expected 0 or more
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is {value!r:.100}, expected a whole number")
    if not low <= value <= high:
        found = "a huge number" if value > _LARGEST_COUNT else value if abs(value) < _LARGEST_COUNT else "far under 0"
        raise ValueError(f"{name} is {found}, expected {low} {'or more' if high == _LARGEST_COUNT else f'to {high}'}")
    return value


def check_text(value: Any, name: str, longest: int = _LONGEST_TEXT) -> str:
    """Return a value that is text.

    Args:
        value: What a file holds.
        name: Its name, for the message.
        longest: The largest number of characters that is accepted.

    Returns:
        The text.

    Raises:
        TypeError: It is none.
        ValueError: It is too long.

    Examples:
        >>> check_text("nevus", "a class")
        'nevus'
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r:.100}, expected text")
    if len(value) > longest:
        raise ValueError(f"{name} has {len(value):,} characters, expected {longest:,} at most")
    return value


def check_list(value: Any, name: str) -> Sequence[Any]:
    """Return a value that is a list or a tuple; text is none.

    Args:
        value: What a file holds.
        name: Its name, for the message.

    Returns:
        The list.

    Raises:
        TypeError: It is none.

    Examples:
        >>> check_list([1, 2], "image_size")
        [1, 2]
    """
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{name} is {value!r:.100}, expected a list")
    return value


def check_mapping(value: Any, name: str) -> Mapping[str, Any]:
    """Return a value that is a dictionary.

    Args:
        value: What a file holds.
        name: Its name, for the message.

    Returns:
        The dictionary.

    Raises:
        TypeError: It is none.

    Examples:
        >>> check_mapping({"name": "cnn"}, "architecture")
        {'name': 'cnn'}
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is {value!r:.100}, expected values by name")
    return value


def check_keys(value: Any, name: str, needed: Collection[str], optional: Collection[str] = ()) -> Mapping[str, Any]:
    """Return a value that is a dictionary with certain keys and no others.

    Args:
        value: What a file holds.
        name: Its name, for the message.
        needed: The keys that must be there.
        optional: The keys that may be there.

    Returns:
        The dictionary.

    Raises:
        KeyError: One of the keys is missing.
        TypeError: It is no dictionary.
        ValueError: It has another key.

    Examples:
        >>> check_keys({"slope": 1, "slop": 2}, "a line", ["slope"])
        Traceback (most recent call last):
        ValueError: a line has 'slop', expected only slope
    """
    found = check_mapping(value, name)
    if missing := [key for key in needed if key not in found]:
        raise KeyError(missing[0])
    if unknown := [key for key in found if key not in needed and key not in optional]:
        listed = ", ".join(f"{key!r:.60}" for key in unknown[:3])
        raise ValueError(f"{name} has {listed}, expected only {', '.join([*needed, *optional])}")
    return found
