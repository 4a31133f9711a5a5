"""What eight bits cost and give: size, speed and balanced accuracy against float32, on a folder of real images.

Speeds are of one thread of ONNX Runtime, the better of several rounds, taken in turns. The loss is measured on the images of
the validation and test splits, with an interval drawn lesion by lesion over the same lesions before and after.

    python benchmarks/quantising.py FOLDER --model mobilenet_v2:0.35 --weights weights.h5
    python benchmarks/quantising.py FOLDER --detector mine.detector
"""

import argparse
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime

import melanoma_detect as md
from melanoma_detect.errors import DataWarning
from melanoma_detect.evaluation.bootstrap import replicates
from melanoma_detect.export.quantization import OnnxModel

SIZE, SPEED, LOSS = 0.30, 1.3, 0.02  # the goals


def main() -> None:
    """Train a detector or load one, write it in both precisions, print the figures."""
    warnings.simplefilter("ignore", DataWarning)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--detector", type=Path, help="a detector that is there; else one is trained")
    parser.add_argument("--model", default="cnn")
    parser.add_argument("--weights", type=Path, help="of the backbone, where the architecture has one")
    parser.add_argument("--until", help="the backbone's last layer, where the weights go no further")
    parser.add_argument("--epochs", type=int, default=6)
    chosen = parser.parse_args()
    data = md.load_dataset(chosen.folder, conflicts="resolve")
    detector = md.Detector.load(chosen.detector) if chosen.detector else trained(data, chosen)
    held_out = replace(data.test, records=(*data.validation.records, *data.test.records))
    held_out = replace(held_out, classes=detector.classes, resize=detector.predictor.config.resize)
    with tempfile.TemporaryDirectory() as folder:
        exact = detector.export("onnx", Path(folder, "exact.onnx"), images=data)
        small = detector.export("onnx", Path(folder, "small.onnx"), precision="int8", images=data)
        show(exact, small, held_out.pixels(detector.image_size), held_out)


def trained(data: md.Dataset, chosen: argparse.Namespace) -> md.Detector:
    """Train a detector quickly: how good it is matters less than that its weights are no longer random."""
    options = {"weights": str(chosen.weights)} if chosen.weights else {}
    options |= {"until": chosen.until} if chosen.until else {}
    model = md.build_model(chosen.model, num_classes=len(data.classes), input_shape=(180, 180, 3), **options)
    return md.Detector.fit(model, md.balance(data, to="max", method="weights"), epochs=chosen.epochs)


def show(exact: object, small: object, pixels: np.ndarray, part: object) -> None:
    """Print the figures, one a line: name, value, goal."""
    files = exact.path, small.path
    print(
        f"int8_size_ratio {small.size / exact.size:.3f} {SIZE}   # {exact.size / 1e6:.2f} MB, {small.size / 1e6:.2f} MB"
    )
    for count in (1, 32):
        before, after = seconds(files, pixels[:count])
        told = f"# {count} images: {1e3 * before:.2f} ms, {1e3 * after:.2f} ms"
        print(f"int8_speed_ratio_{count} {before / after:.2f} {SPEED}   {told}")
    right = [OnnxModel(file).run(pixels).logits.argmax(axis=1) == part.labels for file in files]
    lost = np.concatenate([recall(right[0], w, part.labels) - recall(right[1], w, part.labels) for w in draws(part)])
    whole = np.ones((1, len(pixels)))
    before, after = (recall(one, whole, part.labels)[0] for one in right)
    low, high = np.percentile(lost, (2.5, 97.5))
    told = f"# {before:.3f} before, {after:.3f} after, [{low:.3f}, {high:.3f}], {len(pixels)} images"
    print(f"int8_balanced_accuracy_loss {before - after:.3f} {LOSS}   {told}")
    print(f"int8_stay_right_or_wrong {(right[0] == right[1]).mean():.3f} -   # share of the images")


def seconds(files: tuple[Path, ...], pixels: np.ndarray) -> list[float]:
    """Return how long each file takes for a batch, in seconds."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    sessions = [onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"]) for file in files]
    batches = [next(OnnxModel(file).batches(pixels)) for file in files]
    best = [np.inf, np.inf]
    for _ in range(20):
        for at, (session, batch) in enumerate(zip(sessions, batches, strict=True)):
            start = time.perf_counter()
            session.run(["logits", "features"], batch)
            best[at] = min(best[at], time.perf_counter() - start)
    return best


def draws(part: object) -> list[np.ndarray]:
    """Return how often each bootstrap draw takes each image."""
    return list(replicates(part.groups, seed=1))


def recall(right: np.ndarray, weights: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the balanced accuracy of each draw."""
    with np.errstate(invalid="ignore"):
        each = [weights[:, own] @ right[own] / weights[:, own].sum(axis=1) for own in _by_class(labels)]
    return np.nanmean(each, axis=0)


def _by_class(labels: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(labels == at) for at in np.unique(labels)]


if __name__ == "__main__":
    main()
