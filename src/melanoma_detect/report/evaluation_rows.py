"""The words and numbers of an evaluation's report: the table of metrics, the main results as sentences, the warnings."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from melanoma_detect.evaluation.bootstrap import Figure as Value
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.evaluation.metrics import headlines
from melanoma_detect.evaluation.subgroups import MIN_LESIONS
from melanoma_detect.inference.operating_points import PLURALS
from melanoma_detect.utils.counts import count_noun

_PARTIAL = (
    "the area under that curve above 80 % sensitivity, 0 to 0.2; 0.02 is chance (the ISIC 2024 challenge's measure)"
)
# {targets}: what the operating point alerts to, melanomas or malignant lesions.
_EXPLANATIONS = {
    "accuracy": "images whose most probable class is the true one",
    "balanced_accuracy": "mean recall of the classes, each counting the same",
    "balanced_accuracy_common": "mean recall of the classes with 20 images or more",
    "melanoma_auc": "how often a melanoma scores higher than another image; 0.5 is chance",
    "malignant_auc": "how often a malignant lesion scores higher than a benign one; 0.5 is chance",
    "melanoma_pauc_80": _PARTIAL,
    "malignant_pauc_80": _PARTIAL,
    "sensitivity": "{targets} with an alert, at the operating point",
    "specificity": "other images without an alert that the detector does not abstain from, at the operating point",
    "false_negative_rate": "{targets} that are cleared; the others raise an alert or are referred",
    "false_positive_rate": "other images with an alert",
    "coverage": "images that the detector does not abstain from",
    "referral_rate": "images without an alert that a person must look at",
    "clearance_rate": "images of anything but {targets} that are cleared",
    "malignant_clearance_rate": "melanomas and other cancers that are cleared; 0 is best",
    "specificity_at_95": "at the threshold with 95 % sensitivity on these very images",
    "benign_below_threshold": "benign images below that threshold, which would need no review",
    "ece": "mean distance between predicted and observed share, ten equally wide bins; 0 is best",
    "brier": "mean squared error of the probability of {targets}; 0 is best",
    "brier_classes": "the same, summed over all classes, up to 2; 0 is best",
}


class Row(NamedTuple):
    """A metric as a row of the report's table.

    Attributes:
        title: Its title.
        explanation: What it measures.
        value: Its value on the evaluated split.
        validation: Its value on validation; None if that was not given.
        difference: Validation minus the evaluated split, as text.
        significant: Whether the two intervals do not overlap.
    """

    title: str
    explanation: str
    value: Value
    validation: Value | None
    difference: str
    significant: bool


def metric_rows(evaluation: Evaluation, validation: Evaluation | None) -> Iterator[Row]:
    """Return every metric as a row.

    Args:
        evaluation: The evaluation.
        validation: That of the validation split, or None.

    Yields:
        The rows, in the order of `headlines`.

    Examples:
        >>> next(metric_rows(detector.evaluate(data), None)).title
        'accuracy'
    """
    targets = PLURALS[evaluation.target]
    for name, title in headlines(evaluation.target).items():
        explanation = _EXPLANATIONS.get(name, "").format(targets=targets)
        value, other = evaluation.figures[name], validation.figures[name] if validation else None
        if other is None or not (math.isfinite(other.value) and math.isfinite(value.value)):
            yield Row(title, explanation, value, other, "–", significant=False)
            continue
        # The difference of the printed values: a reader who subtracts them gets the same.
        difference = f"{round(other.value, 3) - round(value.value, 3):+.3f}".replace("-", "−")
        significant = other.low > value.high or other.high < value.low
        yield Row(title, explanation, value, other, difference, significant=significant)


def has_alerts(evaluation: Evaluation) -> bool:
    """Return whether sensitivity and specificity are both defined.

    Args:
        evaluation: The evaluation.

    Returns:
        False where the images lack the target or others, or the detector an operating point.

    Examples:
        >>> has_alerts(detector.evaluate(data))
        True
    """
    return all(math.isfinite(evaluation.figures[name].value) for name in ("sensitivity", "specificity"))


def summary_sentences(evaluation: Evaluation) -> Iterator[str]:
    """Return the main results as sentences.

    Args:
        evaluation: The evaluation.

    Yields:
        Sentences; the intervals are in parentheses.

    Examples:
        >>> next(summary_sentences(detector.evaluate(data)))
        'Of 100 melanomas, ... raise an alert and ... are cleared; the others are referred.'
    """
    targets = PLURALS[evaluation.target]
    per_100 = {name: _per_100(figure) for name, figure in evaluation.figures.items()}
    if has_alerts(evaluation):
        yield (
            f"Of 100 {targets}, {per_100['sensitivity']} raise an alert and {per_100['false_negative_rate']} are cleared; "
            "the others are referred."
        )
        cleared, alerts = per_100["clearance_rate"], per_100["false_positive_rate"]
        yield f"Of 100 other images, {cleared} are cleared and {alerts} raise an alert; the others are referred."
        yield f"Of 100 images, {per_100['referral_rate']} are referred to a person without an alert."
    if math.isfinite(evaluation.figures["malignant_clearance_rate"].value):
        yield f"Of 100 malignant lesions of any kind, {per_100['malignant_clearance_rate']} are cleared."
    if math.isfinite(evaluation.figures["benign_below_threshold"].value):
        yield (
            f"At 95 % sensitivity, {per_100['benign_below_threshold']} of 100 benign images lie below the threshold and need "
            "no review by a dermatologist."
        )
    if math.isfinite(evaluation.figures["balanced_accuracy"].value):
        yield f"Of 100 images of a class, {per_100['balanced_accuracy']} are assigned to it, averaged over the classes."


def _per_100(figure: Value) -> str:
    if not math.isfinite(figure.value):
        return "–"
    return f"{figure.value:.0%} ({figure.low:.0%} to {figure.high:.0%})".replace("%", "")


def warning_sentences(evaluation: Evaluation) -> Iterator[str]:
    """Return what a reader must know before the numbers.

    Args:
        evaluation: The evaluation.

    Yields:
        Sentences: few lesions, no operating point, abstentions, a shortcut, images set aside.

    Examples:
        >>> "too few for a reliable sensitivity" in next(warning_sentences(detector.evaluate(data)))
        True
    """
    positives = evaluation.figures["sensitivity"].lesions
    if 0 < positives < MIN_LESIONS:
        what = (
            ("melanoma", "melanomas") if evaluation.target == "melanoma" else ("malignant lesion", "malignant lesions")
        )
        shown = f"is 1 {what[0]}" if positives == 1 else f"are {positives} {what[1]}"
        yield f"There {shown}: too few for a reliable sensitivity."
    if evaluation.operating_point is None:
        yield "This detector has no operating point: it raises no alerts and refers every image to a person."
    if evaluation.abstained.any():
        yield f"{evaluation.abstention_note} a person must look at them."
    if evaluation.shortcuts and evaluation.shortcuts.detected:
        yield evaluation.shortcuts.summary
    if evaluation.set_aside:
        are = "is" if evaluation.set_aside == 1 else "are"
        images = count_noun(evaluation.set_aside, "image")
        yield f"{images} {are} set aside: the detector was trained on them or on their lesions."
