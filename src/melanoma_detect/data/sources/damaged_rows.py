"""Rows of a table of text of which some are damaged: each stands for itself, with the reason, and the others are read."""

import csv
from collections.abc import Iterable, Iterator
from typing import Self

UNCLOSED = "a quotation mark is opened and never closed"


class DamagedCell(str):
    """Stands for each cell of a row that cannot be read: an empty text.

    Attributes:
        reason: Why.

    Examples:
        >>> cell = DamagedCell("a quotation mark is opened and never closed")
        >>> cell, cell.reason
        ('', 'a quotation mark is opened and never closed')
    """

    __slots__ = ("reason",)
    reason: str

    def __new__(cls, reason: str) -> Self:
        """Return an empty text with a reason."""
        cell = super().__new__(cls, "")
        cell.reason = reason
        return cell


def parse_all(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    r"""Yield the cells of each row; for one that cannot be read a `DamagedCell` alone.

    A quotation mark that is never closed, or a cell that is longer than `csv.field_size_limit`, spoils its own line: the lines
    after it, which would be part of the cell, are read one by one.

    Args:
        lines: Lines of text.
        delimiter: What stands between the cells.

    Yields:
        The rows.

    Examples:
        >>> [row[0] for row in parse_all(['a.jpg\n', '"b.jpg\n', 'c.jpg\n'], ",")]
        ['a.jpg', '', 'c.jpg']
    """
    taken: list[str] = []
    at_end = False

    def feed() -> Iterator[str]:
        nonlocal at_end
        for line in lines:
            taken.append(line)
            yield line
        at_end = True

    rows = csv.reader(feed(), delimiter=delimiter)
    while True:
        taken.clear()
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield from _one_by_one(taken, delimiter, str(error))
            continue
        if not at_end:
            yield row
        else:  # csv has asked for another line before it gave this row
            yield from _one_by_one(taken, delimiter, UNCLOSED)


def _one_by_one(lines: list[str], delimiter: str, reason: str) -> Iterator[list[str]]:
    """Yield the first of some lines as damaged, and the others as rows of their own."""
    for number, line in enumerate(lines):
        at_end = False

        def feed(line: str = line) -> Iterator[str]:
            nonlocal at_end
            yield line
            at_end = True

        try:
            row = next(csv.reader(feed(), delimiter=delimiter), [])
        except csv.Error as error:
            row, at_end = [], True
            reason = str(error)
        if number == 0 or at_end:
            row = [DamagedCell(reason)]
        yield row
