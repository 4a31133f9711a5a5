"""A detector in use: how soon it answers, how fast, and whether its memory stays flat.

The peers run in the same run: the bare ONNX Runtime call on the same graph, and Keras's `predict` on the same model.

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
KERAS_PHOTO = """
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
one = np.zeros((1, *model.input_shape[1:]), np.float32)
many = np.zeros((512, *model.input_shape[1:]), np.float32)
def seconds(call, times):
    call()
    taken = []
    for _ in range(times):
        start = time.perf_counter(); call(); taken.append(time.perf_counter() - start)
    return statistics.median(taken)
print(seconds(lambda: model.predict(one, verbose=0), 20), seconds(lambda: model.predict(many, verbose=0), 3) / 512)
"""
IMPORT = "import time; start = time.perf_counter(); import melanoma_detect; print(time.perf_counter() - start)"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--detector", type=Path, help="the file; a small one is trained on procedural lesions without it"
    )
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = chosen.detector or trained(folder)
        detector = md.Detector.load(file)
        photo, model = folder / "photo.jpg", folder / "model.keras"
        Image.fromarray(md.draw_lesion("melanoma", seed=1, size=180).pixels).save(photo)
        model.write_bytes(detector.predictor.files.keras())
        start(file, photo, model)
        speed(detector, model)
        memory(detector)


def trained(folder: Path) -> Path:
    """Train the assignment's network for one epoch: what it has learnt makes no difference to its speed."""
    program = (
        "import sys, warnings, melanoma_detect as md\n"
        "warnings.simplefilter('ignore')\n"
        "data = md.load_dataset(md.write_samples(sys.argv[1], train=12, test=2))\n"
        "model = md.build_model('cnn', num_classes=len(data.classes))\n"
        "md.Detector.fit(model, data, epochs=1, sensitivity=0.5, progress=False).save(sys.argv[2])\n"
    )
    # In a process of its own: what is measured here must not have TensorFlow in it.
    run = [sys.executable, "-c", program, str(folder / "lesions"), str(folder / "cnn.detector")]
    subprocess.run(run, check=True, capture_output=True)
    return folder / "cnn.detector"


def start(file: Path, photo: Path, model: Path) -> None:
    """From the process's begin to the printed answer."""
    command = [str(Path(sys.executable).with_name("melanoma-detect"))]
    imports = [float(output([sys.executable, "-c", IMPORT])) for _ in range(ROUNDS)]
    print(f"import_seconds {statistics.median(imports):.3f} 0.1")
    print(f"help_seconds {wall([*command, '--help']):.3f} 0.3")
    ours = wall([*command, "predict", str(photo), "--detector", str(file)])
    keras = wall([sys.executable, "-c", KERAS_PHOTO, str(model), str(photo)], rounds=3)
    print(f"cold_start_seconds {ours:.3f} 0.4   # Keras: {keras:.2f}")
    print(f"cold_start_against_keras {keras / ours:.1f} 10")


def speed(detector: md.Detector, model: Path) -> None:
    """One image and many, decoded already."""
    rng = np.random.default_rng(1)
    many = rng.integers(0, 256, (512, *detector.image_size, 3)).astype(np.uint8)
    one, session = many[0], detector.predictor.runtime.session
    name = session.get_inputs()[0].name

    def bare(pixels: np.ndarray) -> None:
        for at in range(0, len(pixels), 32):
            session.run(["logits", "features"], {name: pixels[at : at + 32]})

    bares, ours = alternating(lambda: bare(one[None]), lambda: detector.predict(one), times=400)
    keras_one, keras_each = map(float, output([sys.executable, "-c", KERAS_WARM, str(model)]).split())
    print(f"warm_against_bare {ours / bares:.2f} 1.3   # {ours * 1e3:.2f} ms against {bares * 1e3:.2f} ms")
    print(f"warm_against_keras {keras_one / ours:.0f} 40   # Keras: {keras_one * 1e3:.1f} ms")
    bares, ours = alternating(lambda: bare(many), lambda: detector.predictor.predict_batch(many), times=7)
    print(
        f"throughput_against_bare {bares / ours:.2f} 0.9   # {512 / ours:.0f} against {512 / bares:.0f} images a second"
    )
    print(f"throughput_against_keras {keras_each * 512 / ours:.2f} 1.4   # Keras: {1 / keras_each:.0f} images a second")


def memory(detector: md.Detector) -> None:
    """Whether calling `predict` ten thousand times needs more memory than calling it a thousand times."""
    one = np.zeros((*detector.image_size, 3), np.uint8)
    peaks = []
    for count in (1000, 9000):
        for _ in range(count):
            detector.predict(one)
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    print(f"memory_growth_over_10000_calls {peaks[1] / peaks[0] - 1:.3f} 0.05   # peak {peaks[1] / 1024:.0f} MB")


def alternating(first: Callable[[], object], second: Callable[[], object], *, times: int) -> tuple[float, float]:
    """Return the median seconds of both, called in turns."""
    taken: tuple[list[float], list[float]] = ([], [])
    for call in (first, second):
        call()
    for _ in range(times):
        for call, kept in zip((first, second), taken, strict=True):
            begin = time.perf_counter()
            call()
            kept.append(time.perf_counter() - begin)
    return statistics.median(taken[0]), statistics.median(taken[1])


def wall(command: list[str], rounds: int = ROUNDS) -> float:
    """Return the median seconds of a whole process."""
    taken = []
    for _ in range(rounds):
        begin = time.perf_counter()
        output(command)
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def output(command: list[str]) -> str:
    """Run a command and return what it prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
