"""Assemble the default detector's file: the network that was chosen, calibrated on the validation part of all sources.

    python scripts/default_detector/assemble.py FOLDER --out FILE [--network NAME] [--everyday FOLDER...]

FOLDER holds the results of pack.py and soup.py. Dermoscopy and clinical photographs are calibrated apart, each so that its
operating points reach their sensitivity on every source, after shrinkage towards that of all sources. The feature space
learns from training images, and from everyday images where a folder of them is given. The network's outputs are kept in
FOLDER: started again, this takes a minute. compare_calibrations.py reads what is written into FOLDER/outputs, and
out_of_distribution.py FOLDER/features.npz.
"""

import argparse
import hashlib
import json
import platform
import warnings
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from compact import compress_weights, round_kernels, store_as_float16
from everyday import everyday_files
from notes import NOTES
from numpy.typing import NDArray
from packed import FINGERPRINT, PACK, Pack, load_pack
from records import split_of

import melanoma_detect as md
from melanoma_detect.data.outliers import draw_outliers
from melanoma_detect.errors import DataWarning
from melanoma_detect.export.onnx import compare_outputs, onnx_bytes
from melanoma_detect.images.quality import input_limits
from melanoma_detect.images.reader import read_batch
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.config import DetectorConfig
from melanoma_detect.inference.files import Files
from melanoma_detect.inference.image_types import IMAGE_TYPES, ImageTypeClassifier
from melanoma_detect.inference.keras_runtime import KerasRuntime, model_to_bytes
from melanoma_detect.inference.out_of_distribution import FeatureSpace
from melanoma_detect.inference.runtime import ModelOutputs, OnnxRuntime, run_batched
from melanoma_detect.inference.training_fingerprint import TrainingFingerprint
from melanoma_detect.models.pytorch_weights import assign_arrays, read_arrays
from melanoma_detect.training.calibrate import (
    CalibrationInputs,
    calibrate,
    collect_calibration_inputs,
    fit_feature_space,
)
from melanoma_detect.training.image_types import fit_classifier

SIDE = 224
ARCHITECTURE = "efficientnet_lite0"
SAMPLE = 4000  # training images that the feature space and the classifier of image types learn from
PARITY = 64  # images on which ONNX Runtime must answer as Keras does
SAVE_EVERY = 2000  # outputs
OUTPUTS, FEATURES = "outputs", "features.npz"
DRAWN = 120  # outliers that `fit_feature_space` draws


def main() -> None:
    """Calibrate, assemble, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--network", default="shipped", metavar="NAME", help="of the weights that soup.py wrote")
    parser.add_argument(
        "--everyday", type=Path, nargs="*", default=[], metavar="FOLDER", help="images that show no skin"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--overwrite", action="store_true")
    arguments = parser.parse_args()
    pack = load_pack(arguments.folder / PACK)
    weights = arguments.folder / f"{arguments.network}.npz"
    detector = assemble(pack, arguments.folder, weights, arguments.everyday)
    detector.save(arguments.out, overwrite=arguments.overwrite)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 2**20:.1f} MiB")


def assemble(
    pack: Pack, folder: Path, weights: Path, everyday: Sequence[Path] = (), *, side: int = SIDE
) -> md.Detector:
    """Return the detector of a network's weights."""
    rows = sample(pack.rows("train"))
    training = pixels_of(pack, rows, side)
    parity = training[:PARITY]
    model = load_model(weights, pack.classes, side)
    round_kernels(model, parity)
    onnx, keras_file = store_as_float16(onnx_bytes(model)), compress_weights(model_to_bytes(model))
    runtime = CachedRuntime(OnnxRuntime(onnx), folder / f"answers-{hashlib.sha256(onnx).hexdigest()[:16]}.npz")
    differences = compare_outputs(runtime.run(parity), KerasRuntime(model).run(parity))
    if not differences.within_tolerance:
        raise SystemExit(f"{weights}: the ONNX model gives other outputs than Keras: {differences}")
    things = everyday_files(everyday, "learnt")
    space = fit_feature_space(runtime, training, read_batch(things, (side, side), "crop") if things else None)
    write_features(runtime, pack, rows, everyday_files(everyday, "all"), folder=folder, side=side)
    classifier = fit_classifier(runtime, training, pack.types[rows], seed=1)
    calibrations = calibrate_types(runtime, space, classifier, pack, folder=folder, side=side)
    runtime.save()
    config = DetectorConfig(
        classes=pack.classes,
        image_size=(side, side),
        resize="crop",
        title="default detector",
        architecture=model.architecture,
        recipe={"name": "scripts/train_default.py", **training_record(weights)},
        calibrations=calibrations["dermoscopy"],
        clinical=calibrations.get("clinical", {}),
        input_limits=input_limits(training),
        export={"images": len(parity), **differences._asdict()},
        notes=NOTES,
        made_with=versions(),
    )
    fingerprint = TrainingFingerprint.from_dict(json.loads((folder / PACK / FINGERPRINT).read_text(encoding="utf-8")))
    files = Files(
        onnx=onnx,
        keras=lambda: keras_file,
        feature_space=space,
        image_types=classifier,
        fingerprint=lambda: fingerprint,
    )
    return with_validation_metrics(md.Detector(config, runtime, files), pack)


def calibrate_types(
    runtime: "CachedRuntime",
    space: FeatureSpace | None,
    classifier: ImageTypeClassifier | None,
    pack: Pack,
    *,
    folder: Path,
    side: int,
) -> dict[str, dict[int, Calibration]]:
    """Fit the calibrations of each type of image on the validation part, and write the outputs that they rest on.

    A type's calibration is fitted on the images that are recognised as it, a few wrongly, with as many views: so it is used.
    """
    validation = pack.rows("validation")
    inputs = collect_calibration_inputs(runtime, pixels_of(pack, validation, side), space, classifier)
    calibrations: dict[str, dict[int, Calibration]] = {}
    (folder / OUTPUTS).mkdir(exist_ok=True)
    for views, outputs in inputs.items():
        write_outputs(folder / OUTPUTS / f"{views}-views.npz", pack, validation, outputs)
        types = np.full(len(validation), IMAGE_TYPES[0]) if outputs.image_types is None else outputs.image_types
        for image_type in sorted(set(types.tolist())):
            chosen = types == image_type
            rows = validation[chosen]
            calibrations.setdefault(image_type, {}).update(
                calibrate(
                    {views: outputs.select(chosen)},
                    pack.targets[rows],
                    pack.groups[rows].tolist(),
                    pack.classes,
                    bias=True,
                    sources=pack.collections[rows].tolist(),
                )
            )
    return calibrations


def write_outputs(file: Path, pack: Pack, rows: NDArray[np.int64], inputs: CalibrationInputs) -> None:
    """Write a network's outputs for images, as compare_calibrations.py reads them."""
    # One distance for each image: that of its first view. Without a feature space there are none.
    distances = inputs.distances[: len(rows)]
    np.savez(
        file,
        **({"distances": distances} if len(distances) else {}),
        logits=inputs.logits,
        targets=pack.targets[rows],
        groups=pack.groups[rows],
        sources=pack.collections[rows],
        types=pack.types[rows],
        part=np.full(len(rows), "validation"),
        classes=np.array(pack.classes),
    )


def write_features(
    runtime: "CachedRuntime",
    pack: Pack,
    training: NDArray[np.int64],
    everyday: Sequence[Path],
    *,
    folder: Path,
    side: int,
) -> None:
    """Write a network's features for skin of training and validation and for images that show none.

    out_of_distribution.py compares scores on them.
    """
    rows, size = np.concatenate([training, pack.rows("validation")]), (side, side)
    things = {"everyday": read_batch(everyday, size, "crop")} if everyday else {}
    things["drawn"] = draw_outliers(DRAWN, size)
    np.savez(
        folder / FEATURES,
        features=run_batched(runtime.run, pixels_of(pack, rows, side)).features,
        sources=pack.collections[rows],
        part=pack.table.part.to_numpy(str)[rows],
        everyday_names=[file.name for file in everyday],
        **{name: run_batched(runtime.run, pixels).features for name, pixels in things.items()},
    )


def with_validation_metrics(detector: md.Detector, pack: Pack) -> md.Detector:
    """Return the detector with its metrics on the validation part, which chose it: see evaluate.py for honest ones."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        evaluation = detector.evaluate(split_of(pack, pack.rows("validation"), "validation"), seen="keep")
    print(evaluation)
    predictor = detector.predictor.with_metrics({"validation": evaluation.to_dict()})
    return md.Detector(predictor.config, predictor.runtime, predictor.files)


class CachedRuntime:
    """A runtime that keeps its outputs in a file: eight views of thousands of images take minutes.

    Args:
        runtime: Runs the model.
        path: The file.
    """

    name = "onnx"

    def __init__(self, runtime: OnnxRuntime, path: Path) -> None:
        self._runtime, self._path = runtime, path
        self._cache: dict[bytes, NDArray[np.float32]] = {}
        self._classes = self._unsaved = 0
        if path.exists():
            with np.load(path) as file:
                self._classes = int(file["classes"])
                self._cache = dict(zip(map(bytes, file["digests"]), file["outputs"], strict=True))

    def run(self, pixels: NDArray[np.uint8]) -> ModelOutputs:
        """Run the model on the images that are not in the cache, and return the outputs for all."""
        digests = [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in pixels]
        new = [index for index, digest in enumerate(digests) if digest not in self._cache]
        if new:
            outputs = self._runtime.run(np.ascontiguousarray(pixels[new]))
            self._classes = outputs.logits.shape[1]
            both = np.concatenate([outputs.logits, outputs.features], axis=1)
            self._cache |= {digests[index]: row for index, row in zip(new, both, strict=True)}
            self._unsaved += len(new)
            if self._unsaved >= SAVE_EVERY:
                self.save()
        rows = np.stack([self._cache[digest] for digest in digests])
        return ModelOutputs(rows[:, : self._classes], rows[:, self._classes :])

    def save(self) -> None:
        """Write the file."""
        digests = np.frombuffer(b"".join(self._cache), np.uint8).reshape(-1, 16)
        partial = self._path.with_suffix(".partial.npz")
        np.savez(partial, digests=digests, outputs=np.stack(list(self._cache.values())), classes=self._classes)
        partial.replace(self._path)
        self._unsaved = 0


def load_model(weights: Path, classes: tuple[str, ...], side: int) -> Any:
    """Build the Keras network with the weights that train.py or soup.py wrote."""
    model = md.build_model(
        ARCHITECTURE, num_classes=len(classes), input_shape=(side, side, 3), weights=None, dropout=0.3
    )
    assign_arrays(model, read_arrays(weights), source=str(weights))
    return model


def pixels_of(pack: Pack, rows: NDArray[np.int64], side: int) -> NDArray[np.uint8]:
    """Return images of the pack at the detector's size."""
    pixels = np.asarray(pack.pixels[rows])
    return pixels if pixels.shape[1] == side else read_batch(list(pixels), (side, side), "crop")


def sample(rows: NDArray[np.int64], count: int = SAMPLE) -> NDArray[np.int64]:
    """Sample training images."""
    return np.sort(np.random.default_rng(1).permutation(rows)[:count])


def training_record(weights: Path) -> dict[str, Any]:
    """Return the record of how the network was trained and chosen."""
    record: dict[str, Any] = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    return record


def versions() -> dict[str, str]:
    """Return the versions of the packages that the file was assembled with."""
    names = ("keras", "tensorflow", "numpy", "onnx", "onnxruntime", "pillow")
    return {"melanoma-detect": md.__version__, "python": platform.python_version()} | {
        name: metadata.version(name) for name in names
    }


if __name__ == "__main__":
    main()
