"""Make the default detector's file: the distilled network, calibrated on what the folds said about images they had not seen.

    python scripts/default_detector/assembling.py FOLDER ISIC9 HAM10000 --out FILE

FOLDER is what packing.py wrote, training.py and distilling.py filled. The network that ships has seen every image of the
pool, so that nothing can be fitted on its own answers to them. The folds' networks were trained alike and each has left a fifth
out: their answers there stand for its answers to images that nobody has seen (as scikit-learn's `CalibratedClassifierCV`
with `ensemble=False` has it). How far that holds, the held-out fifth tells: measuring.py.
"""

import argparse
import hashlib
import json
import platform
from importlib import metadata
from pathlib import Path

import numpy as np
from measuring import evaluated, parts_of
from numpy.typing import NDArray

import melanoma_detect as md
from melanoma_detect.export.onnx import onnx_bytes
from melanoma_detect.inference.bundle import Files
from melanoma_detect.inference.config import DetectorConfig
from melanoma_detect.inference.runtime import OnnxRuntime, Outputs
from melanoma_detect.inference.training_fingerprint import TrainingFingerprint
from melanoma_detect.training.calibrate import (
    answered,
    calibrate,
    describe_features,
    joined,
)
from melanoma_detect.training.fit import assemble_from

FEATURES = 1024  # of the network, beside its logits
EPSILON = 1e-3  # of Keras's batch normalisation in MobileNet
SIDE = 192  # pixels: out of fold 224 was no better, though random crops enlarge what training sees
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
    """Calibrate out of fold, put together, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sources", type=Path, nargs=2, metavar="SOURCE")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    pack = parts_of(chosen.folder, chosen.sources)
    pool = np.flatnonzero(pack.part == "pool")
    files = sorted(chosen.folder.glob("fold-?.npz"))
    runtimes = [Remembering(model_of(file, pack.classes), answers_of(file)) for file in files]
    spaces = [
        describe_features(one, pack.pixels(some(pool[pack.fold[pool] != at]), SIDE)) for at, one in enumerate(runtimes)
    ]
    rows = [np.flatnonzero((pack.part == "pool") & (pack.fold == at)) for at in range(len(files))]
    answers = []
    for runtime, space, inside in zip(runtimes, spaces, rows, strict=True):
        answers.append(answered(runtime, pack.pixels(inside, SIDE), space))
        runtime.keep()
    order = np.concatenate(rows)
    calibrations = calibrate(joined(answers), pack.targets[order], pack.groups[order].tolist(), pack.classes, bias=True)
    model = model_of(chosen.folder / "distilled.npz", pack.classes, packed=True)
    config = DetectorConfig(
        classes=pack.classes,
        image_size=(SIDE, SIDE),
        resize="crop",
        title="default detector",
        architecture=model.architecture,
        recipe=told(chosen.folder, len(pool)),
        notes=NOTES,
        made_with=versions(),
    )
    groups = {pack.records[at].group for at in pool.tolist()}
    seen = TrainingFingerprint.of(record for record in pack.known if record.group in groups)
    detector = md.Detector(
        *assemble_from(
            model,
            config,
            pack.pixels(some(pool), SIDE),
            pack.pixels(pool[:64], SIDE),
            lambda *_: calibrations,
            seen=seen,
        )
    )
    out_of_fold = [
        md.Detector(detector.predictor.config, runtime, Files(space=space))
        for runtime, space in zip(runtimes, spaces, strict=True)
    ]
    metrics: dict[str, dict] = {}
    for views in (1, 8):
        found = evaluated([one.at(views=views) for one in out_of_fold], pack, rows, name="out-of-fold")
        print(f"{views} views\n{found}\n")
        metrics |= {found.split: found.to_dict()} if views == 1 else {}
    detector.predictor.with_metrics(metrics).save(chosen.out)
    print(f"{chosen.out}: {chosen.out.stat().st_size / 2**20:.1f} MiB")


class Remembering:
    """A runtime that keeps what it said about each image: eight views of thousands of images take minutes.

    Args:
        model: The network.
        place: Where its answers are kept.
    """

    name = "onnx"

    def __init__(self, model: object, place: Path) -> None:
        self._runtime, self._place = OnnxRuntime(onnx_bytes(model)), place
        self._known: dict[bytes, NDArray[np.float32]] = {}
        if place.exists():
            with np.load(place) as kept:
                self._known = dict(zip(map(bytes, kept["digests"]), kept["answers"], strict=True))

    def run(self, pixels: NDArray[np.uint8]) -> Outputs:
        """Run the model on those that it was not asked about before."""
        digests = [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in pixels]
        new = [at for at, digest in enumerate(digests) if digest not in self._known]
        if new:
            said = self._runtime.run(np.ascontiguousarray(pixels[new]))
            both = np.concatenate([said.logits, said.features], axis=1)
            self._known |= {digests[at]: row for at, row in zip(new, both, strict=True)}
        rows = np.stack([self._known[digest] for digest in digests])
        count = rows.shape[1] - FEATURES
        return Outputs(rows[:, :count], rows[:, count:])

    def keep(self) -> None:
        """Write the answers down."""
        digests = np.frombuffer(b"".join(self._known), np.uint8).reshape(-1, 16)
        np.savez(self._place, digests=digests, answers=np.stack(list(self._known.values())))


def answers_of(file: Path) -> Path:
    """Return where a network's answers are kept: trained again, it has others."""
    return file.with_name(f"answers-{hashlib.sha256(file.read_bytes()).hexdigest()[:16]}.npz")


def model_of(file: Path, classes: tuple[str, ...], *, packed: bool = False) -> "object":
    """Build the Keras network of weights that training.py kept; packed as it ships."""
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
    if packed:
        values = packable(values)
    for variable in model.weights:
        variable.assign(values["/".join(variable.path.split("/")[-2:])])
    return model


def packable(values: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Round weights so that they pack well, in Keras's file and in ONNX's.

    The exporter multiplies each kernel by its normalisation's scale, which would undo the rounding. So that scale is made a
    power of two first: what it loses goes into the kernel, the mean and the variance, and the network answers as before.
    """
    packed = dict(values)
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
        packed[kernel] = (values[kernel] * factor[axes]).astype(np.float32)
        packed[f"{name}/moving_mean"] = (mean * factor).astype(np.float32)
        packed[f"{name}/moving_variance"] = (np.square(gamma / power) - EPSILON).astype(np.float32)
    return {name: rounded(value) if name.endswith("/kernel") else value for name, value in packed.items()}


def rounded(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round to ten binary digits, two more than bfloat16 has: fourteen bits of zeros pack to nothing."""
    whole = np.ascontiguousarray(values, np.float32).view(np.uint32).astype(np.uint64)
    return ((whole + 0x2000) & 0xFFFFC000).astype(np.uint32).view(np.float32)


def some(rows: NDArray[np.int64], most: int = 1500) -> NDArray[np.int64]:
    """Choose training images that stand for all."""
    return np.sort(np.random.default_rng(1).permutation(rows)[:most])


def told(folder: Path, images: int) -> dict[str, object]:
    """Say how it was trained, from what the trainings wrote down."""
    made = {file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))}
    return {"name": "scripts/train_default.py", "images": images, "trainings": made}


def versions() -> dict[str, str]:
    """Return the versions of what the file was put together with."""
    names = ("keras", "tensorflow", "numpy", "onnx", "onnxruntime", "pillow")
    return {"melanoma-detect": md.__version__, "python": platform.python_version()} | {
        name: metadata.version(name) for name in names
    }


if __name__ == "__main__":
    main()
