"""The HTML report of an evaluation."""

import math
from collections.abc import Iterator
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from melanoma_detect.detector import Detector
from melanoma_detect.evaluation.comparison import Comparison
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.evaluation.predictive_values import PREVALENCES
from melanoma_detect.evaluation.subgroups import MIN_LESIONS, SHOWN, Subgroup
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.operating_points import PLURALS
from melanoma_detect.report import alt_texts, plots
from melanoma_detect.report.evaluation_rows import (
    has_alerts,
    metric_rows,
    severe_sentences,
    summary_sentences,
    warning_sentences,
)
from melanoma_detect.report.labels import diagnosis_name, subgroup_name
from melanoma_detect.report.mistakes import Mistake, worst_mistakes
from melanoma_detect.report.point_rows import point_rows
from melanoma_detect.report.reference_results import REFERENCE_RESULTS
from melanoma_detect.report.rendering import jpeg_url, json_url, picture, render, thumbnail
from melanoma_detect.report.report_data import report_data
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.probabilities import format_probability

_IMAGE = (
    224,
    224,
)  # pixels of a mistake's image: two stand side by side in 15 rem, sharp on screens of twice the pixels
_HEADINGS = {
    "missed melanomas": "Missed melanomas: cleared, the least probable first",
    "cleared cancers": "Other cancers that are cleared, the least probable first",
    "false alerts": "False alerts: benign lesions with an alert, the most probable first",
}


def evaluation_page(
    evaluation: Evaluation,
    validation: Evaluation | None = None,
    *,
    detector: Detector | None = None,
    comparison: Comparison | None = None,
) -> str:
    """Render an evaluation as HTML; see `write_html`.

    Args:
        evaluation: The evaluation.
        validation: The evaluation of the validation split, or None.
        detector: The detector, for the overlays and prediction sets of the worst mistakes, or None.
        comparison: A comparison with another detector, or None.

    Returns:
        HTML with the plots embedded as SVG, and the worst mistakes as small JPEGs.

    Examples:
        >>> "<html" in evaluation_page(detector.evaluate(data.test))
        True
    """
    subgroups = evaluation.subgroups() if evaluation.records else ()
    rows = list(metric_rows(evaluation, validation))
    mistakes = worst_mistakes(evaluation, detector)
    data = report_data(evaluation, validation=validation, comparison=comparison)
    points = point_rows(evaluation)
    data["operating_points"] = [row.to_dict() for row in points]
    data["mistakes"] = {found.kind: [mistake.to_dict() for mistake in found.shown] for found in mistakes}
    return render(
        "evaluation.html",
        evaluation=evaluation,
        validation=validation,
        comparison=comparison,
        rows=rows,
        balanced=next(row for row in rows if row.title == "balanced accuracy"),
        title=_title(evaluation),
        severe=list(severe_sentences(evaluation)),
        warnings=list(warning_sentences(evaluation)),
        summary=list(summary_sentences(evaluation)),
        shares=evaluation.decision_shares(),
        mistakes=mistakes,
        no_mistakes=_why_no_mistakes(evaluation),
        overlays=detector is not None,
        headings=_HEADINGS,
        pictures=_pictures,
        percent=_percent,
        points=points,
        threshold=format_probability,
        subgroup_name=subgroup_name,
        diagnosis_name=partial(diagnosis_name, classes=evaluation.classes),
        predictive_values=[evaluation.at_prevalence(share) for share in PREVALENCES] if has_alerts(evaluation) else [],
        subgroups=subgroups,
        subgroup_metrics=SHOWN,
        min_lesions=MIN_LESIONS,
        reference_results=REFERENCE_RESULTS,
        plots={name: picture(figure) for name, figure in _plots(evaluation, subgroups, comparison)},
        alts=dict(_alts(evaluation, subgroups, comparison)),
        targets=PLURALS[evaluation.target],
        contents=list(_contents(evaluation, comparison)),
        data_url=json_url(data),
        data_name="report.json",
    )


def _plots(
    evaluation: Evaluation, subgroups: tuple[Subgroup, ...], comparison: Comparison | None
) -> Iterator[tuple[str, Figure]]:
    yield "decisions", plots.decisions(evaluation)
    yield "confusion", plots.confusion(evaluation)
    yield "roc", plots.roc(evaluation)
    yield "calibration", plots.calibration(evaluation)
    yield "decision_curve", plots.decision_curve(evaluation)
    if has_alerts(evaluation):
        yield "predictive_values", plots.predictive_values(evaluation)
    if comparison is not None:
        yield "comparison", plots.comparison(comparison)
    if subgroups:
        yield from ((f"subgroups_{name}", plots.subgroups(subgroups, evaluation, name)) for name in SHOWN)


def _alts(
    evaluation: Evaluation, subgroups: tuple[Subgroup, ...], comparison: Comparison | None
) -> Iterator[tuple[str, str]]:
    texts = {
        "decisions": alt_texts.decisions_text,
        "confusion": alt_texts.confusion_text,
        "roc": alt_texts.roc_text,
        "calibration": alt_texts.calibration_text,
        "decision_curve": alt_texts.decision_curve_text,
    }
    yield from ((name, text(evaluation)) for name, text in texts.items())
    if has_alerts(evaluation):
        yield "predictive_values", alt_texts.predictive_values_text(evaluation)
    if comparison is not None:
        yield "comparison", alt_texts.comparison_text(comparison)
    if subgroups:
        describe = partial(alt_texts.subgroups_text, subgroups)
        yield from ((f"subgroups_{name}", describe(name)) for name in SHOWN)


def _contents(evaluation: Evaluation, comparison: Comparison | None) -> Iterator[tuple[str, str]]:
    target = "Melanoma" if evaluation.target == "melanoma" else "Malignant lesions"
    yield from (("metrics", "Metrics"), ("decisions", "Decisions"), ("mistakes", "Worst mistakes"))
    yield from (("classes", "Classes"), ("target", target), ("use", "Clinical utility"))
    if comparison is not None:
        yield "comparison", "Comparison"
    yield from (("subgroups", "Subgroups"), ("shortcuts", "Shortcuts"))
    yield from (("published", "Published results"), ("methods", "Methods"))


def _title(evaluation: Evaluation) -> str:
    images = count_noun(len(evaluation), f"{evaluation.split} image".strip())
    return f"Evaluation on {images}{f' of {evaluation.dataset}' if evaluation.dataset else ''}"


def _why_no_mistakes(evaluation: Evaluation) -> str:
    if evaluation.operating_point is None:
        return "without an operating point nothing is cleared and nothing raises an alert"
    return "this evaluation has no records of its images"


def _pictures(mistake: Mistake) -> tuple[str, str]:
    """Return the image and its overlay as data URLs; an empty one for what there is not."""
    if mistake.explanation is None:
        return thumbnail(mistake.record, _IMAGE), ""
    explanation = mistake.explanation
    return jpeg_url(_small(explanation.image)), jpeg_url(_small(np.asarray(explanation.overlay())))


def _small(pixels: Pixels) -> Pixels:
    image = Image.fromarray(pixels)
    image.thumbnail(_IMAGE[::-1])
    return np.asarray(image)


def _percent(share: float) -> str:
    """Return a probability in per cent, with as many digits as it takes to tell it from 0 and 100."""
    digits = 0 if 0.1 <= share <= 0.9 else 1 if 0.01 <= share <= 0.99 else 2
    return f"{100 * share:.{digits}f} %" if math.isfinite(share) else "–"
