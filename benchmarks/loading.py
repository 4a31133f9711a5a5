"""Speed of `load_dataset` and a pass over the images, against Keras; of a second load; of later epochs; of several sources.

    MELANOMA_DETECT_DATA=folder python benchmarks/loading.py [--all]

Prints one line per figure: name, value, goal. Keras only decodes; `load_dataset` also hashes every file, finds near duplicates,
groups, cleans and splits. A first load starts with an empty cache folder; a second one finds the scans of the first there. The
three take turns in one process, and figures are medians; the first round, which also imports modules and fills the system's
cache of files, is not counted. With `--all`, every folder with a metadata.csv is loaded in one call, twice.
"""

import argparse
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import NamedTuple, TypeVar

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import melanoma_detect as md
from melanoma_detect.images.pixel_cache import PixelCache
from melanoma_detect.utils.files import CACHE_VARIABLE

ROUNDS = 5
Result = TypeVar("Result")


class Seconds(NamedTuple):
    """How long something takes, by the clock and on the processor's cores together."""

    wall: float
    cpu: float


def main() -> None:
    """Run all benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="load all folders in one call, too")
    everything = parser.parse_args().all
    root = Path(os.environ["MELANOMA_DETECT_DATA"])
    warnings.simplefilter("ignore", md.errors.DataWarning)
    with tempfile.TemporaryDirectory() as cache:
        os.environ[CACHE_VARIABLE] = cache
        compare_with_keras(root / "isic9", Path(cache))
        measure_later_epochs(root / "isic9")
        if everything:
            load_together(sorted(table.parent for table in root.glob("*/metadata.csv")), Path(cache))


def compare_with_keras(folder: Path, cache: Path) -> None:
    """Print the figures of a first and a second load."""
    rounds = []
    for _ in range(ROUNDS + 1):
        shutil.rmtree(cache, ignore_errors=True)
        theirs, _ = timed(lambda: pass_with_keras(folder))
        first, data = timed(lambda: md.load_dataset(folder))
        first_pass, _ = timed(lambda data=data: pass_over(data))
        second, data = timed(lambda: md.load_dataset(folder))
        second_pass, _ = timed(lambda data=data: pass_over(data))
        rounds.append((theirs, first, first_pass, second, second_pass))
    theirs, first, first_pass, second, second_pass = (
        Seconds(*map(median, zip(*values[1:], strict=True))) for values in zip(*rounds, strict=True)
    )
    print(f"keras_pass_seconds {theirs.wall:.2f} -")
    print(f"first_load_and_pass_seconds {first.wall + first_pass.wall:.2f} -")
    print(f"first_load_and_pass_over_keras {(first.wall + first_pass.wall) / theirs.wall:.2f} 1.5")
    print(f"first_load_and_pass_over_keras_processor_time {(first.cpu + first_pass.cpu) / theirs.cpu:.2f} -")
    print(f"second_load_seconds {second.wall:.2f} -")
    print(f"second_load_over_first {second.wall / first.wall:.2f} 0.5")
    total = (second.wall + second_pass.wall) / (first.wall + first_pass.wall)
    print(f"second_load_and_pass_over_first {total:.2f} -")


def measure_later_epochs(folder: Path) -> None:
    """Print how fast epochs after the first are."""
    data = md.load_dataset(folder)
    print(f"later_epochs_images_per_second_in_memory {later_epochs_rate(data):.0f} 10000")
    mapped = replace(data, decoded=PixelCache(0))
    print(f"later_epochs_images_per_second_mapped {later_epochs_rate(mapped):.0f} 10000")


def load_together(folders: list[Path], cache: Path) -> None:
    """Print how long it takes to load several folders in one call."""
    shutil.rmtree(cache, ignore_errors=True)
    first, data = timed(lambda: md.load_dataset(folders))
    second, _ = timed(lambda: md.load_dataset(folders))
    print(f"sources_loaded_together {len(folders)} -")
    print(f"images_loaded_together {len(data) + len(data.set_aside)} -")
    print(f"first_load_of_all_seconds {first.wall:.1f} 120")
    print(f"second_load_of_all_seconds {second.wall:.1f} -")


def timed(run: Callable[[], Result]) -> tuple[Seconds, Result]:
    """Return how long a call takes, and its result."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = run()
    return Seconds(time.perf_counter() - wall, time.process_time() - cpu), result


def pass_with_keras(folder: Path) -> None:
    """Decode both splits once with Keras."""
    for split in ("Train", "Test"):
        images = keras.utils.image_dataset_from_directory(
            folder / split, image_size=(180, 180), batch_size=32, verbose=False
        )
        for _ in images:
            pass


def pass_over(data: md.Dataset) -> None:
    """Take each batch of all splits once."""
    for split in (data.train, data.validation, data.test):
        batches = split.batches()
        for index in range(len(batches)):
            batches[index]


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
