"""Companion tables: one data set's columns in several files, merged by image and by lesion."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from melanoma_detect.data.record import SplitName
from melanoma_detect.data.sources.columns import find_group_columns, find_label_columns, normalize
from melanoma_detect.data.sources.table import Table, TableRow, stem_of
from melanoma_detect.data.sources.table_file import TABLE_SUFFIXES, open_table
from melanoma_detect.data.sources.table_reader import read_table
from melanoma_detect.errors import DatasetError, DataWarning
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.links import leads_out
from melanoma_detect.utils.regular_files import open_regular
from melanoma_detect.utils.user_warning import warn_user

# ISIC_2019_Training_GroundTruth.csv, ISIC_2019_Training_Metadata.csv; the parts of one data set differ in this word.
_PART = re.compile(
    r"(?P<set>.*?)[ _-]*(?P<part>ground ?truth|metadata|supplement|lesion ?groupings)(?:[ _-]*v\d+)?", re.IGNORECASE
)
# ISIC 2017 calls the images Data and the diagnoses Part3.
_TASK = re.compile(r"[ _-]*(?:part\d|data)$", re.IGNORECASE)
# Derm7pt: each of these files lists rows of meta.csv, counted from 0.
_INDEX_FILES: Mapping[str, SplitName] = {
    "train_indexes.csv": "train",
    "valid_indexes.csv": "validation",
    "test_indexes.csv": "test",
}


class _Rows(NamedTuple):
    """The rows that are merged under one key.

    Attributes:
        base: The rows so far.
        added: The rows of a companion with the same key.
    """

    base: Sequence[TableRow]
    added: Sequence[TableRow]


def read_joined(source: "Path | Any", *, partial: bool = False) -> Table:
    r"""Read a table, and join it with its companions.

    Args:
        source: A path, or a table in memory: whatever `read_table` takes.
        partial: Return a table of lesions without its images too; its rows have no name.

    Returns:
        One table with the columns of all.

    Raises:
        DatasetError: A table cannot be read, or none of them names images.

    Warns:
        DataWarning: Tables contradict each other, or name lesions without images.

    Examples:
        >>> _ = Path("x_GroundTruth.csv").write_text("lesion_id,MEL,NV\nL1,1,0\nL2,0,1")
        >>> _ = Path("x_Metadata.csv").write_text("isic_id,lesion_id\nISIC_0000001,L2\nISIC_0000002,L1")
        >>> table = read_joined(Path("x_GroundTruth.csv"))
        >>> [(row.name, table.label(row)) for row in table.rows]
        [('ISIC_0000001', 'NV'), ('ISIC_0000002', 'MEL')]
    """
    if not isinstance(source, (str, Path)):
        return read_table(source)
    path = Path(source)
    companions = find_companions(path)
    splits = {companion: _INDEX_FILES[companion.name] for companion in companions if companion.name in _INDEX_FILES}
    table = join_tables([read_table(path), *(read_table(one) for one in companions if one not in splits)])
    if table.rows and not any(row.name for row in table.rows) and not partial:
        raise DatasetError(
            f"{path}: names lesions and no images (it has {', '.join(table.columns)}); expected a table beside it that names "
            f"the images of each lesion, such as {path.stem.replace('GroundTruth', 'Metadata')}.csv"
        )
    return _add_splits(table, splits) if splits else table


def find_companions(path: Path) -> list[Path]:
    """Return the tables beside a table that belong to the same data set.

    These are the parts `..._GroundTruth`, `..._Metadata`, `..._Supplement` and `..._LesionGroupings` of the challenges, and
    Derm7pt's `train_indexes.csv`, `valid_indexes.csv` and `test_indexes.csv`. They lie in the same folder, or in folders
    with the data set's name, as the challenges' archives unpack.

    Args:
        path: A table.

    Returns:
        Their paths, sorted.

    Examples:
        >>> for part in ("GroundTruth", "Metadata"):
        ...     _ = Path(f"y_{part}.csv").write_text("image,age")
        >>> find_companions(Path("y_GroundTruth.csv"))
        [PosixPath('y_Metadata.csv')]
    """
    found = _PART.fullmatch(path.stem)
    if not found:
        indexes = [path.parent / name for name in _INDEX_FILES]
        return [index for index in indexes if path.stem.lower() == "meta" and index.is_file()]
    name = _TASK.sub("", found["set"]).lower()
    parts = {found["part"].lower()}
    companions = []
    for other in sorted(_tables_near(path, name)):
        match = _PART.fullmatch(other.stem)
        if match and _TASK.sub("", match["set"]).lower() == name and match["part"].lower() not in parts:
            parts.add(match["part"].lower())
            companions.append(other)
    return companions


def join_tables(tables: Sequence[Table]) -> Table:
    """Merge tables: rows of one image become one row, and a table of lesions adds its cells to the images of each lesion.

    Rows that contradict each other in the diagnosis, the lesion or the patient stay apart, so that the image counts as a
    conflict and joins both groups.

    Args:
        tables: The tables. Of other cells that contradict each other, those of the first count.

    Returns:
        One table with the columns of all and the path of the first.

    Warns:
        DataWarning: Cells contradict each other, or lesions have no image.

    Examples:
        >>> labels = Table(Path("a.csv"), ("dx",), (TableRow("a.jpg", {"dx": "nv"}),))
        >>> lesions = Table(Path("b.csv"), ("lesion_id",), (TableRow("a", {"lesion_id": "L1"}),))
        >>> join_tables([labels, lesions]).rows
        (TableRow(name='a.jpg', cells={'dx': 'nv', 'lesion_id': 'L1'}),)
    """
    named = [table for table in tables if not table.rows or any(row.name for row in table.rows)]
    of_lesions = [table for table in tables if table not in named]
    if len(tables) == 1 or not named:
        return tables[0]
    joined = named[0]
    for table in named[1:]:
        joined = _join(joined, table, _keys_by_name(joined), _keys_by_name(table))
    for table in of_lesions:
        joined = _join(joined, table, _keys_by_lesion(joined), _keys_by_lesion(table))
    # Levels, codes and labels are found in the order of the columns: those of the table that was named come first.
    order = dict.fromkeys(column for table in tables for column in table.columns)
    return Table(tables[0].path, tuple(column for column in order if column in joined.columns), joined.rows)


def _tables_near(path: Path, name: str) -> Iterator[Path]:
    """Yield the tables in the folder of a table, and in those beside that bear the data set's name."""
    own = path.parent.absolute().name.lower()
    folders = [path.parent, *([path.parent.parent] if name and own.startswith(name) else [])]
    for folder in folders:
        for child in folder.iterdir():
            if child.is_symlink() and leads_out(child, folder):
                continue
            if child.suffix.lower() in TABLE_SUFFIXES:
                if child != path and child.is_file():
                    yield child
            elif name and child.name.lower().startswith(name) and child != path.parent and child.is_dir():
                yield from (table for table in child.iterdir() if table.suffix.lower() in TABLE_SUFFIXES)


def _add_splits(table: Table, splits: Mapping[Path, SplitName]) -> Table:
    """Return Derm7pt's table with the splits that its lists of rows give."""
    cases: dict[int, int] = {}
    numbers = [cases.setdefault(id(row.cells), len(cases)) for row in table.rows]
    by_case: dict[int, str] = {}
    for path, split in splits.items():
        for index in _read_indexes(path):
            if not 0 <= index < len(cases) or by_case.get(index, split) != split:
                raise DatasetError(
                    f"{path}: the row {index} is not in {table.path}, or in another split too; expected numbers from 0 to "
                    f"{len(cases) - 1}, each in one file"
                )
            by_case[index] = split
    rows = tuple(
        row._replace(cells={**row.cells, **({"split": by_case[number]} if number in by_case else {})})
        for row, number in zip(table.rows, numbers, strict=True)
    )
    return replace(table, columns=(*table.columns, "split"), rows=rows)


def _read_indexes(path: Path) -> list[int]:
    with open_regular(path, DatasetError) as file, open_table(str(path), file) as table:
        place = next((place for place, column in enumerate(table.columns) if normalize(column) == "indexes"), 0)
        cells = [cell for (cell,) in table.read([place])]
    try:
        return [int(cell) for cell in cells]
    except ValueError as error:
        raise DatasetError(f"{path}: {error}; expected the number of a row in each line") from error


def _keys_by_name(table: Table) -> Callable[[TableRow], str]:
    """Return how the images of a table are named: by name, or by path where two of them have one name."""
    full: dict[str, set[str]] = defaultdict(set)
    for row in table.rows:
        full[_short(row.name)].add(row.name)
    doubles = {short for short, names in full.items() if len(names) > 1}
    return lambda row: row.name if (short := _short(row.name)) in doubles else short


@lru_cache(maxsize=2**16)
def _short(name: str) -> str:
    return stem_of(name.replace("\\", "/").rpartition("/")[2])


def _keys_by_lesion(table: Table) -> Callable[[TableRow], str]:
    columns = [column for column, kind in find_group_columns(table.columns).items() if kind == "lesion_id"]
    return lambda row: next((row.cells[column] for column in columns if column in row.cells), "")


def _join(
    base: Table, other: Table, base_key: Callable[[TableRow], str], other_key: Callable[[TableRow], str]
) -> Table:
    own_names = {normalize(column): column for column in base.columns}
    renamed = {column: own_names.get(normalize(column), column) for column in other.columns}
    added: dict[str, list[TableRow]] = defaultdict(list)
    for row in other.rows:
        added[other_key(row)].append(row._replace(cells={renamed[name]: cell for name, cell in row.cells.items()}))
    columns = tuple(dict.fromkeys((*base.columns, *renamed.values())))
    apart = _columns_of_meaning(columns)
    rows: list[TableRow] = []
    against: list[str] = []
    used = set()
    for row in base.rows:
        key = base_key(row)
        used.add(key)
        rows += _merge(_Rows([row], added.get(key, []) if key else []), apart, against)
    left = [row for key, own in added.items() if key not in used for row in own]
    if not any(row.name for row in left) and left:
        have = "has" if len(left) == 1 else "have"
        warn_user(f"{count_noun(len(left), 'lesion')} of {other.path} {have} no image in {base.path}", DataWarning)
    if against:
        warn_user(
            f"{base.path} and {other.path} contradict each other in {len(against)} cells ({'; '.join(against[:2])}); those of "
            "the first count",
            DataWarning,
        )
    return Table(base.path, columns, (*rows, *(row for row in left if row.name)))


def _columns_of_meaning(columns: Sequence[str]) -> frozenset[str]:
    return frozenset(find_label_columns(columns)) | frozenset(find_group_columns(columns))


def _merge(rows: _Rows, apart: frozenset[str], against: list[str]) -> list[TableRow]:
    merged = list(rows.base)
    for added in rows.added:
        for place, row in enumerate(merged):
            shared = row.cells.keys() & added.cells.keys()
            differing = [column for column in shared if not _same(added.cells[column], row.cells[column])]
            if not apart.intersection(differing):
                against += [
                    f"{column} of {row.name}: {row.cells[column]}, {added.cells[column]}" for column in differing
                ]
                merged[place] = row._replace(cells={**row.cells, **added.cells, **row.cells})
                break
        else:
            merged.append(added._replace(name=added.name or rows.base[0].name))
    return merged


def _same(one: str, two: str) -> bool:
    if one == two or one.casefold() == two.casefold():
        return True
    try:
        return float(one) == float(two)
    except ValueError:
        return False
