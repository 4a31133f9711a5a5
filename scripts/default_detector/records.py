"""The images of the pack as records and splits, as evaluation and calibration take them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from packed import Pack

from melanoma_detect.data.record import Record
from melanoma_detect.data.split import Split
from melanoma_detect.inference.image_types import COLUMN

# HAM10000 does not separate these diagnoses: its figures are those of its seven labels.
HAM10000 = "ham10000"
_SEVEN = {
    "akiec": ("actinic keratosis", "squamous cell carcinoma"),
    "bkl": ("pigmented benign keratosis", "seborrheic keratosis"),
}
_COLUMNS = ("id", "path", "label", "group", "digest", "source", "fingerprint", "aspect")
_OTHERS = frozenset((*_COLUMNS, "image", "part", "type"))


def records_of(pack: Pack, rows: NDArray[np.int64]) -> list[Record]:
    """Return the records of some images."""
    names = [name for name in pack.table.columns if name not in _OTHERS]
    return [_record(row, names) for row in pack.table.iloc[rows].to_dict("records")]


def split_of(pack: Pack, rows: NDArray[np.int64], name: str) -> Split:
    """Return some images as a split."""
    records = records_of(pack, rows)
    covered = {str(pack.table.label[row]): pack.targets[row] for row in rows.tolist()}
    groups = {
        label: tuple(name for name, inside in zip(pack.classes, own, strict=True) if inside)
        for label, own in covered.items()
        if label not in pack.classes
    }
    return Split(
        name=name,
        records=tuple(records),
        classes=pack.classes,
        image_size=(224, 224),
        batch_size=32,
        resize="crop",
        label_groups=groups,
    )


def sets_of(pack: Pack, part: str) -> dict[str, Split]:
    """Return the images of a part by collection and type, such as "milk10k dermoscopy"; HAM10000 with its seven labels."""
    rows = pack.rows(part)
    names = np.char.add(np.char.add(pack.collections[rows], " "), pack.types[rows])
    splits = {str(name): split_of(pack, rows[names == name], str(name)) for name in np.unique(names)}
    return {name: with_seven_labels(split) if name.startswith(HAM10000) else split for name, split in splits.items()}


def with_seven_labels(split: Split) -> Split:
    """Return a split of HAM10000 with the labels that HAM10000 has, also where another source separates them."""
    coarse = {name: label for label, names in _SEVEN.items() for name in names}
    records = tuple(replace(record, label=coarse.get(record.label, record.label)) for record in split.records)
    return replace(split, records=records, label_groups=dict(split.label_groups) | _SEVEN)


def _record(row: dict[str, object], metadata: Sequence[str]) -> Record:
    values = {name: str(row[name]) for name in _COLUMNS}
    aspect, path = values.pop("aspect"), Path(values.pop("path"))
    known = {name: str(row[name]) for name in metadata if row[name] not in ("", None)} | {COLUMN: str(row["type"])}
    return Record(**values, path=path, split="test", metadata=known, aspect=float(aspect) if aspect else None)
