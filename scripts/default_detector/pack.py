"""Pack every source into arrays: pixels, the classes of each label, and the part of each image.

    python scripts/default_detector/pack.py SOURCE... --out FOLDER

`load_dataset` makes one pool of all sources: it resolves contradicting labels by the truth beside them, and joins lesions,
patients and near duplicates across sources. A column `group` of a source's table joins what its makers know to belong
together. An image that stands in several sources is taken once, from a source that was not squashed. The parts, by group:

- "held": held out of all training and of every choice. The groups of the lesions of HAM10000 with
  `int(sha256(lesion_id).hexdigest(), 16) % 5 == 0`, with every image of them in any source, and a tenth of the groups without
  an image of HAM10000.
- "validation": a tenth of the others, for every choice and for the calibration.
- "train": the rest.
"""

import argparse
import hashlib
import json
import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from atomic import write_text
from packed import CLASSES, FINGERPRINT, PIXELS, TABLE, TARGETS

import melanoma_detect as md
from melanoma_detect.data.record import Record
from melanoma_detect.data.sources.table import image_name
from melanoma_detect.errors import DataWarning
from melanoma_detect.images.reader import read_pixels
from melanoma_detect.inference.image_types import recorded_type
from melanoma_detect.inference.training_fingerprint import TrainingFingerprint

SIDE = 224
GROUP_COLUMNS = ("lesion_id", "patient_id", "group")
SQUASHED = {"isic9": "4:3"}  # by the name of the source's folder
_METADATA = ("lesion_id", "age", "sex", "localization", "skin_tone_class", "licence")
_HAM10000 = "ham10000"  # the beginning of the names of its folders
_HELD_ONE_IN = 5  # of the lesions of HAM10000
_HELD, _VALIDATION = (0, 1), (2, 3)  # of 20


def main() -> None:
    """Write the arrays."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs="+", metavar="SOURCE")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    table = pack(arguments.sources, arguments.out)
    print(pd.crosstab(table.source, table.part).to_string())
    print(pd.crosstab(table.label, table.part).to_string())


def pack(sources: Sequence[Path], folder: Path) -> pd.DataFrame:
    """Write the arrays of all sources into a folder, and return the table of the images."""
    data = load(sources)
    records = select(data)
    parts = assign_parts(records)
    folder.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame([table_row(record, parts[record.group]) for record in records])
    learnt = {group for group, part in parts.items() if part != "held"}
    known = fingerprint(
        record for record in (*data.records, *(entry.record for entry in data.set_aside)) if record.group in learnt
    )
    (folder / FINGERPRINT).write_text(json.dumps(known.to_dict()), encoding="utf-8")
    (folder / CLASSES).write_text("\n".join(data.classes), encoding="utf-8")
    np.save(folder / TARGETS, np.array([covered_classes(record, data) for record in records]))
    pixels = np.lib.format.open_memmap(folder / PIXELS, "w+", np.uint8, (len(records), SIDE, SIDE, 3))
    for index, record in enumerate(records):
        pixels[index] = read_pixels(record.image, (SIDE, SIDE), "crop")
    pixels.flush()
    write_text(folder / TABLE, table.to_csv(index=False))  # last: where it stands, the folder is complete
    return table


def fingerprint(records: Iterable[Record]) -> TrainingFingerprint:
    """Return what recognises images. Files of the same bytes have the same perceptual hash: digests would say no more."""
    known = tuple(records)
    digests = frozenset(record.digest for record in known if not record.fingerprint)
    return replace(TrainingFingerprint.of(known), digests=digests)


def load(sources: Sequence[Path]) -> md.Dataset:
    """Load all sources as one dataset."""
    squashed = {source: SQUASHED[source.name] for source in sources if source.name in SQUASHED}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return md.load_dataset(
            list(sources),
            conflicts="resolve",
            groups=GROUP_COLUMNS,
            validation=0,
            test=0,
            squashed=squashed or None,
        )


def select(data: md.Dataset) -> list[Record]:
    """Return the records of the pool, each image once.

    A Test that comes with a source is no part here: its images belong to the pool, those that show a lesion of Train too.
    """
    records = [*data.records, *(entry.record for entry in data.set_aside if entry.kind == "leak")]
    by_name: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_name[image_name(record.path)].append(record)
    chosen = {min(same, key=lambda record: record.aspect is not None).id for same in by_name.values()}
    return [record for record in records if record.id in chosen]


def assign_parts(records: Iterable[Record]) -> dict[str, str]:
    """Return the part of each group."""
    members: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        members[record.group].append(record)
    return {group: part_of(own) for group, own in members.items()}


def part_of(group: Sequence[Record]) -> str:
    """Return the part of a group of records: "held", "validation" or "train"."""
    lesions = {record.metadata.get("lesion_id", "") for record in group}
    if any(lesion.startswith("HAM_") and _hash(lesion) % _HELD_ONE_IN == 0 for lesion in lesions):
        return "held"
    number = _hash(f"group {min(image_name(record.path) for record in group)}") % 20
    if number in _HELD and not any(record.source.startswith(_HAM10000) for record in group):
        return "held"
    return "validation" if number in _VALIDATION else "train"


def table_row(record: Record, part: str) -> dict[str, object]:
    """Return an image's row of the table."""
    row = {"id": record.id, "image": image_name(record.path), "path": str(record.path), "label": record.label}
    row |= {"group": record.group, "digest": record.digest, "fingerprint": record.fingerprint, "aspect": record.aspect}
    row |= {"source": record.source, "type": recorded_type(record.metadata) or "dermoscopy", "part": part}
    return row | {name: record.metadata.get(name, "") for name in _METADATA}


def covered_classes(record: Record, data: md.Dataset) -> list[bool]:
    """Return for each class whether the image's label covers it."""
    labels = data.label_groups.get(record.label, (record.label,))
    return [label in labels for label in data.classes]


def _hash(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)


if __name__ == "__main__":
    main()
