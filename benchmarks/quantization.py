"""Quantization to int8 against float32: size, speed and loss of balanced accuracy, on a folder of real images.

Speeds are those of one thread of ONNX Runtime, the best of several alternating rounds. The loss is measured on the validation
and test splits, with a cluster bootstrap that draws the same lesions for both models.

    python benchmarks/quantization.py FOLDER --model mobilenet_v2:0.35 --weights weights.h5
    python benchmarks/quantization.py FOLDER --detector mine.detector
"""

import argparse
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

import melanoma_detect as md
from melanoma_detect.errors import DataWarning
from melanoma_detect.evaluation.bootstrap import draw_replicates
from melanoma_detect.inference.runtime import OnnxRuntime, run_batched

SIZE, SPEED, LOSS = 0.30, 1.3, 0.02  # the goals


def main() -> None:
    """Train or load a detector, export it in both precisions and print the figures."""
    warnings.simplefilter("ignore", DataWarning)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--detector", type=Path, help="a saved detector; one is trained if not given")
    parser.add_argument("--model", default="cnn")
    parser.add_argument("--weights", type=Path, help="pretrained weights of the backbone")
    parser.add_argument("--until", help="the last layer of the backbone that the weights hold")
    parser.add_argument("--epochs", type=int, default=6)
    chosen = parser.parse_args()
    data = md.load_dataset(chosen.folder, conflicts="resolve")
    detector = md.Detector.load(chosen.detector) if chosen.detector else train(data, chosen)
    held_out = replace(data.test, records=(*data.validation.records, *data.test.records))
    held_out = replace(held_out, classes=detector.classes, resize=detector.predictor.config.resize)
    with tempfile.TemporaryDirectory() as folder:
        exact = detector.export("onnx", Path(folder, "exact.onnx"), images=data)
        small = detector.export("onnx", Path(folder, "small.onnx"), precision="int8", images=data)
        compare(exact, small, held_out.pixels(detector.image_size), held_out)


def train(data: md.Dataset, chosen: argparse.Namespace) -> md.Detector:
    """Train a detector briefly: its weights must not be random, but need not be good."""
    options = {"weights": str(chosen.weights)} if chosen.weights else {}
    options |= {"until": chosen.until} if chosen.until else {}
    model = md.build_model(chosen.model, num_classes=len(data.classes), input_shape=(180, 180, 3), **options)
    return md.Detector.fit(model, md.balance(data, to="max", method="weights"), epochs=chosen.epochs)


def compare(exact: object, small: object, pixels: np.ndarray, split: object) -> None:
    """Print one line per figure: name, value, goal."""
    files = exact.path, small.path
    print(
        f"int8_size_ratio {small.size / exact.size:.3f} {SIZE}   # {exact.size / 1e6:.2f} MB, {small.size / 1e6:.2f} MB"
    )
    for count in (1, 32):
        before, after = measure_seconds(files, pixels[:count])
        comment = f"# {count} images: {1e3 * before:.2f} ms, {1e3 * after:.2f} ms"
        print(f"int8_speed_ratio_{count} {before / after:.2f} {SPEED}   {comment}")
    outputs = [run_batched(OnnxRuntime(file).run, pixels) for file in files]
    correct = [output.logits.argmax(axis=1) == split.labels for output in outputs]

    def accuracies(weights: np.ndarray) -> list[np.ndarray]:
        return [balanced_accuracy(correct_by_model, weights, split.labels) for correct_by_model in correct]

    replicates = [accuracies(weights) for weights in draw_replicates(split.groups, seed=1)]
    low, high = np.percentile(np.concatenate([before - after for before, after in replicates]), (2.5, 97.5))
    before, after = (accuracy[0] for accuracy in accuracies(np.ones((1, len(pixels)))))
    comment = f"# {before:.3f} before, {after:.3f} after, [{low:.3f}, {high:.3f}], {len(pixels)} images"
    print(f"int8_balanced_accuracy_loss {before - after:.3f} {LOSS}   {comment}")
    print(f"int8_stay_right_or_wrong {(correct[0] == correct[1]).mean():.3f} -   # share of the images")


def measure_seconds(files: tuple[Path, ...], pixels: np.ndarray) -> list[float]:
    """Return the seconds that each model takes for a batch."""
    runtimes = [OnnxRuntime(file, threads=1, providers=["CPUExecutionProvider"]) for file in files]
    best = [np.inf, np.inf]
    for _ in range(20):
        for index, runtime in enumerate(runtimes):
            start = time.perf_counter()
            runtime.run(pixels)
            best[index] = min(best[index], time.perf_counter() - start)
    return best


def balanced_accuracy(correct: np.ndarray, weights: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the balanced accuracy of each bootstrap replicate."""
    rows_by_class = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    with np.errstate(invalid="ignore"):  # a replicate may hold no image of a rare class
        recalls = [weights[:, rows] @ correct[rows] / weights[:, rows].sum(axis=1) for rows in rows_by_class]
    return np.nanmean(recalls, axis=0)


if __name__ == "__main__":
    main()
