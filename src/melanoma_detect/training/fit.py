"""Training a detector: train the model, export it, calibrate it, and record what was done."""

import os
import warnings
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, TypeAlias

import importlib_metadata

from melanoma_detect import __version__, taxonomy
from melanoma_detect.data.dataset import Dataset, Split
from melanoma_detect.errors import DataWarning, DetectorError, DetectorWarning, ModelError
from melanoma_detect.export.onnx import onnx_bytes, parity_of
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.bundle import Files
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.config import DetectorConfig, Settings
from melanoma_detect.inference.keras_runtime import KerasRuntime, to_bytes
from melanoma_detect.inference.operating_points import refuse_sensitivity
from melanoma_detect.inference.out_of_distribution import FeatureSpace
from melanoma_detect.inference.preprocessing import input_limits
from melanoma_detect.inference.runtime import OnnxRuntime, Runtime
from melanoma_detect.inference.training_fingerprint import TrainingFingerprint
from melanoma_detect.training.calibrate import answered, calibrate, describe_features, sampled
from melanoma_detect.training.copying import training_copy
from melanoma_detect.training.recipes import Recipe, find_recipe
from melanoma_detect.training.trainer import train

Assembled: TypeAlias = tuple[DetectorConfig, Runtime, Files]

_COMPARED = 64  # validation images on which the exported model must answer as Keras does


def fit(
    model: Any,
    data: Dataset,
    *,
    epochs: int,
    recipe: str | Recipe,
    sensitivity: float,
    seed: int,
    progress: bool,
    checkpoint: "str | os.PathLike[str] | None" = None,
    resume: bool = False,
    devices: str | int | None = None,
) -> Assembled:
    """Train a model and set its threshold; see `Detector.fit`.

    Args:
        model: From `build_model`.
        data: From `load_dataset`.
        epochs: How many epochs at most.
        recipe: A name or a `Recipe`.
        sensitivity: The share of validation melanomas that must raise an alert, over 0 and under 1.
        seed: Where the order of the images and their augmentation come from.
        progress: Draw a progress bar.
        checkpoint: A folder to write a checkpoint into after each epoch, or None.
        resume: Go on from the checkpoint in that folder.
        devices: None for one; `"auto"`, or how many.

    Returns:
        Its configuration, what runs it, and its files: what `Detector` is made from.

    Examples:
        >>> model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
        >>> config, runtime, files = fit(model, data, epochs=1, recipe="assignment", sensitivity=0.6, seed=1, progress=False)
        >>> config.settings.sensitivity, runtime.name
        (0.6, 'onnx')
    """
    chosen = find_recipe(recipe)
    refuse_sensitivity(sensitivity)
    trained = train(
        model,
        data,
        epochs=epochs,
        recipe=chosen,
        seed=seed,
        progress=progress,
        checkpoint=checkpoint,
        resume=resume,
        devices=devices,
    )
    # A model that is trained again has seen the images of both times.
    model.seen = getattr(model, "seen", TrainingFingerprint()) | TrainingFingerprint.of((*data.train, *data.validation))
    told = {"epochs": epochs, "seed": seed, "precision": trained.precision, "devices": trained.devices}
    config = DetectorConfig(
        classes=data.classes,
        image_size=model.input_shape[1:3],
        settings=Settings(sensitivity=sensitivity),
        resize=data.resize,
        architecture=getattr(model, "architecture", {"name": model.name}),
        recipe=asdict(chosen) | told | {"images": len(data.train)},
        history=trained.history,
        best_epoch=trained.best_epoch,
        made_with=_versions(),
    )
    # A copy: whoever trains the model on must not change the detector.
    return assemble(training_copy(model, "float32"), config, data, seen=model.seen, seed=seed)


def _versions() -> dict[str, str]:
    packages = ("keras", "tensorflow", "numpy", "pillow", "augmentor")
    return {"melanoma-detect": __version__} | {name: importlib_metadata.version(name) for name in packages}


def assemble(model: Any, config: DetectorConfig, data: Dataset, *, seen: TrainingFingerprint, seed: int) -> Assembled:
    """Make a detector of a trained model: export it, describe its features, set its limits, calibrate it.

    Args:
        model: A trained model, which from now on is the detector's own.
        config: What is known about it so far.
        data: The dataset that it was trained on.
        seen: Which images it has seen.
        seed: Which training images describe its features and set its limits, where there are very many.

    Returns:
        Its configuration, what runs it, and its files: what `Detector` is made from.

    Warns:
        DetectorWarning: It cannot be exported to ONNX, so that predictions need Keras.
        DataWarning: Validation shows too few melanomas for the card's sensitivity.

    Examples:
        >>> config, *_ = assemble(predictor.keras_model(), predictor.config, data, seen=predictor.files.seen(), seed=1)
        >>> config.calibration(1) == predictor.config.calibration(1)
        True
    """
    size = config.image_size
    validation = data.validation.pixels(size)

    def calibrations(runtime: Runtime, space: FeatureSpace | None) -> dict[int, Calibration]:
        part = data.validation
        return calibrate(answered(runtime, validation, space), part.targets[part.labels], part.groups, part.classes)

    described = sampled(data.train, seed=seed).pixels(size)
    config, runtime, files = assemble_from(model, config, described, validation[:_COMPARED], calibrations, seen=seen)
    _warn_without_threshold(config, data.validation)
    return config, runtime, files


def assemble_from(
    model: Any,
    config: DetectorConfig,
    described: Pixels,
    compared: Pixels,
    calibrations: Callable[[Runtime, FeatureSpace | None], dict[int, Calibration]],
    *,
    seen: TrainingFingerprint,
) -> Assembled:
    """Make a detector of a trained model, whose calibration may come from elsewhere, as from a cross-validation.

    Args:
        model: A trained model, which from now on is the detector's own.
        config: What is known about it so far.
        described: Training images at its size, uint8 `(n, height, width, 3)`: they describe its features and set its limits.
        compared: Images on which the exported model must answer as Keras does.
        calibrations: Returns a calibration for each number of views, given what runs the model and where its features lie.
        seen: Which images it has seen.

    Returns:
        Its configuration, what runs it, and its files: what `Detector` is made from.

    Warns:
        DetectorWarning: It cannot be exported to ONNX, so that predictions need Keras.

    Examples:
        >>> pixels = data.train.pixels((32, 32))
        >>> none = TrainingFingerprint()
        >>> fitted = lambda *_: {1: Calibration()}
        >>> config, *_ = assemble_from(predictor.keras_model(), predictor.config, pixels, pixels[:8], fitted, seen=none)
        >>> config.calibration(1).temperature
        1.0
    """
    runtime, onnx, export = _exported(model, config.architecture, compared)
    space = describe_features(runtime, described)
    whole = replace(config, calibrations=calibrations(runtime, space), limits=input_limits(described), export=export)
    files = Files(onnx=onnx, keras=lambda: to_bytes(model), space=space, seen=lambda: seen)
    return whole, runtime, files


def _exported(model: Any, architecture: dict[str, Any], pixels: Pixels) -> tuple[Runtime, bytes | None, dict[str, Any]]:
    """Return what runs the model: its ONNX file, if there can be one that answers as Keras does."""
    own = KerasRuntime(model)
    if not architecture.get("onnx", True):
        return own, None, {"problem": "its architecture is marked with onnx = False"}
    try:
        content = onnx_bytes(model)
        runtime = OnnxRuntime(content)
        parity = parity_of(runtime.run(pixels), own.run(pixels))
        if not parity.holds:
            raise ModelError(f"its ONNX file answers otherwise: {parity}")  # noqa: TRY301 - one way to say so
    except (ModelError, DetectorError) as error:
        warnings.warn(f"{error}: Keras serves this detector, which is slower to start", DetectorWarning, stacklevel=5)
        return own, None, {"problem": str(error)}
    return runtime, content, {"images": len(pixels), **parity._asdict()}


def _warn_without_threshold(config: DetectorConfig, part: Split) -> None:
    if config.point(config.settings) is not None:
        return
    melanoma = taxonomy.positions(part.classes, code=taxonomy.MELANOMA)
    why = f"no class is melanoma ({', '.join(part.classes)})"
    if melanoma:
        try:
            config.calibration(1).point(config.settings.sensitivity)
        except DetectorError as error:
            why = str(error)
    warnings.warn(f"{why}: the detector has no alert threshold and refers every image", DataWarning, stacklevel=5)
