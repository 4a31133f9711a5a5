"""Arrays of probabilities, one row an image and one column a class: checked where functions take them. NumPy only."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.errors import DetectorError
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.probabilities import ROUNDING

SUM_TOLERANCE = 1e-3  # by so much the probabilities of an image may miss 1: in half precision they do by rounding
_MAX_NAMES = 3  # of images, that a message lists


def sound_rows(probabilities: Float64Array) -> NDArray[np.bool_]:
    """Return which rows are probabilities: numbers from 0 to 1 that add up to 1.

    Args:
        probabilities: `(n, classes)`.

    Returns:
        bool `(n,)`.

    Examples:
        >>> sound_rows(np.array([[0.3, 0.7], [0.3, 0.3], [np.nan, 1.0], [-1.0, 2.0]])).tolist()
        [True, False, False, False]
    """
    # Comparisons with nan are False, so that a row is sound only where each holds.
    inside = ((probabilities >= 0) & (probabilities <= 1 + ROUNDING)).all(axis=1)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(inside & (np.abs(probabilities.sum(axis=1) - 1) <= SUM_TOLERANCE))


def check_table(
    values: Any, classes: Sequence[str], *, images: int | None = None, what: str = "probabilities"
) -> Float64Array:
    """Return numbers as an array, if there is one for each image and class.

    Args:
        values: What the caller gave, `(n, classes)`.
        classes: Class names, in the order of the columns.
        images: How many images there are; None where nothing else says so.
        what: What the numbers are, for messages.

    Returns:
        float64 `(n, classes)`. Its numbers may be none: see `sound_rows` and `check_probabilities`.

    Raises:
        DetectorError: It has another shape, or something other than numbers.

    Examples:
        >>> check_table([0.3, 0.7], ("nevus", "melanoma"))
        Traceback (most recent call last):
        melanoma_detect.errors.DetectorError: probabilities have the shape (2,); expected (images, 2): one row ...
    """
    try:
        found = np.asarray(values)
    except ValueError:  # rows of several lengths
        found = np.empty(0, dtype=object)
    expected = f"expected numbers of the shape ({'images' if images is None else images}, {len(classes)})"
    each = f": one row for each image, and one column for each class ({', '.join(classes)})"
    if found.dtype.kind not in "fiu":
        raise DetectorError(f"{what} are {_describe(values, found)}; {expected}{each}")
    if found.ndim != 2 or found.shape[1] != len(classes) or (images is not None and len(found) != images):
        raise DetectorError(
            f"{what} have the shape {found.shape}; {expected.replace('numbers of the shape ', '')}{each}"
        )
    return found.astype(np.float64, copy=False)


def check_probabilities(
    values: Any, classes: Sequence[str], *, images: int | None = None, names: Sequence[str] = (), advice: str = ""
) -> Float64Array:
    """Return probabilities as an array, if each row has numbers from 0 to 1 that add up to 1.

    Args:
        values: What the caller gave, `(n, classes)`.
        classes: Class names, in the order of the columns.
        images: How many images there are; None where nothing else says so.
        names: The name of each image, for messages; empty for their row numbers.
        advice: What to do, for messages.

    Returns:
        float64 `(n, classes)`.

    Raises:
        DetectorError: It has another shape, or something other than probabilities; the message names the images.

    Examples:
        >>> check_probabilities([[0.3, 0.7]], ("nevus", "melanoma"))
        array([[0.3, 0.7]])
    """
    table = check_table(values, classes, images=images)
    unsound = np.flatnonzero(~sound_rows(table))
    if len(unsound):
        shown = [str(names[row]) if len(names) else f"row {row}" for row in unsound[:_MAX_NAMES].tolist()]
        more = f" and {len(unsound) - len(shown)} more" if len(unsound) > len(shown) else ""
        raise DetectorError(
            f"there are no probabilities for {len(unsound)} of {count_noun(len(table), 'image')} ({', '.join(shown)}{more}): "
            f"{describe_row(table[unsound[0]])}; expected numbers from 0 to 1 that add up to 1{advice and f'; {advice}'}"
        )
    return table


def describe_row(row: Float64Array) -> str:
    """Return what the numbers of an image are that are no probabilities.

    Args:
        row: `(classes,)`.

    Returns:
        The part of a sentence.

    Examples:
        >>> describe_row(np.array([0.2, np.nan])), describe_row(np.array([0.5, 0.75]))
        ('1 of 2 numbers is nan or infinite', 'they go from 0.5 to 0.75 and add up to 1.25')
    """
    strange = int((~np.isfinite(row)).sum())
    if strange:
        return f"{strange} of {len(row)} numbers {'is' if strange == 1 else 'are'} nan or infinite"
    with np.errstate(over="ignore"):
        return f"they go from {row.min():g} to {row.max():g} and add up to {row.sum():g}"


def _describe(values: Any, found: NDArray[Any]) -> str:
    if found.dtype == object and isinstance(values, (list, tuple)):
        return "rows of several lengths, or something other than numbers"
    return f"of the type {found.dtype}" if hasattr(values, "dtype") else f"a {type(values).__name__}"
