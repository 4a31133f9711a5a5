"""The header of a table: the row that names the columns, below titles and comments, or missing."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from melanoma_detect import taxonomy
from melanoma_detect.data.sources.columns import is_image_table
from melanoma_detect.images.formats import SUFFIXES

SAMPLE = 50  # rows among which the header is looked for
_ISIC = re.compile(r"ISIC_\d{7}", re.IGNORECASE)


class Header(NamedTuple):
    """The header of a table.

    Attributes:
        columns: The names of its columns, without blanks around them.
        skip: How many rows stand before the first row of cells.
        named: Whether a column names images or lesions.
    """

    columns: tuple[str, ...]
    skip: int
    named: bool


def find_header(rows: Sequence[Sequence[str]]) -> Header:
    """Find the header among the first rows of a table.

    It is the first row that names images or lesions, where all rows above have fewer cells: titles and legends. A table
    whose first row is the row of an image has no header: its columns are called `image` and `label`, or
    `benign_malignant` for that of ISIC 2016.

    Args:
        rows: The first rows; none is empty.

    Returns:
        The header; the first row that is no comment, where none names images.

    Raises:
        ValueError: There is no row, or a table of more than two columns has no header.

    Examples:
        >>> find_header([["PH2 database"], ["Image Name", "Melanoma"], ["IMD001", "X"]])
        Header(columns=('Image Name', 'Melanoma'), skip=2, named=True)
        >>> find_header([["ISIC_0000000", "benign"]]).columns
        ('image', 'benign_malignant')
    """
    widest = 0
    for position, row in enumerate(rows[:SAMPLE]):
        filled = sum(1 for cell in row if cell.strip())
        columns = tuple(clean_name(cell) for cell in row)
        if is_image_table(columns) and filled > widest and not _names_image(row[0]):
            return Header(columns, position + 1, True)
        if not row[0].startswith("#"):
            widest = max(widest, filled)
    first = next((position for position, row in enumerate(rows) if not row[0].startswith("#")), None)
    if first is None:
        raise ValueError("the file is empty")
    if not _names_image(rows[first][0]):
        return Header(tuple(clean_name(cell) for cell in rows[first]), first + 1, False)
    return Header(_columns_without_header(rows[first]), first, True)


def clean_name(cell: str) -> str:
    r"""Return the name of a column: no blanks around it, one for several within it, and no byte order mark.

    Args:
        cell: A cell of the header.

    Returns:
        The name.

    Examples:
        >>> clean_name(" Streaks\n(A/P)")
        'Streaks (A/P)'
    """
    return " ".join(cell.replace("\ufeff", "").split())


def _names_image(cell: str) -> bool:
    """Return whether a cell is the name of an image: an id of the ISIC archive, or a file name with the suffix of an image."""
    path = PurePosixPath(cell.strip().replace("\\", "/"))
    return bool(path.stem) and (path.suffix.lower() in SUFFIXES or bool(_ISIC.fullmatch(path.stem)))


def _columns_without_header(row: Sequence[str]) -> tuple[str, ...]:
    if len(row) > 2:
        raise ValueError(
            f"the first row is that of an image ({', '.join(row[:3])}, ...), and there is no header; add a first row that "
            "names the columns, such as image,label"
        )
    if len(row) == 1:
        return ("image",)
    # ISIC 2016 says benign and malignant in its training table, 0.0 and 1.0 in its test table.
    coarse = row[1].strip().lower() in {"benign", "malignant", "0", "1", "0.0", "1.0"} and not taxonomy.find(row[1])
    return ("image", "benign_malignant" if coarse and _ISIC.search(row[0]) else "label")
