"""The argument `detector` of public functions: a `Detector`, or the predictor in it."""

from typing import Protocol

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.predictor import Predictor


class SupportsPredictor(Protocol):
    """Anything with a `predictor`, as `Detector` has."""

    predictor: Predictor


def as_predictor(model: Predictor | SupportsPredictor) -> Predictor:
    """Return the predictor of a `Detector`, or a predictor as it is: public functions take either.

    Args:
        model: A `Detector` or a `Predictor`.

    Returns:
        The predictor.

    Raises:
        DetectorError: It is neither.

    Examples:
        >>> as_predictor(detector) is detector.predictor
        True
    """
    predictor = model if isinstance(model, Predictor) else getattr(model, "predictor", None)
    if not isinstance(predictor, Predictor):
        raise DetectorError(f"detector={model!r:.80}; expected a detector, as md.Detector.load returns")
    return predictor
