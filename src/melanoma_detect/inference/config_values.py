"""Values of `detector.json`, checked when they are read: calibrations, scores and records of localisations.

Numbers that make no sense would not fail, but answer: a threshold that is no number never raises an alert and never abstains.
So each is checked when a file is loaded. NumPy only.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.local_calibration import LocalCalibration, LogOddsLine
from melanoma_detect.inference.localization import describe_localization
from melanoma_detect.inference.operating_points import TARGETS, Target, ValidationScores

_ROUNDING = 1e-6  # sums of probabilities exceed 1 by rounding errors


def read_calibration(values: Mapping[str, Any], classes: int) -> Calibration:
    """Return a calibration from the plain values that `detector.json` holds.

    Args:
        values: By the names of its attributes.
        classes: How many classes the detector has.

    Returns:
        The calibration.

    Raises:
        KeyError: A value is missing.
        TypeError: A value has the wrong type.
        ValueError: A value is out of range.

    Examples:
        >>> values = {"temperature": 0, "operating_scores": {}, "conformal_thresholds": {}, "ood_threshold": None}
        >>> read_calibration(values, 9)
        Traceback (most recent call last):
        ValueError: temperature is 0.0, expected over 0
    """
    threshold = values["ood_threshold"]
    return Calibration(
        temperature=_positive(values["temperature"], "temperature"),
        operating_scores=_read_operating_scores(values["operating_scores"]),
        conformal_thresholds={
            _share(key, "coverage"): _share(value, "conformal_thresholds")
            for key, value in values["conformal_thresholds"].items()
        },
        ood_threshold=math.inf if threshold is None else _finite(threshold, "ood_threshold"),
        bias=_read_bias(values.get("bias", ()), classes),
        local=_read_local_calibration(values["local"], classes) if "local" in values else None,
    )


def check_localization(record: Mapping[str, Any]) -> dict[str, Any]:
    """Raise ValueError unless a record of a localisation has what the model card says of it.

    Args:
        record: One of `DetectorConfig.localizations`, as a file holds it.

    Returns:
        The record.

    Raises:
        ValueError: A value is missing or has the wrong type.

    Examples:
        >>> check_localization({})
        Traceback (most recent call last):
        ValueError: a record in localizations is damaged (KeyError: 'parent')
    """
    try:
        list(describe_localization(record))
        return dict(record)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ValueError(f"a record in localizations is damaged ({type(error).__name__}: {error})") from error


def _read_local_calibration(values: Mapping[str, Any], classes: int) -> LocalCalibration:
    return LocalCalibration(
        melanoma=_read_line(values["melanoma"]),
        malignant=_read_line(values["malignant"]),
        temperature=_positive(values["temperature"], "the local temperature"),
        bias=_read_bias(values["bias"], classes),
        operating_scores=_read_operating_scores(values["operating_scores"]),
        first=_read_local_calibration(values["first"], classes) if values.get("first") else None,
    )


def _read_line(values: Mapping[str, Any]) -> LogOddsLine:
    return LogOddsLine(_positive(values["slope"], "a slope"), _finite(values["intercept"], "an intercept"))


def _read_bias(values: Any, classes: int) -> tuple[float, ...]:
    bias = tuple(_finite(value, "bias") for value in values)
    if bias and len(bias) != classes:
        raise ValueError(f"bias has {len(bias)} numbers, expected {classes}, one for each class")
    return bias


def _read_operating_scores(values: Mapping[str, Mapping[str, Any]]) -> dict[Target, ValidationScores]:
    if unknown := values.keys() - set(TARGETS):
        raise ValueError(f"operating_scores are for {', '.join(map(repr, sorted(unknown)))}, expected {TARGETS}")
    return {target: _read_scores(values[target]) for target in TARGETS if target in values}


def _read_scores(values: Mapping[str, Any]) -> ValidationScores:
    by_source = {source: _ascending(own, source) for source, own in values.get("by_source", {}).items()}
    lesions = dict(values.get("lesions_by_source", {}))
    if lesions.keys() != by_source.keys() or not all(by_source.values()):
        raise ValueError(f"by_source is for {sorted(by_source)}, lesions_by_source for {sorted(lesions)}")
    counts = ("positives", "negatives", "positive_lesions", "negative_lesions")
    if any(
        not isinstance(count, int) or count < 0 for count in (*(values[name] for name in counts), *lesions.values())
    ):
        raise ValueError(f"{', '.join(counts)} or lesions_by_source are no counts")
    sides = {side: _ascending(values[side], side) for side in ("positive", "negative")}
    for side, scores in sides.items():
        if not scores and values[f"{side}_lesions"]:
            raise ValueError(f"{side} has no scores, but {values[f'{side}_lesions']} lesions")
    return ValidationScores(**{**values, **sides, "by_source": by_source, "lesions_by_source": lesions})


def _ascending(values: Any, name: str) -> tuple[float, ...]:
    scores = np.array(values, np.float64)
    if (
        scores.ndim != 1
        or not ((scores >= -_ROUNDING) & (scores <= 1 + _ROUNDING)).all()
        or (np.diff(scores) < 0).any()
    ):
        raise ValueError(f"the scores of {name} are not ascending from 0 to 1")
    return tuple(scores.tolist())


def _finite(value: Any, name: str) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} is {number}, expected a finite number")
    return number


def _positive(value: Any, name: str) -> float:
    number = _finite(value, name)
    if number <= 0:
        raise ValueError(f"{name} is {number}, expected over 0")
    return number


def _share(value: Any, name: str) -> float:
    number = _finite(value, name)
    if not 0 <= number <= 1:
        raise ValueError(f"{name} is {number}, expected 0 to 1")
    return number
