"""Speed of `balance`, against `Augmentor.Pipeline.sample` on the same images with the same operation.

    python benchmarks/balance.py [--copies 4500]

Prints one line per figure: name, value, goal. The images are procedural lesions of nine classes at 1024×768. Augmentor
processes and writes them at that size; `balance` does so at the dataset's image size, which is what a model reads.
"""

import argparse
import contextlib
import io
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import Augmentor
import numpy as np
from PIL import Image

import melanoma_detect as md

CLASSES = tuple(diagnosis.name for diagnosis in md.taxonomy.DIAGNOSES)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=4500)
    copies = parser.parse_args().copies
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        draw_lesions(root / "lesions")
        data = md.load_dataset(root / "lesions", validation=0, test=0)
        each = copies // len(CLASSES)
        md.balance(data, add=25, cache=root / "warm", progress=False)
        ours = {workers: balance_rate(data, each, root / f"cache-{workers}", workers) for workers in (1, 2)}
        theirs = augmentor_rate(root / "lesions" / CLASSES[0], 200)
        same = read_files(root / "cache-1") == read_files(root / "cache-2")
    print(f"augmentor_images_per_second {theirs:.0f} -")
    print(f"balance_images_per_second_one_worker {ours[1]:.0f} -")
    print(f"balance_images_per_second_two_workers {ours[2]:.0f} -")
    print(f"balance_over_augmentor {ours[2] / theirs:.1f} 10")
    print(f"same_bytes_on_one_and_two_workers {int(same)} 1")


def draw_lesions(root: Path) -> None:
    """Draw ten images of each class, 1024×768."""
    for position, label in enumerate(CLASSES):
        (root / label).mkdir(parents=True)
        for number in range(10):
            pixels = md.draw_lesion(label, seed=100 * position + number, size=256).pixels
            image = Image.fromarray(np.asarray(pixels)).resize((1024, 768), Image.Resampling.BICUBIC)
            image.save(root / label / f"{position}_{number}.jpg", quality=92)


def balance_rate(data: md.Dataset, each: int, cache: Path, workers: int) -> float:
    """Return how many copies per second `balance` makes."""
    start = time.perf_counter()
    md.balance(data, add=each, workers=workers, cache=cache, progress=False)
    return each * len(CLASSES) / (time.perf_counter() - start)


def augmentor_rate(folder: Path, count: int) -> float:
    """Return how many samples per second Augmentor makes."""
    with hide_output():
        pipeline = Augmentor.Pipeline(str(folder))
        pipeline.rotate(probability=0.7, max_left_rotation=10, max_right_rotation=10)
        start = time.perf_counter()
        pipeline.sample(count)
    return count / (time.perf_counter() - start)


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@contextlib.contextmanager
def hide_output() -> Iterator[None]:
    """Hide Augmentor's progress bar."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


if __name__ == "__main__":
    main()
