"""Speed of reading a camera's JPEG at the model's size, against decoding it in full, and the difference of the pixels.

    MELANOMA_DETECT_DATA=folder python benchmarks/decoding.py

Prints one line per figure: name, value, goal. The folder holds `originals`, JPEGs of 2304×1536 to 3008×2000.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from melanoma_detect.images.reader import Pixels, read_pixels

SIZE = (180, 180)


def decode_fully(path: Path) -> Pixels:
    """Decode a JPEG in full, then resize it in the same way."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize(SIZE[::-1], Image.Resampling.BILINEAR))


def median_seconds(function: Callable[[], object]) -> float:
    """Return the median seconds of seven calls."""
    times = []
    for _ in range(7):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return median(times)


def main() -> None:
    """Run the benchmark."""
    paths = sorted((Path(os.environ["MELANOMA_DETECT_DATA"]) / "originals").glob("*.jpg"))
    slow = sum(median_seconds(lambda path=path: decode_fully(path)) for path in paths)
    fast = sum(median_seconds(lambda path=path: read_pixels(path, SIZE)) for path in paths)
    differences = [np.abs(decode_fully(path).astype(int) - read_pixels(path, SIZE)).mean() for path in paths]
    print(f"full_decoding_milliseconds {1000 * slow / len(paths):.1f} -")
    print(f"read_milliseconds {1000 * fast / len(paths):.1f} -")
    print(f"read_over_full_decoding {slow / fast:.2f} 2")
    print(f"mean_difference_in_grey_levels {max(differences):.2f} 1")


if __name__ == "__main__":
    main()
