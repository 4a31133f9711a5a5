"""Deprecated names of a detector's internals, which are attributes of its predictor now."""

from typing import Any

from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.utils.deprecation import REMOVED_IN
from melanoma_detect.utils.user_warning import warn_user

_NEW_NAMES = {
    "answer": "predict_inputs",
    "card": "config",
    "files": "files",
    "judge": "predict_batch",
    "keras_model": "keras_model",
    "look": "preprocess",
    "measured": "with_metrics",
    "probabilities": "probabilities",
    "runtime": "runtime",
    "settings": "settings",
    "threaded": "with_threads",
}


def deprecated_attribute(detector: Any, name: str) -> Any:
    """Return what a detector had under a deprecated name, with a warning.

    Args:
        detector: The `Detector`.
        name: The deprecated name.

    Returns:
        The attribute, or a method.

    Raises:
        AttributeError: A detector never had this name.

    Examples:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     deprecated_attribute(detector, "card") is detector.predictor.config
        True
    """
    if name not in _NEW_NAMES:
        raise AttributeError(f"{type(detector).__name__!r} object has no attribute {name!r}", name=name, obj=detector)
    new = _NEW_NAMES[name]
    message = f"Detector.{name} is deprecated and will be removed in {REMOVED_IN}; use Detector.predictor.{new}"
    warn_user(message, DeprecationWarning)
    predictor: Predictor = detector.predictor
    if name == "measured":
        return lambda *evaluations: _detector_of(
            type(detector),
            predictor.with_metrics({evaluation.split: evaluation.to_dict() for evaluation in evaluations}),
        )
    if name == "threaded":
        return lambda threads: _detector_of(type(detector), predictor.with_threads(threads))
    return getattr(predictor, new)


def _detector_of(cls: Any, predictor: Predictor) -> Any:
    return cls(predictor.config, predictor.runtime, predictor.files, predictor.settings)
