"""Values of `detector.json`, checked when they are read: calibrations, scores and records of localisations.

Numbers that make no sense would not fail, but answer: a threshold that is no number never raises an alert and never abstains.
So each is checked when a file is loaded. NumPy only.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from melanoma_detect.images.quality import COLOURLESS, InputLimits
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.local_calibration import LocalCalibration, LogOddsLine
from melanoma_detect.inference.localization import describe_localization
from melanoma_detect.inference.operating_points import TARGETS, Target, ValidationScores
from melanoma_detect.inference.value_checks import (
    check_count,
    check_keys,
    check_list,
    check_mapping,
    check_number,
    check_text,
)
from melanoma_detect.printable import printable

_WHITE = 255  # the brightest grey level
_MAX_EPOCHS = 10**9
_MAX_SIDE = 8192  # of a model's input in pixels
_LONGEST_NAME = 10_000  # characters of a class
_CALIBRATION = ("temperature", "operating_scores", "conformal_thresholds", "ood_threshold")
_LOCAL = ("melanoma", "malignant", "temperature", "bias", "operating_scores")
# No fit comes near these. Beyond them, exponentials overflow, and a probability that is no number never raises an alert.
_LOWEST_SCALE = 1e-3  # of a temperature or a slope; the highest is the inverse
_LOWEST_LOCAL_TEMPERATURE = 0.05
_MAX_BIAS = 1e6
_MAX_LOG_ODDS = 100.0
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
    threshold = check_keys(values, "a calibration", _CALIBRATION, ("bias", "local"))["ood_threshold"]
    return Calibration(
        temperature=_positive(values["temperature"], "temperature"),
        operating_scores=_read_operating_scores(values["operating_scores"]),
        conformal_thresholds={
            check_number(float(key), "coverage", 0, 1): check_number(value, "conformal_thresholds", 0, 1)
            for key, value in values["conformal_thresholds"].items()
        },
        ood_threshold=math.inf if threshold is None else check_number(threshold, "ood_threshold"),
        bias=_read_bias(values.get("bias", ()), classes, _MAX_BIAS),
        local=_read_local_calibration(values["local"], classes) if "local" in values else None,
    )


def read_classes(values: Any) -> tuple[str, ...]:
    """Return class names.

    Args:
        values: As `detector.json` holds them.

    Returns:
        The names.

    Raises:
        TypeError: They are no list of texts.
        ValueError: There are none, one is empty, or two are the same.

    Examples:
        >>> read_classes(["melanoma", "nevus"])
        ('melanoma', 'nevus')
    """
    names = tuple(printable(check_text(name, "a class", _LONGEST_NAME)) for name in check_list(values, "classes"))
    if not names or not all(name.strip() for name in names) or len(set(names)) != len(names):
        raise ValueError(f"classes are {values!r}, expected names, each once")
    return names


def read_image_size(values: Any) -> tuple[int, int]:
    """Return the size of the model's input.

    Args:
        values: As `detector.json` holds them.

    Returns:
        `(height, width)` in pixels.

    Raises:
        TypeError: They are no list of whole numbers.
        ValueError: They are not two numbers over 0.

    Examples:
        >>> read_image_size([224, 224])
        (224, 224)
    """
    height, width = (check_count(value, "image_size", 1, _MAX_SIDE) for value in check_list(values, "image_size"))
    return height, width


def read_input_limits(values: Mapping[str, Any]) -> InputLimits:
    """Return the limits that an image must keep to be judged.

    Args:
        values: By the names of its attributes.

    Returns:
        The limits. Nearly all detectors learn from images in colour: where there are limits, but none for
        colour, grey images are not judged.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value is out of range.

    Examples:
        >>> limits = read_input_limits({"sharpness": 3.0})
        >>> limits.bright, limits.colour
        (255.0, 1.0)
    """
    levels = {name: check_number(value, name, 0, _WHITE) for name, value in values.items() if name != "side"}
    limits = InputLimits(side=check_count(values.get("side", 0), "side"), **levels)
    return limits if "colour" in values or limits == InputLimits() else replace(limits, colour=COLOURLESS)


def read_history(values: Any) -> dict[str, Any]:
    """Return the training history.

    Args:
        values: As `detector.json` holds it.

    Returns:
        One number an epoch, by name; empty where there is none. Numbers may be nan (null in a file), but those of the epochs.

    Raises:
        KeyError: The epochs are missing.
        TypeError: It holds something other than numbers.
        ValueError: It has more values of one name than of another.

    Examples:
        >>> read_history({"epoch": [1, 2], "loss": [2.0, float("nan")]})["epoch"]
        [1, 2]
    """
    history = {
        name: [math.nan if number is None else number for number in check_list(numbers, name)]
        for name, numbers in check_mapping(values, "history").items()
    }
    for name, numbers in history.items():
        if any(isinstance(number, bool) or not isinstance(number, int | float) for number in numbers):
            raise TypeError(f"history has values of {name} that are no numbers")
    if len({len(numbers) for numbers in history.values()}) > 1:
        raise ValueError("history has more values of one name than of another")
    for number in history["epoch"] if history else ():
        check_number(number, "an epoch", 0, _MAX_EPOCHS)
    return dict(history)


def read_texts(values: Any, name: str) -> dict[str, str]:
    """Return texts by name, such as the notes.

    Args:
        values: As `detector.json` holds them.
        name: Their name, for messages.

    Returns:
        The texts.

    Raises:
        TypeError: There is something other than text.

    Examples:
        >>> read_texts({"numpy": "2.4.6"}, "made_with")
        {'numpy': '2.4.6'}
    """
    return {title: check_text(text, f"{title} in {name}") for title, text in check_mapping(values, name).items()}


def read_origin(values: Any, name: str) -> dict[str, Any]:
    """Return a record of how a detector was made: its architecture, its recipe or its export.

    Args:
        values: As `detector.json` holds it.
        name: Its name, for messages.

    Returns:
        The record. The names in it are text, its images a number; the rest is not looked at.

    Raises:
        TypeError: It is no record, or a name in it is no text.
        ValueError: The number of images is negative.

    Examples:
        >>> read_origin({"name": "assignment", "epochs": 3}, "recipe")
        {'name': 'assignment', 'epochs': 3}
    """
    record = dict(check_mapping(values, name))
    for key in ("name", "package", "version", "problem"):
        check_text(record.get(key, ""), f"{key} of {name}")
    check_count(record.get("images", 0), f"images of {name}")
    return record


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
        check_text(record["parent"]["title"], "title of the parent")
        check_text(record["parent"]["sha256"], "sha256 of the parent")
        check_text(record["data"], "data")
        _check_target(record["target"])
        for name in ("images", "lesions", "melanoma_lesions"):
            check_count(record[name], name)
        for name in ("set", "refused"):
            for sentence in check_list(record[name], name):
                check_text(sentence, name)
        for figures in (record["before"], record["after"]):
            for figure in figures.values():
                for end, number in (figure or {}).items():
                    check_number(number, end, 0)
        list(describe_localization(record))
        return dict(record)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ValueError(f"a record in localizations is damaged ({type(error).__name__}: {error})") from error


def _check_target(target: Any) -> None:
    if target not in TARGETS:
        raise ValueError(f"target={target!r}; expected one of {', '.join(map(repr, TARGETS))}")


def _read_local_calibration(values: Mapping[str, Any], classes: int) -> LocalCalibration:
    check_keys(values, "a local calibration", _LOCAL, ("first",))
    return LocalCalibration(
        melanoma=_read_line(values["melanoma"]),
        malignant=_read_line(values["malignant"]),
        temperature=_positive(values["temperature"], "the local temperature", _LOWEST_LOCAL_TEMPERATURE),
        bias=_read_bias(values["bias"], classes, _MAX_LOG_ODDS),
        operating_scores=_read_local_scores(values["operating_scores"]),
        first=_read_local_calibration(values["first"], classes) if values.get("first") is not None else None,
    )


def _read_local_scores(values: Mapping[str, Mapping[str, Any]]) -> dict[Target, ValidationScores]:
    found = _read_operating_scores(values)
    for target, scores in found.items():
        if len(scores.positive) != scores.positive_lesions:
            raise ValueError(
                f"local scores of {target} are {len(scores.positive)} for {scores.positive_lesions} lesions, expected one each"
            )
    return found


def _read_line(values: Mapping[str, Any]) -> LogOddsLine:
    check_keys(values, "a line of log-odds", ("slope", "intercept"))
    intercept = check_number(values["intercept"], "an intercept", -_MAX_LOG_ODDS, _MAX_LOG_ODDS)
    return LogOddsLine(_positive(values["slope"], "a slope"), intercept)


def _read_bias(values: Any, classes: int, largest: float) -> tuple[float, ...]:
    bias = tuple(check_number(value, "bias", -largest, largest) for value in check_list(values, "bias"))
    if bias and len(bias) != classes:
        raise ValueError(f"bias has {len(bias)} numbers, expected {classes}, one for each class")
    return bias


def _read_operating_scores(values: Mapping[str, Mapping[str, Any]]) -> dict[Target, ValidationScores]:
    if unknown := values.keys() - set(TARGETS):
        raise ValueError(f"operating_scores are for {', '.join(map(repr, sorted(unknown)))}, expected {TARGETS}")
    return {target: _read_scores(values[target], target) for target in TARGETS if target in values}


def _read_scores(values: Mapping[str, Any], target: Target) -> ValidationScores:
    if values.get("target", target) != target:
        raise ValueError(f"operating_scores of {target} are for {values['target']!r}")
    by_source = {source: _ascending(own, source) for source, own in values.get("by_source", {}).items()}
    lesions = dict(values.get("lesions_by_source", {}))
    if lesions.keys() != by_source.keys() or not all(by_source.values()):
        raise ValueError(f"by_source is for {sorted(by_source)}, lesions_by_source for {sorted(lesions)}")
    sides = {side: _ascending(values[side], side) for side in ("positive", "negative")}
    for side, scores in sides.items():
        images = check_count(values[f"{side}s"], f"{side}s")
        shown = check_count(values[f"{side}_lesions"], f"{side}_lesions")
        if not scores and shown:
            raise ValueError(f"{side} has no scores, but {shown} lesions")
        if shown > images or len(scores) > images or bool(images) != bool(scores):
            raise ValueError(f"{side} has {len(scores)} scores of {images} images of {shown} lesions, which cannot be")
    for source, shown in lesions.items():
        if check_count(shown, "lesions_by_source", 1) > values["positive_lesions"]:
            raise ValueError(f"{source} shows {shown} lesions, more than all sources")
    return ValidationScores(**{**values, **sides, "by_source": by_source, "lesions_by_source": lesions})


def _ascending(values: Any, name: str) -> tuple[float, ...]:
    scores = np.array(check_list(values, name))
    if (
        scores.ndim != 1
        or scores.dtype.kind not in "fi"
        or not ((scores >= -_ROUNDING) & (scores <= 1 + _ROUNDING)).all()
        or (np.diff(scores) < 0).any()
    ):
        raise ValueError(f"the scores of {name} are not ascending from 0 to 1")
    return tuple(scores.tolist())


def _positive(value: Any, name: str, low: float = _LOWEST_SCALE) -> float:
    number = check_number(value, name)
    if number <= 0:
        raise ValueError(f"{name} is {number}, expected over 0")
    return check_number(number, name, low, 1 / _LOWEST_SCALE)
