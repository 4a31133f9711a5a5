"""How fast a folder becomes decoded images, against Keras, and how fast later epochs read them.

    MELANOMA_DETECT_DATA=folder python benchmarks/loading.py

Prints one line a figure: name, value, goal. Keras decodes; `load_dataset` also hashes every file, looks for near duplicates,
groups, sets aside and splits. The second load of a process has its imports behind it, as Keras's has.
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
    """Measure and print."""
    folder = Path(os.environ["MELANOMA_DETECT_DATA"]) / "isic9"
    warnings.simplefilter("ignore", md.errors.DataWarning)
    peers, ours = [], []
    for _ in range(4):
        peers.append(by_keras(folder))
        ours.append(by_load_dataset(folder))
    peer, own = median(peers[1:]), median(ours[1:])
    print(f"keras_seconds {peer:.2f} -")
    print(f"load_dataset_and_a_pass_seconds {own:.2f} -")
    print(f"load_dataset_over_keras {own / peer:.2f} 1")
    data = md.load_dataset(folder)
    print(f"later_epochs_images_per_second_in_memory {epochs(data):.0f} 10000")
    with tempfile.TemporaryDirectory() as cache:
        os.environ["MELANOMA_DETECT_CACHE"] = cache
        print(f"later_epochs_images_per_second_mapped {epochs(replace(data, decoded=PixelCache(0))):.0f} 10000")
    start = time.perf_counter()
    md.audit(folder, progress=False)
    print(f"audit_seconds {time.perf_counter() - start:.1f} 10")


def by_keras(folder: Path) -> float:
    """Return how long one pass over both splits takes with Keras."""
    start = time.perf_counter()
    for split in ("Train", "Test"):
        images = keras.utils.image_dataset_from_directory(
            folder / split, image_size=(180, 180), batch_size=32, verbose=False
        )
        for _ in images:
            pass
    return time.perf_counter() - start


def by_load_dataset(folder: Path) -> float:
    """Return how long loading and one pass over all splits takes."""
    start = time.perf_counter()
    data = md.load_dataset(folder)
    for part in (data.train, data.validation, data.test):
        batches = part.batches()
        for at in range(len(batches)):
            batches[at]
    return time.perf_counter() - start


def epochs(data: md.Dataset) -> float:
    """Return how many images a second three later epochs read, shuffled."""
    batches = data.train.batches(shuffle=True)
    count, start = 0, 0.0
    for epoch in range(4):
        if epoch == 1:
            start = time.perf_counter()
        for at in range(len(batches)):
            pixels, _ = batches[at]
            count += len(pixels) if epoch else 0
        batches.on_epoch_end()
    return count / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
