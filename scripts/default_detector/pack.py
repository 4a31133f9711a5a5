"""Pack both sources into arrays: pixels, the classes of each label, the fold of each lesion, and what is held out.

    python scripts/default_detector/pack.py ISIC9 HAM10000 --out FOLDER

Held out are the lesions of HAM10000 with `int(sha256(lesion_id).hexdigest(), 16) % 5 == 0`, with every image of them in
either source (matched by lesion, file name or near duplicate), and the lesions of the nine-class set's own Test. The rest is
split into five folds, with all images of a lesion in one fold.
"""

import argparse
import hashlib
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

import melanoma_detect as md
from melanoma_detect.data.record import Record
from melanoma_detect.data.splits import group_folds
from melanoma_detect.errors import DataWarning
from melanoma_detect.images.reader import load_rgb

SIDE = 224
FOLDS = 5
_SQUASHED = (180, 180)  # the nine-class set's 4:3 images were squashed to this size


def main() -> None:
    """Write the arrays."""
    warnings.simplefilter("ignore", DataWarning)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs=2, metavar="FOLDER")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    data = md.load_dataset(arguments.sources, conflicts="resolve", validation=0)
    rows = assign_parts(data, first=arguments.sources[0].name)
    arguments.out.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame([table_row(record, part) for record, part in rows])
    table["fold"] = assign_folds(rows)
    table.to_csv(arguments.out / "table.csv", index=False)
    np.save(arguments.out / "targets.npy", np.array([covered_classes(record, data) for record, _ in rows]))
    np.save(arguments.out / "pixels.npy", np.stack([load_pixels(record.path) for record, _ in rows]))
    (arguments.out / "classes.txt").write_text("\n".join(data.classes), encoding="utf-8")
    print(pd.crosstab([table.source, table.label], table.part).to_string())


def is_held_out(lesion: str) -> bool:
    """Return whether a lesion of HAM10000 is in the held-out fifth."""
    return bool(lesion) and int(hashlib.sha256(lesion.encode()).hexdigest(), 16) % 5 == 0


def assign_parts(data: md.Dataset, first: str) -> list[tuple[Record, str]]:
    """Return each image with its part: held out ("held"), a lesion of the first source's Test ("test"), or "pool".

    An image of both sources is taken from the second, where its resolution is higher.
    """
    known = [*data.records, *(entry.record for entry in data.set_aside)]
    second = [record.metadata.get("lesion_id", "") for record in known if record.source != first]
    lesions = set(filter(is_held_out, second))
    ids = {record.path.stem for record in known if record.metadata.get("lesion_id") in lesions}
    held = {record.group for record in known if record.metadata.get("lesion_id") in lesions or record.path.stem in ids}
    test = {record.group for record in data.records if record.id.startswith(f"{first}/Test")}
    better = {record.path.stem for record in data.records if record.source != first}
    kept = [record for record in data.records if record.source != first or record.path.stem not in better]
    rows = [(record, "held" if record.group in held else "test" if record.group in test else "pool") for record in kept]
    return [(record, part) for record, part in rows if part != "held" or record.source != first]


def assign_folds(rows: Sequence[tuple[Record, str]]) -> list[int]:
    """Return the fold of each image of the pool, and -1 for the others."""
    pool = [index for index, (_, part) in enumerate(rows) if part == "pool"]
    fold_of = [-1] * len(rows)
    for number, members in enumerate(group_folds([rows[index][0] for index in pool], FOLDS, seed=1)):
        for member in members:
            fold_of[pool[member]] = number
    return fold_of


def table_row(record: Record, part: str) -> dict[str, str]:
    """Return an image's row of the table."""
    metadata = {name: record.metadata.get(name, "") for name in ("lesion_id", "dx", "age", "sex", "localization")}
    row = {"id": record.id, "path": str(record.path), "label": record.label, "group": record.group}
    return row | {"source": record.source, "part": part} | metadata


def covered_classes(record: Record, data: md.Dataset) -> list[bool]:
    """Return for each class whether the image's label covers it."""
    labels = data.label_groups.get(record.label, (record.label,))
    return [label in labels for label in data.classes]


def load_pixels(path: Path) -> np.ndarray:
    """Load an image, stretched back to 4:3 if it was squashed, and cropped to its centre square."""
    image = load_rgb(path)
    if image.size == _SQUASHED:
        image = image.resize((image.width * 4 // 3, image.height), Image.Resampling.BICUBIC)
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box))


if __name__ == "__main__":
    main()
