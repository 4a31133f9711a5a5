"""From a folder to a Dataset: read, group, split, and say what is wrong."""

import os
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.metadata import FILE_NAME, group_keys
from melanoma_detect.data.records import Record, SetAside, Split
from melanoma_detect.data.sources import FolderContents, read_folder
from melanoma_detect.data.split import cut, join_groups, set_leaks_aside
from melanoma_detect.errors import DatasetError, DataWarning


def load_dataset(
    folder: "str | os.PathLike[str]",
    *,
    validation: float = 0.2,
    test: float = 0.2,
    seed: int = 123,
    image_size: tuple[int, int] = (180, 180),
    batch_size: int = 32,
) -> Dataset:
    """Load a folder of pictures as a Dataset without a leak.

    The folder holds `Train` and `Test` (in any case; also `Validation`), each with one folder per diagnosis, or the diagnosis
    folders alone; both may stand one folder deeper. Files with the same bytes form a group, and so do the pictures of one
    `lesion_id` or `patient_id` where a `metadata.csv` beside `Train` names them. A group never stands in two splits: what the
    folder's own Test shares with Train is set aside, with one warning, and stays in `data.set_aside` with its reason.

    Args:
        folder: The folder.
        validation: The fraction of the training pictures that is cut off for validation; 0 for none.
        test: The fraction that is cut off for the test, where the folder gives none; 1 takes every picture for the test, as for
            pictures that a detector is to be measured on.
        seed: Where the splits come from.
        image_size: `(height, width)` in pixels that pictures are read at unless told otherwise.
        batch_size: Pictures in a batch unless told otherwise.

    Returns:
        The Dataset.

    Raises:
        DatasetError: The folder cannot become a dataset; the message names the file and what to do.
        ImageError: A file with a picture's name is none.

    Warns:
        DataWarning: Pictures leak from Train to Test, carry two labels, or files are no pictures.

    Examples:
        >>> data = load_dataset(isic9)
        >>> data.classes[3]
        'melanoma'
    """
    _refuse_sizes(image_size, batch_size)
    contents = read_folder(folder)
    records, aside = set_leaks_aside(_grouped(contents))
    other = tuple(path for path in contents.other_files if path != contents.root / FILE_NAME)
    _warn(contents, aside, other)
    records = _split(records, contents.splits, validation, test, seed)
    return Dataset(tuple(records), contents.classes, image_size, batch_size, tuple(aside), other)


def _split(records: list[Record], given: frozenset[Split], validation: float, test: float, seed: int) -> list[Record]:
    """Cut off what the folder does not give."""
    if not given:
        _refuse_fractions(validation, test)
        if test == 1:
            return [replace(record, split="test") for record in records]
        records = cut(records, "test", test, seed=seed) if test else records
        validation = validation / (1 - test)
    if "validation" in given or not validation:
        return records
    return cut(records, "validation", validation, seed=seed)


def _grouped(contents: FolderContents) -> list[Record]:
    # Class folders alone may be the Train folder of a set, with its table beside it.
    places = [contents.root] if contents.splits else [contents.root, contents.root.parent]
    tables = [place / FILE_NAME for place in places if (place / FILE_NAME).is_file()]
    known = group_keys(tables[0], contents.records) if tables else {}
    keys = {record.id: [record.digest, *known.get(record.id, ())] for record in contents.records}
    return join_groups(contents.records, keys)


def _refuse_sizes(image_size: tuple[int, int], batch_size: int) -> None:
    whole = isinstance(image_size, Sequence) and all(isinstance(side, int) and side > 0 for side in image_size)
    if not whole or len(image_size) != 2:
        raise DatasetError(f"image_size={image_size!r}; expected (height, width) in pixels, such as (180, 180)")
    if batch_size < 1:
        raise DatasetError(f"batch_size={batch_size}; expected 1 or more")


def _refuse_fractions(validation: float, test: float) -> None:
    if (validation, test) != (0, 1) and not validation + test < 1:
        raise DatasetError(
            f"validation={validation} and test={test} leave nothing to train on; expected a sum under 1, or validation=0 and "
            "test=1 for pictures to measure a detector on"
        )


def _warn(contents: FolderContents, aside: Sequence[SetAside], other: Sequence[Path]) -> None:
    """Say once, and with counts, what in the folder changes what a result means."""
    found = [_conflicts(contents.records), _leaks(aside), _others(contents.root, other)]
    if any(found):
        listed = "; ".join(text for text in found if text)
        warnings.warn(f"{contents.root}: {listed}", DataWarning, stacklevel=3)


def _conflicts(records: Sequence[Record]) -> str:
    labels: dict[str, set[str]] = {}
    for record in records:
        labels.setdefault(record.digest, set()).add(record.label)
    pairs = Counter(" / ".join(sorted(found)) for found in labels.values() if len(found) > 1)
    if not pairs:
        return ""
    listed = ", ".join(f"{count} as {pair}" for pair, count in pairs.most_common())
    return (
        f"{pairs.total()} pictures carry two labels, byte for byte the same file ({listed}): no model can get both right, so "
        "take the wrong ones out"
    )


def _leaks(aside: Sequence[SetAside]) -> str:
    if not aside:
        return ""
    same = sum(entry.reason.startswith("the same file") for entry in aside)
    return (
        f"{len(aside)} pictures are set aside because an earlier split shows them already ({same} the same file, "
        f"{len(aside) - same} the same lesion or patient): they would make the figures too good; see data.set_aside"
    )


def _others(root: Path, other: Sequence[Path]) -> str:
    if not other:
        return ""
    names = ", ".join(path.relative_to(root).as_posix() for path in other[:3])
    more = f" and {len(other) - 3} more" if len(other) > 3 else ""
    return f"{len(other)} files are no pictures in class folders ({names}{more}) and take no part; see data.other_files"
