"""How well a network tells melanoma from nevus in images of another source than it has learnt from, and what helps.

The first source gives its melanomas and nevi that HAM10000 does not know, by lesion, by number or by looks, stretched back to
4:3; the second, HAM10000, gives its own, thinned out to as many as asked for. The lesions of HAM10000 with
`int(sha256(lesion_id).hexdigest(), 16) % 5 == 0` take no part. Each source is cut into folds, each lesion wholly in one. A
network learns from one source or from both without a fold, and is measured on that fold of each source: every way to learn is
asked about the same images. All take equally many steps, of as many melanomas as nevi, from the same weights.

`first` and `second` learn from one source, `both` from both as they are, `_balanced` from as many images of each. `_strong`
changes images as the recipe "strong" does, not as "assignment" does. `_grey` takes the colour of the light away, in training
and in the test alike. All of it takes twenty minutes of one core. Answers are kept in a folder, so that a run that was
stopped goes on; other settings need another one.

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
from melanoma_detect.data.labels import image_key
from melanoma_detect.data.record import Record
from melanoma_detect.data.splits import cut, group_folds
from melanoma_detect.errors import DataWarning
from melanoma_detect.evaluation.bootstrap import Figure, replicates
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.metrics import weighted_auc
from melanoma_detect.images.pixel_cache import PixelCache
from melanoma_detect.training.recipes import Recipe
from melanoma_detect.training.trainer import train
from melanoma_detect.utils.arrays import Float64Array

CLASSES = ("melanoma", "nevus")
HAM10000 = range(24306, 34321)  # the numbers of its images in the ISIC archive
NORM = 6  # of shades of grey, as Finlayson and Trezzi (Color Imaging Conference, 2004) found it best


class Way(NamedTuple):
    """One way to learn, and which other way it is compared with on each source."""

    learns: tuple[int, ...]
    beside: tuple[str | None, str | None]
    strong: bool = False
    grey: bool = False
    balanced: bool = False


WAYS = {
    "first": Way((0,), (None, "second")),
    "first_strong": Way((0,), ("first", "first"), strong=True),
    "first_grey": Way((0,), ("first", "first"), grey=True),
    "second": Way((1,), ("first", None)),
    "second_strong": Way((1,), ("second", "second"), strong=True),
    "second_grey": Way((1,), ("second", "second"), grey=True),
    "both": Way((0, 1), ("first", "second")),
    "both_balanced": Way((0, 1), ("both", "both"), balanced=True),
    "both_balanced_strong": Way((0, 1), ("both_balanced", "both_balanced"), strong=True, balanced=True),
}


def main() -> None:
    """Train where there are no answers yet, then print the figures."""
    warnings.simplefilter("ignore", DataWarning)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs=2, metavar="FOLDER")
    parser.add_argument("--model", default="mobilenet_v2:0.35")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--out", type=Path, required=True, help="where answers are kept")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--images", type=int, default=1500, help="of the second source, melanomas first")
    parser.add_argument("--side", type=int, default=128, help="of an image, in pixels")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--shown", type=int, default=640, help="images that an epoch shows")
    chosen = parser.parse_args()
    data = pool(chosen.sources, chosen.images, chosen.side)
    grey = in_grey_light(data) if any(WAYS[name].grey for name in chosen.ways) else data
    parts = folds(data, chosen.folds)
    for fold in range(chosen.folds):
        for name in chosen.ways:
            file = chosen.out / f"{name}-{fold}.json"
            if not file.exists():
                way = WAYS[name]
                cutting = parted(grey if way.grey else data, parts, fold, way, shown=chosen.shown)
                keep(file, cutting, answers(cutting, way, chosen, seed=fold + 1))
    show(data, {name: gathered(chosen.out, name, chosen.folds) for name in chosen.ways})


def pool(places: list[Path], images: int, side: int) -> md.Dataset:
    """Load the melanomas and nevi of both sources, without what either must not show."""
    first = places[0]
    size, squashed = (side, side), {first: "4:3"}
    whole = md.load_dataset(
        places, conflicts="resolve", squashed=squashed, resize="crop", image_size=size, validation=0
    )
    known = [*whole.records, *(entry.record for entry in whole.set_aside)]
    own = {record.source for record in known if record.path.is_relative_to(first.absolute())}
    held = {record.group for record in known if is_held_out(record.metadata.get("lesion_id", ""))}
    other = {record.group for record in known if record.source not in own or in_ham10000(record)}
    two = [record for record in whole.records if record.label in CLASSES and record.group not in held]
    ones = [record for record in two if record.source in own and record.group not in other]
    others = thinned([record for record in two if record.source not in own], images)
    records = []
    for name, found in (("first", ones), ("second", others)):
        counts = Counter(record.label for record in found)
        print(f"{name}: {counts['melanoma']} melanomas, {counts['nevus']} nevi of {found[0].source}", flush=True)
        records += [replace(record, split="train", source=name) for record in found]
    return replace(whole, records=tuple(records), classes=CLASSES, coarse={}, set_aside=())


def is_held_out(lesion: str) -> bool:
    """Return whether a lesion of HAM10000 belongs to the fifth that nothing is chosen by."""
    return bool(lesion) and int(hashlib.sha256(lesion.encode()).hexdigest(), 16) % 5 == 0


def in_ham10000(record: Record) -> bool:
    """Return whether an image is one of HAM10000's, by its lesion or by its number."""
    number = image_key(record)
    return bool(record.metadata.get("lesion_id")) or (number is not None and int(number[5:]) in HAM10000)


def thinned(records: list[Record], most: int) -> list[Record]:
    """Keep every melanoma, and so many nevi that it comes to the number asked for."""
    nevi = [at for at, record in enumerate(records) if record.label == "nevus"]
    left = max(most - (len(records) - len(nevi)), 1)
    gone = set(np.random.default_rng(1).permutation(nevi)[left:].tolist())
    return [record for at, record in enumerate(records) if at not in gone]


def in_grey_light(data: md.Dataset) -> md.Dataset:
    """Return the dataset with its images as grey light would show them."""
    part = data.train
    pixels = np.stack([shades_of_grey(image) for image in part.pixels()])
    decoded = PixelCache()  # of its own: images are known by their files, and these are other pixels
    decoded.keep([record.key for record in part], pixels, data.image_size, data.resize)
    return replace(data, decoded=decoded)


def shades_of_grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Divide each channel of an image by the light's share in it."""
    light = np.mean(np.power(image / 255, NORM), axis=(0, 1)) ** (1 / NORM)
    even = np.round(image * (light.mean() / np.maximum(light, 1e-3)))
    return np.clip(even, 0, 255).astype(np.uint8)


def folds(data: md.Dataset, count: int) -> dict[str, int]:
    """Return the fold of each image, by its id: of either source a part, of either class as much."""
    found: dict[str, int] = {}
    for source in ("first", "second"):
        own = [record for record in data.records if record.source == source]
        for number, members in enumerate(group_folds(own, count, seed=1)):
            found |= {own[at].id: number for at in members}
    return found


def parted(data: md.Dataset, parts: dict[str, int], fold: int, way: Way, *, shown: int) -> md.Dataset:
    """Return what a network learns from, with the weights that decide what an epoch shows, and a fold of both sources."""
    sources = [("first", "second")[at] for at in way.learns]
    test = [replace(record, split="test") for record in data.records if parts[record.id] == fold]
    rest = [record for record in data.records if parts[record.id] != fold and record.source in sources]
    rest = cut(rest, "validation", 0.15, seed=fold + 1, classes=())

    def kind(record: Record) -> tuple[str, str]:
        return record.label, record.source if way.balanced else ""

    counts = Counter(kind(record) for record in rest if record.split == "train")
    weighed = [
        replace(record, weight=shown / len(counts) / counts[kind(record)]) if record.split == "train" else record
        for record in rest
    ]
    return data.with_records([*weighed, *test])


def answers(data: md.Dataset, way: Way, chosen: argparse.Namespace, *, seed: int) -> Float64Array:
    """Train a network and return the probability of melanoma of each image of the test."""
    keras.utils.clear_session()
    model = md.build_model(
        chosen.model, num_classes=2, input_shape=(*data.image_size, 3), weights=chosen.weights, seed=seed
    )
    recipe = replace(Recipe.named("assignment"), schedule="cosine", head_epochs=2, fine_tuning=0.3)
    if way.strong:
        recipe = replace(recipe, augmentation=Recipe.named("strong").augmentation)
    # Ranks are all that is asked for: there is no need of a detector, its export and its calibration.
    train(model, data, epochs=chosen.epochs, recipe=recipe, seed=seed, progress=False)
    found: Float64Array = model.predict(data.test.batches(), verbose=0)[:, CLASSES.index("melanoma")]
    return found


def keep(file: Path, data: md.Dataset, scores: Float64Array) -> None:
    """Write the answers of one network, ranked: each network has a scale of its own, and folds are looked at as one."""
    ranks = (rankdata(scores) - 0.5) / len(scores)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(dict(zip((record.id for record in data.test), ranks.tolist(), strict=True))))
    partial.rename(file)
    print(f"{file.stem} is trained", flush=True)


def gathered(out: Path, name: str, count: int) -> dict[str, float]:
    """Read the answers of one way to learn, on all folds."""
    kept = [json.loads((out / f"{name}-{fold}.json").read_text()) for fold in range(count)]
    return {one: score for run in kept for one, score in run.items()}


def show(data: md.Dataset, found: dict[str, dict[str, float]]) -> None:
    """Print the figures of every way to learn."""
    parts = {name: [record for record in data.records if record.source == name] for name in ("first", "second")}
    nevi = [record for record in data.records if record.label == "nevus"]
    for name, scores in found.items():
        for own, beside in zip(parts, WAYS[name].beside, strict=True):
            positive = [record.label == "melanoma" for record in parts[own]]
            say(f"{name}_on_{own}_melanoma_auc", auc(scores, parts[own], positive))
            if beside in found:
                gain = difference(scores, found[beside], parts[own])
                say(f"{name}_less_{beside}_on_{own}_melanoma_auc", gain)
        # A nevus is no melanoma, whichever source it is from. Off 0.5, the score tells the source, or the nevi differ.
        say(f"{name}_source_of_nevi_auc", auc(scores, nevi, [record.source == "first" for record in nevi]))


def auc(scores: dict[str, float], records: Sequence[Record], positive: Sequence[bool]) -> Figure:
    """Return how well the scores tell the positive images."""
    melanoma = np.array([scores[record.id] for record in records])
    answer = np.stack([melanoma, 1 - melanoma], axis=1)
    labels = np.where(positive, CLASSES.index("melanoma"), CLASSES.index("nevus"))
    return measure(answer, labels, [record.group for record in records], CLASSES).figures["melanoma_auc"]


def difference(ones: dict[str, float], others: dict[str, float], records: Sequence[Record]) -> Figure:
    """Return by how much the first scores tell melanoma better, over the same draws of lesions."""
    positive = np.array([record.label == "melanoma" for record in records])
    one, other = (np.array([scores[record.id] for record in records]) for scores in (ones, others))

    def gain(weights: Float64Array) -> Float64Array:
        return weighted_auc(one, positive, weights) - weighted_auc(other, positive, weights)

    groups = [record.group for record in records]
    low, high = np.percentile(np.concatenate([gain(drawn) for drawn in replicates(groups, seed=1)]), (2.5, 97.5))
    return Figure(float(gain(np.ones((1, len(records))))[0]), float(low), float(high), len(set(groups)))


def say(name: str, figure: Figure) -> None:
    """Print a figure with its interval."""
    print(f"{name} {figure.value:.3f} -   # {figure}")


if __name__ == "__main__":
    main()
