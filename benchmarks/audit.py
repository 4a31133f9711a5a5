"""How long it takes to load a folder, to audit it afterwards, and to audit a folder at once.

    MELANOMA_DETECT_DATA=folder python benchmarks/audit.py

Prints one line a figure: name, value, goal; the median of three runs. An audit after loading uses what loading has decoded and
hashed. The first three do without a detector; the last is an audit of a folder with the default one.
"""

import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TypeVar

import melanoma_detect as md

RUNS = 3
Result = TypeVar("Result")


def main() -> None:
    """Run the benchmark."""
    folder = Path(os.environ["MELANOMA_DETECT_DATA"]) / "isic9"
    warnings.simplefilter("ignore", md.errors.DataWarning)
    md.audit(md.load_dataset(folder), progress=False)  # imports, and the system's cache of files
    loading, auditing, both = [], [], []
    for _ in range(RUNS):
        seconds, data = timed(lambda: md.load_dataset(folder))
        loading.append(seconds)
        auditing.append(timed(lambda data=data: md.audit(data, detector=None, progress=False))[0])
        both.append(timed(lambda: md.audit(folder, detector=None, progress=False))[0])
    with_detector = median(timed(lambda: md.audit(folder, progress=False))[0] for _ in range(RUNS))
    print(f"load_seconds {median(loading):.2f} 6")
    print(f"audit_after_load_seconds {median(auditing):.2f} 5")
    print(f"audit_of_a_folder_seconds {median(both):.2f} 10")
    print(f"audit_with_the_default_detector_seconds {with_detector:.2f} 40")


def timed(run: Callable[[], Result]) -> tuple[float, Result]:
    """Return how long a call takes, in seconds, and its result."""
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    main()
