"""Arguments of this package's functions: checked, and in one form."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.number_arguments import show_number, whole_number
from melanoma_detect.utils.suggest import did_you_mean

_MAX_SIDE = 8192  # pixels; networks read some hundred
_MAX_BATCH = 65_536  # images: no machine trains on more at once


def check_image_size(image_size: Any) -> tuple[int, int]:
    """Return an image size as a tuple of two int.

    Args:
        image_size: `(height, width)` in pixels: a tuple, a list or an array of whole numbers from 1 to 8,192.

    Returns:
        `(height, width)`.

    Raises:
        DatasetError: It is something else.

    Examples:
        >>> check_image_size([32, np.int64(48)])
        (32, 48)
    """
    try:
        sides = tuple(image_size)
    except TypeError:
        sides = ()
    if len(sides) == 2 and all(is_count(side) for side in sides) and max(sides) > _MAX_SIDE:
        raise DatasetError(f"image_size has a side of {show_number(max(sides))}; expected at most {_MAX_SIDE:,} pixels")
    if len(sides) != 2 or not all(is_count(side) for side in sides):
        raise DatasetError(f"image_size={image_size!r}; expected (height, width) in pixels, such as (180, 180)")
    return int(sides[0]), int(sides[1])


def check_batch_size(batch_size: Any) -> int:
    """Return a batch size as an int.

    Args:
        batch_size: Images in a batch: a whole number from 1 to 65,536, also one of NumPy.

    Returns:
        The number.

    Raises:
        DatasetError: It is something else.

    Examples:
        >>> check_batch_size(np.int64(8))
        8
    """
    return whole_number(batch_size, "batch_size", DatasetError, low=1, below=_MAX_BATCH + 1)


def is_count(number: Any) -> bool:
    """Return whether something is a whole number over 0, of Python or of NumPy.

    Args:
        number: Anything.

    Returns:
        Whether it is; True and False are not.

    Examples:
        >>> is_count(np.int32(3)), is_count(3.0), is_count(True)
        (True, False, False)
    """
    return not isinstance(number, bool) and isinstance(number, Integral) and int(number) > 0


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """Raise DatasetError unless a keyword has one of its values.

    Args:
        name: The keyword.
        value: What the user gave.
        choices: Its values.

    Raises:
        DatasetError: It is none of them; the message suggests the one that is most like it.

    Examples:
        >>> check_choice("leaks", "drop", ("drop", "error"))
    """
    if not isinstance(value, str) or value not in choices:
        listed = f"{', '.join(map(repr, choices[:-1]))} or {choices[-1]!r}"
        raise DatasetError(f"{name}={value!r}; {did_you_mean(str(value), choices)}expected {listed}")
