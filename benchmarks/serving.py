"""A detector in use: start-up time, latency, throughput, and growth of memory.

Compared in the same run with ONNX Runtime alone on the same graph, and with Keras's `predict` on the same model.

    python benchmarks/serving.py [--detector FILE]
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

import melanoma_detect as md

ROUNDS = 5
KERAS_IMAGE = """
import sys
import keras, numpy as np
from PIL import Image
model = keras.saving.load_model(sys.argv[1], compile=False)
size = model.input_shape[1:3]
pixels = np.asarray(Image.open(sys.argv[2]).convert("RGB").resize(size[::-1]), np.float32)
print(model.predict(pixels[None], verbose=0))
"""
KERAS_WARM = """
import statistics, sys, time
import keras, numpy as np
model = keras.saving.load_model(sys.argv[1], compile=False)
single = np.zeros((1, *model.input_shape[1:]), np.float32)
many = np.zeros((512, *model.input_shape[1:]), np.float32)
def seconds(call, times):
    call()
    durations = []
    for _ in range(times):
        start = time.perf_counter(); call(); durations.append(time.perf_counter() - start)
    return statistics.median(durations)
print(seconds(lambda: model.predict(single, verbose=0), 20), seconds(lambda: model.predict(many, verbose=0), 3) / 512)
"""
IMPORT = "import time; start = time.perf_counter(); import melanoma_detect; print(time.perf_counter() - start)"


def main() -> None:
    """Run all benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--detector", type=Path, help="a detector's file; without it, a small detector is trained on procedural lesions"
    )
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = chosen.detector or train_detector(folder)
        detector = md.Detector.load(file)
        image, model = folder / "image.jpg", folder / "model.keras"
        Image.fromarray(md.draw_lesion("melanoma", seed=1, size=180).pixels).save(image)
        model.write_bytes(detector.predictor.files.keras())
        measure_start(file, image, model)
        measure_speed(detector, model)
        measure_memory(detector)


def train_detector(folder: Path) -> Path:
    """Train the assignment's network for one epoch: its accuracy does not change its speed."""
    program = (
        "import sys, warnings, melanoma_detect as md\n"
        "warnings.simplefilter('ignore')\n"
        "data = md.load_dataset(md.write_samples(sys.argv[1], train=12, test=2))\n"
        "model = md.build_model('cnn', num_classes=len(data.classes))\n"
        "md.Detector.fit(model, data, epochs=1, sensitivity=0.5, progress=False).save(sys.argv[2])\n"
    )
    # In a process of its own: the measured process must not have TensorFlow in its memory.
    command = [sys.executable, "-c", program, str(folder / "lesions"), str(folder / "cnn.detector")]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "cnn.detector"


def measure_start(file: Path, image: Path, model: Path) -> None:
    """Measure the time from the start of a process to its output."""
    command = [str(Path(sys.executable).with_name("melanoma-detect"))]
    imports = [float(run([sys.executable, "-c", IMPORT])) for _ in range(ROUNDS)]
    print(f"import_seconds {statistics.median(imports):.3f} 0.1")
    print(f"help_seconds {time_process([*command, '--help']):.3f} 0.3")
    ours = time_process([*command, "predict", str(image), "--detector", str(file)])
    keras = time_process([sys.executable, "-c", KERAS_IMAGE, str(model), str(image)], rounds=3)
    print(f"cold_start_seconds {ours:.3f} 0.4   # Keras: {keras:.2f}")
    print(f"cold_start_against_keras {keras / ours:.1f} 10")


def measure_speed(detector: md.Detector, model: Path) -> None:
    """Measure latency on one image and throughput on many, already decoded."""
    rng = np.random.default_rng(1)
    many = rng.integers(0, 256, (512, *detector.image_size, 3)).astype(np.uint8)
    single, session = many[0], detector.predictor.runtime.session
    name = session.get_inputs()[0].name

    def run_session(pixels: np.ndarray) -> None:
        for start in range(0, len(pixels), 32):
            session.run(["logits", "features"], {name: pixels[start : start + 32]})

    bares, ours = time_alternating(lambda: run_session(single[None]), lambda: detector.predict(single), times=400)
    keras_one, keras_each = map(float, run([sys.executable, "-c", KERAS_WARM, str(model)]).split())
    print(f"warm_against_bare {ours / bares:.2f} 1.3   # {ours * 1e3:.2f} ms against {bares * 1e3:.2f} ms")
    print(f"warm_against_keras {keras_one / ours:.0f} 40   # Keras: {keras_one * 1e3:.1f} ms")
    bares, ours = time_alternating(lambda: run_session(many), lambda: detector.predictor.predict_batch(many), times=7)
    print(
        f"throughput_against_bare {bares / ours:.2f} 0.9   # {512 / ours:.0f} against {512 / bares:.0f} images a second"
    )
    print(f"throughput_against_keras {keras_each * 512 / ours:.2f} 1.4   # Keras: {1 / keras_each:.0f} images a second")


def measure_memory(detector: md.Detector) -> None:
    """Measure how much more memory ten thousand calls of `predict` need than a thousand."""
    image = np.zeros((*detector.image_size, 3), np.uint8)
    peaks = []
    for count in (1000, 9000):
        for _ in range(count):
            detector.predict(image)
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    print(f"memory_growth_over_10000_calls {peaks[1] / peaks[0] - 1:.3f} 0.05   # peak {peaks[1] / 1024:.0f} MB")


def time_alternating(first: Callable[[], object], second: Callable[[], object], *, times: int) -> tuple[float, float]:
    """Return the median seconds of two functions that are called in turns."""
    durations: tuple[list[float], list[float]] = ([], [])
    for call in (first, second):
        call()
    for _ in range(times):
        for call, values in zip((first, second), durations, strict=True):
            start = time.perf_counter()
            call()
            values.append(time.perf_counter() - start)
    return statistics.median(durations[0]), statistics.median(durations[1])


def time_process(command: list[str], rounds: int = ROUNDS) -> float:
    """Return the median seconds of a whole process."""
    durations = []
    for _ in range(rounds):
        start = time.perf_counter()
        run(command)
        durations.append(time.perf_counter() - start)
    return statistics.median(durations)


def run(command: list[str]) -> str:
    """Run a command and return what it prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
