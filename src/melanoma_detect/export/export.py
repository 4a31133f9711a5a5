"""A detector's model for other places: ONNX, LiteRT, a SavedModel, or eight bits; each measured against the detector itself."""

import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray

from melanoma_detect.data.dataset import Dataset, Split
from melanoma_detect.data.synthetic import draw_lesion
from melanoma_detect.errors import DetectorError, OutputError
from melanoma_detect.export.onnx import SHARE, TOLERANCE, Parity, onnx_bytes, parity_of
from melanoma_detect.export.quantization import quantise
from melanoma_detect.export.tensorflow import RUNS, Format, write_by_keras
from melanoma_detect.images.reader import ImageLike, Pixels, read_many
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.runtime import Outputs
from melanoma_detect.taxonomy import DIAGNOSES
from melanoma_detect.utils.disclaimer import DISCLAIMER
from melanoma_detect.utils.files import whole_file

Precision: TypeAlias = Literal["float32", "int8"]
Images: TypeAlias = Dataset | Split | Iterable[ImageLike] | None

CARD = "detector.json"  # what the numbers mean, beside or inside what is written
_CALIBRATION = 128  # images that ranges are taken from; more of them changed nothing
_COMPARED = 64  # images that float32 formats are compared on
_BATCH = 32


@dataclass(frozen=True)
class Exported:
    """A file or folder that stands for a detector elsewhere, and how well it does.

    Attributes:
        path: Where it is.
        format: `"onnx"`, `"litert"` or `"saved_model"`.
        precision: `"float32"` or `"int8"`.
        size: In bytes.
        parity: The largest difference in probability from the detector's own answers, 0 to 1.
        images: How many images were compared.
        before: The detector's balanced accuracy on those images; None where they have no labels, or in float32.
        after: That of what was written.

    Examples:
        >>> print(detector.export("onnx", "mine.onnx"))
        mine.onnx: ... as ONNX in float32, ... from the detector in any probability, on 18 images.
    """

    path: Path
    format: Format
    precision: Precision
    size: int
    parity: float
    images: int
    before: float | None = None
    after: float | None = None

    @property
    def loss(self) -> float | None:
        """By how much balanced accuracy fell, -1 to 1; None where it was not measured."""
        return None if self.before is None or self.after is None else self.before - self.after

    def __str__(self) -> str:
        names = {"onnx": "ONNX", "litert": "LiteRT", "saved_model": "a SavedModel"}
        said = (
            f"{self.path}: {self.size / 1e6:.2f} MB as {names[self.format]} in {self.precision}, at most {self.parity:.1g} "
            f"from the detector in any probability, on {self.images} images."
        )
        if self.before is None or self.after is None:
            return said
        return (
            f"{said} Balanced accuracy {self.before:.1%} before, {self.after:.1%} after: a difference of "
            f"{100 * (self.after - self.before):+.1f} points."
        )


class _Samples(NamedTuple):
    """Images to measure ranges on, images to compare answers on, and what these show where that is known."""

    calibration: Pixels
    compared: Pixels
    labels: NDArray[np.int64] | None


def export(
    predictor: Predictor,
    format: Format,  # noqa: A002 - Keras's own word for it
    path: "str | os.PathLike[str]",
    *,
    precision: Precision = "float32",
    images: Images = None,
) -> Exported:
    """Write a detector's model in another format; see `Detector.export`.

    Args:
        predictor: The detector.
        format: `"onnx"`, `"litert"` or `"saved_model"`.
        path: Where to.
        precision: `"float32"`, or `"int8"` for ONNX.
        images: What to compare on, and for int8 to calibrate on.

    Returns:
        What was written, and how well it stands for the detector.

    Raises:
        DetectorError: The format or the images cannot be used, or what was written differs from the detector.
        OutputError: The place cannot be written.

    Examples:
        >>> export(predictor, "onnx", "mine.onnx").parity < 2e-4
        True
    """
    place = Path(path)
    _refuse_slips(format, precision, place)
    samples = _samples(predictor, images, precision)
    expected = _in_batches(predictor.runtime.run, samples.compared)
    with whole_file(place) as partial:
        _write(predictor, format, precision, partial, samples.calibration)
        found = _in_batches(RUNS[format](partial), samples.compared)
        parity = parity_of(found, expected)
        if precision == "float32" and not parity.holds:
            raise DetectorError(
                f"{place}: not written, since its answers are not the detector's ({_differences(parity)})"
            )
        _attach_card(predictor, format, precision, partial)
        size = sum(file.stat().st_size for file in (partial, *partial.rglob("*")) if file.is_file())
    before, after = (
        (None, None)
        if precision == "float32" or samples.labels is None
        else (balanced_accuracy(one.logits, samples.labels) for one in (expected, found))
    )
    return Exported(place, format, precision, size, parity.probabilities, len(samples.compared), before, after)


def balanced_accuracy(scores: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """Return the mean recall of the classes that occur.

    Args:
        scores: `(n, classes)`: logits or probabilities.
        labels: The truth, `(n,)`: positions of classes.

    Returns:
        0 to 1.

    Examples:
        >>> balanced_accuracy(np.eye(2), np.array([0, 0]))
        0.5
    """
    right = scores.argmax(axis=1) == labels
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def _refuse_slips(format: str, precision: str, place: Path) -> None:  # noqa: A002
    if format not in RUNS:
        raise DetectorError(f"format={format!r}; expected one of {', '.join(map(repr, RUNS))}")
    if precision not in ("float32", "int8"):
        raise DetectorError(f"precision={precision!r}; expected 'float32' or 'int8'")
    if precision == "int8" and format != "onnx":
        raise DetectorError(f"precision='int8' is written as ONNX only, not as {format}; use format='onnx'")
    if place.is_dir() and any(place.iterdir()):
        raise OutputError(f"{place}: is a folder that is not empty; choose another place")


def _samples(predictor: Predictor, images: Images, precision: Precision) -> _Samples:
    if isinstance(images, Dataset):
        held_out = images.test if len(images.test) else images.validation
        return _of_parts(predictor, images.train, held_out, precision)
    if isinstance(images, Split):
        return _of_parts(predictor, images, images, precision)
    if images is None:
        if precision == "int8":
            raise DetectorError(
                "precision='int8' has to see what images make of the model's values; give some: images=data"
            )
        drawn = [draw_lesion(diagnosis.name, seed=seed).pixels for diagnosis in DIAGNOSES for seed in (1, 2)]
        images = drawn
    pixels = read_many(list(images), predictor.image_size, predictor.config.resize)
    if not len(pixels):
        raise DetectorError("images: there are none; expected a dataset, a split or some images")
    return _Samples(_spread(pixels, _CALIBRATION), pixels, None)


def _of_parts(predictor: Predictor, seen: Split, held_out: Split, precision: Precision) -> _Samples:
    calibration = _known(predictor, seen, _CALIBRATION)
    held_out = _known(predictor, held_out, None if precision == "int8" else _COMPARED)
    pixels = held_out.pixels(predictor.image_size)
    return _Samples(calibration.pixels(predictor.image_size), pixels, held_out.labels)


def _known(predictor: Predictor, part: Split, limit: int | None) -> Split:
    """Return so many of a split's images, of the detector's classes and in their order."""
    records = tuple(record for record in part if record.label in predictor.classes)
    if not records:
        raise DetectorError(
            f"images: the {part.name} split has none of the detector's classes ({', '.join(predictor.classes)})"
        )
    records = tuple(_spread(records, limit or len(records)))
    return replace(part, records=records, classes=predictor.classes, coarse={}, resize=predictor.config.resize)


def _spread(items: Any, limit: int) -> Any:
    """Return at most so many, evenly from first to last: a split is in the order of its classes."""
    if len(items) <= limit:
        return items
    chosen = np.linspace(0, len(items) - 1, limit).astype(int)
    return items[chosen] if isinstance(items, np.ndarray) else [items[at] for at in chosen]


def _in_batches(run: Callable[[Pixels], Outputs], pixels: Pixels) -> Outputs:
    parts = [run(pixels[at : at + _BATCH]) for at in range(0, len(pixels), _BATCH)]
    return Outputs(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _write(predictor: Predictor, format: Format, precision: Precision, path: Path, calibration: Pixels) -> None:  # noqa: A002
    if format != "onnx":
        write_by_keras(predictor.keras_model(), format, path)
    elif precision == "float32":
        _write_onnx(predictor, path)
    else:
        with tempfile.TemporaryDirectory() as folder:
            exact = Path(folder, "exact.onnx")
            _write_onnx(predictor, exact)
            quantise(exact, path, calibration)


def _write_onnx(predictor: Predictor, path: Path) -> None:
    """Write the ONNX file that the detector holds, or make one."""
    path.write_bytes(predictor.files.onnx or onnx_bytes(predictor.keras_model()))


def _attach_card(predictor: Predictor, format: Format, precision: Precision, path: Path) -> None:  # noqa: A002
    """Put what the numbers mean where each format has a place for it."""
    text = json.dumps(_card(predictor, precision), indent=1)
    if format == "onnx":
        model = onnx.load(path)
        onnx.helper.set_model_props(model, {CARD: text})
        onnx.save(model, path)
    elif format == "litert":
        with zipfile.ZipFile(
            path, "a"
        ) as attached:  # as TensorFlow Lite's metadata does: after the model, which it leaves alone
            attached.writestr(CARD, text)
    else:
        (path / "assets.extra").mkdir()
        (path / "assets.extra" / CARD).write_text(text, encoding="utf-8")


def _card(predictor: Predictor, precision: Precision) -> dict[str, Any]:
    """Return what the numbers mean: of a model that looks at each image once."""
    once = replace(predictor.settings, views=1)
    point = predictor.config.point(once) if precision == "float32" else None  # in eight bits the answers are others
    return {
        "classes": predictor.classes,
        "image_size": predictor.image_size,
        "resize": predictor.config.resize,
        "temperature": predictor.config.calibration(1).temperature,
        "bias": list(predictor.config.calibration(1).bias),
        "operating_point": asdict(point) if point else None,
        "precision": precision,
        "architecture": predictor.config.architecture,
        "made_with": predictor.config.made_with,
        "note": DISCLAIMER,
    }


def _differences(parity: Parity) -> str:
    names = ("probability", "logit", "feature")
    told = zip(names, parity, (TOLERANCE, SHARE, SHARE), strict=True)
    return ", ".join(
        f"largest difference in a {name} {value:.1g}, at most {most:.1g} expected" for name, value, most in told
    )
