"""Which images are to be scored: files, folders, zips and tables become a stream of items, never a list of them all."""

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from melanoma_detect.data.sources.archives import unpack
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.reader import SUFFIXES
from melanoma_detect.scoring.places import exists, files_below, folder_of, is_address, is_folder, joined, opened

PATH_COLUMNS = (
    "path",
    "image_path",
    "filepath",
    "file_path",
    "filename",
    "file_name",
    "file",
    "image",
    "image_name",
    "image_id",
    "isic_id",
)
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_TABLES = frozenset({*_DELIMITERS, ".txt", ".parquet"})
_GUESSES = (".jpg", ".jpeg", ".png")  # what a table's bare ids, as ISIC_0000001, are called on disk


class Item(NamedTuple):
    """An image to be scored.

    Attributes:
        name: What it is called in the result: the path as it was given, or as a table has it.
        place: Where it lies: an absolute path or an address.
    """

    name: str
    place: str


def items(sources: Iterable[str]) -> Iterator[Item]:
    """Find the images of sources, one after the other and each in a fixed order.

    Args:
        sources: Image files; folders, which are read with their subfolders, by the suffixes of images; zip archives;
            tables: CSV, TSV and Parquet with a column of paths (`path`, `image`, `filename`, ...), or a text file with one path
            a line. A table's paths are relative to its folder. Paths or addresses.

    Yields:
        The images.

    Raises:
        DatasetError: A source is missing, a table has no column of paths, or a folder cannot be listed.

    Examples:
        >>> [item.name for item in items(["a.jpg", "b.jpg"])]
        ['a.jpg', 'b.jpg']
        >>> sum(1 for item in items([str(isic9 / "Test")]))
        36
    """
    for source in sources:
        yield from _items(source)


def in_parts(found: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut a stream into lists.

    Args:
        found: The stream.
        size: Items in each list but the last.

    Yields:
        Lists, none of them empty.

    Examples:
        >>> [len(part) for part in in_parts(items(["a.jpg", "b.jpg", "c.jpg"]), 2)]
        [2, 1]
    """
    stream = iter(found)
    while part := list(islice(stream, size)):
        yield part


def _items(source: str) -> Iterator[Item]:
    suffix = _suffix(source)
    if is_folder(source):
        yield from _in_folder(source, _absolute(source))
    elif suffix == ".zip":
        yield from _in_folder(source, _unpacked(source))
    elif suffix in _TABLES:
        yield from _in_table(source) if exists(source) else _missing(source)
    elif suffix in SUFFIXES or exists(source):
        yield Item(source, _absolute(source))
    else:
        _missing(source)


def _missing(source: str) -> Iterator[Item]:
    raise DatasetError(f"{source}: no such file; expected images, a folder of them, a zip, or a table with their paths")


def _unpacked(source: str) -> str:
    if is_address(source):
        raise DatasetError(f"{source}: a zip archive at an address; unpack it there, and name the folder")
    if not exists(source):
        _missing(source)
    found = Path(source).stat()
    return _unpacked_once(source, found.st_size, found.st_mtime_ns)


@cache
def _unpacked_once(source: str, *_stamp: int) -> str:
    return str(unpack(Path(source)))


def _in_folder(shown: str, folder: str) -> Iterator[Item]:
    names = (name for name in files_below(folder) if _suffix(name) in SUFFIXES)
    first = next(names, None)
    if first is None:
        raise DatasetError(
            f"{shown}: no images in it; expected files with the suffixes {', '.join(sorted(SUFFIXES))}, in subfolders too"
        )
    for name in chain([first], names):
        yield Item(joined(shown, name), joined(folder, name))


def _in_table(source: str) -> Iterator[Item]:
    folder = folder_of(_absolute(source))
    for number, name in enumerate(_names(source), start=1):
        # A row that names nothing is kept: it becomes a row of the result, with its error.
        yield Item(name or f"{source}, row {number}", _found(folder, name) if name else "")


def _names(source: str) -> Iterator[str]:
    suffix = _suffix(source)
    try:
        if suffix == ".parquet":
            yield from _parquet_names(source)
        else:
            with io.TextIOWrapper(opened(source), encoding="utf-8-sig", newline="") as lines:
                rows = csv.reader(lines, delimiter=_DELIMITERS.get(suffix, ","))
                yield from _lines(lines) if suffix == ".txt" else _cells(source, rows)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{source}: cannot be read as a table ({error}); expected UTF-8 text") from error


def _lines(lines: Iterable[str]) -> Iterator[str]:
    return (name for line in lines if (name := line.strip("\r\n")))


def _cells(source: str, rows: Iterator[list[str]]) -> Iterator[str]:
    at = _column(source, next(rows, []))
    return (row[at] if at < len(row) else "" for row in rows if row)


def _parquet_names(source: str) -> Iterator[str]:
    import pyarrow.parquet as pq  # noqa: PLC0415 - prediction starts without it
    from pyarrow import ArrowInvalid  # noqa: PLC0415

    with opened(source) as file:
        try:
            table = pq.ParquetFile(file)
        except ArrowInvalid as error:
            raise DatasetError(f"{source}: cannot be read as a table ({error}); expected a Parquet file") from error
        names = table.schema_arrow.names
        column = names[_column(source, names)]
        for batch in table.iter_batches(batch_size=4096, columns=[column]):
            yield from (str(cell.as_py() or "") for cell in batch.column(0))


def _column(source: str, names: Sequence[str]) -> int:
    lowered = [name.strip().lower() for name in names]
    found = next((name for name in PATH_COLUMNS if name in lowered), None)
    if found is None:
        raise DatasetError(
            f"{source}: no column names the images (it has {', '.join(names) or 'none'}); expected one of "
            f"{', '.join(PATH_COLUMNS)}"
        )
    return lowered.index(found)


def _found(folder: str, name: str) -> str:
    """Return where an image of a table lies: beside it or in `images`; ids without a suffix get the usual ones."""
    plain = _suffix(name) in SUFFIXES
    if plain and is_address(joined(folder, name)):
        return joined(folder, name)  # asking a store for each would take longer than reading
    endings = ("",) if plain else ("", *_GUESSES)
    places = (joined(place, name + ending) for place in (folder, joined(folder, "images")) for ending in endings)
    return next(filter(exists, places), joined(folder, name))


def _suffix(place: str) -> str:
    return os.path.splitext(place)[1].lower()  # noqa: PTH122 - addresses too


def _absolute(place: str) -> str:
    return place if is_address(place) else os.path.abspath(place)  # noqa: PTH100 - links stay as they are
