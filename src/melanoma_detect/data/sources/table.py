"""Metadata tables: the diagnosis, lesion, patient and other columns of each image."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from melanoma_detect import taxonomy
from melanoma_detect.data.sources.table_file import open_table
from melanoma_detect.errors import DatasetError, DataWarning
from melanoma_detect.images.reader import SUFFIXES
from melanoma_detect.utils.user_warning import warn_user

FILE_NAME = "metadata.csv"
ID_COLUMNS = ("image_id", "isic_id", "image", "image_name", "id", "filename", "file")
GROUP_COLUMNS = ("lesion_id", "patient_id")
TRUTH_COLUMNS = ("isic2019_diagnosis",)
# The ISIC archive gives a diagnosis from coarse (diagnosis_1) to fine (diagnosis_5); the finest one that is filled is used.
_LABEL_COLUMNS = ("label", "dx", "diagnosis_5", "diagnosis_4", "diagnosis_3", "diagnosis_2", "diagnosis", "diagnosis_1")
_ONE_HOT = frozenset({"MEL", "NV", "BCC", "AK", "AKIEC", "BKL", "DF", "VASC", "SCC", "UNK"})
# "ISIC_0025601(1)" is a second download of ISIC_0025601; "_downsampled" is the ISIC 2019 challenge's own suffix.
_COPY = re.compile(r"\s*\(\d+\)$|_downsampled$")


@dataclass(frozen=True)
class Table:
    """A metadata table.

    Attributes:
        path: The file.
        columns: Its columns, without the one that names the image.
        rows: For the name of each image its other cells by column; empty cells are left out.
    """

    path: Path
    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, str]]

    def label(self, name: str) -> str:
        """Return the label of an image.

        Understood are the columns `label`, `dx` (HAM10000), `diagnosis` and `diagnosis_1` to `diagnosis_5` (ISIC archive), and
        one column of 0 and 1 for each code (ISIC 2018 and 2019).

        Args:
            name: The image's name, as `image_name` gives it.

        Returns:
            The label, or an empty string where the table has none.

        Examples:
            >>> Table(Path("t.csv"), ("dx",), {"a": {"dx": "nv"}}).label("a")
            'nv'
        """
        row = self.rows.get(name, {})
        if label := next((row[column] for column in _LABEL_COLUMNS if column in row), ""):
            return label
        codes = [column for column in self.columns if column.upper() in _ONE_HOT]
        if len(codes) < 2:
            return ""
        marked = [code for code in codes if _number(row.get(code, "")) >= 0.5]
        return marked[0] if len(marked) == 1 and marked[0].upper() != "UNK" else ""

    @property
    def has_labels(self) -> bool:
        """Whether a column gives the diagnosis."""
        return _has_labels(self.columns)

    def truth(self, name: str) -> frozenset[str]:
        """Return the codes of an image's authoritative diagnosis.

        The column `isic2019_diagnosis` takes precedence over the columns of `label`.

        Args:
            name: The image's name.

        Returns:
            Codes of the taxonomy; empty where the table has no diagnosis.

        Examples:
            >>> Table(Path("t.csv"), ("dx",), {"a": {"dx": "nv"}}).truth("a")
            frozenset({'NV'})
        """
        row = self.rows.get(name, {})
        diagnosis = next((row[column] for column in TRUTH_COLUMNS if column in row), "") or self.label(name)
        return taxonomy.meaning(diagnosis) if diagnosis else frozenset()


class Description(NamedTuple):
    """The row of one image.

    Attributes:
        metadata: Its cells by column; empty for an image that the table does not list.
        keys: The lesion and the patient, as `"lesion_id L1"`: images that share one belong to one group.
    """

    metadata: Mapping[str, str]
    keys: list[str]


def image_name(path: Path) -> str:
    """Return the name that a metadata table gives an image file.

    Args:
        path: An image file.

    Returns:
        The file's name without its suffix and without the marks of a second download.

    Examples:
        >>> image_name(Path("Train/basal cell carcinoma/ISIC_0025601(1).jpg"))
        'ISIC_0025601'
    """
    return _COPY.sub("", path.stem)


def read_table(path: Path) -> Table:
    """Read a metadata table: one row an image; see `table_file.open_table` for the formats.

    Args:
        path: The file; one of its columns is image_id, isic_id, image, image_name, id, filename or file.

    Returns:
        The table.

    Raises:
        DatasetError: The file is missing or not a table, or no column names the images.

    Examples:
        >>> read_table(isic9 / "metadata.csv").columns
        ('lesion_id',)
    """
    rows: dict[str, dict[str, str]] = {}
    with _open(path) as file, open_table(str(path), file) as table:
        names = _name_column(table.columns)
        if names is None:
            raise DatasetError(
                f"{path}: no column names the images (it has {', '.join(table.columns)}); expected one of "
                f"{', '.join(ID_COLUMNS)}"
            )
        others = [index for index in range(len(table.columns)) if index != names]
        columns = tuple(table.columns[index] for index in others)
        for name, *cells in table.read([names, *others]):
            # An image and its second download may each have a row: a cell that is empty in the first is taken from the second.
            row = rows.setdefault(_without_suffix(name.strip()), {})
            for column, cell in zip(columns, cells, strict=True):
                if text := cell.strip():
                    row.setdefault(column, text)
    return Table(path, columns, rows)


def has_image_labels(path: Path) -> bool:
    """Return whether a table names images and gives their labels; only its header is read.

    Args:
        path: A file that may not be a table at all.

    Returns:
        Whether it does.

    Examples:
        >>> has_image_labels(isic9 / "metadata.csv")
        False
    """
    try:
        columns = _read_columns(path)
    except DatasetError:
        return False
    return _name_column(columns) is not None and _has_labels(columns)


def find_table(path: Path) -> Table | None:
    """Read the table that lies beside a folder's images, if there is one that names images.

    Args:
        path: The table's path; there may be no file.

    Returns:
        The table, or None.

    Raises:
        DatasetError: The file is not a table.

    Warns:
        DataWarning: No column names the images.

    Examples:
        >>> find_table(isic9 / "nothing.csv") is None
        True
    """
    if not path.is_file():
        return None
    columns = _read_columns(path)
    if _name_column(columns) is not None:
        return read_table(path)
    _warn_unused(path, f"it has the columns {', '.join(columns)}")
    return None


def describe(table: Table, paths: Sequence[Path], groups: Sequence[str] | None = None) -> list[Description]:
    """Look up the row of each image.

    Args:
        table: The table.
        paths: The image files.
        groups: Columns whose values name the images that belong together; lesion_id and patient_id where it is None.

    Returns:
        One description an image, in order.

    Raises:
        DatasetError: A column of `groups` is not in the table.

    Warns:
        DataWarning: The table groups no image.

    Examples:
        >>> table = read_table(isic9 / "metadata.csv")
        >>> len(describe(table, data.train.paths)) == len(data.train)
        True
    """
    chosen = _group_columns(table, groups)
    names = [image_name(path) for path in paths]
    rows = [table.rows.get(name, {}) for name in names]
    descriptions = [Description(row, group_keys(row, chosen)) for row in rows]
    if not any(name in table.rows for name in names):
        _warn_unused(table.path, f"none of its {len(table.rows)} rows names an image here")
    elif not table.has_labels and not any(described.keys for described in descriptions):
        _warn_unused(
            table.path,
            f"it has the columns {', '.join(table.columns)} and names no lesion or patient of an image here",
        )
    return descriptions


def group_keys(row: Mapping[str, str], columns: Sequence[str] = GROUP_COLUMNS) -> list[str]:
    """Return the keys that an image shares with others of its lesion or patient.

    Args:
        row: The image's cells by column.
        columns: The columns that group.

    Returns:
        One key for each of these columns that is filled.

    Examples:
        >>> group_keys({"lesion_id": "L1", "age": "45"})
        ['lesion_id L1']
    """
    return [f"{column} {row[column]}" for column in columns if column in row]


def _group_columns(table: Table, groups: Sequence[str] | None) -> list[str]:
    if groups is None:
        return [name for name in GROUP_COLUMNS if name in table.columns]
    missing = [name for name in groups if name not in table.columns]
    if missing:
        raise DatasetError(
            f"{table.path}: no column {missing[0]!r} to group by; expected one of {', '.join(table.columns)}"
        )
    return list(groups)


def _name_column(columns: Sequence[str]) -> int | None:
    """Return the position of the column that names the images."""
    return next((columns.index(name) for name in ID_COLUMNS if name in columns), None)


def _has_labels(columns: Sequence[str]) -> bool:
    return any(name in columns for name in _LABEL_COLUMNS) or len(_ONE_HOT & set(columns)) > 1


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _without_suffix(name: str) -> str:
    return image_name(Path(name)) if Path(name).suffix.lower() in SUFFIXES else _COPY.sub("", name)


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise DatasetError(f"{path}: cannot be opened ({error.strerror}); expected a table of the images") from error


def _read_columns(path: Path) -> tuple[str, ...]:
    with _open(path) as file, open_table(str(path), file) as table:
        return table.columns


def _warn_unused(path: Path, reason: str) -> None:
    warn_user(
        f"{path} groups nothing: {reason}; expected one of {', '.join(ID_COLUMNS)}, and one of "
        f"{', '.join(GROUP_COLUMNS)}",
        DataWarning,
    )
