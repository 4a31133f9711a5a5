"""Fitting a detector: train the model, export it to ONNX, calibrate it on validation, and record how it was made."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import importlib_metadata
import numpy as np

from melanoma_detect import __version__, taxonomy
from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.split import Split
from melanoma_detect.errors import DataWarning, DetectorError, DetectorWarning, ModelError
from melanoma_detect.export.onnx import compare_onnx, compare_outputs, onnx_bytes
from melanoma_detect.images.quality import input_limits
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.config import DetectorConfig, Settings
from melanoma_detect.inference.files import Files
from melanoma_detect.inference.image_types import IMAGE_TYPES, TYPE_PLURALS, ImageType
from melanoma_detect.inference.keras_runtime import KerasRuntime, ModelFile, model_from_bytes, model_to_bytes
from melanoma_detect.inference.out_of_distribution import FeatureSpace
from melanoma_detect.inference.runtime import OnnxRuntime, Runtime
from melanoma_detect.inference.training_fingerprint import TrainingFingerprint
from melanoma_detect.training.calibrate import fit_feature_space, sample_training_images
from melanoma_detect.training.checkpoints import checkpoint_path
from melanoma_detect.training.earlier_training import check_earlier_training
from melanoma_detect.training.finite_loss import find_strange
from melanoma_detect.training.image_types import (
    FittedCalibrations,
    calibrate_by_type,
    fit_classifier_of_split,
)
from melanoma_detect.training.options import FitOptions
from melanoma_detect.training.precision import clone_with_precision
from melanoma_detect.training.trainer import TrainingResult, check_model_and_data, train
from melanoma_detect.training.user_callbacks import check_callbacks
from melanoma_detect.utils.files import atomic_file, cache_folder
from melanoma_detect.utils.interruption import Interruption, noting_interruption
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.progress import describe_stage, progress_bar
from melanoma_detect.utils.user_warning import warn_user

DetectorParts: TypeAlias = tuple[DetectorConfig, Runtime, Files]

_PARITY_IMAGES = 64  # validation images on which ONNX Runtime is compared with Keras
_OWN_PACKAGE = "melanoma-detect"  # whose architectures the tests export: no need to try them before each training


def fit(model: Any, data: Dataset, options: FitOptions) -> DetectorParts:
    """Train a model and calibrate it; see `Detector.fit`.

    Args:
        model: From `build_model`.
        data: From `load_dataset`.
        options: How to train.

    Returns:
        The detector's configuration, runtime and files: the arguments of `Detector`.

    Raises:
        DetectorError: The model was trained, but no detector could be made of it; the message names the file of its weights.
        LeakError: The model was trained before on images of this validation split.

    Warns:
        DetectorWarning: The model cannot be exported to ONNX, so that predictions need Keras. Architectures of other packages
            are tried before training, which takes a second or two.

    Examples:
        >>> model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
        >>> config, runtime, files = fit(model, data, FitOptions(epochs=1, sensitivity=0.6, seed=1, progress=False))
        >>> config.settings.sensitivity, runtime.name
        (0.6, 'onnx')
    """
    check_model_and_data(model, data)
    check_callbacks(options.callbacks, options.recipe)
    note = check_earlier_training(model, data)
    with progress_bar("preparing", shown=options.progress) as bar:
        if note:
            bar.print(note)
        problem = _find_export_problem(model)
        trained = train(model, data, options)
        with noting_interruption(lambda: _describe_interruption(options)):
            describe_stage("calibrating")
            return _make_detector_or_save_weights(model, data, options, trained, problem)


def _describe_interruption(options: FitOptions) -> Interruption:
    if options.checkpoint is None:
        return Interruption("the training was finished, but nothing of it was kept")
    path = checkpoint_path(options.checkpoint)
    return Interruption(
        f"the finished training is kept in {path}", "the same call with resume=True calibrates it", path
    )


def _make_detector_or_save_weights(
    model: Any, data: Dataset, options: FitOptions, trained: TrainingResult, problem: str
) -> DetectorParts:
    try:
        return _make_detector(model, data, options, trained, problem)
    except Exception as error:  # whatever it is, hours of training must not be lost by it
        path = _save_weights(model, options)
        raise DetectorError(
            f"the training is finished, but no detector could be made of it ({error}); the trained weights are in {path}: "
            "build the model again and call its load_weights(path)"
        ) from error


def _make_detector(
    model: Any, data: Dataset, options: FitOptions, trained: TrainingResult, problem: str
) -> DetectorParts:
    details = {
        "epochs": options.epochs,
        "seed": options.seed,
        "precision": trained.precision,
        "devices": trained.devices,
        "images": len(data.train),
    }
    config = DetectorConfig(
        classes=data.classes,
        image_size=model.input_shape[1:3],
        settings=Settings(sensitivity=options.sensitivity),
        resize=data.resize,
        architecture=_untracked(getattr(model, "architecture", {"name": model.name})),
        recipe=asdict(options.recipe) | details,
        history=trained.history,
        best_epoch=trained.best_epoch,
        made_with=_versions(),
    )
    # The detector gets a clone: training the model further must not change the detector.
    clone = clone_with_precision(model, "float32")
    if problem:
        config = replace(config, export={"problem": problem})
    return assemble_detector(clone, config, data, fingerprint=model.training_fingerprint, seed=options.seed)


def _find_export_problem(model: Any) -> str:
    """Export an untrained model, and return why that fails; empty where its ONNX file can stand for it.

    Warns:
        DetectorWarning: It cannot, or Keras cannot load the model from a file.
    """
    architecture = getattr(model, "architecture", {})
    if architecture.get("package") == _OWN_PACKAGE or not architecture.get("onnx", True) or find_strange(model):
        return ""
    pixels = np.random.default_rng(0).integers(0, 256, (2, *model.input_shape[1:]), np.uint8)
    try:
        differences = compare_onnx(model, pixels)
    except ModelError as error:
        problem = str(error)
    else:
        problem = "" if differences.within_tolerance else f"its ONNX file gives other outputs: {differences}"
    if problem:
        warn_user(f"{problem}: the detector will run on Keras, which takes longer to start", DetectorWarning)
        _warn_if_not_loadable(model, architecture)
    return problem


def _warn_if_not_loadable(model: Any, architecture: dict[str, Any]) -> None:
    try:
        model_from_bytes(model_to_bytes(model), architecture)
    except Exception as error:  # noqa: BLE001 - layers raise nearly anything when they are loaded
        warn_user(
            f"Keras cannot load this model from a file ({error}), so that its detector cannot be loaded once saved: register "
            "its layers by @keras.saving.register_keras_serializable",
            DetectorWarning,
        )


def _save_weights(model: Any, options: FitOptions) -> Path:
    """Save a trained model's weights in the checkpoint's folder, or in the cache."""
    folder = expand_path(options.checkpoint, DetectorError) if options.checkpoint else cache_folder("trained")
    path = folder / f"{model.name}-{time.strftime('%Y%m%d-%H%M%S')}.weights.h5"
    with atomic_file(path) as partial:
        model.save_weights(partial)
    return path


def assemble_detector(
    model: Any, config: DetectorConfig, data: Dataset, *, fingerprint: TrainingFingerprint, seed: int
) -> DetectorParts:
    """Make a detector of a trained model: export it, describe its features, set its input limits, calibrate it.

    Args:
        model: A trained model, which the detector owns from now on.
        config: The configuration so far.
        data: The dataset that the model was trained on.
        fingerprint: The fingerprint of the images that the model was trained on.
        seed: The seed with which training images are sampled if there are very many.

    Returns:
        The detector's configuration, runtime and files: the arguments of `Detector`.

    Warns:
        DetectorWarning: The model cannot be exported to ONNX, so that predictions need Keras.
        DataWarning: Validation has too few melanomas for the configuration's sensitivity, or training or validation has too
            few images of a type to calibrate it.

    Examples:
        >>> fingerprint = predictor.files.fingerprint()
        >>> config, *_ = assemble_detector(
        ...     predictor.keras_model(), predictor.config, data, fingerprint=fingerprint, seed=1
        ... )
        >>> config.calibration(1) == predictor.config.calibration(1)
        True
    """
    validation = data.validation
    pixels = validation.pixels(config.image_size)

    sample = sample_training_images(data.train, seed=seed)
    training = sample.pixels(config.image_size)

    def fit_calibrations(runtime: Runtime, space: FeatureSpace | None) -> FittedCalibrations:
        # Not from the sample, in which the rarer type may be too rare.
        classifier = fit_classifier_of_split(runtime, data.train, config.image_size, seed=seed)
        return calibrate_by_type(runtime, space, classifier, validation, pixels)

    config, runtime, files = assemble_with_calibrations(
        model, config, training, pixels[:_PARITY_IMAGES], fit_calibrations, fingerprint=fingerprint
    )
    _warn_without_threshold(config, validation)
    return config, runtime, files


def assemble_with_calibrations(
    model: Any,
    config: DetectorConfig,
    training_pixels: Pixels,
    parity_pixels: Pixels,
    fit_calibrations: Callable[[Runtime, FeatureSpace | None], Mapping[int, Calibration] | FittedCalibrations],
    *,
    fingerprint: TrainingFingerprint,
    outliers: Pixels | None = None,
) -> DetectorParts:
    """Make a detector of a trained model whose calibration is fitted by the caller, such as by cross-validation.

    Args:
        model: A trained model, which the detector owns from now on.
        config: The configuration so far.
        training_pixels: Training images at the model's size, uint8 `(n, height, width, 3)`, from which the feature space and
            the input limits are taken.
        parity_pixels: Images on which ONNX Runtime must give the same outputs as Keras.
        fit_calibrations: A function of the runtime and the feature space that returns a calibration for each number of views,
            or what was fitted for each type of image.
        fingerprint: The fingerprint of the images that the model was trained on.
        outliers: Everyday images, uint8 `(m, height, width, 3)`, that the detector must decline, beside drawn ones.

    Returns:
        The detector's configuration, runtime and files: the arguments of `Detector`.

    Warns:
        DetectorWarning: The model cannot be exported to ONNX, so that predictions need Keras.

    Examples:
        >>> pixels = data.train.pixels((32, 32))
        >>> config, *_ = assemble_with_calibrations(
        ...     predictor.keras_model(),
        ...     predictor.config,
        ...     pixels,
        ...     pixels[:8],
        ...     lambda runtime, space: {1: Calibration()},
        ...     fingerprint=TrainingFingerprint(),
        ... )
        >>> config.calibration(1).temperature
        1.0
    """
    runtime, onnx, export = _export(model, config, parity_pixels)
    space = fit_feature_space(runtime, training_pixels, outliers)
    fitted = fit_calibrations(runtime, space)
    by_type = fitted if isinstance(fitted, FittedCalibrations) else FittedCalibrations(fitted)
    calibrated = replace(
        config,
        calibrations=by_type.calibrations,
        clinical=by_type.clinical,
        referred_types=by_type.referred_types,
        input_limits=input_limits(training_pixels),
        export=export,
    )
    files = Files(
        onnx=onnx,
        keras=ModelFile(model),
        feature_space=space,
        image_types=by_type.image_types,
        fingerprint=partial(_itself, fingerprint),
    )
    return calibrated, runtime, files


def _itself(fingerprint: TrainingFingerprint) -> TrainingFingerprint:
    return fingerprint


def _untracked(value: Any) -> Any:
    """Return plain lists and dictionaries in place of Keras's, which watch their changes and cannot be pickled."""
    if isinstance(value, Mapping):
        return {name: _untracked(inner) for name, inner in value.items()}
    return [_untracked(inner) for inner in value] if isinstance(value, list) else value


def _versions() -> dict[str, str]:
    packages = ("keras", "tensorflow", "numpy", "pillow", "augmentor")
    return {"melanoma-detect": __version__} | {name: importlib_metadata.version(name) for name in packages}


def _export(model: Any, config: DetectorConfig, pixels: Pixels) -> tuple[Runtime, bytes | None, dict[str, Any]]:
    """Return the model's runtime, its ONNX file, and a record of the export.

    The runtime is ONNX Runtime if the model can be exported and gives the same outputs there; else it is Keras.
    """
    keras_runtime = KerasRuntime(model)
    if not config.architecture.get("onnx", True):
        return keras_runtime, None, {"problem": "its architecture is marked with onnx = False"}
    if "problem" in config.export:  # found, and warned of, before training
        return keras_runtime, None, dict(config.export)
    try:
        content = onnx_bytes(model)
        runtime = OnnxRuntime(content)
        differences = compare_outputs(runtime.run(pixels), keras_runtime.run(pixels))
        if not differences.within_tolerance:
            raise ModelError(f"its ONNX file gives other outputs: {differences}")  # noqa: TRY301 - handled like a failed export
    except Exception as error:  # noqa: BLE001 - the exporter and ONNX Runtime raise exceptions of many kinds
        warn_user(
            f"{error}: the detector runs on Keras, which takes longer to start",
            DetectorWarning,
        )
        return keras_runtime, None, {"problem": str(error)}
    return runtime, content, {"images": len(pixels), **differences._asdict()}


def _warn_without_threshold(config: DetectorConfig, validation: Split) -> None:
    """Warn of each type of image that the detector judges without a threshold for alerts."""
    types: tuple[ImageType | None, ...] = IMAGE_TYPES if config.clinical else (None,)
    for image_type in types:
        if image_type in config.referred_types or config.operating_point(
            replace(config.settings, image_type=image_type)
        ):
            continue
        reason = f"no class is melanoma ({', '.join(validation.classes)})"
        if taxonomy.positions(validation.classes, code=taxonomy.MELANOMA):
            try:
                config.calibration(1, image_type).operating_point(config.settings.sensitivity)
            except DetectorError as error:
                reason = str(error)
        every = f"all {TYPE_PLURALS[image_type]}" if image_type else "every image"
        missing = f" for {TYPE_PLURALS[image_type]}" if image_type else ""
        warn_user(f"{reason}: the detector has no alert threshold{missing} and refers {every}", DataWarning)
