"""What a notebook shows of an evaluation, of one set of images or of several, and of a comparison."""

import math
from typing import NamedTuple

from melanoma_detect.evaluation.agreement import p_text
from melanoma_detect.evaluation.bootstrap import Figure as Value
from melanoma_detect.evaluation.comparison import Comparison
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.evaluation.external import ExternalValidation
from melanoma_detect.evaluation.external_table import footnotes, table_parts
from melanoma_detect.evaluation.independent_units import PLURALS as UNIT_PLURALS
from melanoma_detect.evaluation.metrics import headlines
from melanoma_detect.inference.operating_points import PLURALS
from melanoma_detect.report import plots
from melanoma_detect.report.alt_texts import calibration_text, confusion_text, roc_text, sets_text
from melanoma_detect.report.evaluation_rows import severe_sentences, warning_sentences
from melanoma_detect.report.figure import NotebookFigure
from melanoma_detect.report.notebook_parts import fill_template, png_url

# The figures that are shown at once; the others open with a click.
_FIRST = (
    "balanced_accuracy",
    "melanoma_auc",
    "malignant_auc",
    "sensitivity",
    "specificity",
    "false_negative_rate",
    "referral_rate",
    "coverage",
    "ece",
)
_PLOT_DPI = 150  # of plots that are 5 inches wide: sharp at the width that they have in a cell, at 20 to 40 kB each


class Row(NamedTuple):
    """A metric as a row of the table.

    Attributes:
        title: Its title.
        value: Its value with its interval.
        top: The right end of the scale that its interval is drawn on.
    """

    title: str
    value: Value
    top: float


def evaluation(value: Evaluation) -> str:
    """Show an evaluation: the figures with their intervals, the ROC and calibration curves, the confusion matrix, the classes.

    Args:
        value: The evaluation.

    Returns:
        HTML.

    Examples:
        >>> evaluation(detector.evaluate(data.test)).count("<img")
        3
    """
    targets = PLURALS[value.target]
    titles = headlines(value.target)
    rows = {name: _row(title, value.figures[name], name) for name, title in titles.items()}
    return fill_template(
        "evaluation",
        evaluation=value,
        first=[row for name, row in rows.items() if name in _FIRST],
        rest=[row for name, row in rows.items() if name not in _FIRST],
        warnings=_warnings(value),
        plots=[
            (roc_text(value), draw_plot(plots.roc(value))),
            (calibration_text(value), draw_plot(plots.calibration(value))),
            (confusion_text(value), draw_plot(plots.confusion(value))),
        ],
        classes=[
            (label, int(value.confusion[index].sum()), _row("", value.recall[label]), _row("", value.precision[label]))
            for index, label in enumerate(value.classes)
        ],
        points=value.operating_points_used,
        targets=targets,
        units=UNIT_PLURALS[value.units.unit],
        positives=int(value.per_image.is_positive.sum()),
    )


def external_validation(value: ExternalValidation) -> str:
    """Show an external validation: a row for each set, the worst and the mean, and a plot of the sets.

    Args:
        value: The evaluations of several sets.

    Returns:
        HTML.

    Examples:
        >>> external_validation(detector.evaluate({"ours": data, "again": data})).count("<img")
        1
    """
    name = f"{value.target}_auc"
    sets = value.evaluations
    return fill_template(
        "external_validation",
        validation=value,
        detector=next(iter(sets.values())).detector,
        images=sum(map(len, sets.values())),
        tables=table_parts(sets, value.problems),
        notes=list(footnotes(sets, value.problems)),
        plot=draw_plot(plots.sets(value, name)) if name in value.mean else "",
        plot_text=sets_text(value, name) if name in value.mean else "",
    )


def comparison(value: Comparison) -> str:
    """Show a comparison of two detectors: both values of each figure, and their difference with its interval.

    Args:
        value: From `Evaluation.compare`.

    Returns:
        HTML.

    Examples:
        >>> evaluation = detector.evaluate(data.test)
        >>> "second − first" in comparison(evaluation.compare(evaluation))
        True
    """
    differences = value.differences.values()
    ends = [abs(end) for row in differences for end in row.difference[1:3] if math.isfinite(end)]
    return fill_template(
        "comparison",
        comparison=value,
        rows=list(differences),
        reach=max(ends, default=0) or 1,
        units=UNIT_PLURALS[value.unit],
        p_text=p_text,
    )


def _row(title: str, value: Value, name: str = "") -> Row:
    if "pauc" in name:  # above 80 % sensitivity: at most 0.2
        return Row(title, value, 0.2)
    # Most are shares. The Brier score over all classes may reach 2.
    return Row(title, value, 1.0 if not value.high > 1 else math.ceil(value.high))


def draw_plot(figure: object) -> str:
    """Draw a plot for a notebook.

    Args:
        figure: What a function of `plots` returns.

    Returns:
        A data URL of a PNG.

    Raises:
        TypeError: It is another object.

    Examples:
        >>> draw_plot(plots.roc(detector.evaluate(data.test)))[:14]
        'data:image/png'
    """
    if not isinstance(figure, NotebookFigure):
        raise TypeError(f"{figure!r} is no NotebookFigure; expected what report.style.new_figure returns")
    return png_url(figure.to_png(dpi=_PLOT_DPI))


def _warnings(value: Evaluation) -> list[str]:
    """Return what a reader must know before the figures, the worst first."""
    seen = list(severe_sentences(value))  # the first note says it too
    return [*seen, *warning_sentences(value), *value.notes[len(seen) :]]
