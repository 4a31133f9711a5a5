"""A trained model becomes a detector: exported, its features described, calibrated."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from melanoma_detect import taxonomy
from melanoma_detect.data.dataset import Dataset, Part
from melanoma_detect.detector import Detector
from melanoma_detect.errors import DataWarning, DetectorError, DetectorWarning, ModelError
from melanoma_detect.export.onnx import onnx_bytes, parity_of
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.bundle import Files
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.config import Card
from melanoma_detect.inference.keras_runtime import bytes_of
from melanoma_detect.inference.out_of_distribution import FeatureSpace
from melanoma_detect.inference.preprocessing import limits_of
from melanoma_detect.inference.runtime import OnnxRuntime, Runtime, keras_runtime
from melanoma_detect.inference.training_fingerprint import Seen
from melanoma_detect.training.calibrate import answered, calibrate, describe_features, sampled

_COMPARED = 64  # validation pictures on which the exported model must answer as Keras does


def assembled(model: Any, card: Card, data: Dataset, *, seen: Seen, seed: int) -> Detector:
    """Make a detector of a trained model: export it, describe its features, set its limits, calibrate it.

    Args:
        model: A trained model, which from now on is the detector's own.
        card: What is known about it so far.
        data: The dataset that it was trained on.
        seen: Which pictures it has seen.
        seed: Which training pictures describe its features and set its limits, where there are very many.

    Returns:
        The detector.

    Warns:
        DetectorWarning: It cannot be exported to ONNX, so that predictions need Keras.
        DataWarning: Validation shows too few melanomas for the card's sensitivity.

    Examples:
        >>> again = assembled(detector.keras_model(), detector.card, data, seen=detector.files.seen(), seed=1)
        >>> again.card.calibration(1) == detector.card.calibration(1)
        True
    """
    size = card.image_size
    validation = data.validation.pixels(size)

    def calibrations(runtime: Runtime, space: FeatureSpace | None) -> dict[int, Calibration]:
        part = data.validation
        return calibrate(answered(runtime, validation, space), part.targets[part.labels], part.groups, part.classes)

    described = sampled(data.train, seed=seed).pixels(size)
    detector = put_together(model, card, described, validation[:_COMPARED], calibrations, seen=seen)
    _warn_of_no_threshold(detector, data.validation)
    return detector


def put_together(
    model: Any,
    card: Card,
    described: Pixels,
    compared: Pixels,
    calibrations: Callable[[Runtime, FeatureSpace | None], dict[int, Calibration]],
    *,
    seen: Seen,
) -> Detector:
    """Make a detector of a trained model, whose calibration may come from elsewhere, as from a cross-validation.

    Args:
        model: A trained model, which from now on is the detector's own.
        card: What is known about it so far.
        described: Training pictures at its size, uint8 `(n, height, width, 3)`: they describe its features and set its limits.
        compared: Pictures on which the exported model must answer as Keras does.
        calibrations: Returns a calibration for each number of views, given what runs the model and where its features lie.
        seen: Which pictures it has seen.

    Returns:
        The detector.

    Warns:
        DetectorWarning: It cannot be exported to ONNX, so that predictions need Keras.

    Examples:
        >>> pixels = data.train.pixels((32, 32))
        >>> put_together(detector.keras_model(), detector.card, pixels, pixels[:8], lambda *_: {1: Calibration()}, seen=Seen())
        <Detector cnn: 9 classes at 32×32>
    """
    runtime, onnx, export = _exported(model, card.architecture, compared)
    space = describe_features(runtime, described)
    whole = replace(card, calibrations=calibrations(runtime, space), limits=limits_of(described), export=export)
    files = Files(onnx=onnx, keras=lambda: bytes_of(model), space=space, seen=lambda: seen)
    return Detector(whole, runtime, files)


def _exported(model: Any, architecture: dict[str, Any], pixels: Pixels) -> tuple[Runtime, bytes | None, dict[str, Any]]:
    """Return what runs the model: its ONNX file, if there can be one that answers as Keras does."""
    own = keras_runtime(model)
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
    return runtime, content, {"pictures": len(pixels), **parity._asdict()}


def _warn_of_no_threshold(detector: Detector, part: Part) -> None:
    if detector.operating_point is not None:
        return
    melanoma = taxonomy.positions(part.classes, code=taxonomy.MELANOMA)
    why = f"no class is melanoma ({', '.join(part.classes)})"
    if melanoma:
        try:
            detector.card.calibration(1).point(detector.settings.sensitivity)
        except DetectorError as error:
            why = str(error)
    warnings.warn(f"{why}: the detector has no alert threshold and refers every picture", DataWarning, stacklevel=5)
