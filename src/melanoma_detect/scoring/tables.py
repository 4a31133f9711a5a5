"""Tables of images: the names that a table or a text file lists, and the file that each of them stands for."""

import io
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice, product
from pathlib import Path
from typing import Any, BinaryIO, cast

from melanoma_detect import taxonomy
from melanoma_detect.data.sources.columns import IMAGE_COLUMNS, find_image_column
from melanoma_detect.data.sources.damaged_rows import DamagedCell
from melanoma_detect.data.sources.matching import match_rows
from melanoma_detect.data.sources.table import Table, TableRow
from melanoma_detect.data.sources.table_file import TABLE_SUFFIXES, open_table
from melanoma_detect.data.sources.table_text import decode_lines, open_text
from melanoma_detect.data.sources.tree import is_image
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.formats import SUFFIXES
from melanoma_detect.images.frame_names import file_of, frame_name, split_frame_name
from melanoma_detect.scoring.addresses import exists, is_address, join_path, list_files, open_binary, parent_folder
from melanoma_detect.scoring.item import Item
from melanoma_detect.utils.csv_cells import plain_cell

_COMPRESSED = tuple(f"{suffix}.gz" for suffix in TABLE_SUFFIXES)
_ID_SUFFIXES = (".jpg", ".jpeg", ".png")  # of the files that a table's bare ids, such as ISIC_0000001, stand for
_CHUNK = 1024  # rows that are looked up together
_MAX_FILES = 200_000  # below a table's folder; where there are more, names are not searched for in all of them
_MAX_NAME = 2**15  # characters of a path, on any system
_DRIVE = re.compile(r"[A-Za-z]:[/\\]")


def is_table(path: str) -> bool:
    """Return whether a source is a table or a list of images, by its suffix.

    Args:
        path: A path or an address.

    Returns:
        Whether it is.

    Examples:
        >>> is_table("a.CSV"), is_table("a.csv.gz"), is_table("a.txt"), is_table("a.jpg")
        (True, True, True, False)
    """
    lowered = path.lower()
    return _suffix(path) in TABLE_SUFFIXES | {".txt"} or lowered.endswith(_COMPRESSED)


def table_items(source: str, folder: str) -> Iterator[Item]:
    r"""Find the images that a table lists, in its order.

    A name is looked for relative to the table, in the folder `images` beside it, and then by its ending in the folders below;
    backslashes, another Unicode form and a missing suffix do not matter. Where a name may stand for several files, none is
    taken. A name such as `lesion.dcm#3` is frame 3 of `lesion.dcm`, unless a file has this very name.

    Args:
        source: A table with a column that names images, or a text file with one path a line.
        folder: The folder that the table's paths are relative to.

    Yields:
        An item for each row; one without a path where the row names no image.

    Raises:
        DatasetError: The table cannot be read, names no images, or has no rows.

    Examples:
        >>> Path("list.csv").write_text("image\nphoto.jpg")
        15
        >>> [item.name for item in table_items("list.csv", ".")]
        ['photo.jpg']
    """
    names = _names(source)
    finder = _Finder(folder)
    number = 0
    while chunk := list(islice(names, _CHUNK)):
        for name, found in zip(
            chunk, finder.find([name if not _why_no_name(name) else "" for name in chunk]), strict=True
        ):
            number += 1
            where = f"{source}, row {number}"
            if reason := _why_no_name(name):
                yield Item(where, "", f"{where}: {reason}; correct the row, or remove it")
                continue
            name, path, problem = _find_row(finder, name, found)  # noqa: PLW2901
            # A row without a name is kept: it becomes a row of the result, with its error.
            yield Item(name if path or problem else where, path, problem)
    if not number:
        raise DatasetError(f"{source}: no images; expected at least one row that names one")


def _why_no_name(cell: str) -> str:
    """Return why a cell names no file; nothing for one that may."""
    if isinstance(cell, DamagedCell):
        return cell.reason
    if "\0" in cell:
        return "a cell with a zero byte is no path"
    return f"a cell of {len(cell):,} characters is no path" if len(cell) > _MAX_NAME else ""


def _find_row(finder: "_Finder", name: str, found: tuple[str, str]) -> tuple[str, str, str]:
    """Return the name, the path and the problem of a row; in a table of `score`, a name may have an apostrophe before it."""
    path, problem = _find_frame(finder, name, found)
    plain = plain_cell(name)
    if plain == name:
        return name, path, problem
    as_written = path and _is_there(file_of(path)) and _last(file_of(path)) != _last(file_of(plain))
    if not as_written:
        other, _ = _find_frame(finder, plain, finder.find([plain])[0])
        if other and _is_there(file_of(other)):
            return plain, other, ""
    return name, path, problem


def _find_frame(finder: "_Finder", name: str, found: tuple[str, str]) -> tuple[str, str]:
    """Return the path and the problem of a name, which may be that of a frame in a file."""
    named = split_frame_name(name)
    if named is None or (found[0] and _is_there(found[0])):
        return found
    [(path, problem)] = finder.find([named[0]])
    return (frame_name(path, named[1]), "") if path and _is_there(path) else (path and found[0], problem)


class _Finder:
    """Finds the files that names stand for, relative to a folder.

    Args:
        folder: The table's folder: an absolute path or an address.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def find(self, names: Sequence[str]) -> list[tuple[str, str]]:
        """Return for each name the path that it stands for, or an empty one and the problem."""
        paths = {name: self._at_its_path(name) for name in names}
        files, problems = self._by_name([name for name, path in paths.items() if path is None])
        found = {
            name: files.get(name, self._as_written(name)) if path is None else path for name, path in paths.items()
        }
        return [("", problems[name]) if name in problems else (found[name], "") for name in names]

    def _as_written(self, name: str) -> str:
        """Return the path of a file that is not there; nothing for a cell that holds no value."""
        return "" if taxonomy.is_missing(name) else join_path(self.folder, name)

    def _at_its_path(self, name: str) -> str | None:
        """Return the file at a name's own path, beside the table or in `images`; None where there is none, or several."""
        if not name or is_address(name):
            return name
        path, has_suffix = join_path(self.folder, name), _suffix(name) in SUFFIXES
        if is_address(self.folder) and has_suffix:
            return path  # asking a store whether each exists would take longer than reading them
        suffixes = ("",) if has_suffix else ("", *_ID_SUFFIXES)
        folders = (self.folder, join_path(self.folder, "images"))
        candidates = [join_path(place, name + suffix) for place, suffix in product(folders, suffixes)]
        there = list(filter(_is_there, candidates))
        return there[0] if there and (len(there) == 1 or there[0] == path) else None

    @cached_property
    def _files(self) -> list[Path]:
        """The images below the folder; none if there are too many to search."""
        links: set[str] = set()
        names = list(islice(list_files(self.folder, links.add), _MAX_FILES + 1))
        paths = [] if len(names) > _MAX_FILES else [Path(self.folder, name) for name in names]
        return [path for path in paths if str(path) not in links and is_image(path)]

    def _by_name(self, names: list[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Return the files of names that are not at their own path, and the problems of names that may be several."""
        if not names or is_address(self.folder) or not self._files:
            return {}, {}
        table = Table(Path(self.folder, "table"), (), tuple(TableRow(name, {}) for name in names))
        try:
            rows = match_rows(table, Path(self.folder), self._files).rows
        except DatasetError as error:
            if len(names) == 1:
                return {}, {names[0]: str(error)}
            half = len(names) // 2
            (files, problems), (more, others) = self._by_name(names[:half]), self._by_name(names[half:])
            return files | more, problems | others
        files = {row.name: str(path) for path, own in rows.items() for row in own}
        if not files:
            return {}, {}
        # Of several names for one file the best is matched: the others follow once it is out of their way.
        more, problems = self._by_name([name for name in names if name not in files])
        return {name: path for name, path in files.items() if _agrees(name, Path(path))} | more, problems


def _agrees(name: str, path: Path) -> bool:
    """Return whether a file lies in the folders that a name gives; of a path from elsewhere in the last of them.

    Many cameras call their first image `IMG_0001.jpg`: one in another patient's folder is another image.
    """
    name = name.strip()
    folders = [part for part in re.split(r"[/\\]+", _DRIVE.sub("/", name))[:-1] if part not in ("", ".")]
    own = [_fold(part) for part in path.parent.parts]
    shared = next(
        (count for count, part in enumerate(reversed(folders)) if _fold(part) != own[-1 - count]), len(folders)
    )
    is_absolute = bool(_DRIVE.match(name)) or name.startswith(("/", "\\"))
    return shared >= min(1, len(folders)) if is_absolute else shared == len(folders)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _is_there(path: str) -> bool:
    try:
        return exists(path) and (is_address(path) or not Path(path).is_dir())
    except (DatasetError, OSError, ValueError):  # an address that cannot be reached, a name that is none
        return False


def _names(source: str) -> Iterator[str]:
    """Yield the names of images in a table; empty ones too."""
    if _suffix(source) == ".txt" and not _has_header(source):
        yield from _lines(source)
        return
    # A run over millions of rows does not end at one that is too long: only the cell of the path matters.
    with open_table(source, _open(source), strict=False) as table:
        column = find_image_column(table.columns)
        if column is None:
            raise DatasetError(
                f"{source}: no column names the images (it has {', '.join(table.columns) or 'none'}); expected one of "
                f"{', '.join(sorted(IMAGE_COLUMNS, key=len))}"
            )
        yield from (name for (name,) in table.read([column]))


def _has_header(source: str) -> bool:
    """Return whether a text file is a table: its first line names an image column, and no file."""
    try:
        with open_table(source, _open(source), strict=False) as table:
            column = find_image_column(table.columns)
            alone = table.columns[0] if len(table.columns) == 1 else ""
            return column is not None and not (alone and exists(join_path(parent_folder(source), alone)))
    except DatasetError:
        return False  # reading it as a list of paths says what is wrong


def _open(source: str) -> BinaryIO:
    try:
        return open_binary(source)
    except OSError as error:
        raise DatasetError(
            f"{source}: cannot be opened ({error}); expected a table with the paths of images"
        ) from error


def _lines(source: str) -> Iterator[str]:
    try:
        with io.BufferedReader(cast("Any", open_binary(source)), 2**16) as file, open_text(file, strict=False) as text:
            lines = decode_lines(source, text, strict=False)
            yield from (name for line in lines if (name := line.strip("\r\n")))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{source}: cannot be read as a list of paths ({error}); expected UTF-8 text") from error


def _last(path: str) -> str:
    return re.split(r"[/\\]", path)[-1]


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()  # noqa: PTH122 - addresses too
