"""Tables about images: which lesion and patient each shows, what it is, and whatever else a column says."""

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from melanoma_detect import taxonomy
from melanoma_detect.data.record import Record
from melanoma_detect.errors import DatasetError, DataWarning
from melanoma_detect.images.reader import SUFFIXES

FILE_NAME = "metadata.csv"
ID_COLUMNS = ("image_id", "isic_id", "image", "image_name", "id", "filename", "file")
GROUP_COLUMNS = ("lesion_id", "patient_id")
TRUTH_COLUMNS = ("isic2019_diagnosis",)
# The ISIC archive tells a diagnosis from coarse (diagnosis_1) to fine (diagnosis_5); the finest that is filled counts.
_LABEL_COLUMNS = ("label", "dx", "diagnosis_5", "diagnosis_4", "diagnosis_3", "diagnosis_2", "diagnosis", "diagnosis_1")
_ONE_HOT = frozenset({"MEL", "NV", "BCC", "AK", "AKIEC", "BKL", "DF", "VASC", "SCC", "UNK"})
# "ISIC_0025601(1)" is a second download of ISIC_0025601; "_downsampled" is the ISIC 2019 challenge's own suffix.
_COPY = re.compile(r"\s*\(\d+\)$|_downsampled$")


@dataclass(frozen=True)
class Table:
    """A table about images.

    Attributes:
        path: Where it lies.
        columns: Its columns, without the one that names the image.
        rows: For the name of each image what the other columns say; empty cells are left out.
    """

    path: Path
    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, str]]

    def label(self, name: str) -> str:
        """Return what the table calls an image.

        Understood are the columns `label`, `dx` (HAM10000), `diagnosis` and `diagnosis_1` to `diagnosis_5` (ISIC archive), and
        one column of 0 and 1 for each code (ISIC 2018 and 2019).

        Args:
            name: The image's name, as `image_name` gives it.

        Returns:
            The label, or an empty text where the table has none.

        Examples:
            >>> Table(Path("t.csv"), ("dx",), {"a": {"dx": "nv"}}).label("a")
            'nv'
        """
        row = self.rows.get(name, {})
        if found := next((row[column] for column in _LABEL_COLUMNS if column in row), ""):
            return found
        codes = [column for column in self.columns if column.upper() in _ONE_HOT]
        if len(codes) < 2:
            return ""
        marked = [code for code in codes if _number(row.get(code, "")) >= 0.5]
        return marked[0] if len(marked) == 1 and marked[0].upper() != "UNK" else ""

    @property
    def has_labels(self) -> bool:
        """Whether it says what images show."""
        return any(name in self.columns for name in _LABEL_COLUMNS) or len(_ONE_HOT & set(self.columns)) > 1

    def truth(self, name: str) -> frozenset[str]:
        """Return the codes of what the table holds to be true of an image.

        The column `isic2019_diagnosis` goes before the columns of `label`.

        Args:
            name: The image's name.

        Returns:
            Codes of the taxonomy; empty where the table does not know.

        Examples:
            >>> Table(Path("t.csv"), ("dx",), {"a": {"dx": "nv"}}).truth("a")
            frozenset({'NV'})
        """
        row = self.rows.get(name, {})
        said = next((row[column] for column in TRUTH_COLUMNS if column in row), "") or self.label(name)
        return taxonomy.meaning(said) if said else frozenset()


def image_name(path: Path) -> str:
    """Return the id that a metadata table knows a file by.

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
    """Read a table about images: comma- or semicolon-separated, one row an image.

    Args:
        path: The file; one of its columns is image_id, isic_id, image, image_name, id, filename or file.

    Returns:
        The table.

    Raises:
        DatasetError: The file is missing, no table, or names no images.

    Examples:
        >>> read_table(isic9 / "metadata.csv").columns
        ('lesion_id',)
    """
    rows = _read(path)
    column = next((name for name in ID_COLUMNS if name in rows), None)
    if column is None:
        raise DatasetError(
            f"{path}: no column names the images (it has {', '.join(map(str, rows.columns))}); expected one of "
            f"{', '.join(ID_COLUMNS)}"
        )
    others = tuple(str(name) for name in rows.columns if name != column)
    said: dict[str, dict[str, str]] = {}
    for name, *values in rows[[column, *others]].itertuples(index=False):
        # An image and its second download may each have a row: what one leaves empty, the other may say.
        row = said.setdefault(_without_suffix(name), {})
        row.update({key: value for key, value in zip(others, values, strict=True) if value and key not in row})
    return Table(path, others, said)


def find_table(path: Path) -> Table | None:
    """Read the table that lies beside a folder's images, if it can be of use.

    Args:
        path: Where it would lie.

    Returns:
        The table, or None where there is none or it names no images.

    Raises:
        DatasetError: The file is no table.

    Warns:
        DataWarning: It names no images.

    Examples:
        >>> find_table(isic9 / "nothing.csv") is None
        True
    """
    if not path.is_file():
        return None
    columns = list(_read(path).columns)
    if any(name in columns for name in ID_COLUMNS):
        return read_table(path)
    _warn_unused(path, f"it has the columns {', '.join(map(str, columns))}")
    return None


def describe(
    table: Table, records: Sequence[Record], groups: Sequence[str] | None = None
) -> dict[str, tuple[Mapping[str, str], list[str]]]:
    """Look up what a table says about each record.

    Args:
        table: The table.
        records: The records.
        groups: Columns whose values say which records belong together; lesion_id and patient_id where it is None.

    Returns:
        For the id of each record that the table knows: all that it says, and the keys that the record shares with others of its
        lesion or patient.

    Raises:
        DatasetError: A column of `groups` is not in the table.

    Warns:
        DataWarning: The table groups nothing here.

    Examples:
        >>> table = read_table(isic9 / "metadata.csv")
        >>> described = describe(table, data.records)
        >>> len(described) == len(data)
        True
    """
    chosen = _group_columns(table, groups)
    found: dict[str, tuple[Mapping[str, str], list[str]]] = {}
    for record in records:
        row = table.rows.get(image_name(record.path))
        if row is not None:
            found[record.id] = (row, [f"{column} {row[column]}" for column in chosen if column in row])
    if not found:
        _warn_unused(table.path, f"none of its {len(table.rows)} rows names an image here")
    elif not any(keys for _, keys in found.values()) and not table.has_labels:
        _warn_unused(
            table.path,
            f"it has the columns {', '.join(table.columns)} and names no lesion or patient of an image here",
        )
    return found


def _group_columns(table: Table, groups: Sequence[str] | None) -> list[str]:
    if groups is None:
        return [name for name in GROUP_COLUMNS if name in table.columns]
    missing = [name for name in groups if name not in table.columns]
    if missing:
        raise DatasetError(
            f"{table.path}: no column {missing[0]!r} to group by; expected one of {', '.join(table.columns)}"
        )
    return list(groups)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _without_suffix(name: str) -> str:
    return image_name(Path(name)) if Path(name).suffix.lower() in SUFFIXES else _COPY.sub("", name)


def _read(table: Path) -> pd.DataFrame:
    try:
        rows = pd.read_csv(table, dtype=str, keep_default_na=False)
        for separator in (";", "\t"):
            if len(rows.columns) == 1 and separator in str(rows.columns[0]):
                rows = pd.read_csv(table, dtype=str, keep_default_na=False, sep=separator)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{table}: cannot be read as a table ({error}); mend it or take it out") from error
    return pd.DataFrame({name: rows[name].str.strip() for name in rows})


def _warn_unused(path: Path, found: str) -> None:
    warnings.warn(
        f"{path} groups nothing: {found}; expected one of {', '.join(ID_COLUMNS)}, and one of "
        f"{', '.join(GROUP_COLUMNS)}",
        DataWarning,
        stacklevel=5,
    )
