"""Evaluate the default detector on the held-out lesions.

    python scripts/default_detector/evaluate.py FOLDER ISIC9 HAM10000 [--detector FILE]

FOLDER is what pack.py wrote. HAM10000 has merged diagnoses, of which one (akiec) covers two of the detector's classes: the
probabilities of those two are added before the metrics are computed.
"""

import argparse
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pack import assign_parts
from PIL import Image

import melanoma_detect as md
from melanoma_detect.data.labels import MergedClasses
from melanoma_detect.data.record import Record
from melanoma_detect.errors import DataWarning
from melanoma_detect.evaluation.evaluation import Evaluation, measure
from melanoma_detect.evaluation.shortcuts import Shortcuts, measure_shortcuts
from melanoma_detect.images.reader import resize_image

AKIEC = ("actinic keratosis", "squamous cell carcinoma")
GOALS = {"balanced_accuracy": 0.82, "melanoma_auc": 0.95, "specificity_at_95": 0.75, "ece": 0.03}


def main() -> None:
    """Print the held-out metrics, and write them into the detector's file if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sources", type=Path, nargs=2, metavar="SOURCE")
    parser.add_argument("--detector", type=Path, help="default: the one that comes with the library")
    parser.add_argument("--write", action="store_true", help="write the metrics into the file of --detector")
    arguments = parser.parse_args()
    pack = load_pack(arguments.folder, arguments.sources)
    detector = md.Detector.load(arguments.detector)
    evaluations = []
    for name, part in (("held-out", "held"), ("nine-class Test", "test")):
        rows = np.flatnonzero(pack.part == part)
        for views in (1, 8):
            evaluation = evaluate([detector.at(views=views)], pack, [rows], name=name)
            if views == 1:
                evaluation = replace(evaluation, shortcuts=_shortcuts(detector, pack, rows))
                evaluations.append(evaluation)
            print(f"{views} views\n{evaluation}\n")
            for figure, goal in GOALS.items():
                print(f"{part}_{views}_{figure} {evaluation.figures[figure].value:.3f} {goal}")
    if arguments.write:
        metrics = {evaluation.split: evaluation.to_dict() for evaluation in evaluations}
        detector.predictor.with_metrics(metrics).save(arguments.detector)


@dataclass(frozen=True, eq=False)
class Pack:
    """The arrays that pack.py wrote, with the records that they were written from.

    Attributes:
        stored: uint8 `(n, 224, 224, 3)`.
        targets: The classes that each label covers, `(n, classes)`.
        classes: Class names.
        part: "pool", "held" or "test", `(n,)`.
        fold: The fold of each image of the pool.
        groups: The lesion of each image.
        records: The record of each image.
        known: Every record of both sources, excluded ones too.
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
        """Return images resized to a detector's input, as prediction does."""
        images = (Image.fromarray(self.stored[index]) for index in rows.tolist())
        return np.stack([resize_image(image, (side, side), "crop") for image in images])


def load_pack(folder: Path, sources: Sequence[Path]) -> Pack:
    """Load the arrays that pack.py wrote, and check that they were written from these sources."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        data = md.load_dataset(list(sources), conflicts="resolve", validation=0)
    rows = assign_parts(data, first=sources[0].name)
    table = pd.read_csv(folder / "table.csv", keep_default_na=False)
    if [record.id for record, _ in rows] != table.id.tolist():
        raise SystemExit(
            f"{folder}: was written from other images than {', '.join(map(str, sources))}; run pack.py again"
        )
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


def evaluate(
    detectors: Sequence[md.Detector], pack: Pack, rows: Sequence[NDArray[np.int64]], *, name: str
) -> Evaluation:
    """Evaluate detectors, each on its own images, as one detector, on HAM10000's merged diagnoses."""
    predictions = [
        detector.predictor.predict_batch(pack.pixels(own_rows, detector.image_size[0]))
        for detector, own_rows in zip(detectors, rows, strict=True)
    ]
    order = np.concatenate(rows)
    merged = merge_akiec(pack.classes)
    probabilities = np.concatenate([batch.probabilities for batch in predictions])
    truth = merged.probabilities(pack.targets[order].astype(float)) > 0
    evaluation = measure(
        merged.probabilities(probabilities),
        truth.argmax(axis=1),
        pack.groups[order].tolist(),
        merged.classes,
        detectors[0].operating_point,
        abstained=np.concatenate([batch.abstained for batch in predictions]),
        records=[pack.records[index] for index in order.tolist()],
        unmerged=(probabilities, pack.classes),
    )
    return replace(evaluation, split=name)


def merge_akiec(classes: tuple[str, ...]) -> MergedClasses:
    """Return the mapping of the detector's classes to HAM10000's seven, where two of them are one."""
    named = {label: " or ".join(AKIEC) if label in AKIEC else label for label in classes}
    names = tuple(dict.fromkeys(named.values()))
    return MergedClasses(names, np.array([names.index(named[label]) for label in classes]), {})


def _shortcuts(detector: md.Detector, pack: Pack, rows: NDArray[np.int64]) -> Shortcuts:
    """Measure the detector on the same images without their lesions."""
    labels = pack.targets[rows].argmax(axis=1)
    return measure_shortcuts(
        detector.predictor, pack.pixels(rows, detector.image_size[0]), labels, pack.groups[rows].tolist()
    )


if __name__ == "__main__":
    main()
