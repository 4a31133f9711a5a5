"""What `Detector.localize` is worth: the calibration and the sensitivity on a new source, with 50, 100 and 200 of its images.

    python benchmarks/localize.py FOLDER... [--detector cnn.detector]
    python benchmarks/localize.py --outputs validation.npz [--detector cnn.detector]

Each folder is a source that the detector has not learnt from. A file of outputs holds arrays `logits` and `targets` (n,
classes), `groups`, `sources` and `types` (n,), `classes`, and perhaps `part` (rows of "validation" are used). Without a
detector, each source is left out in turn, and the others calibrate the outputs. From each source random lesions are drawn many
times, the detector is localised on them, and measured on all other lesions.
"""

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import melanoma_detect as md
from melanoma_detect.errors import DataWarning, DetectorError
from melanoma_detect.evaluation.metrics import BINS, bin_index
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.prediction import likely_malignant
from melanoma_detect.inference.runtime import run_batched
from melanoma_detect.training.calibrate import CalibrationInputs, calibrate
from melanoma_detect.training.local_fit import LocalImages
from melanoma_detect.training.local_images import label_local_images, select_local_images
from melanoma_detect.training.local_thresholds import fit_calibration

SIZES = (50, 100, 200)
SENSITIVITY = 0.95
LEAST_LEFT = 100  # images to measure on


class Source(NamedTuple):
    """A source that the detector has not learnt from."""

    name: str
    calibration: Calibration
    logits: NDArray[np.float32]
    images: LocalImages


class Figures(NamedTuple):
    """What is measured on the images that were not drawn."""

    ece: float
    sensitivity: float
    cleared: float
    specificity: float


def main() -> None:
    """Print a table with a row for each source and number of images."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--outputs", type=Path)
    parser.add_argument("--detector", type=Path)
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--limit", type=int, default=1000, help="images of a folder")
    arguments = parser.parse_args()
    sources = list(from_outputs(arguments) if arguments.outputs else from_folders(arguments))
    print("chance: the ECE that a perfectly calibrated detector has on as many images; cleared: of melanomas\n")
    print(
        "| source (images, melanomas) | drawn | ECE before | after, mean (worst tenth; chance) | sensitivity | cleared ",
        end="",
    )
    print("| specificity | threshold set |")
    print("|---|---|---|---|---|---|---|---|")
    means: dict[int, list[float]] = {size: [] for size in SIZES}
    for source in sources:
        for size in SIZES:
            if len(source.logits) >= size + LEAST_LEFT:
                means[size].append(print_row(source, size, arguments.draws))
    for size, values in means.items():
        if values:
            print(
                f"\n{size} images: ECE after {np.mean(values):.3f} in the mean of sources, {max(values):.3f} on the worst",
                end="",
            )
    print()


def from_outputs(arguments: argparse.Namespace) -> Iterator[Source]:
    """Yield the sources of a file of outputs."""
    with np.load(arguments.outputs, allow_pickle=False) as file:
        arrays: dict[str, Any] = {name: file[name] for name in file.files}
    used = arrays["part"] == "validation" if "part" in arrays else np.ones(len(arrays["logits"]), dtype=np.bool_)
    classes = tuple(map(str, arrays["classes"]))
    logits, targets, groups = (arrays[name][used] for name in ("logits", "targets", "groups"))
    names = np.array([f"{source}, {kind}" for source, kind in zip(arrays["sources"], arrays["types"], strict=True)])[
        used
    ]
    known = md.Detector.load(arguments.detector).predictor.config.calibration(1) if arguments.detector else None
    for name in np.unique(names).tolist():
        own = names == name
        calibration = known or calibrate_on(logits[~own], targets[~own], groups[~own], names[~own], classes)
        yield Source(name, calibration, logits[own], LocalImages(targets[own], groups[own].astype(str), classes))


def calibrate_on(
    logits: NDArray[np.float32],
    targets: NDArray[np.bool_],
    groups: NDArray[np.str_],
    names: NDArray[np.str_],
    classes: tuple[str, ...],
) -> Calibration:
    """Calibrate on some sources, as training does on validation."""
    inputs = {1: CalibrationInputs(logits, np.empty(0))}
    return calibrate(inputs, targets, groups.tolist(), classes, bias=True, sources=names.tolist())[1]


def from_folders(arguments: argparse.Namespace) -> Iterator[Source]:
    """Yield each folder as a source, with the outputs of a detector for its images."""
    predictor = md.Detector.load(arguments.detector).predictor
    for folder in arguments.folders:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            data = md.load_dataset(folder, validation=0, test=0)
            chosen = np.random.default_rng(1).permutation(len(data))[: arguments.limit]
            split = select_local_images(predictor, data.with_records(data.records[row] for row in sorted(chosen)))
        outputs = run_batched(predictor.runtime.run, split.pixels(predictor.image_size))
        images = label_local_images(split, predictor.classes)
        yield Source(folder.name, predictor.config.calibration(1), outputs.logits, images)


def print_row(source: Source, size: int, draws: int) -> float:
    """Print the row of one source and number of images; return its mean ECE after."""
    rng = np.random.default_rng(1)
    before, after, chance, was_set = [], [], [], []
    for _ in range(draws):
        drawn = draw_lesions(source.images.groups, size, rng)
        inputs = CalibrationInputs(source.logits[drawn], np.empty(0))
        local = fit_calibration(source.calibration, inputs, source.images.select(drawn))
        before.append(measure(source, source.calibration, ~drawn))
        after.append(measure(source, local, ~drawn))
        chance.append(chance_error(source, local, ~drawn, rng))
        was_set.append(bool(local.local and local.local.operating_point(SENSITIVITY, "melanoma")))
    old, new = Figures(*np.nanmean(before, axis=0)), Figures(*np.nanmean(after, axis=0))
    worst = np.quantile([figures.ece for figures in after], 0.9)
    melanomas = int(np.logical_and(*source.images.sides("melanoma")).sum())
    print(
        f"| {source.name} ({len(source.logits)}, {melanomas}) | {size} | {old.ece:.3f} | {new.ece:.3f} ({worst:.3f}; "
        f"{np.mean(chance):.3f}) | {old.sensitivity:.3f} → {new.sensitivity:.3f} | {old.cleared:.3f} → {new.cleared:.3f} "
        f"| {old.specificity:.3f} → {new.specificity:.3f} | {np.mean(was_set):.0%} |",
        flush=True,
    )
    return new.ece


def draw_lesions(groups: NDArray[np.str_], size: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which images are drawn: lesion by lesion, until there are enough."""
    names, index, counts = np.unique(groups, return_inverse=True, return_counts=True)
    order = rng.permutation(len(names))
    enough = int(np.searchsorted(np.cumsum(counts[order]), size)) + 1
    return np.isin(index, order[:enough])


def measure(source: Source, calibration: Calibration, rows: NDArray[np.bool_]) -> Figures:
    """Measure a calibration on some of the images."""
    images = source.images.select(rows)
    shown, known = images.sides("melanoma")
    probabilities = calibration.probabilities(source.logits[rows], images.classes)
    scores = probabilities[:, images.classes.index("melanoma")]
    melanoma, other = shown & known, known & ~shown
    try:
        point = calibration.operating_point(SENSITIVITY)
    except DetectorError:
        return Figures(calibration_error(scores[known], shown[known]), np.nan, np.nan, np.nan)
    alert = scores >= point.threshold
    before = calibration.malignant_before(source.logits[rows], images.classes)
    cleared = ~alert & ~likely_malignant(probabilities, images.classes, point) & ~before
    return Figures(
        calibration_error(scores[known], shown[known]),
        share(alert, melanoma),
        share(cleared, melanoma),
        share(~alert, other),
    )


def calibration_error(scores: NDArray[np.float64], shown: NDArray[np.bool_]) -> float:
    """Return the expected calibration error."""
    gaps = np.abs(np.eye(BINS)[bin_index(scores)].T @ (scores - shown)).sum()
    return float(gaps / len(scores))


def chance_error(source: Source, calibration: Calibration, rows: NDArray[np.bool_], rng: np.random.Generator) -> float:
    """Return the calibration error for labels that are drawn from the probabilities themselves."""
    images = source.images.select(rows)
    scores = calibration.probabilities(source.logits[rows], images.classes)[:, images.classes.index("melanoma")]
    return float(np.mean([calibration_error(scores, rng.random(len(scores)) < scores) for _ in range(5)]))


def share(chosen: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    """Return a share; nan of no images."""
    return float(chosen[among].mean()) if among.any() else np.nan


if __name__ == "__main__":
    main()
