"""The parameters of a page: all that turns the model's outputs into predictions, as plain values for JavaScript."""

import base64
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.decisions import covers_melanoma
from melanoma_detect.inference.image_types import IMAGE_TYPES
from melanoma_detect.inference.model_card import model_card
from melanoma_detect.inference.operating_points import SENSITIVITIES, TARGETS
from melanoma_detect.inference.out_of_distribution import FeatureSpace
from melanoma_detect.inference.prediction import may_be_malignant
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.runtime import OnnxRuntime
from melanoma_detect.utils.disclaimer import DISCLAIMER

FORMAT = 1  # of these values; the page's scripts check it
_CHEAPER_ORDER = 13  # from this version on Pillow resamples the columns first where that costs less


def page_parameters(predictor: Predictor, runtime: OnnxRuntime) -> dict[str, Any]:
    """Return the parameters of a detector's page.

    Args:
        predictor: The detector, with the settings that the page begins with.
        runtime: Runs the model that the page holds.

    Returns:
        Plain values, without infinite numbers. Arrays of float32 are base64 text, little-endian and row by row.

    Examples:
        >>> parameters = page_parameters(predictor, predictor.runtime)
        >>> parameters["image_size"], parameters["melanoma"]
        ([32, 32], [3])
    """
    config, classes, classifier = predictor.config, predictor.classes, predictor.files.image_types
    own_clinical = config.clinical.get(1)
    model_input = runtime.session.get_inputs()[0]
    return {
        "format": FORMAT,
        "name": config.name,
        "description": config.description,
        "classes": list(classes),
        "diagnoses": [_diagnosis(label) for label in classes],
        "codes": [diagnosis.code for diagnosis in taxonomy.DIAGNOSES],
        "melanoma": list(taxonomy.positions(classes, code=taxonomy.MELANOMA)),
        "malignant": list(taxonomy.positions(classes, malignant=True)),
        "may_be_malignant": list(may_be_malignant(classes)),
        "covers_melanoma": covers_melanoma(classes),
        "image_size": list(predictor.image_size),
        "resize": config.resize,
        "resample_order": "cheaper" if int(PIL.__version__.split(".")[0]) >= _CHEAPER_ORDER else "horizontal",
        "settings": asdict(predictor.settings) | {"image_type": predictor.settings.image_type or "auto"},
        "types": list(IMAGE_TYPES) if classifier is not None else [],
        "has_clinical": classifier is not None or own_clinical is not None or bool(config.referred_types),
        "referred_types": list(config.referred_types),
        "targets": list(TARGETS),
        "sensitivities": list(SENSITIVITIES),
        "coverages": sorted(config.calibration(1).conformal_thresholds),
        "input_limits": asdict(config.input_limits),
        "calibration": _calibration(config.calibration(1)),
        "clinical": _calibration(own_clinical) if own_clinical is not None else None,
        "classifier": classifier and {"weights": encode_float32(classifier.weights), "bias": float(classifier.bias)},
        "feature_space": _feature_space(predictor.files.feature_space),
        "has_class_maps": runtime.has_class_maps,
        "input": {"name": model_input.name, "type": "uint8" if "uint8" in model_input.type else "float32"},
        "disclaimer": DISCLAIMER,
        "licence": _licence(config.notes),
        "model_card": model_card(predictor.saved_config),
    }


def _licence(notes: Mapping[str, str]) -> str:
    """Return the notes on licences with their titles, such as "Licence of the weights", one a line; empty without any."""
    found = {title: text for title, text in notes.items() if title.lower().startswith(("licence", "license"))}
    return "\n".join(f"{title}: {text}" for title, text in found.items())


def _diagnosis(label: str) -> dict[str, str]:
    found = taxonomy.find(label)
    malignancies = {taxonomy.malignancy(code) for code in taxonomy.meaning(label)}
    malignancy = (
        "malignant" if may_be_malignant((label,)) else "benign" if malignancies == {"benign"} else "indeterminate"
    )
    return {"name": label, "code": found.code if found else label, "malignancy": malignancy}


def _calibration(calibration: Calibration) -> dict[str, Any]:
    values = asdict(calibration)
    values["conformal_thresholds"] = [list(pair) for pair in calibration.conformal_thresholds.items()]
    # Only the limit that is none: one that is no number must not become none, which lets every image pass.
    values["ood_threshold"] = None if calibration.ood_threshold == math.inf else calibration.ood_threshold
    return values


def _feature_space(space: FeatureSpace | None) -> Mapping[str, Any] | None:
    if space is None:
        return None
    outliers = space.outliers and {
        "weights": encode_float32(space.outliers.weights),
        "bias": float(space.outliers.bias),
    }
    return {
        "mean": encode_float32(space.mean),
        "directions": encode_float32(space.directions),
        "components": int(space.directions.shape[1]),
        "residual": float(space.residual),
        "outliers": outliers,
    }


def encode_float32(values: NDArray[Any]) -> str:
    """Return an array as text.

    Args:
        values: The array.

    Returns:
        Base64 of its values as float32, little-endian and row by row.

    Examples:
        >>> encode_float32(np.zeros(1))
        'AAAAAA=='
    """
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()
