"""Speed and memory of `score`: against a loop written by hand, against Keras, and on Ray.

    python benchmarks/scoring.py [--originals FOLDER] [--detector FILE] [--skip ray]

Prints one line per figure: name, value, goal. The alternatives and `score` take turns; figures are medians of the ratios in
each round. The 180×180 images are procedural lesions; the originals are camera JPEGs (by default in `originals` below
`MELANOMA_DETECT_DATA`). Without a detector, one is trained for one epoch: its accuracy does not change its speed.
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
BENCHMARKS = ("originals", "small", "memory", "ray")

# In a process of its own, without TensorFlow: the peak is that of scoring alone.
PEAK = """
import resource, sys
import melanoma_detect as md
from melanoma_detect.inference.predictor import Predictor

predict_inputs, done, first = Predictor.predict_inputs, 0, 0

def predict_and_count(predictor, inputs, names):
    global done, first
    done += len(inputs)
    if not first and done > 1000:
        first = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return predict_inputs(predictor, inputs, names)

Predictor.predict_inputs = predict_and_count
result = md.score(sys.argv[2], detector=sys.argv[1], out=sys.argv[3], progress=False)
last = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(f"memory_images {result.images} 20000")
print(f"memory_mebibytes_after_1000 {first / 1024:.0f} -")
print(f"memory_mebibytes_in_the_end {last / 1024:.0f} -")
print(f"memory_growth_after_1000 {last / first - 1:.3f} 0.05")
"""

KERAS = """
import sys, time
import keras

model = keras.saving.load_model(sys.argv[1], compile=False)
size = model.input_shape[1:3]

def predict_folder():
    data = keras.utils.image_dataset_from_directory(
        sys.argv[2], labels=None, image_size=size, batch_size=32, shuffle=False, verbose=False
    )
    return model.predict(data, verbose=0)

model.predict(next(iter(keras.utils.image_dataset_from_directory(
    sys.argv[2], labels=None, image_size=size, batch_size=32, shuffle=False, verbose=False))), verbose=0)
start = time.perf_counter()
predict_folder()
print(time.perf_counter() - start)
"""
SCORE = """
import sys, time
import melanoma_detect as md

detector = md.Detector.load(sys.argv[1], threads=1)
start = time.perf_counter()
md.score(sys.argv[2], detector=detector, out=sys.argv[3], progress=False, overwrite=True)
print(time.perf_counter() - start)
"""


def main() -> None:
    """Run the benchmarks that are not skipped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--originals", type=Path)
    parser.add_argument("--detector", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--skip", nargs="*", choices=BENCHMARKS, default=[])
    chosen = parser.parse_args()
    originals = chosen.originals or Path(os.environ.get("MELANOMA_DETECT_DATA", ".")) / "originals"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = chosen.detector or train_detector(folder)
        small = link_images(folder / "small", sorted((draw_lesions(folder) / "Train").rglob("*.jpg")), 2000)
        if "originals" not in chosen.skip:
            compare_with_loop(
                file, link_images(folder / "large", sorted(originals.glob("*.jpg")), 48), folder, chosen.rounds
            )
        if "small" not in chosen.skip:
            compare_with_keras(file, small, folder, chosen.rounds)
        if "memory" not in chosen.skip:
            many = link_images(folder / "many", sorted(small.iterdir()), 20_000)
            subprocess.run([sys.executable, "-c", PEAK, file, many, folder / "many.csv"], check=True)
        if "ray" not in chosen.skip:
            compare_ray(file, small, folder)


def draw_lesions(folder: Path) -> Path:
    """Draw 180×180 procedural lesions, once."""
    lesions = folder / "lesions"
    return lesions if lesions.exists() else md.write_samples(lesions, train=20, test=4, size=SIZE[0])


def train_detector(folder: Path) -> Path:
    """Train the assignment's network for one epoch."""
    data = md.load_dataset(draw_lesions(folder), image_size=SIZE)
    detector = md.Detector.fit(md.build_model("cnn", num_classes=len(data.classes)), data, epochs=1, progress=False)
    detector.save(folder / "bench.detector")
    return folder / "bench.detector"


def link_images(folder: Path, files: list[Path], count: int) -> Path:
    """Make a folder with this many links to a few images."""
    if not files:
        sys.exit("no images found: give their folder (--originals), or skip this benchmark (--skip originals)")
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:06d}.jpg").symlink_to(files[number % len(files)].resolve())
    return folder


def load_keras_model(file: Path) -> keras.Model:
    """Return the detector's model in Keras."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(file) as bundle:
        return keras.saving.load_model(bundle.extract("model.keras", folder), compile=False)


def measure_rates(work: dict[str, Callable[[], object]], count: int, rounds: int) -> dict[str, list[float]]:
    """Run all in turns; return the images per second of each in every round but the first, which warms up."""
    rates: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds + 1):
        for name, function in work.items():
            start = time.perf_counter()
            function()
            rates[name].append(count / (time.perf_counter() - start))
    return {name: values[1:] for name, values in rates.items()}


def compare_with_loop(file: Path, folder: Path, scratch: Path, rounds: int) -> None:
    """Compare on camera JPEGs with a loop that decodes each image in full, resizes it and runs ONNX Runtime."""
    detector = md.Detector.load(file)
    export_onnx(load_keras_model(file), scratch / "bare.onnx")
    session = onnxruntime.InferenceSession(scratch / "bare.onnx", providers=["CPUExecutionProvider"])
    files = sorted(folder.iterdir())
    height, width = detector.image_size

    def loop() -> None:
        for path in files:
            with Image.open(path) as image:
                pixels = np.asarray(image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR), np.float32)
            session.run(None, {session.get_inputs()[0].name: pixels[None]})

    work = {"loop": loop, "score": lambda: run_score(folder, detector, scratch / "large.csv")}
    show("originals", measure_rates(work, len(files), rounds), "loop", 1.9)


def compare_with_keras(file: Path, folder: Path, scratch: Path, rounds: int) -> None:
    """Compare on small JPEGs with `image_dataset_from_directory` and `predict`, each in a process of its own.

    In one process, TensorFlow's threads, which spin while they wait, would take the cores from `score`.
    """
    with zipfile.ZipFile(file) as bundle:
        model = bundle.extract("model.keras", scratch)
    count = len(list(folder.iterdir()))
    commands = {
        "keras": [sys.executable, "-c", KERAS, model, folder],
        "score": [sys.executable, "-c", SCORE, file, folder, scratch / "small.csv"],
    }
    warm: dict[str, list[float]] = {name: [] for name in commands}
    whole: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            start = time.perf_counter()
            process = subprocess.run(command, check=True, capture_output=True, text=True)
            whole[name].append(count / (time.perf_counter() - start))
            warm[name].append(count / float(process.stdout.split()[-1]))
    show("small_warm", warm, "keras", 2.5)
    show("small_whole_process", whole, "keras", 2.5)


def show(name: str, rates: dict[str, list[float]], baseline: str, goal: float) -> None:
    """Print both rates, and the median of their ratios."""
    for key, values in rates.items():
        print(f"{name}_{key}_images_per_second {median(values):.1f} -")
    ratios = [ours / theirs for ours, theirs in zip(rates["score"], rates[baseline], strict=True)]
    print(f"{name}_score_over_{baseline} {median(ratios):.2f} {goal}")


def run_score(folder: Path, detector: md.Detector, out: Path, **settings: object) -> md.Scores:
    """Score a folder."""
    return md.score(folder, detector=detector, out=out, overwrite=True, progress=False, **settings)


def compare_ray(file: Path, folder: Path, scratch: Path) -> None:
    """Compare one actor with two, and both with `engine='local'`."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray  # noqa: PLC0415 - an extra

    detector = md.Detector.load(file)
    start = time.perf_counter()
    ray.init("local", include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    print(f"ray_start_seconds {time.perf_counter() - start:.1f} -")
    local = min(run_score(folder, detector, scratch / "local.csv").seconds for _ in range(2))
    seconds = {
        workers: min(
            run_score(
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
    print(f"ray_tables_are_the_local_one {int(are_close(tables))} 1")


def are_close(tables: list[Path]) -> bool:
    """Return whether tables are equal, numbers to within 1e-4."""
    contents = [list(csv.DictReader(path.read_text(encoding="utf-8").splitlines())) for path in tables]
    expected = contents[0]
    return all(
        len(rows) == len(expected)
        and all(
            row[key] == reference[key] or abs(float(row[key]) - float(reference[key])) < 1e-4
            for row, reference in zip(rows, expected, strict=True)
            for key in row
        )
        for rows in contents
    )


if __name__ == "__main__":
    main()
