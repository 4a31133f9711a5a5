"""What a pretrained backbone and a second source are worth, on the very images that `architectures.py` measures on.

The fold's lesions and the Test's, with every image of them in either source, take no part in training. An architecture with
an ImageNet backbone is trained in two phases on what is left of both sources, and measured on the fold and on Test.

    python benchmarks/transfer.py ISIC9 HAM10000 --weights FILE --until conv_pw_12_relu --out answers
"""

import argparse
import warnings
from dataclasses import replace
from pathlib import Path

import architectures

import melanoma_detect as md
from melanoma_detect.data.folds import folds
from melanoma_detect.data.record import Record
from melanoma_detect.data.splits import cut
from melanoma_detect.errors import DataWarning

TO = 600  # images that each class shows in an epoch, at least


def main() -> None:
    """Train where there are no answers yet, then print the figures."""
    warnings.simplefilter("ignore", DataWarning)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs=2)
    parser.add_argument("--model", default="mobilenet")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--until")
    parser.add_argument("--out", type=Path, required=True, help="where answers are kept")
    parser.add_argument("--fold", type=int, default=1)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6)
    chosen = parser.parse_args()
    first = md.load_dataset(chosen.sources[0], conflicts="resolve", seed=1)
    fold = list(folds(first, chosen.folds, seed=1))[chosen.fold - 1]
    place = architectures.place(chosen.out, f"{chosen.model}-both", chosen.fold)
    if not place.exists():
        data = both(chosen.sources, (*fold.test, *first.test), seed=chosen.fold)
        model = md.build_model(
            chosen.model, num_classes=len(data.classes), weights=chosen.weights, until=chosen.until, seed=chosen.fold
        )
        detector = md.Detector.fit(
            model, md.balance(data, to=TO, method="weights"), epochs=chosen.epochs, seed=chosen.fold
        )
        architectures.keep(place, detector, model, fold, first)
    for name in ("cnn", "lesion_net", f"{chosen.model}-both"):
        if architectures.place(chosen.out, name, chosen.fold).exists():
            found = architectures.gathered(name, [chosen.fold], chosen.out, first.classes)
            architectures.show(f"{name}_fold{chosen.fold}", found)


def both(sources: list[Path], held_out: tuple[Record, ...], *, seed: int) -> md.Dataset:
    """Load both sources without the lesions of the images that are measured on."""
    whole = md.load_dataset(sources, conflicts="resolve", seed=seed)
    digests = {record.digest for record in held_out}
    groups = {record.group for record in whole.records if record.digest in digests}
    missing = len(digests - {record.digest for record in whole.records})
    left = [replace(record, split="train") for record in whole.records if record.group not in groups]
    print(
        f"{len(left)} images to learn from; {len(whole) - len(left)} of held-out lesions, {missing} set aside by the merge"
    )
    return whole.with_records(cut(left, "validation", 0.15, seed=seed, classes=()))


if __name__ == "__main__":
    main()
