"""What a long run of `score` and thousands of calls at once take and leave behind.

    python benchmarks/load.py [--images 100000] [--calls 20000] > benchmarks/records/load.txt

Prints one line per figure: name, value, goal. A table lists the same 20 drawn files again and again: what is measured is
whether memory and open files grow with the number of images. Then threads, forked and spawned processes and asyncio share the
calls of one detector, whose answers are compared with those of serial calls; 0 calls leave this out.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import melanoma_detect as md
from melanoma_detect.inference.predictor import Predictor

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
_FILES = 20
_AFTER = 1000  # images, from which on memory must not grow


def resident() -> float:
    """Return the memory that this process holds now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def count_open_files() -> int:
    """Return how many files this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def write_table(folder: Path, images: int) -> Path:
    """Draw images, and write a table that lists them over and over."""
    from PIL import Image  # noqa: PLC0415

    for number in range(_FILES):
        pixels = md.draw_lesion("melanoma" if number % 2 else "nevus", seed=number, size=72).pixels
        Image.fromarray(pixels).save(folder / f"{number:02d}.jpg")
    table = folder / "images.csv"
    with table.open("w", encoding="utf-8") as file:
        file.write("path\n")
        file.writelines(f"{number % _FILES:02d}.jpg\n" for number in range(images))
    return table


def measure_score(images: int) -> dict[str, Any]:
    """Score a table of many rows, and watch memory and open files."""
    done, levels = 0, {}
    predict_inputs = Predictor.predict_inputs

    def predict_and_count(predictor: Predictor, inputs: Any, names: Any) -> Any:
        nonlocal done
        done += len(inputs)
        if done > _AFTER and "first" not in levels:
            levels["first"] = resident()
        if done % 1024 < len(inputs):
            levels["most"] = max(levels.get("most", 0.0), resident())
        return predict_inputs(predictor, inputs, names)

    with tempfile.TemporaryDirectory() as name:
        table = write_table(Path(name), images)
        detector = md.Detector.load()
        before = count_open_files()
        Predictor.predict_inputs = predict_and_count  # type: ignore[method-assign]
        start = time.perf_counter()
        scores = md.score(table, out=Path(name, "scores.csv"), detector=detector, progress=False)
        seconds = time.perf_counter() - start
        Predictor.predict_inputs = predict_inputs  # type: ignore[method-assign]
        left = count_open_files() - before
    most = max(levels["most"], resident())
    return {
        "score_images": scores.images,
        "score_unreadable": scores.unreadable,
        "score_images_per_second": round(scores.images / seconds, 1),
        f"score_mebibytes_after_{_AFTER}": round(levels["first"]),
        "score_mebibytes_at_most": round(most),
        f"score_growth_after_{_AFTER}": round(most / levels["first"] - 1, 3),
        "score_descriptors_left": left,
    }


def measure_calls(calls: int) -> dict[str, Any]:
    """Let each way of calling at once take its share, and count the answers that differ from serial ones."""
    from test_load import WAYS, answer  # noqa: PLC0415

    detector = md.Detector.load()
    expected = [answer(detector, number) for number in range(20)]
    figures: dict[str, Any] = {}
    for name, ask in WAYS.items():
        answers = ask(detector, calls // len(WAYS))
        figures[f"calls_{name}"] = len(answers)
        figures[f"calls_{name}_that_differ"] = sum(found != expected[number % 20] for number, found in answers)
    return figures


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--calls", type=int, default=0)
    chosen = parser.parse_args()
    figures = measure_score(chosen.images)
    if chosen.calls:
        figures |= measure_calls(chosen.calls)
    goals = {f"score_growth_after_{_AFTER}": "0.05", "score_descriptors_left": "0"}
    for name, value in figures.items():
        print(name, value, goals.get(name, "0" if name.endswith("differ") else "-"))


if __name__ == "__main__":
    main()
