"""What the service says of its detector."""

from typing import Any

from melanoma_detect.detector import Detector
from melanoma_detect.utils.disclaimer import DISCLAIMER
from melanoma_detect.utils.json_values import to_json


def detector_name(detector: Detector) -> str:
    """Return the name of a detector.

    Args:
        detector: The detector.

    Returns:
        Its title, else the name of its architecture.

    Examples:
        >>> detector_name(detector)
        'cnn'
    """
    config = detector.predictor.config
    return str(config.title or config.architecture.get("name", ""))


def describe_detector(detector: Detector) -> dict[str, Any]:
    """Return what a detector's card says, and the figures that it was written from.

    Args:
        detector: The detector.

    Returns:
        Values that JSON knows.

    Examples:
        >>> describe_detector(detector)["image_size"]
        [32, 32]
    """
    config, point = detector.predictor.config, detector.operating_point
    described: dict[str, Any] = to_json(
        {
            "detector": detector_name(detector),
            "classes": detector.classes,
            "image_size": detector.image_size,
            "operating_point": None if point is None else point.to_dict(),
            "metrics": config.metrics,
            "made_with": config.made_with,
            "model_card": detector.model_card,
            "disclaimer": DISCLAIMER,
        }
    )
    return described
