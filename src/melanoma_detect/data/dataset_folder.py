"""A dataset written as a folder of its own: images by split and class, with the table that keeps lesions together."""

import csv
import io
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.record import SPLITS, Record
from melanoma_detect.data.sources.columns import (
    CASE_COLUMNS,
    IMAGE_COLUMNS,
    LABEL_COLUMNS,
    LESION_COLUMNS,
    LEVEL_COLUMNS,
    MALIGNANCY_COLUMNS,
    PATIENT_COLUMNS,
    SPLIT_COLUMNS,
    normalize,
)
from melanoma_detect.errors import OutputError
from melanoma_detect.utils.csv_cells import csv_cell
from melanoma_detect.utils.file_names import fitting_name
from melanoma_detect.utils.files import atomic_folder, convert_write_errors
from melanoma_detect.utils.outputs import check_is_path, check_output_folder
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.progress import track
from melanoma_detect.utils.regular_files import open_regular

TABLE = "metadata.csv"
_COLUMNS = ("image", "lesion_id", "parent")
_MARKS = frozenset(_COLUMNS)  # by these columns a folder is known as one that was written here
_FOLDERS = {"train": "Train", "validation": "Validation", "test": "Test"}
_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
# What the folder itself says: by its classes, its splits, and the column lesion_id.
_SAID_BY_FOLDER = frozenset(
    normalize(column)
    for columns in (
        *(IMAGE_COLUMNS, LABEL_COLUMNS, LEVEL_COLUMNS, MALIGNANCY_COLUMNS, SPLIT_COLUMNS),
        *(LESION_COLUMNS, PATIENT_COLUMNS, CASE_COLUMNS, _COLUMNS),
    )
    for column in columns
)


def check_dataset_folder(
    out: "str | os.PathLike[str]", *, overwrite: bool, inputs: "Iterable[str | os.PathLike[str]]" = ()
) -> Path:
    """Raise OutputError unless a dataset can be written to a folder.

    Args:
        out: The folder.
        overwrite: Whether a folder that `write_dataset` has written may be replaced. No other folder ever is.
        inputs: Files and folders that are read: the folder may neither be nor hold one of them.

    Returns:
        The folder, with `~` expanded.

    Raises:
        OutputError: It is a file, holds other files or an input, or cannot be written.

    Examples:
        >>> check_dataset_folder("balanced", overwrite=False).name
        'balanced'
    """
    check_is_path(out)
    folder = expand_path(out)
    if os.path.lexists(folder) and not folder.is_dir():
        raise OutputError(f"{folder}: is a file; expected a folder to write the images into")
    check_output_folder(folder, inputs=inputs)
    if not (folder.is_dir() and any(folder.iterdir())):
        return folder
    if not overwrite:
        raise OutputError(f"{folder}: is not empty; choose another folder, or overwrite it (overwrite=True)")
    if not set(_read_header(folder / TABLE)) >= _MARKS:
        raise OutputError(f"{folder}: was not written by this command, so it is not overwritten; choose another folder")
    return folder


def write_dataset(
    data: Dataset, out: "str | os.PathLike[str]", *, overwrite: bool = False, progress: bool = True
) -> Path:
    """Write a dataset as a folder that `load_dataset` reads back: the same classes, splits and groups.

    Images are copied byte for byte to `Train/`, `Validation/` and `Test/`, each with a folder per class. The table
    metadata.csv names for each image the `lesion_id` (one for all images that belong together: a copy by `balance` has that
    of its parent), the `parent` (empty for an original image), and what else the sources' tables said about it.

    Args:
        data: The dataset, balanced or not.
        out: The folder to write; complete or absent.
        overwrite: Replace a folder that was written so before.
        progress: Draw a progress bar.

    Returns:
        The folder.

    Raises:
        OutputError: The folder exists or cannot be written.

    Examples:
        >>> folder = write_dataset(md.balance(data, to=30, progress=False), "balanced", progress=False)
        >>> again = md.load_dataset(folder)
        >>> again.distribution().equals(md.balance(data, to=30, progress=False).distribution())
        True
    """
    folder = check_dataset_folder(out, overwrite=overwrite, inputs=[record.path for record in data.records])
    names = _name_images(data.records)
    with atomic_folder(folder, replace=True) as partial, convert_write_errors(folder):
        for record in track(data.records, "copying", len(data), shown=progress):
            target = partial / names[record.id]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(record.path, target)
        _write_table(partial / TABLE, data.records, names)
        check_dataset_folder(folder, overwrite=overwrite)  # what has appeared there meanwhile stays
    return folder


def _name_images(records: Sequence[Record]) -> dict[str, str]:
    """Return the path of each image within the folder, by its id: its own name, or with a number where two have one."""
    names: dict[str, str] = {}
    taken: Counter[str] = Counter()
    for record in records:
        folder = f"{_FOLDERS[record.split]}/{fitting_name(_UNSAFE.sub('_', record.label))}"
        stem, suffix = fitting_name(_UNSAFE.sub("_", record.path.stem)), record.path.suffix
        taken[wanted := f"{folder}/{stem}{suffix}".casefold()] += 1  # some file systems ignore case
        number = f"-{taken[wanted]}" if taken[wanted] > 1 else ""
        names[record.id] = f"{folder}/{stem}{number}{suffix}"
    return names


def _write_table(path: Path, records: Sequence[Record], names: dict[str, str]) -> None:
    others = sorted({key for record in records for key in record.metadata if normalize(key) not in _SAID_BY_FOLDER})
    lesions = {group: f"lesion_{number:05d}" for number, group in enumerate(dict.fromkeys(_groups(records)))}
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow([*_COLUMNS, *map(csv_cell, others)])
        for record in records:
            parent = names[record.parent] if record.parent else ""
            known = [record.metadata.get(key, "") for key in others]
            table.writerow(map(csv_cell, [names[record.id], lesions[record.group], parent, *known]))


def _groups(records: Sequence[Record]) -> Iterator[str]:
    for split in SPLITS:
        yield from (record.group for record in records if record.split == split)


def _read_header(path: Path) -> list[str]:
    try:
        with io.TextIOWrapper(open_regular(path, OutputError), encoding="utf-8", newline="") as file:
            return next(csv.reader(file), [])
    except OutputError:
        raise
    except (OSError, ValueError, csv.Error):
        return []
