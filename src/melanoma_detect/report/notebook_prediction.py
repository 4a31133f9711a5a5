"""What a notebook shows of predictions and explanations. Needs Pillow and Jinja only: no pandas, no Matplotlib."""

from collections import Counter
from functools import partial
from typing import NamedTuple

import numpy as np
from PIL import Image

from melanoma_detect import taxonomy
from melanoma_detect.explain.explanation import METHOD_NAMES, Explanation
from melanoma_detect.inference.operating_points import Target
from melanoma_detect.inference.prediction import Prediction, Predictions, may_be_malignant
from melanoma_detect.inference.prediction_image import load_image
from melanoma_detect.printable import printable
from melanoma_detect.report.notebook_parts import fill_template, picture

_SIDE = 260  # pixels of the page: the longer side of a prediction's image
_SMALL = 64  # of an image in a list
_OVERLAY = 320
_MAX_CLASSES = 12  # bars of one prediction; the others are counted together
_MAX_PREDICTIONS = 25  # rows of a list

# What the colours of classes mean.
KINDS = {"b": "malignant, or may be", "c": "neither malignant nor surely benign", "a": "benign"}
# The colours themselves, as `style.css` has them, for the plots.
COLORS = {"a": "#2f86c5", "b": "#d98a1f", "c": "#8a63b8", "alert": "#b3261e", "refer": "#8a5300", "clear": "#1f6aa5"}


class Bar(NamedTuple):
    """The probability of one class.

    Attributes:
        label: The class.
        share: Its probability, 0 to 1.
        kind: Its colour, a name of `KINDS`.
        held: Whether the prediction set holds it.
    """

    label: str
    share: float
    kind: str
    held: bool


def prediction(value: Prediction) -> str:
    """Show a prediction: its image, the probability of melanoma with the alert line, the classes, the decision, the sentence.

    Args:
        value: The prediction.

    Returns:
        HTML.

    Examples:
        >>> "<img" in prediction(detector.predict(draw_lesion("melanoma", seed=1).pixels))
        True
    """
    bars = class_bars(value)
    point = value.operating_point
    target, score = _alert_score(value)
    return fill_template(
        "prediction",
        prediction=value,
        picture=picture(partial(load_image, value, value.source), _SIDE),
        bars=bars[:_MAX_CLASSES],
        others=bars[_MAX_CLASSES:],
        kinds=[pair for pair in KINDS.items() if any(bar.kind == pair[0] for bar in bars[:_MAX_CLASSES])],
        target=target,
        score=score,
        point=point,
        sentence=str(value).removeprefix(f"{printable(value.source)}: "),
    )


def predictions(values: Predictions) -> str:
    """Show a list of predictions as a table with their images.

    Args:
        values: The predictions.

    Returns:
        HTML: the first 25, and the number of each decision among all.

    Examples:
        >>> predictions(detector.predict(sorted((isic9 / "Test" / "nevus").glob("*.jpg")))).count("<img")
        4
    """
    rows = [(one, picture(partial(load_image, one, one.source), _SMALL)) for one in values[:_MAX_PREDICTIONS]]
    return fill_template(
        "predictions",
        rows=[(one, shown, class_bars(one)[0], *_alert_score(one)) for one, shown in rows],
        counts=Counter(one.decision for one in values),
        total=len(values),
        lines={one.operating_point.threshold for one in values if one.operating_point},
    )


def _alert_score(value: Prediction) -> tuple[Target, float]:
    """Return what a detector alerts to, and the probability of it that it decides by."""
    target: Target = value.operating_point.target if value.operating_point else "melanoma"
    return target, value.melanoma if target == "melanoma" else value.malignant


def explanation(value: Explanation) -> str:
    """Show an explanation: the image, the heat map over it, and its description.

    Args:
        value: The explanation.

    Returns:
        HTML.

    Examples:
        >>> explanation(detector.explain(draw_lesion("melanoma", seed=1).pixels, method="occlusion")).count("<img")
        2
    """
    return fill_template(
        "explanation",
        explanation=value,
        original=picture(lambda: Image.fromarray(np.asarray(value.image)), _OVERLAY),
        overlay=picture(value.overlay, _OVERLAY),
        method=METHOD_NAMES.get(value.method, value.method),
        sentence=" ".join(value.sentences()),
    )


def class_bars(value: Prediction) -> list[Bar]:
    """Return the probability of each class, the most probable first.

    Args:
        value: The prediction.

    Returns:
        One for each class.

    Examples:
        >>> bars = class_bars(detector.predict(draw_lesion("melanoma", seed=1).pixels))
        >>> bars[0].share == max(bar.share for bar in bars)
        True
    """
    bars = [
        Bar(label, share, class_kind(label), label in value.prediction_set)
        for label, share in value.probabilities.items()
    ]
    return sorted(bars, key=lambda bar: -bar.share)


def class_kind(label: str) -> str:
    """Return the colour of a class.

    Args:
        label: The class.

    Returns:
        A name of `KINDS`.

    Examples:
        >>> [class_kind(label) for label in ("melanoma", "actinic keratosis", "nevus")]
        ['b', 'c', 'a']
    """
    if may_be_malignant((label,)):
        return "b"
    return "a" if {taxonomy.malignancy(code) for code in taxonomy.meaning(label)} == {"benign"} else "c"
