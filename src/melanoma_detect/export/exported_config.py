"""The `detector.json` of an exported model: what a program needs to turn the model's outputs into probabilities and alerts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from melanoma_detect.inference.config import DetectorConfig, Settings
from melanoma_detect.inference.decision_rules import settings_by_type
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.utils.disclaimer import DISCLAIMER


def exported_config(predictor: Predictor, precision: Literal["float32", "int8"]) -> dict[str, Any]:
    """Return the classes and thresholds of an exported model, which sees one view of each image.

    Args:
        predictor: The detector that is exported.
        precision: The exported model's. A threshold holds for the probabilities that it was set on, and quantization changes
            these: in int8 there is none.

    Returns:
        Plain values. `referred` says whether the detector refers every image, whatever its probabilities. A detector that
        tells clinical photographs from dermoscopy has two more: `image_type_classifier`, and `clinical`, which stands in for
        the temperature, bias, operating point and `referred` of dermoscopy.

    Examples:
        >>> exported_config(predictor, "float32")["image_size"]
        (32, 32)
    """
    classifier = predictor.files.image_types
    single_view = replace(predictor.settings, views=1)
    first, *others = settings_by_type(single_view, recognises=classifier is not None)
    config = predictor.config
    values: dict[str, Any] = {
        "classes": predictor.classes,
        "image_size": predictor.image_size,
        "resize": config.resize,
        **_calibration(config, first, precision),
    }
    if classifier is not None and others:
        weights = [float(weight) for weight in classifier.weights]
        values["image_type_classifier"] = {"weights": weights, "bias": classifier.bias}
        values["clinical"] = _calibration(config, others[0], precision)
    return values | {
        "precision": precision,
        "architecture": config.architecture,
        "made_with": config.made_with,
        "note": DISCLAIMER,
    }


def _calibration(config: DetectorConfig, settings: Settings, precision: str) -> Mapping[str, Any]:
    calibration = config.calibration(settings.views, settings.image_type)
    point = config.operating_point(settings) if precision == "float32" else None
    return {
        "temperature": calibration.temperature,
        "bias": list(calibration.bias),
        **({"local": calibration.local.formula()} if calibration.local else {}),
        "operating_point": point.to_dict() if point else None,
        "referred": settings.image_type in config.referred_types,
    }
