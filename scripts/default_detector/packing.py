"""Both sources as arrays: pixels, what each label covers, which fold a lesion is in, and what is held out of everything.

    python scripts/default_detector/packing.py ISIC9 HAM10000 --out FOLDER

Held out are the lesions of HAM10000 with `int(sha256(lesion_id).hexdigest(), 16) % 5 == 0`, with every image of them in
either source, by lesion, by name or by looks; and the lesions of the nine-class set's own Test. What is left is cut into five
folds, each lesion wholly in one.
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
from melanoma_detect.images.reader import load

SIDE = 224
FOLDS = 5
_SQUASHED = (180, 180)  # how the nine-class set has its 4:3 images


def main() -> None:
    """Write the arrays."""
    warnings.simplefilter("ignore", DataWarning)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs=2, metavar="FOLDER")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    data = md.load_dataset(chosen.sources, conflicts="resolve", validation=0)
    rows = parted(data, first=chosen.sources[0].name)
    chosen.out.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame([described(record, part) for record, part in rows])
    table["fold"] = folds(rows)
    table.to_csv(chosen.out / "table.csv", index=False)
    np.save(chosen.out / "targets.npy", np.array([covered(record, data) for record, _ in rows]))
    np.save(chosen.out / "pixels.npy", np.stack([pixels(record.path) for record, _ in rows]))
    (chosen.out / "classes.txt").write_text("\n".join(data.classes), encoding="utf-8")
    print(pd.crosstab([table.source, table.label], table.part).to_string())


def is_held_out(lesion: str) -> bool:
    """Return whether a lesion of HAM10000 belongs to the fifth that nothing is chosen by."""
    return bool(lesion) and int(hashlib.sha256(lesion.encode()).hexdigest(), 16) % 5 == 0


def parted(data: md.Dataset, first: str) -> list[tuple[Record, str]]:
    """Say of each image whether it is held out, shows a lesion of the first source's Test, or is in the pool.

    An image that both sources have is taken from the second, which kept more of its pixels.
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


def folds(rows: Sequence[tuple[Record, str]]) -> list[int]:
    """Return the fold of each image of the pool, -1 for the others."""
    pool = [at for at, (_, part) in enumerate(rows) if part == "pool"]
    found = [-1] * len(rows)
    for number, members in enumerate(group_folds([rows[at][0] for at in pool], FOLDS, seed=1)):
        for member in members:
            found[pool[member]] = number
    return found


def described(record: Record, part: str) -> dict[str, str]:
    """Return an image's row."""
    said = {name: record.metadata.get(name, "") for name in ("lesion_id", "dx", "age", "sex", "localization")}
    own = {"id": record.id, "path": str(record.path), "label": record.label, "group": record.group}
    return own | {"source": record.source, "part": part} | said


def covered(record: Record, data: md.Dataset) -> list[bool]:
    """Return which classes an image's label covers."""
    labels = data.coarse.get(record.label, (record.label,))
    return [label in labels for label in data.classes]


def pixels(path: Path) -> np.ndarray:
    """Read an image, stretched back to 4:3 where it was squashed, and cut to its centre square."""
    image = load(path)
    if image.size == _SQUASHED:
        image = image.resize((image.width * 4 // 3, image.height), Image.Resampling.BICUBIC)
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box))


if __name__ == "__main__":
    main()
