"""Speed of `load_dataset` and the first epoch, against Keras, and of later epochs.

    MELANOMA_DETECT_DATA=folder python benchmarks/loading.py

Prints one line per figure: name, value, goal. Keras only decodes; `load_dataset` also hashes every file, finds near duplicates,
groups, cleans and splits. The first round of both, which also imports modules, is not counted.
"""

import os
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path
from statistics import median

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import melanoma_detect as md
from melanoma_detect.images.pixel_cache import PixelCache


def main() -> None:
    """Run all benchmarks."""
    folder = Path(os.environ["MELANOMA_DETECT_DATA"]) / "isic9"
    warnings.simplefilter("ignore", md.errors.DataWarning)
    rounds = [(time_keras(folder), time_load_dataset(folder)) for _ in range(4)]
    theirs, ours = (median(seconds[1:]) for seconds in zip(*rounds, strict=True))
    print(f"keras_seconds {theirs:.2f} -")
    print(f"load_dataset_and_a_pass_seconds {ours:.2f} -")
    print(f"load_dataset_over_keras {ours / theirs:.2f} 1")
    data = md.load_dataset(folder)
    print(f"later_epochs_images_per_second_in_memory {later_epochs_rate(data):.0f} 10000")
    with tempfile.TemporaryDirectory() as cache:
        os.environ["MELANOMA_DETECT_CACHE"] = cache
        print(
            f"later_epochs_images_per_second_mapped {later_epochs_rate(replace(data, decoded=PixelCache(0))):.0f} 10000"
        )
    start = time.perf_counter()
    md.audit(folder, progress=False)
    print(f"audit_seconds {time.perf_counter() - start:.1f} 10")


def time_keras(folder: Path) -> float:
    """Return the seconds of one pass over both splits with Keras."""
    start = time.perf_counter()
    for split in ("Train", "Test"):
        images = keras.utils.image_dataset_from_directory(
            folder / split, image_size=(180, 180), batch_size=32, verbose=False
        )
        for _ in images:
            pass
    return time.perf_counter() - start


def time_load_dataset(folder: Path) -> float:
    """Return the seconds of loading and one pass over all splits."""
    start = time.perf_counter()
    data = md.load_dataset(folder)
    for split in (data.train, data.validation, data.test):
        batches = split.batches()
        for index in range(len(batches)):
            batches[index]
    return time.perf_counter() - start


def later_epochs_rate(data: md.Dataset) -> float:
    """Return the images per second of three shuffled epochs after the first."""
    batches = data.train.batches(shuffle=True)
    count, start = 0, 0.0
    for epoch in range(4):
        if epoch == 1:
            start = time.perf_counter()
        for index in range(len(batches)):
            pixels, _ = batches[index]
            count += len(pixels) if epoch else 0
        batches.on_epoch_end()
    return count / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
