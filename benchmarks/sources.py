"""Generalisation to another source: melanoma against nevus, in images of a source that a network was not trained on.

The first source provides its melanomas and nevi that are not in HAM10000 (by lesion, number or near duplicate), stretched back
to 4:3. The second, HAM10000, provides its own, reduced to the requested number. The lesions of HAM10000 with
`int(sha256(lesion_id).hexdigest(), 16) % 5 == 0` are left out. Each source is split into folds, with all images of a lesion in
one fold. A network is trained on one source or on both, without one fold, and evaluated on that fold of each source: every
method is evaluated on the same images. All methods take the same number of steps, with as many melanomas as nevi, from the same
initial weights.

`first` and `second` train on one source, `both` on both as they are, `_balanced` on equally many images of each. `_strong`
augments images as the recipe "strong" does, instead of "assignment". `_grey` removes the colour of the light, in training and
in the test. All of it takes twenty minutes on one core. Predictions are saved in a folder, so that an interrupted run can
resume; other settings need another folder.

    python benchmarks/sources.py ISIC9 HAM10000 --weights FILE --out answers
"""

import argparse
import hashlib
import json
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

import melanoma_detect as md
from melanoma_detect.data.labels import isic_id
from melanoma_detect.data.record import Record
from melanoma_detect.data.splits import group_folds, split_off
from melanoma_detect.errors import DataWarning
from melanoma_detect.evaluation.bootstrap import Figure, draw_replicates
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.ranking import weighted_auc
from melanoma_detect.images.pixel_cache import PixelCache
from melanoma_detect.training.options import FitOptions
from melanoma_detect.training.recipes import Recipe
from melanoma_detect.training.trainer import train
from melanoma_detect.utils.arrays import Float64Array

CLASSES = ("melanoma", "nevus")
HAM10000 = range(24306, 34321)  # the numbers of its images in the ISIC archive
NORM = 6  # of shades of grey: the best one in Finlayson and Trezzi (Color Imaging Conference, 2004)


class Method(NamedTuple):
    """A training method, and the method that it is compared with on each source."""

    sources: tuple[int, ...]
    baselines: tuple[str | None, str | None]
    strong: bool = False
    grey: bool = False
    balanced: bool = False


METHODS = {
    "first": Method((0,), (None, "second")),
    "first_strong": Method((0,), ("first", "first"), strong=True),
    "first_grey": Method((0,), ("first", "first"), grey=True),
    "second": Method((1,), ("first", None)),
    "second_strong": Method((1,), ("second", "second"), strong=True),
    "second_grey": Method((1,), ("second", "second"), grey=True),
    "both": Method((0, 1), ("first", "second")),
    "both_balanced": Method((0, 1), ("both", "both"), balanced=True),
    "both_balanced_strong": Method((0, 1), ("both_balanced", "both_balanced"), strong=True, balanced=True),
}


def main() -> None:
    """Train where there are no predictions yet, then print the metrics."""
    warnings.simplefilter("ignore", DataWarning)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs=2, metavar="FOLDER")
    parser.add_argument("--model", default="mobilenet_v2:0.35")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--out", type=Path, required=True, help="folder for the predictions")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--images", type=int, default=1500, help="images of the second source, melanomas first")
    parser.add_argument("--side", type=int, default=128, help="side of the images in pixels")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--shown", type=int, default=640, help="images in an epoch")
    arguments = parser.parse_args()
    data = load_sources(arguments.sources, arguments.images, arguments.side)
    grey = remove_light_colour(data) if any(METHODS[name].grey for name in arguments.methods) else data
    fold_of = assign_folds(data, arguments.folds)
    for fold in range(arguments.folds):
        for name in arguments.methods:
            file = arguments.out / f"{name}-{fold}.json"
            if not file.exists():
                method = METHODS[name]
                fold_data = split_fold(grey if method.grey else data, fold_of, fold, method, shown=arguments.shown)
                save(file, fold_data, predict_melanoma(fold_data, method, arguments, seed=fold + 1))
    show(data, {name: load(arguments.out, name, arguments.folds) for name in arguments.methods})


def load_sources(paths: list[Path], images: int, side: int) -> md.Dataset:
    """Load the melanomas and nevi of both sources, without held-out lesions and without images that both have."""
    first = paths[0]
    size, squashed = (side, side), {first: "4:3"}
    dataset = md.load_dataset(
        paths, conflicts="resolve", squashed=squashed, resize="crop", image_size=size, validation=0
    )
    known = [*dataset.records, *(entry.record for entry in dataset.set_aside)]
    first_names = {record.source for record in known if record.path.is_relative_to(first.absolute())}
    held_out = {record.group for record in known if is_held_out(record.metadata.get("lesion_id", ""))}
    in_second = {record.group for record in known if record.source not in first_names or in_ham10000(record)}
    records = [record for record in dataset.records if record.label in CLASSES and record.group not in held_out]
    first_records = [record for record in records if record.source in first_names and record.group not in in_second]
    second_records = limit_nevi([record for record in records if record.source not in first_names], images)
    renamed = []
    for name, own in (("first", first_records), ("second", second_records)):
        counts = Counter(record.label for record in own)
        print(f"{name}: {counts['melanoma']} melanomas, {counts['nevus']} nevi of {own[0].source}", flush=True)
        renamed += [replace(record, split="train", source=name) for record in own]
    return replace(dataset, records=tuple(renamed), classes=CLASSES, label_groups={}, set_aside=())


def is_held_out(lesion: str) -> bool:
    """Return whether a lesion of HAM10000 is in the held-out fifth."""
    return bool(lesion) and int(hashlib.sha256(lesion.encode()).hexdigest(), 16) % 5 == 0


def in_ham10000(record: Record) -> bool:
    """Return whether an image is one of HAM10000's, by its lesion or its number."""
    number = isic_id(record.path)
    return bool(record.metadata.get("lesion_id")) or (number is not None and int(number[5:]) in HAM10000)


def limit_nevi(records: list[Record], count: int) -> list[Record]:
    """Return every melanoma, and as many random nevi as make up the given number."""
    nevi = [index for index, record in enumerate(records) if record.label == "nevus"]
    remaining = max(count - (len(records) - len(nevi)), 1)
    removed = set(np.random.default_rng(1).permutation(nevi)[remaining:].tolist())
    return [record for index, record in enumerate(records) if index not in removed]


def remove_light_colour(data: md.Dataset) -> md.Dataset:
    """Return the dataset with its images as if taken in grey light."""
    part = data.train
    pixels = np.stack([shades_of_grey(image) for image in part.pixels()])
    decoded = PixelCache()  # a new cache: it identifies images by their files, and these have other pixels
    decoded.add([record.key for record in part], pixels, data.image_size, data.resize)
    return replace(data, decoded=decoded)


def shades_of_grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Divide each channel of an image by its share of the light."""
    light = np.mean(np.power(image / 255, NORM), axis=(0, 1)) ** (1 / NORM)
    corrected = np.round(image * (light.mean() / np.maximum(light, 1e-3)))
    return np.clip(corrected, 0, 255).astype(np.uint8)


def assign_folds(data: md.Dataset, count: int) -> dict[str, int]:
    """Return the fold of each image by its id, stratified by source and class."""
    fold_of: dict[str, int] = {}
    for source in ("first", "second"):
        own = [record for record in data.records if record.source == source]
        for number, members in enumerate(group_folds(own, count, seed=1)):
            fold_of |= {own[member].id: number for member in members}
    return fold_of


def split_fold(data: md.Dataset, fold_of: dict[str, int], fold: int, method: Method, *, shown: int) -> md.Dataset:
    """Return the training images, with the weights by which an epoch samples them, and one fold of both sources as the test."""
    sources = [("first", "second")[index] for index in method.sources]
    test = [replace(record, split="test") for record in data.records if fold_of[record.id] == fold]
    rest = [record for record in data.records if fold_of[record.id] != fold and record.source in sources]
    rest = split_off(rest, "validation", 0.15, seed=fold + 1, classes=())

    def kind(record: Record) -> tuple[str, str]:
        return record.label, record.source if method.balanced else ""

    counts = Counter(kind(record) for record in rest if record.split == "train")
    weighted = [
        replace(record, weight=shown / len(counts) / counts[kind(record)]) if record.split == "train" else record
        for record in rest
    ]
    return data.with_records([*weighted, *test])


def predict_melanoma(data: md.Dataset, method: Method, arguments: argparse.Namespace, *, seed: int) -> Float64Array:
    """Train a network and return the probability of melanoma of each test image."""
    keras.utils.clear_session()
    model = md.build_model(
        arguments.model, num_classes=2, input_shape=(*data.image_size, 3), weights=arguments.weights, seed=seed
    )
    recipe = replace(Recipe.named("assignment"), schedule="cosine", head_epochs=2, fine_tuning=0.3)
    if method.strong:
        recipe = replace(recipe, augmentation=Recipe.named("strong").augmentation)
    # Only ranks are needed: no detector with its export and calibration.
    train(model, data, FitOptions(epochs=arguments.epochs, recipe=recipe, seed=seed, progress=False))
    scores: Float64Array = model.predict(data.test.batches(), verbose=0)[:, CLASSES.index("melanoma")]
    return scores


def save(file: Path, data: md.Dataset, scores: Float64Array) -> None:
    """Save the ranks of one network's scores: each network has its own scale, and folds are pooled."""
    ranks = (rankdata(scores) - 0.5) / len(scores)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(dict(zip((record.id for record in data.test), ranks.tolist(), strict=True))))
    partial.rename(file)
    print(f"{file.stem} is trained", flush=True)


def load(out: Path, name: str, count: int) -> dict[str, float]:
    """Load the ranks of one method on all folds."""
    runs = [json.loads((out / f"{name}-{fold}.json").read_text()) for fold in range(count)]
    return {image: score for run in runs for image, score in run.items()}


def show(data: md.Dataset, scores_of: dict[str, dict[str, float]]) -> None:
    """Print the metrics of every method."""
    records_of = {name: [record for record in data.records if record.source == name] for name in ("first", "second")}
    nevi = [record for record in data.records if record.label == "nevus"]
    for name, scores in scores_of.items():
        for source, baseline in zip(records_of, METHODS[name].baselines, strict=True):
            positive = [record.label == "melanoma" for record in records_of[source]]
            print_figure(f"{name}_on_{source}_melanoma_auc", auc(scores, records_of[source], positive))
            if baseline in scores_of:
                gain = difference(scores, scores_of[baseline], records_of[source])
                print_figure(f"{name}_less_{baseline}_on_{source}_melanoma_auc", gain)
        # Nevi of both sources should get the same scores. If the AUC is not 0.5, the score depends on the source, or the nevi
        # differ.
        print_figure(f"{name}_source_of_nevi_auc", auc(scores, nevi, [record.source == "first" for record in nevi]))


def auc(scores: dict[str, float], records: Sequence[Record], positive: Sequence[bool]) -> Figure:
    """Return the AUC of the scores for the positive images."""
    melanoma = np.array([scores[record.id] for record in records])
    probabilities = np.stack([melanoma, 1 - melanoma], axis=1)
    labels = np.where(positive, CLASSES.index("melanoma"), CLASSES.index("nevus"))
    return measure(probabilities, labels, [record.group for record in records], CLASSES).figures["melanoma_auc"]


def difference(first: dict[str, float], second: dict[str, float], records: Sequence[Record]) -> Figure:
    """Return the difference of two melanoma AUCs, with an interval from the same bootstrap replicates of lesions."""
    positive = np.array([record.label == "melanoma" for record in records])
    first_scores, second_scores = (np.array([scores[record.id] for record in records]) for scores in (first, second))

    def gain(weights: Float64Array) -> Float64Array:
        return weighted_auc(first_scores, positive, weights) - weighted_auc(second_scores, positive, weights)

    groups = [record.group for record in records]
    low, high = np.percentile(np.concatenate([gain(drawn) for drawn in draw_replicates(groups, seed=1)]), (2.5, 97.5))
    return Figure(float(gain(np.ones((1, len(records))))[0]), float(low), float(high), len(set(groups)))


def print_figure(name: str, figure: Figure) -> None:
    """Print a figure with its interval."""
    print(f"{name} {figure.value:.3f} -   # {figure}")


if __name__ == "__main__":
    main()
