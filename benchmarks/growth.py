"""How the search for near duplicates grows: synthetic hashes, with twins planted 16 bits apart.

    python benchmarks/growth.py [--most 1000000]

Prints one line a figure: name, value, goal. The peer, comparing all with all, is measured on 20,000 and grows with the square.
"""

import argparse
import resource
import time

import faiss
import numpy as np

from melanoma_detect.data.neighbours import find_pairs


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=1_000_000)
    most = parser.parse_args().most
    fewer, fewer_found = search(most // 10)
    more, more_found = search(most)
    print(f"seconds_for_{most // 10} {fewer:.1f} -")
    print(f"seconds_for_{most} {more:.1f} {180 * most / 1_000_000:.0f}")
    print(f"time_of_ten_times_the_images {more / fewer:.1f} 12")
    print(f"found_of_planted {min(fewer_found, more_found):.4f} 0.99")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak_gibibytes {peak:.2f} 2")
    print(f"all_with_all_seconds_for_{most}_by_the_square {all_with_all(20_000) * (most / 20_000) ** 2:.0f} -")


def search(count: int) -> tuple[float, float]:
    """Return how long a search of so many hashes takes, and which share of the planted twins it finds."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (count, 32), np.uint8)
    twins = count // 100
    flips = np.zeros((twins, 256), np.uint8)
    flips[np.arange(twins)[:, None], rng.random((twins, 256)).argsort(axis=1)[:, :16]] = 1
    codes[-twins:] = codes[:twins] ^ np.packbits(flips, axis=1)
    start = time.perf_counter()
    pairs = find_pairs(codes, codes, np.arange(count), radius=24)
    seconds = time.perf_counter() - start
    planted = (pairs.first < twins) & (pairs.second == pairs.first + count - twins)
    return seconds, float(planted.sum() / twins)


def all_with_all(count: int) -> float:
    """Return how long it takes to compare all with all."""
    codes = np.random.default_rng(1).integers(0, 256, (count, 32), np.uint8)
    index = faiss.IndexBinaryFlat(256)
    index.add(codes)
    start = time.perf_counter()
    index.range_search(codes, 25)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
