"""The table beside the pictures: which of them show one lesion or one patient."""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from melanoma_detect.data.images import SUFFIXES
from melanoma_detect.data.records import Record
from melanoma_detect.errors import DatasetError, DataWarning

FILE_NAME = "metadata.csv"
ID_COLUMNS = ("image_id", "isic_id", "image", "image_name", "id")
GROUP_COLUMNS = ("lesion_id", "patient_id")
# "ISIC_0025601(1)" is a second download of ISIC_0025601; "_downsampled" is the ISIC 2019 challenge's own suffix.
_COPY = re.compile(r"\s*\(\d+\)$|_downsampled$")


def picture_name(path: Path) -> str:
    """Return the id that a metadata table knows a file by.

    Args:
        path: A picture file.

    Returns:
        The file's name without its suffix and without the marks of a second download.

    Examples:
        >>> picture_name(Path("Train/basal cell carcinoma/ISIC_0025601(1).jpg"))
        'ISIC_0025601'
    """
    return _COPY.sub("", path.stem)


def group_keys(table: Path, records: Sequence[Record]) -> dict[str, list[str]]:
    """Read from a table which lesion and which patient each record shows.

    Args:
        table: A CSV file with one of the columns image_id, isic_id, image, image_name, id, and with lesion_id or patient_id
            or both.
        records: The records to look up.

    Returns:
        For the id of each record that the table knows, its lesion and its patient.

    Raises:
        DatasetError: The file is no CSV table.

    Examples:
        >>> group_keys(Path("nowhere/metadata.csv"), [])
        {}
    """
    if not table.is_file():
        return {}
    rows = _read(table)
    column = next((name for name in ID_COLUMNS if name in rows), None)
    groups = [name for name in GROUP_COLUMNS if name in rows]
    if column is None or not groups:
        _warn_unused(table, f"it has the columns {', '.join(map(str, rows.columns))}")
        return {}
    by_name = {
        _without_suffix(name): [f"{kind} {value}" for kind, value in zip(groups, values, strict=True) if value]
        for name, *values in rows[[column, *groups]].itertuples(index=False)
    }
    keys = {record.id: found for record in records if (found := by_name.get(picture_name(record.path)))}
    if not keys:
        _warn_unused(table, f"none of its {len(rows)} rows names a lesion or patient of a picture here")
    return keys


def _without_suffix(name: str) -> str:
    return name.removesuffix(Path(name).suffix) if Path(name).suffix.lower() in SUFFIXES else name


def _read(table: Path) -> pd.DataFrame:
    try:
        rows = pd.read_csv(table, dtype=str, keep_default_na=False)
        if len(rows.columns) == 1 and ";" in str(rows.columns[0]):
            rows = pd.read_csv(table, dtype=str, keep_default_na=False, sep=";")
    except (OSError, ValueError) as error:
        raise DatasetError(f"{table}: cannot be read as a table ({error}); mend it or take it out") from error
    return pd.DataFrame({name: rows[name].str.strip() for name in rows})


def _warn_unused(table: Path, found: str) -> None:
    warnings.warn(
        f"{table} is not used: {found}; expected one of {', '.join(ID_COLUMNS)}, and one of {', '.join(GROUP_COLUMNS)}",
        DataWarning,
        stacklevel=5,
    )
