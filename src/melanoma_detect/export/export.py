"""Export of a detector's model as ONNX, LiteRT or SavedModel, or in eight bits, compared with the detector."""

import contextlib
import json
import os
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, get_args

import numpy as np
import onnx
from numpy.typing import NDArray

from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.labels import covered_classes
from melanoma_detect.data.split import Split
from melanoma_detect.data.synthetic import draw_lesion
from melanoma_detect.errors import DetectorError, OutputError
from melanoma_detect.export.exported import Exported, ExportFormat, Precision
from melanoma_detect.export.exported_config import exported_config
from melanoma_detect.export.onnx import RELATIVE_TOLERANCE, TOLERANCE, OutputDifferences, compare_outputs, onnx_bytes
from melanoma_detect.export.quantization import quantize
from melanoma_detect.export.tensorflow import RUNNERS, Format, write_by_keras
from melanoma_detect.images.arrays import as_array, split_batches
from melanoma_detect.images.reader import ImageLike, Pixels, read_batch
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.runtime import run_batched
from melanoma_detect.taxonomy import DIAGNOSES
from melanoma_detect.utils.files import atomic_file, atomic_folder
from melanoma_detect.utils.outputs import check_output, check_output_folder
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.temporary import temporary_folder

Images: TypeAlias = Dataset | Split | Iterable[ImageLike] | None

CONFIG = "detector.json"  # the classes and thresholds, beside or inside the exported model
_SAVED_MODEL = "saved_model.pb"  # the file that tells a SavedModel from any other folder
_MAX_CALIBRATION = 128  # images that activation ranges are measured on; more of them changed nothing
_MAX_COMPARED = 64  # labelled images that float32 formats are compared on: rounding shows on any image


class _Samples(NamedTuple):
    """Images to calibrate quantization on, images to compare outputs on, and the labels of the latter if they have any."""

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
    overwrite: bool = False,
) -> Exported:
    """Write a detector's model in another format; see `Detector.export`.

    Args:
        predictor: The detector.
        format: `"onnx"`, `"litert"` or `"saved_model"`.
        path: The file or folder to write.
        precision: `"float32"`, or `"int8"` for ONNX.
        images: The images to compare on, and for int8 to calibrate on.
        overwrite: Replace a file, or a SavedModel, that is there.

    Returns:
        The exported model's path and size, and how its outputs compare.

    Raises:
        DetectorError: The format or the images cannot be used, or the outputs differ from the detector's.
        OutputError: The file or folder exists, holds an input, or cannot be written.

    Examples:
        >>> export(predictor, "onnx", "mine.onnx").max_difference < 2e-4
        True
    """
    target = check_export_output(
        format,
        path,
        precision=precision,
        overwrite=overwrite,
        inputs=[predictor.files.path] if predictor.files.path else [],
    )
    samples = _samples(predictor, images, precision)
    expected = run_batched(predictor.runtime.run, samples.compared)
    with _atomic(target, overwrite=overwrite) as partial:
        _write(predictor, format, precision, partial, samples.calibration)
        outputs = run_batched(RUNNERS[format](partial), samples.compared)
        differences = compare_outputs(outputs, expected)
        if precision == "float32" and not differences.within_tolerance:
            raise DetectorError(
                f"{target}: not written, since its outputs are not the detector's ({_describe(differences)})"
            )
        _attach_config(predictor, format, precision, partial)
        check_export_output(
            format, target, precision=precision, overwrite=overwrite
        )  # what has appeared meanwhile stays
        size = sum(file.stat().st_size for file in (partial, *partial.rglob("*")) if file.is_file())
    before = after = None
    if precision == "int8" and samples.labels is not None:
        before, after = (balanced_accuracy(logits, samples.labels) for logits in (expected.logits, outputs.logits))
    return Exported(target, format, precision, size, differences.probabilities, len(samples.compared), before, after)


def balanced_accuracy(scores: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """Return the balanced accuracy: the mean recall of the classes that occur.

    Args:
        scores: `(n, classes)`: logits or probabilities.
        labels: The true classes as columns of `scores`, `(n,)`.

    Returns:
        0 to 1.

    Examples:
        >>> balanced_accuracy(np.eye(2), np.array([0, 0]))
        0.5
    """
    correct = scores.argmax(axis=1) == labels
    return float(np.mean([correct[labels == label].mean() for label in np.unique(labels)]))


def check_export_output(
    format: str,  # noqa: A002
    path: "str | os.PathLike[str]",
    *,
    precision: str = "float32",
    overwrite: bool = False,
    inputs: "Iterable[str | os.PathLike[str]]" = (),
) -> Path:
    """Raise an error unless a model can be written in a format to a path.

    Args:
        format: `"onnx"`, `"litert"` or `"saved_model"`.
        path: The file or folder to write.
        precision: `"float32"`, or `"int8"` for ONNX.
        overwrite: Whether a file, or a SavedModel, that is there may be replaced.
        inputs: Files and folders that are never overwritten.

    Returns:
        The path, with `~` expanded.

    Raises:
        DetectorError: There is no such format or precision.
        OutputError: The file or folder exists, is or holds an input, or cannot be written.

    Examples:
        >>> check_export_output("onnx", "cnn.onnx").name
        'cnn.onnx'
    """
    if format not in RUNNERS:
        raise DetectorError(f"format={format!r}; expected one of {', '.join(map(repr, get_args(ExportFormat)))}")
    if precision not in ("float32", "int8"):
        raise DetectorError(f"precision={precision!r}; expected 'float32' or 'int8'")
    if precision == "int8" and format != "onnx":
        raise DetectorError(f"precision='int8' is written as ONNX only, not as {format}; use format='onnx'")
    target = expand_path(path)
    if format != "saved_model" or not target.is_dir():
        return check_output(path, overwrite=overwrite, inputs=inputs)
    check_output_folder(target, inputs=inputs)
    if any(target.iterdir()) and not (overwrite and (target / _SAVED_MODEL).is_file()):
        raise OutputError(
            f"{target}: is a folder that is not empty; choose another path. Only a SavedModel can be overwritten "
            "(overwrite=True)"
        )
    return target


def _atomic(target: Path, *, overwrite: bool) -> contextlib.AbstractContextManager[Path]:
    # A SavedModel is a folder, which no file can be renamed over.
    return atomic_folder(target, replace=True) if target.is_dir() else atomic_file(target, overwrite=overwrite)


def _samples(predictor: Predictor, images: Images, precision: Precision) -> _Samples:
    if isinstance(images, Dataset):
        held_out = images.test if len(images.test) else images.validation
        return _samples_of_splits(predictor, images.train, held_out, precision)
    if isinstance(images, Split):
        return _samples_of_splits(predictor, images, images, precision)
    if images is None:
        if precision == "int8":
            raise DetectorError(
                "precision='int8' needs images to measure the range of activations on: give images=data"
            )
        images = [draw_lesion(diagnosis.name, seed=seed).pixels for diagnosis in DIAGNOSES for seed in (1, 2)]
    array = as_array(images)
    singles = list(split_batches(images if array is None else [array]))
    pixels = read_batch(singles, predictor.image_size, predictor.config.resize)
    if not len(pixels):
        raise DetectorError("images: there are none; expected a dataset, a split or at least one image")
    return _Samples(_evenly_spaced(pixels, _MAX_CALIBRATION), pixels, None)


def _samples_of_splits(predictor: Predictor, calibration: Split, held_out: Split, precision: Precision) -> _Samples:
    calibration = _select(predictor, calibration, _MAX_CALIBRATION)
    # A difference of balanced accuracy needs all images; rounding shows on a few.
    held_out = _select(predictor, held_out, None if precision == "int8" else _MAX_COMPARED)
    pixels = held_out.pixels(predictor.image_size)
    return _Samples(calibration.pixels(predictor.image_size), pixels, held_out.labels)


def _select(predictor: Predictor, split: Split, limit: int | None) -> Split:
    """Return at most `limit` images of a split whose labels mean one of the detector's classes, under its names."""
    covered = {label: covered_classes(label, split, predictor.classes) for label in {record.label for record in split}}
    # A coarse label that covers several of the classes has no right answer among them.
    records = tuple(
        replace(record, label=covered[record.label][0]) for record in split if len(covered[record.label]) == 1
    )
    if not records:
        raise DetectorError(
            f"images: the {split.name} split has none of the detector's classes ({', '.join(predictor.classes)})"
        )
    records = tuple(_evenly_spaced(records, limit or len(records)))
    return replace(split, records=records, classes=predictor.classes, label_groups={}, resize=predictor.config.resize)


def _evenly_spaced(items: Any, limit: int) -> Any:
    """Return at most `limit` items, evenly spaced from first to last: a split is sorted by class."""
    if len(items) <= limit:
        return items
    indices = np.linspace(0, len(items) - 1, limit).astype(int)
    return items[indices] if isinstance(items, np.ndarray) else [items[index] for index in indices]


def _write(predictor: Predictor, format: Format, precision: Precision, path: Path, calibration: Pixels) -> None:  # noqa: A002
    if format != "onnx":
        write_by_keras(_keras_model(predictor, format), format, path)
    elif precision == "float32":
        _write_onnx(predictor, path)
    else:
        with temporary_folder() as folder:
            float_model = Path(folder, "float32.onnx")
            _write_onnx(predictor, float_model)
            quantize(float_model, path, calibration)


def _keras_model(predictor: Predictor, format: Format) -> Any:  # noqa: A002
    try:
        return predictor.keras_model()
    except DetectorError as error:
        if predictor.files.onnx is None:
            raise
        raise DetectorError(
            f"{format} is made from the Keras model, which cannot be had here ({error}); format='onnx' needs no Keras model"
        ) from error


def _write_onnx(predictor: Predictor, path: Path) -> None:
    """Write the ONNX model of the detector; make one from the Keras model if the detector has none."""
    path.write_bytes(predictor.files.onnx or onnx_bytes(predictor.keras_model()))


def _attach_config(predictor: Predictor, format: Format, precision: Precision, path: Path) -> None:  # noqa: A002
    """Store the classes and thresholds where each format has a place for metadata."""
    text = json.dumps(exported_config(predictor, precision), indent=1)
    if format == "onnx":
        model = onnx.load(path)
        onnx.helper.set_model_props(model, {CONFIG: text})
        onnx.save(model, path)
    elif format == "litert":
        # As TensorFlow Lite's own metadata: a zip after the model, which interpreters ignore.
        with zipfile.ZipFile(path, "a") as attached:
            attached.writestr(CONFIG, text)
    else:
        (path / "assets.extra").mkdir()
        (path / "assets.extra" / CONFIG).write_text(text, encoding="utf-8", newline="\n")


def _describe(differences: OutputDifferences) -> str:
    limits = {"probability": TOLERANCE, "logit": RELATIVE_TOLERANCE, "feature": RELATIVE_TOLERANCE}
    return ", ".join(
        f"largest difference in a {name} {value:.1g}, at most {limit:.1g} expected"
        for (name, limit), value in zip(limits.items(), differences, strict=True)
    )
