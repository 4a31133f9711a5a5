"""The one reader of table files: text with commas, semicolons or tabs, and Parquet. Imports no pandas."""

import contextlib
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePosixPath
from typing import BinaryIO

from melanoma_detect.errors import DatasetError

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".parquet"})
# The first of them that divides the header counts: a TSV's header may hold commas, a CSV's rarely holds semicolons.
_DELIMITERS = {".tsv": "\t,;"}
_ANY_DELIMITER = ",;\t"
_BATCH = 4096  # rows of a Parquet file that are held in memory at once


@dataclass(frozen=True)
class TableFile:
    """An open table file.

    Attributes:
        columns: The names in its header, without blanks around them.
        read: Called with positions of columns, yields for each row the cells of these columns as text.
    """

    columns: tuple[str, ...]
    read: Callable[[Sequence[int]], Iterator[list[str]]]


@contextlib.contextmanager
def open_table(name: str, file: BinaryIO, *, strict: bool = True) -> Iterator[TableFile]:
    r"""Read the header of a table file; its rows are read while they are iterated over.

    Args:
        name: The path or address; its suffix tells Parquet from text.
        file: The file, open to read bytes. It is closed.
        strict: Raise for a row with more cells than the header; otherwise its last cells are ignored.

    Yields:
        The columns, and a reader of the rows. Missing cells are empty; empty lines are left out.

    Raises:
        DatasetError: The file is not UTF-8 text with a header, or not Parquet, where its suffix says so; also while rows
            are read inside the block.

    Examples:
        >>> with open_table("a.csv", io.BytesIO(b"image;age\na.jpg;50\nb.jpg")) as table:
        ...     table.columns, list(table.read([0, 1]))
        (('image', 'age'), [['a.jpg', '50'], ['b.jpg', '']])
    """
    suffix = PurePosixPath(name).suffix.lower()
    try:
        if suffix == ".parquet":
            with file:
                yield _open_parquet(file)
        else:
            with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as lines:
                yield _open_text(lines, suffix, strict=strict)
    except DatasetError:
        raise
    # UnicodeDecodeError and pyarrow's ArrowInvalid are ValueErrors; two columns of one name are pyarrow's KeyError.
    except (OSError, ValueError, KeyError, csv.Error) as error:
        kind = "a Parquet file" if suffix == ".parquet" else "UTF-8 text with a header, such as a CSV file"
        raise DatasetError(
            f"{name}: cannot be read as a table ({error}); expected {kind}: correct it or remove it"
        ) from error


def _open_text(lines: io.TextIOWrapper, suffix: str, *, strict: bool) -> TableFile:
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise ValueError("the file is empty")
    candidates = _DELIMITERS.get(suffix, _ANY_DELIMITER)
    delimiter = next((mark for mark in candidates if len(next(csv.reader([first], delimiter=mark))) > 1), candidates[0])
    rows = _parse_rows(chain([first], lines), delimiter, strict=strict)
    columns = tuple(cell.strip() for cell in next(rows))

    def read(chosen: Sequence[int]) -> Iterator[list[str]]:
        return ([row[index] if index < len(row) else "" for index in chosen] for row in rows)

    return TableFile(columns, read)


def _parse_rows(lines: Iterable[str], delimiter: str, *, strict: bool) -> Iterator[list[str]]:
    """Yield the header and the rows; if strict, raise ValueError for a row that is longer than the header."""
    at_end = False

    def read_lines() -> Iterator[str]:
        nonlocal at_end
        yield from lines
        at_end = True

    columns = 0
    rows = csv.reader(read_lines(), delimiter=delimiter)
    for row in rows:
        # csv has asked for another line before it gave this row: without an error, the rest of the file would be one cell.
        if at_end:
            raise ValueError("a quotation mark is opened and never closed")
        columns = columns or len(row)
        if strict and any(row[columns:]):
            raise ValueError(f"line {rows.line_num} has {len(row)} cells for {columns} columns")
        if row:
            yield row


def _open_parquet(file: BinaryIO) -> TableFile:
    import pyarrow.parquet as pq  # noqa: PLC0415 - takes a fifth of a second, which few tables need

    table = pq.ParquetFile(file)
    names = table.schema_arrow.names

    def read(chosen: Sequence[int]) -> Iterator[list[str]]:
        for batch in table.iter_batches(batch_size=_BATCH, columns=[names[index] for index in chosen]):
            cells = [batch.column(names[index]) for index in chosen]
            yield from (
                [str("" if cell.as_py() is None else cell.as_py()) for cell in row] for row in zip(*cells, strict=True)
            )

    return TableFile(tuple(name.strip() for name in names), read)
