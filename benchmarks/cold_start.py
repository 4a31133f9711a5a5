"""The time from the begin of a process to its answer, beside the parts that no such program can do without.

    python benchmarks/cold_start.py [--rounds 15] [--photo FILE]

Prints `name value goal` a line. The bare parts are a Python process that imports NumPy, Pillow and ONNX Runtime, decodes the
same photo, and runs the same ONNX model once, from a file of its own. Every figure is the median of runs in turns, so that
other programs on the machine slow all of them alike; CPU seconds are less disturbed by them than wall seconds.

- command: the installed console script, `melanoma-detect predict photo.jpg`; module: `python -m melanoma_detect`.
- first: the command with an empty cache, which runs the golden images; every later one finds that they have passed.
- load: `md.Detector.load()` in Python, its imports included.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from PIL import Image

import melanoma_detect as md

SECONDS, RATIO = 0.30, 1.76  # 0.30 against 0.17 seconds of the bare parts, on a quiet machine of two cores
BARE = """
import sys
import numpy as np
import onnxruntime
from PIL import Image
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
entry, height, width = session.get_inputs()[0], int(sys.argv[3]), int(sys.argv[4])
with Image.open(sys.argv[2]) as photo:
    pixels = np.asarray(photo.convert("RGB").resize((width, height), Image.Resampling.BICUBIC))[None]
pixels = pixels.astype(np.uint8 if entry.type == "tensor(uint8)" else np.float32)
print(session.run(["logits", "features"], {entry.name: pixels})[0])
"""
COMMANDS = ("predict", "score", "card", "explain", "export", "train", "evaluate", "audit", "models")


class Times(NamedTuple):
    """Seconds of a process.

    Attributes:
        wall: From its begin to its end.
        cpu: Of all its threads.
    """

    wall: float
    cpu: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--photo", type=Path, help="a photograph; without it, one is drawn")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photo = chosen.photo or draw_photo(folder)
        detector = md.Detector.load()
        (folder / "model.onnx").write_bytes(detector.predictor.files.onnx)
        bare = [sys.executable, "-c", BARE, str(folder / "model.onnx"), str(photo), *map(str, detector.image_size)]
        print_answers(bare, folder, photo, chosen.rounds)
        print_help(folder, max(3, chosen.rounds // 3))


def draw_photo(folder: Path) -> Path:
    """Write a photograph of 600 by 600 pixels."""
    photo = folder / "photo.jpg"
    Image.fromarray(md.draw_lesion("melanoma", seed=1, size=600).pixels).save(photo, quality=92)
    return photo


def print_answers(bare_parts: list[str], folder: Path, photo: Path, rounds: int) -> None:
    """Print the time to an answer, by the command and in Python."""
    script = str(Path(sys.executable).with_name("melanoma-detect"))
    predict = ["predict", str(photo)]
    times = measure(
        {
            "bare": bare_parts,
            "command": [script, *predict],
            "module": [sys.executable, "-m", "melanoma_detect", *predict],
            "first": [script, *predict],
            "load": [sys.executable, "-c", "import melanoma_detect as md; md.Detector.load()"],
            "explain": [script, "explain", str(photo), "--out", str(folder / "sheet.png"), "--overwrite"],
        },
        folder,
        rounds,
    )
    bare = times["bare"]
    goals = {"command": SECONDS, "explain": 2.0}
    for name, found in times.items():
        print(f"{name}_seconds {found.wall:.3f} {goals.get(name, '')}".rstrip())
        if name != "bare":
            goal = RATIO if name in ("command", "module") else ""
            print(f"{name}_against_bare {found.wall / bare.wall:.2f} {goal}".rstrip())
            print(f"{name}_cpu_against_bare {found.cpu / bare.cpu:.2f} {goal}".rstrip())


def print_help(folder: Path, rounds: int) -> None:
    """Print the time of the import and of each command's help, against a Python process that does nothing."""
    script = str(Path(sys.executable).with_name("melanoma-detect"))
    times = measure(
        {
            "python": [sys.executable, "-c", "pass"],
            "import": [sys.executable, "-c", "import melanoma_detect"],
            "version": [script, "--version"],
            "help": [script, "--help"],
            **{f"help_{name}": [script, name, "--help"] for name in COMMANDS},
        },
        folder,
        rounds,
    )
    for name, found in times.items():
        print(f"{name}_seconds {found.wall:.3f} {'0.1' if name == 'import' else ''}   # CPU {found.cpu:.3f}")


def measure(commands: dict[str, list[str]], folder: Path, rounds: int) -> dict[str, Times]:
    """Return the median times of commands that run in turns; `first` with a cache of its own each time."""
    found: dict[str, list[Times]] = defaultdict(list)
    for turn in range(rounds + 1):
        for name, command in commands.items():
            cache = folder / (f"cache-{turn}" if name == "first" else "cache")
            # Where ONNX Runtime reports what it runs, the bare parts would take longer than the library, which turns that off.
            variables = os.environ | {"MELANOMA_DETECT_CACHE": str(cache), "ORT_DISABLE_TELEMETRY": "1"}
            times = run(command, variables)
            if turn:  # the first one reads from disk what is in memory afterwards
                found[name].append(times)
    return {name: Times(*map(statistics.median, zip(*times, strict=True))) for name, times in found.items()}


def run(command: list[str], variables: dict[str, str]) -> Times:
    """Run a command and return its times."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=variables)
    wall, after = time.perf_counter() - start, os.times()
    return Times(
        wall,
        after.children_user + after.children_system - before.children_user - before.children_system,
    )


if __name__ == "__main__":
    main()
