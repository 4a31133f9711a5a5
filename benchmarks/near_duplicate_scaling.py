"""Time and recall of the search for near duplicates by the number of hashes; known pairs differ in 16 bits.

    python benchmarks/near_duplicate_scaling.py [--most 1000000]

Prints one line per figure: name, value, goal. The exhaustive search is measured on 20,000 hashes and extrapolated with the
square of their number.
"""

import argparse
import resource
import time

import faiss
import numpy as np

from melanoma_detect.data.near_duplicates import find_pairs


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=1_000_000, help="the largest number of hashes")
    most = parser.parse_args().most
    seconds_tenth, recall_tenth = search(most // 10)
    seconds, recall = search(most)
    print(f"seconds_for_{most // 10} {seconds_tenth:.1f} -")
    print(f"seconds_for_{most} {seconds:.1f} {180 * most / 1_000_000:.0f}")
    print(f"time_of_ten_times_the_images {seconds / seconds_tenth:.1f} 12")
    print(f"found_of_planted {min(recall_tenth, recall):.4f} 0.99")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak_gibibytes {peak:.2f} 2")
    print(f"all_with_all_seconds_for_{most}_by_the_square {exhaustive_search(20_000) * (most / 20_000) ** 2:.0f} -")


def search(count: int) -> tuple[float, float]:
    """Return the seconds that a search takes, and the share of the known pairs that it finds."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (count, 32), np.uint8)
    known = count // 100
    flips = np.zeros((known, 256), np.uint8)
    flips[np.arange(known)[:, None], rng.random((known, 256)).argsort(axis=1)[:, :16]] = 1
    codes[-known:] = codes[:known] ^ np.packbits(flips, axis=1)
    start = time.perf_counter()
    pairs = find_pairs(codes, codes, np.arange(count), radius=24)
    seconds = time.perf_counter() - start
    found = (pairs.first < known) & (pairs.second == pairs.first + count - known)
    return seconds, float(found.sum() / known)


def exhaustive_search(count: int) -> float:
    """Return the seconds that it takes to compare every hash with every other."""
    codes = np.random.default_rng(1).integers(0, 256, (count, 32), np.uint8)
    index = faiss.IndexBinaryFlat(256)
    index.add(codes)
    start = time.perf_counter()
    index.range_search(codes, 25)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
