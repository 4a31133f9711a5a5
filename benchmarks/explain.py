"""Explanations of the default detector: what each method costs, and how far its maps are right.

    python benchmarks/explain.py FOLDER... [--images 40] [--slow 8] [--detector FILE]

Prints `name value goal` a line. Each FOLDER holds images of lesions, of which `--images` are drawn; occlusion and Grad-CAM take
far longer, and see the first `--slow` of them. Drawn lesions, whose outline is known, are always measured.

- on lesion: the share of the heat on the lesion, by its known outline or, on photographs, by Otsu's threshold (1979, doi
  10.1109/TSMC.1979.4310076) on brightness, within a circle; `area` is the share that even heat would have.
- deletion: how far the probability falls when the fifth of the image with the most heat is hidden under the colour of the skin
  (after Petsiuk, Das and Saenko 2018, arXiv:1806.07421); `chance` hides the hottest fifth of the same map, its cells shuffled.
- agreement: the correlation of the heat of two methods over the pixels of an image, in the mean of images.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import melanoma_detect as md
from melanoma_detect.explain.explain import explain_many, normalize_heat
from melanoma_detect.explain.explanation import HIDDEN_SHARE, Explanation
from melanoma_detect.explain.occlusion import hide_hottest
from melanoma_detect.images.reader import read_pixels

METHODS = ("cam", "grad-cam", "occlusion")
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
DRAWN_CLASSES = ("melanoma", "nevus", "basal cell carcinoma", "pigmented benign keratosis")


class Case(NamedTuple):
    """An image at the detector's size, and where its lesion is."""

    pixels: NDArray[np.uint8]
    mask: NDArray[np.bool_]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--images", type=int, default=40, help="of each folder")
    parser.add_argument("--slow", type=int, default=8, help="images for occlusion and Grad-CAM")
    parser.add_argument("--detector", type=Path)
    arguments = parser.parse_args()
    detector = md.Detector.load(arguments.detector)
    time_methods(detector)
    time_command(arguments.detector)
    compare("drawn", drawn_cases(detector, arguments.images), detector, arguments.slow)
    for folder in arguments.folders:
        cases = list(photograph_cases(folder, detector, arguments.images))
        compare("/".join(folder.parts[-2:]), cases, detector, arguments.slow)


def time_methods(detector: md.Detector) -> None:
    """Print the time of one explanation, from a loaded detector."""
    pixels = md.draw_lesion("melanoma", seed=1, size=224).pixels
    print_time("predict", lambda: detector.predict(pixels), 10)
    print_time("explain cam", lambda: detector.explain(pixels, method="cam"), 10)
    print_time("explain cam, 8 views", lambda: detector.at(views=8).explain(pixels, method="cam"), 3)
    print_time(
        "explain_many cam, each of 32", lambda: explain_many(detector.predictor, [pixels] * 32, method="cam"), 1, 32
    )
    print_time("explain occlusion", lambda: detector.explain(pixels, method="occlusion"), 1)
    started = time.perf_counter()
    detector.explain(pixels, method="grad-cam")
    print_line("explain grad-cam, first (imports Keras)", f"{time.perf_counter() - started:.2f} s")
    print_time("explain grad-cam", lambda: detector.explain(pixels, method="grad-cam"), 1)


def time_command(file: Path | None) -> None:
    """Print the time of the whole command, Python's start included."""
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder, "photo.png")
        Image.fromarray(md.draw_lesion("melanoma", seed=1, size=600).pixels).save(photo)
        own = ["--detector", str(file)] if file else []
        command = [
            sys.executable,
            "-m",
            "melanoma_detect",
            "explain",
            str(photo),
            "--out",
            str(photo.with_name("sheet.png")),
        ]
        times = []
        for _ in range(3):
            started = time.perf_counter()
            subprocess.run([*command, "--overwrite", *own], check=True, capture_output=True)
            times.append(time.perf_counter() - started)
    print_line("command explain, best of 3", f"{min(times):.2f} s", "< 2")


def print_time(name: str, call: Callable[[], object], repeats: int, images: int = 1) -> None:
    """Print the best time of several calls: other programs on the machine only add to it."""
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) / images)
    print_line(name, f"{min(times):.3f} s", "< 1 s" if name == "explain cam" else "")


def print_line(name: str, value: str, goal: str = "") -> None:
    """Print a name, its value and the goal."""
    print(f"{name:58} {value:>9} {goal}", flush=True)


def drawn_cases(detector: md.Detector, count: int) -> list[Case]:
    """Draw lesions; their outlines are known."""
    side = detector.predictor.image_size[0]
    names = [DRAWN_CLASSES[number % len(DRAWN_CLASSES)] for number in range(count)]
    lesions = [md.draw_lesion(name, seed=500 + number, size=side) for number, name in enumerate(names)]
    return [Case(lesion.pixels, lesion.mask) for lesion in lesions]


def photograph_cases(folder: Path, detector: md.Detector, count: int) -> Iterator[Case]:
    """Read images of a folder, drawn at random, and outline their lesions."""
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    for file in random.Random(1).sample(files, min(count, len(files))):
        pixels = read_pixels(file, detector.predictor.image_size, detector.predictor.config.resize)
        yield Case(pixels, otsu_mask(pixels))


def otsu_mask(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return what is darker than Otsu's threshold, within the circle that touches the sides: corners are dark too."""
    grey = np.asarray(Image.fromarray(pixels).convert("L"))
    counts = np.bincount(grey.ravel(), minlength=256).astype(float)
    below, moment = np.cumsum(counts), np.cumsum(counts * np.arange(256))
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.nan_to_num((moment[-1] * below / below[-1] - moment) ** 2 / (below * above))
    rows, columns = (np.linspace(-1, 1, side) for side in grey.shape)
    return (grey <= between.argmax()) & (rows[:, None] ** 2 + columns[None] ** 2 < 1)


def compare(name: str, cases: Sequence[Case], detector: md.Detector, slow: int) -> None:
    """Print how the methods' maps lie on the lesions, what hiding their hottest part does, and how far they agree."""
    figures: dict[str, list[float]] = defaultdict(list)
    heats: dict[str, list[NDArray[np.float32]]] = {}
    for method in METHODS:
        chosen = cases if method == "cam" else cases[:slow]
        explanations = explain_many(detector.predictor, [case.pixels for case in chosen], method=method)
        heats[method] = [explanation.heat for explanation in explanations]
        for number, (explanation, case) in enumerate(zip(explanations, chosen, strict=True)):
            figures[f"{method}: on lesion"].append(explanation.share(case.mask))
            figures[f"{method}: deletion"].append(fall(detector, explanation, case, explanation.heat))
            if method == "cam":
                figures["area"].append(float(case.mask.mean()))
                figures["chance: deletion"].append(
                    fall(detector, explanation, case, shuffled(explanation.heat, number))
                )
    for figure, values in figures.items():
        goal = {"cam: on lesion": f"> {np.mean(figures['area']):.2f}", "cam: deletion": "> chance"}.get(figure, "")
        print_line(f"{name}, {figure} ({len(values)} images)", f"{np.mean(values):.3f}", goal)
    won = np.mean(np.array(figures["cam: deletion"]) > np.array(figures["chance: deletion"]))
    print_line(f"{name}, images on which cam's deletion exceeds chance's", f"{won:.2f}", "> 0.5")
    for one, other in (("cam", "grad-cam"), ("cam", "occlusion"), ("grad-cam", "occlusion")):
        print_line(f"{name}, agreement of {one} and {other}", f"{agreement(heats[one], heats[other]):.2f}")


def fall(detector: md.Detector, explanation: Explanation, case: Case, heat: NDArray[np.float32]) -> float:
    """Return how far the probability of the explained class falls when the hottest part is hidden."""
    predictor = detector.predictor
    if predictor.image_types:  # hiding a part must not change the type of the image
        predictor = predictor.at(image_type=predictor.predict_batch(case.pixels[None]).image_types[0] or None)
    hidden = hide_hottest(case.pixels, heat, HIDDEN_SHARE)
    after = predictor.probabilities(hidden[None])[0, predictor.classes.index(explanation.diagnosis)]
    return explanation.probability - float(after)


def shuffled(heat: NDArray[np.float32], seed: int, cells: int = 7) -> NDArray[np.float32]:
    """Return a map of as many warm cells as another one, in other places."""
    coarse = np.asarray(Image.fromarray(heat).resize((cells, cells), Image.Resampling.BOX))
    return normalize_heat(np.random.default_rng(seed).permutation(coarse.ravel()).reshape(cells, cells), heat.shape)


def agreement(heats: Sequence[NDArray[np.float32]], others: Sequence[NDArray[np.float32]]) -> float:
    """Return the mean correlation of two methods' heat over the images that both explained."""
    pairs = [(one, other) for one, other in zip(heats, others, strict=False) if np.ptp(one) and np.ptp(other)]
    return (
        float(np.mean([np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in pairs]))
        if pairs
        else float("nan")
    )


if __name__ == "__main__":
    main()
