"""The words and numbers of an evaluation's report: the table of metrics, the main results as sentences, the warnings."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from melanoma_detect.evaluation.bootstrap import Figure as Value
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.evaluation.independent_units import PLURALS as PLURALS_OF_UNITS
from melanoma_detect.evaluation.metrics import headlines
from melanoma_detect.evaluation.subgroups import MIN_LESIONS
from melanoma_detect.inference.operating_points import PLURALS
from melanoma_detect.utils.counts import count_noun, is_or_are

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
    "specificity_at_95": "at the threshold that finds 95 % on these very images: in hindsight, not the detector's own",
    "benign_below_threshold": "benign images below that threshold in hindsight; the detector does not decide by it",
    "ece": "mean distance between predicted and observed share, ten equally wide bins; 0 is best",
    "brier": "mean squared error of the probability of {targets}; 0 is best",
    "brier_classes": "the same, summed over all classes, up to 2; 0 is best",
}
# What there is not without an operating point.
_DECIDED = (
    "sensitivity",
    "specificity",
    "false_negative_rate",
    "false_positive_rate",
    "referral_rate",
    "clearance_rate",
    "malignant_clearance_rate",
)


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
        if evaluation.operating_point is None and name in _DECIDED:
            explanation += "; not defined without an operating point, since every image is referred"
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
    if math.isfinite(evaluation.figures["balanced_accuracy"].value):
        yield f"Of 100 images of a class, {per_100['balanced_accuracy']} are assigned to it, averaged over the classes."


def _per_100(figure: Value) -> str:
    if not math.isfinite(figure.value):
        return "–"
    return f"{figure.value:.0%} ({figure.low:.0%} to {figure.high:.0%})".replace("%", "")


def severe_sentences(evaluation: Evaluation) -> Iterator[str]:
    """Return what makes the numbers of a report wrong for images that are new to the detector.

    Args:
        evaluation: The evaluation.

    Yields:
        A sentence where the detector has seen images in training.

    Examples:
        >>> list(severe_sentences(detector.evaluate(data)))
        []
    """
    if seen := evaluation.seen_in_training:
        yield (
            f"The detector has seen {seen:,} of these {len(evaluation):,} images, or their lesions, in training: every number "
            "below is too good, and says nothing of images that are new to it."
        )


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
    yield from _few_sentences(evaluation)
    if evaluation.operating_point is None:
        yield "This detector has no operating point: it raises no alerts and refers every image to a person."
    elif note := evaluation.operating_point.extreme_note:
        yield f"{note[0].upper()}{note[1:]}."
    if evaluation.abstained.any():
        yield f"{evaluation.abstention_note} a person must look at them."
    if evaluation.shortcuts and evaluation.shortcuts.detected:
        yield evaluation.shortcuts.summary
    if evaluation.set_aside:
        images = count_noun(evaluation.set_aside, "image")
        yield f"{images} {is_or_are(evaluation.set_aside)} set aside: the detector was trained on them or on their lesions."


def _few_sentences(evaluation: Evaluation) -> Iterator[str]:
    """Yield that there are few of the target, in images and in what the intervals count, where these differ."""
    positives = evaluation.figures["sensitivity"].lesions
    if not 0 < positives < MIN_LESIONS:
        return
    one, many = (
        ("melanoma", "melanomas") if evaluation.target == "melanoma" else ("malignant lesion", "malignant lesions")
    )
    shown, images = count_noun(positives, one, many), int(evaluation.per_image.is_positive.sum())
    if evaluation.units.unit in ("patient", "lesion or patient"):
        units = PLURALS_OF_UNITS[evaluation.units.unit] if positives > 1 else evaluation.units.unit
        shown = f"{count_noun(images, 'image')} of {many}, of {positives} {units}"
    elif images != positives:
        shown = f"{shown}, on {count_noun(images, 'image')}"
    yield f"There {'is' if shown.startswith('1 ') else 'are'} {shown}: too few for a reliable sensitivity."
