"""Tables as text: in lines of at most 100 characters, and in Markdown."""

import io
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from melanoma_detect.printable import printable, printable_lines
from melanoma_detect.utils.markdown import markdown_text

WIDTH = 100  # characters of a line
_NAME_WIDTH = 18  # of the first column: longer names are folded, so that three figures with intervals stand beside them
_CELL_WIDTH = 40  # of the others

Row = tuple[str, ...]


class TextTable(NamedTuple):
    """A table of text.

    Attributes:
        title: What it shows.
        headers: The titles of the columns.
        rows: The cells of each row, its name first. A line break in a cell starts a new line there.
        summary: Further rows, such as a mean; their cells are folded to the width of the columns.
    """

    title: str
    headers: Row
    rows: tuple[Row, ...]
    summary: tuple[Row, ...] = ()


def render_text(table: TextTable) -> str:
    """Render a table as lines of at most 100 characters.

    Args:
        table: The table.

    Returns:
        The title, the headers and the rows; numbers are aligned to the right, long names are folded.

    Examples:
        >>> print(render_text(TextTable("Sets", ("set", "images", "AUC"), (("ours", "12", "0.9"),))))
        Sets
        set   images  AUC
        ours      12  0.9
    """
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    for position, header in enumerate(table.headers):
        cells = [row[position] for row in table.rows]
        width = max(len(line) for cell in (header, *cells) for line in cell.split("\n"))
        drawn.add_column(
            Text(printable_lines(header)),
            justify="right" if any(cell.isdecimal() for cell in cells) and position else "left",
            max_width=min(width, _CELL_WIDTH) if position else _NAME_WIDTH,
            overflow="fold",
        )
    for row in (*table.rows, *table.summary):
        name, *figures = row
        drawn.add_row(Text(printable(name)), *(Text(printable_lines(cell)) for cell in figures))
    out = io.StringIO()
    Console(file=out, width=WIDTH, color_system=None, legacy_windows=False).print(drawn)
    lines = (line.rstrip() for line in out.getvalue().splitlines())
    return "\n".join([table.title, *(line for line in lines if line)])


def render_markdown(tables: Sequence[TextTable]) -> str:
    """Render tables of the same rows side by side, as one table in GitHub's Markdown.

    Args:
        tables: The tables. One that lacks the last rows of the first is filled with empty cells.

    Returns:
        A line for the headers, one below them, and one for each row.

    Examples:
        >>> print(render_markdown([TextTable("Sets", ("set", "images", "AUC"), (("ours", "12", "0.9"),))]))
        | set | images | AUC |
        |---|---|---|
        | ours | 12 | 0.9 |
    """
    headers = [tables[0].headers[0], *(header for table in tables for header in table.headers[1:])]
    rows = [*_side_by_side(tables, "rows"), *_side_by_side(tables, "summary")]
    return "\n".join(
        [_markdown_line(headers, names=len(headers)), "|" + "---|" * len(headers), *map(_markdown_line, rows)]
    )


def _side_by_side(tables: Sequence[TextTable], which: str) -> Iterator[list[str]]:
    """Yield the rows of all tables joined, with the names of the first table."""
    parts = [getattr(table, which) for table in tables]
    for position, rows in enumerate(zip_longest(*parts, fillvalue=())):
        cells = (
            cell for row, table in zip(rows, tables, strict=True) for cell in row[1:] or [""] * len(table.headers[1:])
        )
        yield [parts[0][position][0], *cells]


def _markdown_line(cells: Sequence[str], *, names: int = 1) -> str:
    """Return a row; its first cells are names that others gave, and the others are figures with notes."""
    named = [markdown_text(cell.replace("\n", " ")) for cell in cells[:names]]
    figures = [cell.replace("|", r"\|").replace("\n", " ").replace("<", "&lt;") for cell in cells[names:]]
    return "| " + " | ".join([*named, *map(printable, figures)]) + " |"
