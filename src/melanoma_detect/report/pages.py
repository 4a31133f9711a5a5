"""HTML reports of an audit and of an evaluation: one file each, with everything in it."""

import base64
import io
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
from jinja2 import Environment, PackageLoader
from matplotlib.figure import Figure
from PIL import Image

from melanoma_detect import __version__
from melanoma_detect.data.record import Record
from melanoma_detect.data_audit.audit import Audit
from melanoma_detect.errors import ImageError
from melanoma_detect.evaluation.bootstrap import Figure as Value
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.evaluation.measured_points import measured_points
from melanoma_detect.evaluation.metrics import HEADLINES
from melanoma_detect.evaluation.predictive_values import PREVALENCES
from melanoma_detect.evaluation.subgroups import ENOUGH, SHOWN, Subgroup
from melanoma_detect.images.reader import read
from melanoma_detect.report import plots
from melanoma_detect.report.reference_results import PUBLISHED
from melanoma_detect.utils.disclaimer import DISCLAIMER
from melanoma_detect.utils.files import whole_file

_THUMBNAIL = (110, 110)  # pixels
_SHOWN_CASES = 24  # of one finding: more of them tell a reader no more

_MEANING = {
    "accuracy": "images whose class was named",
    "balanced_accuracy": "mean over the classes of the share found of each",
    "melanoma_auc": "how often a melanoma scores higher than another image",
    "sensitivity": "melanomas with an alert, at the operating point",
    "specificity": "other images that are cleared, at the operating point",
    "missed": "melanomas that are cleared; the rest are alerts or referred",
    "false_alarms": "other images with an alert",
    "coverage": "images that it does not abstain from",
    "specificity_at_95": "read off the curve, where 95 % of these melanomas are found",
    "spared": "benign images under that threshold: nobody needs to look at them",
    "ece": "mean distance of predicted from observed share, ten equally wide bins; 0 is best",
    "brier": "mean square of the error of the probability of melanoma; 0 is best",
    "brier_classes": "the same, summed over all classes, up to 2; 0 is best",
}


class Row(NamedTuple):
    """A figure as a line of the page's table.

    Attributes:
        title: What it is called.
        meaning: What it is.
        value: On the images of the page.
        validation: On validation; None where that was not given.
        difference: Validation less these images, in words.
        apart: Whether the two intervals do not even touch.
    """

    title: str
    meaning: str
    value: Value
    validation: Value | None
    difference: str
    apart: bool


def write_html(
    value: Audit | Evaluation, path: "str | os.PathLike[str]", *, validation: Evaluation | None = None
) -> Path:
    """Write an audit or an evaluation as an HTML page: one file, which loads nothing from elsewhere.

    Args:
        value: From `md.audit` or `Detector.evaluate`.
        path: The file to write, whole or not at all.
        validation: For an evaluation, that of the validation split: the page shows the differences.

    Returns:
        The file.

    Raises:
        OutputError: The path cannot be written.
        TypeError: No page is drawn of this kind of value.

    Examples:
        >>> write_html(detector.evaluate(data.test), "report.html").name
        'report.html'
        >>> write_html(md.audit(data, progress=False), "audit.html").name
        'audit.html'
    """
    if not isinstance(value, (Audit, Evaluation)):
        raise TypeError(f"write_html takes an Audit or an Evaluation, got {type(value).__name__}")
    text = audit_page(value) if isinstance(value, Audit) else evaluation_page(value, validation)
    out = Path(path)
    with whole_file(out) as partial:
        partial.write_text(text, encoding="utf-8")
    return out


def _environment() -> Environment:
    return Environment(loader=PackageLoader("melanoma_detect.report", "templates"), autoescape=True)


def audit_page(audit: Audit) -> str:
    """Draw an audit as a page, the images of each case side by side.

    Args:
        audit: The audit.

    Returns:
        HTML; images stand in it as small JPEGs, nothing is loaded from elsewhere.

    Examples:
        >>> "<html" in audit_page(md.audit(data, progress=False))
        True
    """
    environment = _environment()
    environment.globals["thumbnail"] = _thumbnail
    page = environment.get_template("audit.html")
    return page.render(audit=audit, shown=_SHOWN_CASES, version=__version__)


def _thumbnail(record: Record) -> str:
    """Return an image as a data address; a grey square where it cannot be read."""
    try:
        pixels = read(record.image, _THUMBNAIL, "pad")
    except ImageError:
        return ""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def evaluation_page(evaluation: Evaluation, validation: Evaluation | None = None) -> str:
    """Draw an evaluation as a page; see `write_html`.

    Args:
        evaluation: The figures.
        validation: Those of the validation split, or None.

    Returns:
        HTML; figures stand in it as drawings, nothing is loaded from elsewhere.

    Examples:
        >>> "<html" in evaluation_page(detector.evaluate(data.test))
        True
    """
    found = evaluation.subgroups() if len(evaluation.records) == len(evaluation) else ()
    return (
        _environment()
        .get_template("evaluation.html")
        .render(
            evaluation=evaluation,
            validation=validation,
            rows=list(_rows(evaluation, validation)),
            warnings=list(_warnings(evaluation)),
            glance=list(_glance(evaluation)),
            points=measured_points(evaluation),
            prevalences=[evaluation.at_prevalence(share) for share in PREVALENCES] if _acts(evaluation) else [],
            subgroups=found,
            shown=SHOWN,
            published=PUBLISHED,
            images={name: _as_address(figure) for name, figure in _figures(evaluation, found).items()},
            disclaimer=DISCLAIMER,
            version=__version__,
        )
    )


def _figures(evaluation: Evaluation, found: tuple[Subgroup, ...]) -> dict[str, Figure]:
    drawn = {
        "confusion": plots.confusion(evaluation),
        "roc": plots.roc(evaluation),
        "calibration": plots.calibration(evaluation),
    }
    if _acts(evaluation):
        drawn["predictive"] = plots.predictive_values(evaluation)
    if found:
        drawn |= {name: plots.subgroups(found, evaluation, name) for name in SHOWN}
    return drawn


def _rows(evaluation: Evaluation, validation: Evaluation | None) -> Iterator[Row]:
    for name, title in HEADLINES.items():
        value, other = evaluation.figures[name], validation.figures[name] if validation else None
        defined = other is not None and math.isfinite(other.value) and math.isfinite(value.value)
        if other is None or not defined:
            yield Row(title, _MEANING[name], value, other, "–", apart=False)
            continue
        # Of the printed figures: whoever subtracts them by hand gets the same.
        difference = f"{round(other.value, 3) - round(value.value, 3):+.3f}"
        apart = other.low > value.high or other.high < value.low
        yield Row(title, _MEANING[name], value, other, difference, apart=apart)


def _acts(evaluation: Evaluation) -> bool:
    return all(math.isfinite(evaluation.figures[name].value) for name in ("sensitivity", "specificity"))


def _glance(evaluation: Evaluation) -> Iterator[str]:
    """Say the most important in sentences."""
    figures = evaluation.figures
    if _acts(evaluation):
        yield f"Of 100 melanomas it alerts to {_of_100(figures['sensitivity'])} and clears {_of_100(figures['missed'])}."
        yield f"Of 100 other images it clears {_of_100(figures['specificity'])}."
    if math.isfinite(figures["spared"].value):
        yield (
            f"Where 95 % of these melanomas are found, {_of_100(figures['spared'])} of 100 benign images need no review by a "
            "dermatologist."
        )
    yield f"Of all classes it finds {_of_100(figures['balanced_accuracy'])} of 100 images, each class counting the same."


def _of_100(figure: Value) -> str:
    return f"{figure.value:.0%} ({figure.low:.0%} to {figure.high:.0%})".replace("%", "")


def _warnings(evaluation: Evaluation) -> Iterator[str]:
    positive = evaluation.is_melanoma
    melanomas = evaluation.figures["sensitivity"].lesions
    if not positive.any():
        yield "These images show no melanoma: nothing here says how well melanomas are found."
    elif melanomas < ENOUGH:
        yield f"These images show {melanomas} melanomas only: too few to tell how well melanomas are found."
    if evaluation.operating_point is None:
        yield "This detector has no operating point: it alerts to nothing, and refers every image to a person."
    if evaluation.abstained.any():
        yield (
            f"It abstains from {evaluation.abstained.sum()} images, {evaluation.abstained_melanomas} of them melanomas: a "
            "person must look at those."
        )
    if evaluation.shortcuts and evaluation.shortcuts.taken:
        yield evaluation.shortcuts.verdict
    if evaluation.set_aside:
        yield f"{evaluation.set_aside} images were set aside, since the detector had seen them or their lesions in training."


def _as_address(figure: Figure) -> str:
    """Return a figure as a data address: a drawing, sharp at any size, the same bytes each time."""
    file = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "melanoma-detect"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue().encode()).decode()
