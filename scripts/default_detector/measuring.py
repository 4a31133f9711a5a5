"""Measure the default detector on the lesions that it was held back from, once it is made.

    python scripts/default_detector/measuring.py FOLDER ISIC9 HAM10000 [--detector FILE]

FOLDER is what packing.py wrote. HAM10000 has seven diagnoses, one of them (akiec) two of the detector's: the probabilities of
those two are added before anything is measured.
"""

import argparse
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from packing import parted
from PIL import Image

import melanoma_detect as md
from melanoma_detect.data.joining import Joined
from melanoma_detect.data.record import Record
from melanoma_detect.errors import DataWarning
from melanoma_detect.evaluation.evaluation import Evaluation, measure
from melanoma_detect.evaluation.shortcuts import Shortcuts, shortcuts
from melanoma_detect.images.reader import fit

JOINED = ("actinic keratosis", "squamous cell carcinoma")
GOALS = {"balanced_accuracy": 0.82, "melanoma_auc": 0.95, "specificity_at_95": 0.75, "ece": 0.03}


def main() -> None:
    """Print the held-out figures, and write them on the detector's card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sources", type=Path, nargs=2, metavar="SOURCE")
    parser.add_argument("--detector", type=Path, help="the one that comes with the library unless given")
    parser.add_argument("--write", action="store_true", help="write the figures on the card of --detector")
    chosen = parser.parse_args()
    pack = parts_of(chosen.folder, chosen.sources)
    detector = md.Detector.load(chosen.detector)
    found = []
    for name, part in (("held-out", "held"), ("nine-class Test", "test")):
        rows = np.flatnonzero(pack.part == part)
        for views in (1, 8):
            evaluation = evaluated([detector.at(views=views)], pack, [rows], name=name)
            if views == 1:
                evaluation = replace(evaluation, shortcuts=_shortcuts(detector, pack, rows))
                found.append(evaluation)
            print(f"{views} views\n{evaluation}\n")
            for figure, goal in GOALS.items():
                print(f"{part}_{views}_{figure} {evaluation.figures[figure].value:.3f} {goal}")
    if chosen.write:
        metrics = {one.split: one.to_dict() for one in found}
        detector.predictor.with_metrics(metrics).save(chosen.detector)


@dataclass(frozen=True, eq=False)
class Pack:
    """What packing.py wrote, with the records that it was written from.

    Attributes:
        stored: uint8 `(n, 224, 224, 3)`.
        targets: Which classes each label covers, `(n, classes)`.
        classes: Class names.
        part: "pool", "held" or "test", `(n,)`.
        fold: The fold of each image of the pool.
        groups: The lesion of each image.
        records: What is known about each.
        known: Every record of both sources.
    """

    stored: NDArray[np.uint8]
    targets: NDArray[np.bool_]
    classes: tuple[str, ...]
    part: NDArray[np.str_]
    fold: NDArray[np.int64]
    groups: NDArray[np.str_]
    records: list[Record]
    known: list[Record]

    def pixels(self, rows: NDArray[np.int64], side: int) -> NDArray[np.uint8]:
        """Return images as a detector sees them at its size."""
        images = (Image.fromarray(self.stored[at]) for at in rows.tolist())
        return np.stack([fit(image, (side, side), "crop") for image in images])


def parts_of(folder: Path, sources: Sequence[Path]) -> Pack:
    """Read what packing.py wrote, and make sure that it was written from these sources."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        data = md.load_dataset(list(sources), conflicts="resolve", validation=0)
    rows = parted(data, first=sources[0].name)
    table = pd.read_csv(folder / "table.csv", keep_default_na=False)
    if [record.id for record, _ in rows] != table.id.tolist():
        raise SystemExit(f"{folder}: was written from other images than {', '.join(map(str, sources))}; run packing.py")
    return Pack(
        stored=np.load(folder / "pixels.npy", mmap_mode="r"),
        targets=np.load(folder / "targets.npy"),
        classes=tuple((folder / "classes.txt").read_text(encoding="utf-8").split("\n")),
        part=table.part.to_numpy(str),
        fold=table.fold.to_numpy(np.int64),
        groups=table.group.to_numpy(str),
        records=[record for record, _ in rows],
        known=[*data.records, *(entry.record for entry in data.set_aside)],
    )


def evaluated(
    detectors: Sequence[md.Detector], pack: Pack, rows: Sequence[NDArray[np.int64]], *, name: str
) -> Evaluation:
    """Measure detectors, each on its own images, as if they were one, on HAM10000's seven diagnoses."""
    judged = [one.judge(pack.pixels(chosen, one.image_size[0])) for one, chosen in zip(detectors, rows, strict=True)]
    order = np.concatenate(rows)
    seven = sevens(pack.classes)
    probabilities = seven.probabilities(np.concatenate([one.probabilities for one in judged]))
    truth = seven.probabilities(pack.targets[order].astype(float)) > 0
    found = measure(
        probabilities,
        truth.argmax(axis=1),
        pack.groups[order].tolist(),
        seven.classes,
        detectors[0].operating_point,
        abstained=np.concatenate([one.abstained for one in judged]),
    )
    return replace(found, split=name, records=tuple(pack.records[at] for at in order.tolist()))


def sevens(classes: tuple[str, ...]) -> Joined:
    """Return how the detector's classes become HAM10000's seven: two of them are one there."""
    named = {label: " or ".join(JOINED) if label in JOINED else label for label in classes}
    names = tuple(dict.fromkeys(named.values()))
    return Joined(names, np.array([names.index(named[label]) for label in classes]), {})


def _shortcuts(detector: md.Detector, pack: Pack, rows: NDArray[np.int64]) -> Shortcuts:
    """Ask about the same images without their lesions; what is melanoma is all that counts there."""
    labels = pack.targets[rows].argmax(axis=1)
    return shortcuts(detector, pack.pixels(rows, detector.image_size[0]), labels, pack.groups[rows].tolist())


if __name__ == "__main__":
    main()
