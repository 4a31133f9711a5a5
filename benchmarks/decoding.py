"""How fast a camera's JPEG comes to a model's size, against decoding all of it, and how little differs.

    MELANOMA_DETECT_DATA=folder python benchmarks/decoding.py

Prints one line a figure: name, value, goal. The folder holds `originals`, JPEGs of 2304×1536 to 3008×2000.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from melanoma_detect.images.reader import Pixels, read

SIZE = (180, 180)


def full(path: Path) -> Pixels:
    """Decode all of a JPEG, then resize it in the same way."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize(SIZE[::-1], Image.Resampling.BILINEAR))


def seconds(work: Callable[[], object]) -> float:
    """Return the median time of seven runs."""
    times = []
    for _ in range(7):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times)


def main() -> None:
    """Measure and print."""
    paths = sorted((Path(os.environ["MELANOMA_DETECT_DATA"]) / "originals").glob("*.jpg"))
    slow = sum(seconds(lambda path=path: full(path)) for path in paths)
    fast = sum(seconds(lambda path=path: read(path, SIZE)) for path in paths)
    differences = [np.abs(full(path).astype(int) - read(path, SIZE)).mean() for path in paths]
    print(f"full_decoding_milliseconds {1000 * slow / len(paths):.1f} -")
    print(f"read_milliseconds {1000 * fast / len(paths):.1f} -")
    print(f"read_over_full_decoding {slow / fast:.2f} 2")
    print(f"mean_difference_in_grey_levels {max(differences):.2f} 1")


if __name__ == "__main__":
    main()
