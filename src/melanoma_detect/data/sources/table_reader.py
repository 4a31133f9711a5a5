"""Reading of metadata tables: from a file or from memory to a `Table`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from melanoma_detect import taxonomy
from melanoma_detect.data.sources.columns import (
    IMAGE_COLUMNS,
    find_image_columns,
    is_image_table,
    is_unused,
    normalize,
)
from melanoma_detect.data.sources.data_frame import is_in_memory, open_in_memory
from melanoma_detect.data.sources.label_readings import number_of
from melanoma_detect.data.sources.table import Table, TableRow
from melanoma_detect.data.sources.table_file import TableFile, open_table
from melanoma_detect.errors import DatasetError, DataWarning
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.regular_files import open_regular
from melanoma_detect.utils.user_warning import warn_user

_MAX_COLUMNS = 2**14  # as of Excel
_MAX_CELLS = 50_000_000  # which take a few GiB
# What pandas calls an index that was written as a column.
_INDEX = frozenset({"", "unnamed0", "index", "indexlevel0"})


def read_table(source: "Path | Any") -> Table:
    """Read a metadata table: one row an image; see `table_file.open_table` for the formats.

    Args:
        source: The file; one of its columns names the images, or the lesions, whose images a companion table names. Or a
            table in memory: a DataFrame, a Series, or a dict of labels.

    Returns:
        The table. The rows of a table that names lesions have no name.

    Raises:
        DatasetError: The file is missing or not a table, no column names the images, or two columns have one name.

    Warns:
        DataWarning: Rows name no image.

    Examples:
        >>> read_table(isic9 / "metadata.csv").columns
        ('lesion_id',)
    """
    if is_in_memory(source):
        return _to_table(Path(f"labels ({type(source).__name__})"), open_in_memory(source))
    if not isinstance(source, (str, Path)):
        raise DatasetError(
            f"{repr(source)[:80]} is no table; expected the path of one, a DataFrame, or a dict of labels"
        )
    path = Path(source)
    with _open(path) as file, open_table(str(path), file) as table:
        return _to_table(path, table)


def read_columns(path: Path) -> tuple[str, ...]:
    """Read the header of a table.

    Args:
        path: The file.

    Returns:
        Its columns.

    Raises:
        DatasetError: The file is missing or not a table.

    Examples:
        >>> read_columns(isic9 / "metadata.csv")
        ('image_id', 'lesion_id')
    """
    with _open(path) as file, open_table(str(path), file) as table:
        return table.columns


def _to_table(path: Path, table: TableFile) -> Table:
    kept = [position for position, column in enumerate(table.columns) if _is_kept(column)]
    columns = [table.columns[position] for position in kept]
    if not is_image_table(columns) and not _INDEX & {normalize(column) for column in columns}:
        raise _no_image_column(path, table.columns)
    _check_names(path, columns)
    cells = [_clean_column(column) for column in zip(*_limited(path, table, kept), strict=True)] or [
        [] for _ in columns
    ]
    names = _choose_image_columns(columns, cells)
    if not names and not is_image_table(columns):
        raise _no_image_column(path, table.columns)
    others = [place for place in range(len(columns)) if place not in names and not is_unused(columns[place])]
    kept_names = [columns[place] for place in others]
    # zip of no columns has no rows, and a table may have an image column alone.
    by_row = zip(*(cells[place] for place in others), strict=True) if others else ((),) * len(cells[0])
    filled = [{name: text for name, text in zip(kept_names, row, strict=True) if text} for row in by_row]
    return Table(path, tuple(kept_names), _make_rows(path, columns, names, cells, filled))


def _limited(path: Path, table: TableFile, kept: Sequence[int]) -> Iterator[list[str]]:
    """Yield the rows of a table; a small file may unpack to more than the memory holds."""
    if len(table.columns) > _MAX_COLUMNS:
        raise DatasetError(
            f"{path}: {len(table.columns):,} columns; expected at most {_MAX_COLUMNS:,}: remove the others"
        )
    most = _MAX_CELLS // max(len(kept), 1)
    for number, row in enumerate(table.read(kept), start=1):
        if number > most:
            raise DatasetError(
                f"{path}: more than {most:,} rows of {len(kept)} columns; split the table, or remove columns"
            )
        yield row


def _make_rows(
    path: Path,
    columns: Sequence[str],
    names: Sequence[int],
    cells: Sequence[Sequence[str]],
    filled: Sequence[Mapping[str, str]],
) -> tuple[TableRow, ...]:
    """Return a row for each image that is named: two for a row of Derm7pt."""
    if not names:
        return tuple(TableRow("", own) for own in filled)
    if len(names) == 1:
        rows = [TableRow(name, own) for name, own in zip(cells[names[0]], filled, strict=True)]
    else:
        both = zip(*(cells[place] for place in names), strict=True)
        found = ([name for name in pair if name] or [""] for pair in both)
        rows = [TableRow(name, own) for pair, own in zip(found, filled, strict=True) for name in pair]
    unnamed = sum(1 for row in rows if not row.name and row.cells)
    if unnamed:
        column = " and ".join(columns[place] for place in names)
        warn_user(
            f"{path}: {unnamed} of {count_noun(len(rows), 'row')} name{'s' * (unnamed == 1)} no image in the column {column}; "
            f"{'it is' if unnamed == 1 else 'they are'} left out",
            DataWarning,
        )
    return tuple(row for row in rows if row.name)


def _is_kept(column: str) -> bool:
    return not is_unused(column) or normalize(column) in _INDEX


def _no_image_column(path: Path, columns: Iterable[str]) -> DatasetError:
    return DatasetError(
        f"{path}: no column names the images (it has {', '.join(columns)}); expected one of {', '.join(IMAGE_COLUMNS)}"
    )


def _check_names(path: Path, columns: Sequence[str]) -> None:
    """Raise where two columns of one name mean something: the first of them may be the wrong one."""
    doubles = [column for column, count in Counter(columns).items() if column and count > 1]
    if doubles:
        places = [str(place + 1) for place, column in enumerate(columns) if column == doubles[0]][:9]
        raise DatasetError(
            f"{path}: the columns {' and '.join(places)} are both named {doubles[0]!r}; rename or remove one of them"
        )


def _choose_image_columns(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> list[int]:
    """Return the column that names the images; two for Derm7pt, whose rows hold a dermoscopic and a clinical image.

    Of several the first counts that names many different images, and not by numbers alone, which may be those of the rows.
    """
    normalized = [normalize(column) for column in columns]
    if "derm" in normalized and "clinic" in normalized:
        return [normalized.index("derm"), normalized.index("clinic")]
    candidates = find_image_columns(columns)
    if not candidates:
        index = next((place for place, name in enumerate(normalized) if name in _INDEX), None)
        return [] if index is None or _are_numbers(cells[index]) else [index]
    if len(candidates) == 1 or not cells[0]:
        return candidates[:1]
    different = {place: len(set(cells[place]) - {""}) for place in candidates}
    many = [place for place in candidates if different[place] > 0.5 * max(different.values())]
    named = [place for place in many if not _are_numbers(cells[place])]
    return (named or many or candidates)[:1]


def _are_numbers(cells: Iterable[str]) -> bool:
    return all(number_of(cell) is not None for cell in cells if cell)


def _clean_column(cells: Sequence[str]) -> list[str]:
    """Return the cells of a column without blanks around them, and empty where they stand for a missing value."""
    clean = {cell: _clean(cell) for cell in set(cells)}
    return [clean[cell] for cell in cells]


def _clean(cell: str) -> str:
    text = cell.strip()
    # Of the placeholders only -1 ends in a digit, as most cells do.
    return text if (text[-1:].isdigit() and text[0] != "-") or not taxonomy.is_missing(text) else ""


def _open(path: Path) -> BinaryIO:
    try:
        return open_regular(expand_path(path, DatasetError), DatasetError)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be opened ({error.strerror}); expected a table of the images") from error
