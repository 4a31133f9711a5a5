"""Benefit of a pretrained backbone and of a second source, on the same test images as `architectures.py`.

The lesions of the fold and of Test, with every image of them in either source, are held out of training. An architecture with
an ImageNet backbone is fine-tuned in two phases on the rest of both sources, and evaluated on the fold and on Test.

    python benchmarks/transfer.py ISIC9 HAM10000 --weights FILE --until conv_pw_12_relu --out answers
"""

import argparse
import warnings
from dataclasses import replace
from pathlib import Path

import architectures

import melanoma_detect as md
from melanoma_detect.data.record import Record
from melanoma_detect.data.splits import folds, split_off
from melanoma_detect.errors import DataWarning

TO = 600  # the least number of images of each class in an epoch


def main() -> None:
    """Train unless the predictions exist, then print the metrics."""
    warnings.simplefilter("ignore", DataWarning)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, nargs=2)
    parser.add_argument("--model", default="mobilenet")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--until")
    parser.add_argument("--out", type=Path, required=True, help="folder for the predictions")
    parser.add_argument("--fold", type=int, default=1)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6)
    arguments = parser.parse_args()
    nine_classes = md.load_dataset(arguments.sources[0], conflicts="resolve", seed=1)
    fold = list(folds(nine_classes, arguments.folds, seed=1))[arguments.fold - 1]
    file = architectures.prediction_file(arguments.out, f"{arguments.model}-both", arguments.fold)
    if not file.exists():
        data = load_both(arguments.sources, (*fold.test, *nine_classes.test), seed=arguments.fold)
        model = md.build_model(
            arguments.model,
            num_classes=len(data.classes),
            weights=arguments.weights,
            until=arguments.until,
            seed=arguments.fold,
        )
        detector = md.Detector.fit(
            model, md.balance(data, to=TO, method="weights"), epochs=arguments.epochs, seed=arguments.fold
        )
        architectures.save(file, detector, model, fold, nine_classes)
    for name in ("cnn", "lesion_net", f"{arguments.model}-both"):
        if architectures.prediction_file(arguments.out, name, arguments.fold).exists():
            results = architectures.load(name, [arguments.fold], arguments.out, nine_classes.classes)
            architectures.show(f"{name}_fold{arguments.fold}", results)


def load_both(sources: list[Path], held_out: tuple[Record, ...], *, seed: int) -> md.Dataset:
    """Load both sources without the held-out lesions."""
    dataset = md.load_dataset(sources, conflicts="resolve", seed=seed)
    digests = {record.digest for record in held_out}
    groups = {record.group for record in dataset.records if record.digest in digests}
    missing = len(digests - {record.digest for record in dataset.records})
    remaining = [replace(record, split="train") for record in dataset.records if record.group not in groups]
    print(
        f"{len(remaining)} training images; {len(dataset) - len(remaining)} of held-out lesions; {missing} removed by the merge"
    )
    return dataset.with_records(split_off(remaining, "validation", 0.15, seed=seed, classes=()))


if __name__ == "__main__":
    main()
