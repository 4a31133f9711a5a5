"""Matching the rows of a table to image files: by path first, then by name; a name that stands for two files is refused."""

import functools
import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from melanoma_detect.data.sources.folder_names import clean_name
from melanoma_detect.data.sources.table import Table, TableRow
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.formats import SUFFIXES
from melanoma_detect.utils.csv_cells import plain_cell
from melanoma_detect.utils.regular_files import open_regular

# "a(1)" is a second download of a; "_downsampled" is the ISIC 2019 challenge's own suffix.
_COPY = re.compile(r"\s*\((\d+)\)$")
_DOWNSAMPLED = "_downsampled"
_ISIC = re.compile(r"isic_\d{7}")
_NUMBER = re.compile(r"(\d{1,15})(?:\.0+)?")
_DRIVE = re.compile(r"[A-Za-z]:(?=[/\\])")


@dataclass(frozen=True)
class Match:
    """The rows of each image file.

    Attributes:
        rows: For each file that the table names its rows, in the order of the table. Several rows may name one file.
        unmatched: The rows whose file is not there.
    """

    rows: Mapping[Path, tuple[TableRow, ...]]
    unmatched: tuple[TableRow, ...]


class _Name(NamedTuple):
    """A file's path, or a cell that names a file: its folders, and its name with and without the suffix of an image."""

    folders: tuple[str, ...]
    name: str
    stem: str

    @property
    def has_suffix(self) -> bool:
        return self.name != self.stem

    @property
    def bare(self) -> str:
        """The name in small letters, without the marks of a second download."""
        stem = self.stem.casefold()
        return (_COPY.sub("", stem) if stem.endswith(")") else stem).removesuffix(_DOWNSAMPLED)

    @property
    def copy(self) -> str:
        found = _COPY.search(self.stem) if self.stem.endswith(")") else None
        return found[1] if found else ""

    @property
    def is_isic(self) -> bool:
        """Whether it is an id of the ISIC archive, which stands for one image in every collection."""
        return bool(_ISIC.fullmatch(self.bare))


class _Claim(NamedTuple):
    """A file that a name may stand for.

    Attributes:
        file: Its position.
        depth: How many folders of the name, counted from its end, are the file's.
        level: How the names agree: exactly 0, but for the case 1, but for the suffix 2 and 3, but for marks of a copy 4.
        certain: Whether nothing in the name contradicts the file.
    """

    file: int
    depth: int
    level: int
    certain: bool


def match_rows(table: Table, root: Path, files: Iterable[Path]) -> Match:
    """Find the file that each row of a table names.

    A cell may be a path (absolute, relative to the table or to the root, or any ending of the file's path; with slashes or
    backslashes), a file's name, or a name without suffix. Case and Unicode form count only where they tell two files apart.
    The longest ending wins. `a(1).jpg` is a second download of `a.jpg`, and an id of the ISIC archive stands for one image
    wherever it lies.

    Args:
        table: The table.
        root: The folder of the images.
        files: The image files, as absolute paths.

    Returns:
        The rows of each file, and the rows without a file.

    Raises:
        DatasetError: A name stands for two different files, or two different paths may stand for one file.

    Examples:
        >>> table = Table(Path("t.csv"), ("dx",), (TableRow("b/1.jpg", {"dx": "nv"}), TableRow("c", {"dx": "mel"})))
        >>> match = match_rows(table, Path("/set"), [Path("/set/a/1.jpg"), Path("/set/b/1.jpg")])
        >>> {path.as_posix(): rows[0].cells["dx"] for path, rows in match.rows.items()}
        {'/set/b/1.jpg': 'nv'}
        >>> [row.name for row in match.unmatched]
        ['c']
    """
    return _Matcher(table, root, list(files)).match()


class _Matcher:
    """The names of one table and the files of one folder."""

    def __init__(self, table: Table, root: Path, files: list[Path]) -> None:
        self.table, self.root, self.files = table, root, files
        self.paths = [_parse_file(os.fspath(path)) for path in files]
        self.by_level: dict[int, dict[str, list[int]]] = {}
        self.rows: dict[_Name, list[TableRow]] = defaultdict(list)
        for row in table.rows:
            self.rows[self._name_of(row)].append(row)

    def _name_of(self, row: TableRow) -> _Name:
        """Return the name of a row: as it is written, or as this library's CSV tables protect it (see `csv_cell`)."""
        name, plain = _parse(row.name), plain_cell(row.name)
        return name if plain == row.name or self._find_claims(name) else _parse(plain)

    def match(self) -> Match:
        claims = {name: self._find_claims(name) for name in self.rows}
        claims = self._drop_other_folders(claims)
        chosen = self._choose(claims)
        names = self._names_of_files(chosen)
        self._add_copies(names)
        self._add_numbers(names)
        used = set(chain.from_iterable(names.values()))
        order = {id(row): place for place, row in enumerate(self.table.rows)}
        rows = {
            self.files[file]: tuple(
                sorted((row for name in own for row in self.rows[name]), key=lambda row: order[id(row)])
            )
            for file, own in sorted(names.items())
        }
        unmatched = (row for name, own in self.rows.items() if name not in used for row in own)
        return Match(rows, tuple(sorted(unmatched, key=lambda row: order[id(row)])))

    def _find_claims(self, name: _Name) -> list[_Claim]:
        """Return the files that a name fits best: those in all of its folders, or else in the most of them."""
        found: dict[int, _Claim] = {}
        for level, key in enumerate(_LEVELS):
            if any(claim.depth == len(name.folders) for claim in found.values()):
                break  # another way of writing it cannot fit better
            for file in self._files_by(level).get(key(name), ()):
                path = self.paths[file]
                if file in found or (name.copy and path.copy and name.copy != path.copy):
                    continue
                depth = _shared_folders(name.folders, path.folders)
                other_suffix = level > 1 and name.has_suffix and path.has_suffix
                found[file] = _Claim(file, depth, level, depth == len(name.folders) and not other_suffix)
        if not found:
            return []
        best = min((-claim.depth, claim.level) for claim in found.values())
        return [claim for claim in found.values() if (-claim.depth, claim.level) == best]

    def _files_by(self, level: int) -> dict[str, list[int]]:
        """Return the files by their names, as they are compared at a level; most tables need the first levels alone."""
        if level not in self.by_level:
            files = self.by_level[level] = defaultdict(list)
            for file, path in enumerate(self.paths):
                files[_LEVELS[level](path)].append(file)
        return self.by_level[level]

    def _drop_other_folders(self, claims: Mapping[_Name, list[_Claim]]) -> dict[_Name, list[_Claim]]:
        """Drop what fits by its name alone, where other rows show which of their folders is the root.

        With the rows `train/1.jpg` and `test/2.jpg`, the file `train/2.jpg` is not the second one's.
        """
        outside = {name: name.folders[: len(name.folders) - own[0].depth] for name, own in claims.items() if own}
        known = {outside[name] for name in outside if name.folders}
        deeper = {folders for folders in known if any(folders[:length] in known for length in range(len(folders)))}
        return {
            name: [] if own and outside[name] in deeper and not name.is_isic else own for name, own in claims.items()
        }

    def _choose(self, claims: Mapping[_Name, list[_Claim]]) -> dict[_Name, list[_Claim]]:
        """Choose the file of each name; longer paths first, since they tell what shorter ones may not mean."""
        taken: set[int] = set()
        chosen: dict[_Name, list[_Claim]] = {}
        for name in sorted(claims, key=lambda name: -len(name.folders)):
            own = claims[name]
            if len(own) > 1:
                own = self._at_the_exact_path(name, own) or [claim for claim in own if claim.file not in taken] or own
            if len(own) > 1:
                self._check_same_image(name, own)
            chosen[name] = own
            taken.update(claim.file for claim in own if claim.certain and name.folders)
        return chosen

    def _at_the_exact_path(self, name: _Name, claims: Sequence[_Claim]) -> list[_Claim]:
        """Return the file that lies at this very path below the root or beside the table."""
        if claims[0].level > 1 or not claims[0].certain:
            return []
        for folder in (self.root, self.table.path.parent.absolute()):
            own = _folders(os.fspath(folder)) + name.folders
            if exact := [claim for claim in claims if _fold(self.paths[claim.file].folders) == _fold(own)]:
                return exact
        return []

    def _check_same_image(self, name: _Name, claims: Sequence[_Claim]) -> None:
        if name.is_isic:
            return
        files = [self.files[claim.file] for claim in claims]
        if len({_digest(path) for path in files}) > 1:
            raise DatasetError(
                f"{self.table.path}: the name {self.rows[name][0].name!r} stands for two files, {files[0]} and {files[1]}; "
                "write the path of the image into the table, with its folder and suffix"
            )

    def _names_of_files(self, chosen: Mapping[_Name, list[_Claim]]) -> dict[int, list[_Name]]:
        """Return the names of each file: all that are certain, or else the one that fits best."""
        by_file: dict[int, list[tuple[_Claim, _Name]]] = defaultdict(list)
        for name, own in chosen.items():
            for claim in own:
                by_file[claim.file].append((claim, name))
        names = {}
        for file, claims in by_file.items():
            if not (best := [name for claim, name in claims if claim.certain or name.is_isic]):
                fit = min((-claim.depth, claim.level) for claim, _ in claims)
                best = [name for claim, name in claims if (-claim.depth, claim.level) == fit]
                if len(best) > 1:
                    first, second = (self.rows[name][0].name for name in best[:2])
                    raise DatasetError(
                        f"{self.table.path}: {first!r} and {second!r} may both stand for {self.files[file]}; expected one "
                        "path for each image, as it lies below the folder that is loaded"
                    )
            names[file] = best
        return names

    def _add_copies(self, names: dict[int, list[_Name]]) -> None:
        """Give a second download the rows of the first: of the same folder, or of the same id of the ISIC archive."""
        marked = any(name.copy for name in self.rows)
        files = [file for file, path in enumerate(self.paths) if file not in names or (marked and path.is_isic)]
        wanted = {self.paths[file].bare for file in files}
        by_bare: dict[str, list[_Name]] = defaultdict(list)
        for name in self.rows if wanted else ():
            if name.bare in wanted:
                by_bare[name.bare].append(name)
        places = defaultdict(set)
        for file, own in names.items() if by_bare else ():
            for name in own:
                places[name].add(self.paths[file].folders)
        for file in files:
            path, own = self.paths[file], names.get(file, [])
            if more := [
                name
                for name in by_bare[path.bare]
                if name not in own and (path.is_isic or (path.copy and not name.copy and path.folders in places[name]))
            ]:
                names[file] = own + more

    def _add_numbers(self, names: dict[int, list[_Name]]) -> None:
        """Match numbers that a spreadsheet has cut (1 or 1.0 for 001), where just one row and one file have the number."""
        used = set(chain.from_iterable(names.values()))
        rows, files = defaultdict(list), defaultdict(list)
        for name in self.rows:
            if name.name[:1].isdigit() and (number := _NUMBER.fullmatch(name.name)):
                rows[int(number[1])].append(name)
        for file, path in enumerate(self.paths):
            if rows and path.stem[:1].isdigit() and (number := _NUMBER.fullmatch(path.stem)):
                files[int(number[1])].append(file)
        for value, own in rows.items():
            here = files.get(value, ())
            if len(own) == len(here) == 1 and own[0] not in used and not own[0].folders and here[0] not in names:
                names[here[0]] = [own[0]]


def _parse(text: str) -> _Name:
    """Return the parts of a cell; on Windows, and in its tables, paths have backslashes and a drive."""
    text = text.strip()
    text = _DRIVE.sub("", text) if ":" in text[:2] else text
    folders, _, name = text.replace("\\", "/").rpartition("/")
    if name in (".", ".."):
        folders, name = f"{folders}/{name}", ""
    return _named(_folders(folders), name)


def _parse_file(path: str) -> _Name:
    folders, _, name = path.replace("\\", "/").rpartition("/")
    return _named(_folders(folders), name)


def _named(folders: tuple[str, ...], name: str) -> _Name:
    name = clean_name(name)
    stem, dot, suffix = name.rpartition(".")
    return _Name(folders, name, stem if dot and stem and f".{suffix.lower()}" in SUFFIXES else name)


@functools.lru_cache(maxsize=4096)
def _folders(text: str) -> tuple[str, ...]:
    parts: list[str] = []
    for part in text.replace("\\", "/").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(clean_name(part))
    return tuple(parts)


_LEVELS: tuple[Callable[[_Name], str], ...] = (
    lambda name: name.name,
    lambda name: name.name.casefold(),
    lambda name: name.stem,
    lambda name: name.stem.casefold(),
    lambda name: name.bare,
)


def _fold(folders: tuple[str, ...]) -> list[str]:
    return [folder.casefold() for folder in folders]


def _shared_folders(first: Sequence[str], second: Sequence[str]) -> int:
    """Return how many folders two paths share, counted from their ends."""
    count = 0
    for one, other in zip(reversed(first), reversed(second), strict=False):
        if one.casefold() != other.casefold():
            break
        count += 1
    return count


def _digest(path: Path) -> str:
    try:
        with open_regular(path, DatasetError) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, DatasetError):
        return str(path)
