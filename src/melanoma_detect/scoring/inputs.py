"""Inputs of scoring: files, folders, zip archives and tables become a stream of images, never a list of them all."""

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

from melanoma_detect.data.sources.archives import unpack
from melanoma_detect.data.sources.table_file import TABLE_SUFFIXES, open_table
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.reader import SUFFIXES
from melanoma_detect.scoring.addresses import (
    exists,
    is_address,
    is_folder,
    join_path,
    list_files,
    open_binary,
    parent_folder,
)

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
_TABLES = TABLE_SUFFIXES | {".txt"}
_ID_SUFFIXES = (".jpg", ".jpeg", ".png")  # of the files that a table's bare ids, such as ISIC_0000001, stand for


class Item(NamedTuple):
    """An image to be scored.

    Attributes:
        name: What it is called in the result: the path as it was given, or as a table has it.
        path: An absolute path or an address; empty where a table names no image.
    """

    name: str
    path: str


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


def split_into_chunks(stream: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Split a stream of images into lists.

    Args:
        stream: The images.
        size: Items in each list but the last.

    Yields:
        Lists, none of them empty.

    Examples:
        >>> [len(chunk) for chunk in split_into_chunks(items(["a.jpg", "b.jpg", "c.jpg"]), 2)]
        [2, 1]
    """
    remaining = iter(stream)
    while chunk := list(islice(remaining, size)):
        yield chunk


def _items(source: str) -> Iterator[Item]:
    suffix = _suffix(source)
    if is_folder(source):
        yield from _in_folder(source, _absolute(source))
    elif suffix == ".zip":
        yield from _in_folder(source, _unpack(source))
    elif suffix in _TABLES:
        yield from _in_table(source) if exists(source) else _missing(source)
    elif suffix in SUFFIXES or exists(source):
        yield Item(source, _absolute(source))
    else:
        _missing(source)


def _missing(source: str) -> Iterator[Item]:
    raise DatasetError(f"{source}: no such file; expected images, a folder of them, a zip, or a table with their paths")


def _unpack(source: str) -> str:
    if is_address(source):
        raise DatasetError(f"{source}: a zip archive at an address; unpack it there, and name the folder")
    if not exists(source):
        _missing(source)
    status = Path(source).stat()
    return _unpack_once(source, status.st_size, status.st_mtime_ns)


@cache
def _unpack_once(source: str, *_stamp: int) -> str:
    return str(unpack(Path(source)))


def _in_folder(shown: str, folder: str) -> Iterator[Item]:
    names = (name for name in list_files(folder) if _suffix(name) in SUFFIXES)
    first = next(names, None)
    if first is None:
        raise DatasetError(
            f"{shown}: no images in it; expected files with the suffixes {', '.join(sorted(SUFFIXES))}, in subfolders too"
        )
    for name in chain([first], names):
        yield Item(join_path(shown, name), join_path(folder, name))


def _in_table(source: str) -> Iterator[Item]:
    folder = parent_folder(_absolute(source))
    for number, name in enumerate(_names(source), start=1):
        # A row without a name is kept: it becomes a row of the result, with its error.
        yield Item(name or f"{source}, row {number}", _locate(folder, name) if name else "")


def _names(source: str) -> Iterator[str]:
    """Yield the names of images in a table; empty ones too."""
    if _suffix(source) == ".txt":
        yield from _lines(source)
        return
    # A run over millions of rows does not end at one that is too long: only the cell of the path matters.
    with open_table(source, _open(source), strict=False) as table:
        yield from (name for (name,) in table.read([_column(source, table.columns)]))


def _open(source: str) -> BinaryIO:
    try:
        return open_binary(source)
    except OSError as error:
        raise DatasetError(
            f"{source}: cannot be opened ({error}); expected a table with the paths of images"
        ) from error


def _lines(source: str) -> Iterator[str]:
    try:
        with io.TextIOWrapper(open_binary(source), encoding="utf-8-sig", newline="") as lines:
            yield from (name for line in lines if (name := line.strip("\r\n")))
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{source}: cannot be read as a list of paths ({error}); expected UTF-8 text") from error


def _column(source: str, names: Sequence[str]) -> int:
    lowered = [name.lower() for name in names]
    column = next((name for name in PATH_COLUMNS if name in lowered), None)
    if column is None:
        raise DatasetError(
            f"{source}: no column names the images (it has {', '.join(names) or 'none'}); expected one of "
            f"{', '.join(PATH_COLUMNS)}"
        )
    return lowered.index(column)


def _locate(folder: str, name: str) -> str:
    """Return the path of an image of a table: beside it or in `images`; ids without a suffix get the usual ones."""
    path, has_suffix = join_path(folder, name), _suffix(name) in SUFFIXES
    if has_suffix and is_address(path):
        return path  # asking a store whether each exists would take longer than reading them
    suffixes = ("",) if has_suffix else ("", *_ID_SUFFIXES)
    candidates = (
        join_path(parent, name + suffix) for parent in (folder, join_path(folder, "images")) for suffix in suffixes
    )
    return next(filter(exists, candidates), path)


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()  # noqa: PTH122 - addresses too


def _absolute(path: str) -> str:
    return path if is_address(path) else os.path.abspath(path)  # noqa: PTH100 - links stay as they are
