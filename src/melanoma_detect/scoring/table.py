"""What scoring says about an image, as one row of a table: its columns, and how a row is written.

Rows are texts, as CSV (RFC 4180) writes them. An empty cell is a number or a diagnosis that there is none of.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO, TypeAlias

from melanoma_detect import taxonomy
from melanoma_detect.inference.prediction import Prediction

Row: TypeAlias = Sequence[str]

UNREADABLE = "unreadable"
TRUTHS = ("alert", "abstained")
_CODES = tuple(diagnosis.code for diagnosis in taxonomy.DIAGNOSES)
_NUMBERS = ("melanoma", "malignant")
_LAST = ("decision", *TRUTHS, "reason", "error")


def columns(classes: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of a detector's table.

    Args:
        classes: The detector's classes. One that the taxonomy does not know gets a column of its own after the nine.

    Returns:
        `path`, `diagnosis`, `p_AK` to `p_VASC`, `melanoma`, `malignant`, `decision`, `alert`, `abstained`, `reason`, `error`.

    Examples:
        >>> columns(["nevus", "melanoma"])[:4]
        ('path', 'diagnosis', 'p_AK', 'p_BCC')
        >>> columns(["nevus", "akiec"])[9:13]
        ('p_SCC', 'p_VASC', 'p_akiec', 'melanoma')
    """
    codes = dict.fromkeys((*_CODES, *map(_code, classes)))
    return ("path", "diagnosis", *(f"p_{code}" for code in codes), *_NUMBERS, *_LAST)


def numbers(names: Iterable[str]) -> tuple[str, ...]:
    """Return those of the columns that hold numbers.

    Args:
        names: From `columns`.

    Returns:
        The probabilities' names.

    Examples:
        >>> len(numbers(columns(["nevus", "melanoma"])))
        11
    """
    return tuple(name for name in names if name.startswith("p_") or name in _NUMBERS)


def answered(name: str, prediction: Prediction, names: Sequence[str]) -> list[str]:
    """Return the row of an image that the detector answered for.

    Args:
        name: What the image is called.
        prediction: The answer.
        names: The columns, from `columns` of the detector's classes.

    Returns:
        A text a column. Probabilities are as exact as they were computed; of classes that the detector lacks, 0.

    Examples:
        >>> answer = detector.predict(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg")
        >>> answered("photo.jpg", answer, columns(detector.classes))[:2] == ["photo.jpg", answer.diagnosis]
        True
    """
    cells = dict.fromkeys(numbers(names), 0.0)
    for label, value in prediction.probabilities.items():
        cells[f"p_{_code(label)}"] += value
    cells |= {"melanoma": prediction.melanoma, "malignant": prediction.malignant}
    first = (_printable(name), prediction.diagnosis)
    truths = (_truth(prediction.alert), _truth(prediction.abstained))
    return [*first, *map(repr, cells.values()), prediction.decision, *truths, prediction.reason, ""]


def unreadable(name: str, error: Exception, names: Sequence[str]) -> list[str]:
    """Return the row of an image that could not be read: a person must look, and nothing is known.

    Args:
        name: What the image is called.
        error: What happened.
        names: The columns.

    Returns:
        A text a column.

    Examples:
        >>> unreadable("photo.jpg", ValueError("photo.jpg: no such file"), columns(["nevus", "melanoma"]))[-5:]
        ['refer', 'false', 'true', 'unreadable', 'photo.jpg: no such file']
    """
    nothing = [""] * (len(numbers(names)) + 1)
    words = str(error) or type(error).__name__
    return [_printable(name), *nothing, "refer", _truth(False), _truth(True), UNREADABLE, _printable(words)]


def written(rows: Iterable[Row]) -> str:
    r"""Write rows as CSV.

    Args:
        rows: Rows of texts.

    Returns:
        Lines that end in a carriage return and a line feed, as RFC 4180 has it.

    Examples:
        >>> written([["a,b.jpg", "nevus"]])
        '"a,b.jpg",nevus\r\n'
    """
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def parsed(lines: TextIO) -> Iterator[list[str]]:
    r"""Read rows from CSV.

    Args:
        lines: A file that was opened with `newline=""`.

    Yields:
        A text a column.

    Examples:
        >>> import io
        >>> list(parsed(io.StringIO('"a,b.jpg",nevus\r\n')))
        [['a,b.jpg', 'nevus']]
    """
    yield from csv.reader(lines)


def _code(label: str) -> str:
    diagnosis = taxonomy.find(label)
    return diagnosis.code if diagnosis else label


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _printable(text: str) -> str:
    """Keep the bytes of a file name that is no UTF-8 readable: a table must be UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
