"""How fast and how lightly `score` works, against what one would write by hand, against Keras, and on Ray.

    python benchmarks/scoring.py [--originals FOLDER] [--detector FILE] [--skip ray]

Prints one line a figure: name, value, goal. Peers take turns with `score`; figures are medians of the rounds' ratios. The
180×180 images are drawn; the originals are camera JPEGs (their folder is `originals` below `MELANOMA_DETECT_DATA` if it is
not named). Without a detector, one is trained for one epoch: how well it answers makes no difference to how fast.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import onnxruntime
from PIL import Image

import melanoma_detect as md
from melanoma_detect.export.onnx import export_onnx

SIZE = (180, 180)
PARTS = ("originals", "small", "memory", "ray")

# In a process of its own, which imports what a user's does: its peak is that of scoring alone.
PEAK = """
import resource, sys
import melanoma_detect as md

answer, done, first = md.Detector.answer, 0, 0

def counted(detector, looks, sources):
    global done, first
    done += len(looks)
    if not first and done > 1000:
        first = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return answer(detector, looks, sources)

md.Detector.answer = counted
result = md.score(sys.argv[2], detector=sys.argv[1], out=sys.argv[3], progress=False)
last = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(f"memory_images {result.images} 20000")
print(f"memory_mebibytes_after_1000 {first / 1024:.0f} -")
print(f"memory_mebibytes_in_the_end {last / 1024:.0f} -")
print(f"memory_growth_after_1000 {last / first - 1:.3f} 0.05")
"""

BY_KERAS = """
import sys, time
import keras

model = keras.saving.load_model(sys.argv[1], compile=False)
size = model.input_shape[1:3]

def everything():
    data = keras.utils.image_dataset_from_directory(
        sys.argv[2], labels=None, image_size=size, batch_size=32, shuffle=False, verbose=False
    )
    return model.predict(data, verbose=0)

model.predict(next(iter(keras.utils.image_dataset_from_directory(
    sys.argv[2], labels=None, image_size=size, batch_size=32, shuffle=False, verbose=False))), verbose=0)
start = time.perf_counter()
everything()
print(time.perf_counter() - start)
"""
BY_SCORE = """
import sys, time
import melanoma_detect as md

detector = md.Detector.load(sys.argv[1], threads=1)
start = time.perf_counter()
md.score(sys.argv[2], detector=detector, out=sys.argv[3], progress=False, overwrite=True)
print(time.perf_counter() - start)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--originals", type=Path)
    parser.add_argument("--detector", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--skip", nargs="*", choices=PARTS, default=[])
    chosen = parser.parse_args()
    originals = chosen.originals or Path(os.environ.get("MELANOMA_DETECT_DATA", ".")) / "originals"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = chosen.detector or trained(folder)
        small = images(folder / "small", sorted((lesions(folder) / "Train").rglob("*.jpg")), 2000)
        if "originals" not in chosen.skip:
            against_a_loop(file, images(folder / "large", sorted(originals.glob("*.jpg")), 48), folder, chosen.rounds)
        if "small" not in chosen.skip:
            against_keras(file, small, folder, chosen.rounds)
        if "memory" not in chosen.skip:
            many = images(folder / "many", sorted(small.iterdir()), 20_000)
            subprocess.run([sys.executable, "-c", PEAK, file, many, folder / "many.csv"], check=True)
        if "ray" not in chosen.skip:
            on_ray(file, small, folder)


def lesions(folder: Path) -> Path:
    """Draw 180×180 lesions, once."""
    place = folder / "lesions"
    return place if place.exists() else md.write_samples(place, train=20, test=4, size=SIZE[0])


def trained(folder: Path) -> Path:
    """Train the assignment's network a little."""
    data = md.load_dataset(lesions(folder), image_size=SIZE)
    detector = md.Detector.fit(md.build_model("cnn", num_classes=len(data.classes)), data, epochs=1, progress=False)
    detector.save(folder / "bench.detector")
    return folder / "bench.detector"


def images(folder: Path, files: list[Path], count: int) -> Path:
    """Make a folder of so many images, which are links to a few."""
    if not files:
        sys.exit("no images to repeat: name their folder (--originals), or leave this out (--skip originals)")
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:06d}.jpg").symlink_to(files[number % len(files)].resolve())
    return folder


def keras_model(file: Path) -> keras.Model:
    """Return the detector's model in Keras."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(file) as bundle:
        return keras.saving.load_model(bundle.extract("model.keras", folder), compile=False)


def rates(work: dict[str, Callable[[], object]], count: int, rounds: int) -> dict[str, list[float]]:
    """Let peers take turns; return the images a second of each in each round but the first."""
    found: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds + 1):
        for name, do in work.items():
            start = time.perf_counter()
            do()
            found[name].append(count / (time.perf_counter() - start))
    return {name: values[1:] for name, values in found.items()}


def against_a_loop(file: Path, folder: Path, scratch: Path, rounds: int) -> None:
    """Compare on camera JPEGs with decoding all of each, resizing it and asking ONNX Runtime."""
    detector = md.Detector.load(file)
    export_onnx(keras_model(file), scratch / "bare.onnx")
    session = onnxruntime.InferenceSession(scratch / "bare.onnx", providers=["CPUExecutionProvider"])
    files = sorted(folder.iterdir())
    height, width = detector.image_size

    def loop() -> None:
        for path in files:
            with Image.open(path) as image:
                pixels = np.asarray(image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR), np.float32)
            session.run(None, {session.get_inputs()[0].name: pixels[None]})

    work = {"loop": loop, "score": lambda: scored(folder, detector, scratch / "large.csv")}
    found = rates(work, len(files), rounds)
    show("originals", found, "loop", 1.9)


def against_keras(file: Path, folder: Path, scratch: Path, rounds: int) -> None:
    """Compare on small JPEGs with Keras's own way, each in a process of its own, as a user runs it.

    Side by side in one process TensorFlow's threads, which wait by spinning, take the cores from whoever comes next.
    """
    with zipfile.ZipFile(file) as bundle:
        model = bundle.extract("model.keras", scratch)
    count = len(list(folder.iterdir()))
    commands = {
        "keras": [sys.executable, "-c", BY_KERAS, model, folder],
        "score": [sys.executable, "-c", BY_SCORE, file, folder, scratch / "small.csv"],
    }
    warm: dict[str, list[float]] = {name: [] for name in commands}
    whole: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            start = time.perf_counter()
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            whole[name].append(count / (time.perf_counter() - start))
            warm[name].append(count / float(done.stdout.split()[-1]))
    show("small_warm", warm, "keras", 2.5)
    show("small_whole_process", whole, "keras", 2.5)


def show(name: str, found: dict[str, list[float]], peer: str, goal: float) -> None:
    """Print both rates, and the median of the ratios."""
    for who, values in found.items():
        print(f"{name}_{who}_images_per_second {median(values):.1f} -")
    ratios = [own / other for own, other in zip(found["score"], found[peer], strict=True)]
    print(f"{name}_score_over_{peer} {median(ratios):.2f} {goal}")


def scored(folder: Path, detector: md.Detector, out: Path, **settings: object) -> md.Scores:
    """Score a folder."""
    return md.score(folder, detector=detector, out=out, overwrite=True, progress=False, **settings)


def on_ray(file: Path, folder: Path, scratch: Path) -> None:
    """Compare one actor with two, and both with the local engine."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray  # noqa: PLC0415 - an extra

    detector = md.Detector.load(file)
    start = time.perf_counter()
    ray.init("local", include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    print(f"ray_start_seconds {time.perf_counter() - start:.1f} -")
    local = min(scored(folder, detector, scratch / "local.csv").seconds for _ in range(2))
    seconds = {
        workers: min(
            scored(
                folder, detector, scratch / f"ray-{workers}.csv", engine="ray", workers=workers, shard_size=128
            ).seconds
            for _ in range(2)
        )
        for workers in (1, 2)
    }
    ray.shutdown()
    print(f"ray_local_engine_seconds {local:.1f} -")
    print(f"ray_one_worker_seconds {seconds[1]:.1f} -")
    print(f"ray_two_workers_seconds {seconds[2]:.1f} -")
    print(f"ray_one_worker_over_two {seconds[1] / seconds[2]:.2f} -")
    print(f"ray_overhead_seconds_of_two_workers {seconds[2] - local:.1f} -")
    tables = [scratch / name for name in ("local.csv", "ray-1.csv", "ray-2.csv")]
    print(f"ray_tables_are_the_local_one {int(same(tables))} 1")


def same(tables: list[Path]) -> bool:
    """Return whether tables say the same, probabilities to within a ten-thousandth."""
    read = [list(csv.DictReader(path.read_text(encoding="utf-8").splitlines())) for path in tables]
    return all(
        len(rows) == len(read[0])
        and all(
            one[key] == other[key] or abs(float(one[key]) - float(other[key])) < 1e-4
            for one, other in zip(rows, read[0], strict=True)
            for key in one
        )
        for rows in read
    )


if __name__ == "__main__":
    main()
