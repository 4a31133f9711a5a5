"""Assemble the default detector's file: the distilled network, calibrated on the out-of-fold outputs of the folds' networks.

    python scripts/default_detector/assemble.py FOLDER ISIC9 HAM10000 --out FILE

FOLDER holds the results of pack.py, train.py and distill.py. The network that ships was trained on every image of the pool,
so it cannot be calibrated on its own outputs for them. The folds' networks were trained in the same way, each without one fifth
of the pool: their outputs for that fifth stand for the outputs of the final network for unseen images, as in scikit-learn's
`CalibratedClassifierCV` with `ensemble=False`. evaluate.py measures on the held-out fifth how well that works.
"""

import argparse
import hashlib
import json
import platform
from importlib import metadata
from pathlib import Path

import numpy as np
from evaluate import evaluate, load_pack
from numpy.typing import NDArray

import melanoma_detect as md
from melanoma_detect.export.onnx import onnx_bytes
from melanoma_detect.inference.bundle import Files
from melanoma_detect.inference.config import DetectorConfig
from melanoma_detect.inference.runtime import ModelOutputs, OnnxRuntime
from melanoma_detect.inference.training_fingerprint import TrainingFingerprint
from melanoma_detect.training.calibrate import (
    calibrate,
    collect_calibration_inputs,
    concatenate_calibration_inputs,
    fit_feature_space,
)
from melanoma_detect.training.fit import assemble_with_calibrations

FEATURES = 1024  # the number of the network's features
EPSILON = 1e-3  # of the batch normalisation in Keras's MobileNet
SIDE = 192  # pixels: 224 was no better out of fold
NOTES = {
    "Licence of the weights": (
        "CC BY-NC 4.0, for research and teaching without commercial purpose, because of what they learnt from; see "
        "NOTICE."
    ),
    "Images": (
        "HAM10000 (Tschandl, Rosendahl and Kittler 2018, doi 10.1038/sdata.2018.161; CC BY-NC 4.0), one image for "
        "each of 5,984 lesions, and the nine-class ISIC set (ISIC archive; CC0 and CC BY-NC 4.0), its labels "
        "corrected by the ISIC 2019 challenge's truth. Held out of all training and of every choice: the lesions of "
        "HAM10000 whose SHA-256 is 0 modulo 5, with every image of them in either set, by lesion, by name and by "
        "looks; and the lesions of the nine-class set's own Test."
    ),
    "Truth": (
        "more than half of HAM10000's lesions were confirmed by histopathology, the others by follow-up, by experts' "
        "consensus or by confocal microscopy; the nine-class set does not say how its labels came about."
    ),
    "Diagnoses": (
        "seborrheic keratosis is not offered: no image with that label stood up to the audit. HAM10000's akiec "
        "trained through the sum of actinic keratosis and squamous cell carcinoma; its bkl counts as pigmented benign "
        "keratosis."
    ),
    "Skin tone": (
        "neither set records it. Most images come from clinics in Austria, Australia, Spain and the United States, and "
        "nearly all of the skin is light: on dark skin the detector is untested, and must be taken to be worse."
    ),
    "How images were taken": (
        "with dermatoscopes, one lesion in the middle. The detector cuts a camera's image to its centre square. It "
        "is not made for photographs without a dermatoscope."
    ),
    "Network": (
        "MobileNet V1 up to conv_pw_12 from ImageNet's weights (Howard et al. 2017, arXiv:1704.04861; Apache-2.0), "
        "distilled from four of five that were trained by lesion-grouped cross-validation."
    ),
    "Calibration": (
        "on the five networks' answers out of fold, not on this network's own. The probability of melanoma is that of "
        "the pool, where one image in eight is one; other clinics see other shares. What is left is shared by the "
        "other diagnoses as if each were equally common, so that a rare one is named: their probabilities, and that of "
        "any malignancy, are not frequencies."
    ),
}


def main() -> None:
    """Calibrate out of fold, assemble, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sources", type=Path, nargs=2, metavar="SOURCE")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    pack = load_pack(arguments.folder, arguments.sources)
    pool = np.flatnonzero(pack.part == "pool")
    files = sorted(arguments.folder.glob("fold-?.npz"))
    runtimes = [CachedRuntime(load_model(file, pack.classes), cache_path(file)) for file in files]
    spaces = [
        fit_feature_space(runtime, pack.pixels(sample(pool[pack.fold[pool] != fold]), SIDE))
        for fold, runtime in enumerate(runtimes)
    ]
    rows = [np.flatnonzero((pack.part == "pool") & (pack.fold == fold)) for fold in range(len(files))]
    outputs = []
    for runtime, space, left_out in zip(runtimes, spaces, rows, strict=True):
        outputs.append(collect_calibration_inputs(runtime, pack.pixels(left_out, SIDE), space))
        runtime.save()
    order = np.concatenate(rows)
    inputs = concatenate_calibration_inputs(outputs)
    calibrations = calibrate(inputs, pack.targets[order], pack.groups[order].tolist(), pack.classes, bias=True)
    model = load_model(arguments.folder / "distilled.npz", pack.classes, compressible=True)
    config = DetectorConfig(
        classes=pack.classes,
        image_size=(SIDE, SIDE),
        resize="crop",
        title="default detector",
        architecture=model.architecture,
        recipe=training_records(arguments.folder, len(pool)),
        notes=NOTES,
        made_with=versions(),
    )
    groups = {pack.records[index].group for index in pool.tolist()}
    fingerprint = TrainingFingerprint.of(record for record in pack.known if record.group in groups)
    detector = md.Detector(
        *assemble_with_calibrations(
            model,
            config,
            pack.pixels(sample(pool), SIDE),
            pack.pixels(pool[:64], SIDE),
            lambda *_: calibrations,
            fingerprint=fingerprint,
        )
    )
    out_of_fold = [
        md.Detector(detector.predictor.config, runtime, Files(feature_space=space))
        for runtime, space in zip(runtimes, spaces, strict=True)
    ]
    metrics: dict[str, dict] = {}
    for views in (1, 8):
        evaluation = evaluate([fold.at(views=views) for fold in out_of_fold], pack, rows, name="out-of-fold")
        print(f"{views} views\n{evaluation}\n")
        metrics |= {evaluation.split: evaluation.to_dict()} if views == 1 else {}
    detector.predictor.with_metrics(metrics).save(arguments.out)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 2**20:.1f} MiB")


class CachedRuntime:
    """A runtime that caches its outputs in a file: eight views of thousands of images take minutes.

    Args:
        model: The network.
        path: The cache file.
    """

    name = "onnx"

    def __init__(self, model: object, path: Path) -> None:
        self._runtime, self._path = OnnxRuntime(onnx_bytes(model)), path
        self._cache: dict[bytes, NDArray[np.float32]] = {}
        if path.exists():
            with np.load(path) as file:
                self._cache = dict(zip(map(bytes, file["digests"]), file["answers"], strict=True))

    def run(self, pixels: NDArray[np.uint8]) -> ModelOutputs:
        """Run the model on the images that are not in the cache, and return the outputs for all."""
        digests = [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in pixels]
        new = [index for index, digest in enumerate(digests) if digest not in self._cache]
        if new:
            outputs = self._runtime.run(np.ascontiguousarray(pixels[new]))
            both = np.concatenate([outputs.logits, outputs.features], axis=1)
            self._cache |= {digests[index]: row for index, row in zip(new, both, strict=True)}
        rows = np.stack([self._cache[digest] for digest in digests])
        count = rows.shape[1] - FEATURES
        return ModelOutputs(rows[:, :count], rows[:, count:])

    def save(self) -> None:
        """Write the cache file."""
        digests = np.frombuffer(b"".join(self._cache), np.uint8).reshape(-1, 16)
        np.savez(self._path, digests=digests, answers=np.stack(list(self._cache.values())))


def cache_path(file: Path) -> Path:
    """Return the cache file of a network's outputs, named by its weights: trained again, it has other outputs."""
    return file.with_name(f"answers-{hashlib.sha256(file.read_bytes()).hexdigest()[:16]}.npz")


def load_model(file: Path, classes: tuple[str, ...], *, compressible: bool = False) -> "object":
    """Build the Keras network and load the weights that train.py wrote, rounded as they ship if compressible."""
    model = md.build_model(
        "mobilenet",
        num_classes=len(classes),
        input_shape=(SIDE, SIDE, 3),
        weights=None,
        until="conv_pw_12_relu",
        dropout=0.3,
    )
    with np.load(file) as weights:
        values = {name: weights[name] for name in weights.files}
    if compressible:
        values = make_compressible(values)
    for variable in model.weights:
        variable.assign(values["/".join(variable.path.split("/")[-2:])])
    return model


def make_compressible(values: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Round weights so that they compress well, in Keras's file and in ONNX's.

    The exporter multiplies each kernel by its normalisation's scale, which would undo the rounding. So the scale is made a
    power of two first, and the rest of it is moved into the kernel, the mean and the variance: the outputs stay the same.
    """
    compressible = dict(values)
    for name in (name.removesuffix("/gamma") for name in values if name.endswith("/gamma")):
        gamma, mean, variance = (
            values[f"{name}/{part}"].astype(np.float64) for part in ("gamma", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + EPSILON)
        power = np.sign(gamma) * np.exp2(np.floor(np.log2(np.maximum(np.abs(scale), 2.0**-30))))
        power = np.where(power == 0, 2.0**-30, power)
        kernel = name.removesuffix("_bn") + "/kernel"
        factor = scale / power
        axes = (..., slice(None), None) if "_dw_" in name else (...,)
        compressible[kernel] = (values[kernel] * factor[axes]).astype(np.float32)
        compressible[f"{name}/moving_mean"] = (mean * factor).astype(np.float32)
        compressible[f"{name}/moving_variance"] = (np.square(gamma / power) - EPSILON).astype(np.float32)
    return {name: round_mantissa(value) if name.endswith("/kernel") else value for name, value in compressible.items()}


def round_mantissa(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round to ten binary digits, two more than bfloat16 has: the fourteen bits of zeros compress to nothing."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x2000) & 0xFFFFC000).astype(np.uint32).view(np.float32)


def sample(rows: NDArray[np.int64], count: int = 1500) -> NDArray[np.int64]:
    """Sample training images."""
    return np.sort(np.random.default_rng(1).permutation(rows)[:count])


def training_records(folder: Path, images: int) -> dict[str, object]:
    """Return the record of how the network was trained, from the files that train.py and distill.py wrote."""
    trainings = {file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))}
    return {"name": "scripts/train_default.py", "images": images, "trainings": trainings}


def versions() -> dict[str, str]:
    """Return the versions of the packages that the file was assembled with."""
    names = ("keras", "tensorflow", "numpy", "onnx", "onnxruntime", "pillow")
    return {"melanoma-detect": md.__version__, "python": platform.python_version()} | {
        name: metadata.version(name) for name in names
    }


if __name__ == "__main__":
    main()
