"""HTML reports of audits and evaluations, of one set or of several: one self-contained file each."""

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
from melanoma_detect.evaluation.external import ExternalValidation
from melanoma_detect.evaluation.external_table import footnotes, table_parts
from melanoma_detect.evaluation.metrics import headlines
from melanoma_detect.evaluation.predictive_values import PREVALENCES
from melanoma_detect.evaluation.subgroups import MIN_LESIONS, SHOWN, Subgroup
from melanoma_detect.images.reader import read_pixels
from melanoma_detect.inference.operating_points import PLURALS
from melanoma_detect.report import plots
from melanoma_detect.report.reference_results import REFERENCE_RESULTS
from melanoma_detect.utils.disclaimer import DISCLAIMER
from melanoma_detect.utils.files import atomic_file
from melanoma_detect.utils.outputs import HTML_SUFFIXES, check_output

_THUMBNAIL_SIZE = (110, 110)  # pixels
_MAX_CASES = 24  # of one finding: a few suffice to see what is wrong, and thousands would make the page too large

# {targets}: what the operating point alerts to, melanomas or malignant lesions.
_EXPLANATIONS = {
    "accuracy": "images whose most probable class is the true one",
    "balanced_accuracy": "mean recall of the classes, each counting the same",
    "balanced_accuracy_common": "mean recall of the classes with 20 images or more",
    "melanoma_auc": "how often a melanoma scores higher than another image",
    "malignant_auc": "how often a malignant lesion scores higher than a benign one",
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


def write_html(
    value: Audit | Evaluation | ExternalValidation,
    path: "str | os.PathLike[str]",
    *,
    validation: Evaluation | None = None,
    overwrite: bool = False,
) -> Path:
    """Write an HTML report of an audit or an evaluation: one file, which loads nothing from elsewhere.

    Args:
        value: From `md.audit` or `Detector.evaluate`, of one set or of several.
        path: The file to write; it ends in `.html` or `.htm`.
        validation: For an evaluation, that of the validation split: the report compares the two.
        overwrite: Replace a file that is there. If writing fails, it stays as it was.

    Returns:
        The file.

    Raises:
        OutputError: The file exists, has another suffix, or cannot be written.
        TypeError: The value is neither an audit nor an evaluation.

    Examples:
        >>> write_html(detector.evaluate(data.test), "report.html").name
        'report.html'
        >>> write_html(md.audit(data, progress=False), "audit.html").name
        'audit.html'
    """
    if not isinstance(value, (Audit, Evaluation, ExternalValidation)):
        raise TypeError(
            f"write_html takes an Audit, an Evaluation or an ExternalValidation, got {type(value).__name__}"
        )
    out = check_output(path, overwrite=overwrite, suffixes=HTML_SUFFIXES)
    if isinstance(value, ExternalValidation):
        text = external_page(value)
    else:
        text = audit_page(value) if isinstance(value, Audit) else evaluation_page(value, validation)
    with atomic_file(out, overwrite=overwrite) as partial:
        # A file's name may hold bytes that are not UTF-8: they are shown escaped.
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")
    return out


def _environment() -> Environment:
    return Environment(loader=PackageLoader("melanoma_detect.report", "templates"), autoescape=True)


def audit_page(audit: Audit) -> str:
    """Render an audit as HTML, with the images of each case side by side.

    Args:
        audit: The audit.

    Returns:
        HTML with the images embedded as small JPEGs.

    Examples:
        >>> "<html" in audit_page(md.audit(data, progress=False))
        True
    """
    environment = _environment()
    environment.globals["thumbnail"] = _thumbnail
    page = environment.get_template("audit.html")
    return page.render(audit=audit, max_cases=_MAX_CASES, version=__version__)


def _thumbnail(record: Record) -> str:
    """Return an image as a data URL; an empty one, which the page shows as a grey square, if it cannot be read."""
    try:
        pixels = read_pixels(record.image, _THUMBNAIL_SIZE, "pad")
    except ImageError:
        return ""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def evaluation_page(evaluation: Evaluation, validation: Evaluation | None = None) -> str:
    """Render an evaluation as HTML; see `write_html`.

    Args:
        evaluation: The evaluation.
        validation: The evaluation of the validation split, or None.

    Returns:
        HTML with the plots embedded as SVG.

    Examples:
        >>> "<html" in evaluation_page(detector.evaluate(data.test))
        True
    """
    subgroups = evaluation.subgroups() if evaluation.records else ()
    has_alerts = _has_alerts(evaluation)
    return (
        _environment()
        .get_template("evaluation.html")
        .render(
            evaluation=evaluation,
            validation=validation,
            rows=list(_rows(evaluation, validation)),
            warnings=list(_warnings(evaluation)),
            summary=list(_summary(evaluation)),
            points=evaluation.measured_points(),
            predictive_values=[evaluation.at_prevalence(share) for share in PREVALENCES] if has_alerts else [],
            subgroups=subgroups,
            subgroup_metrics=SHOWN,
            min_lesions=MIN_LESIONS,
            reference_results=REFERENCE_RESULTS,
            plots={name: _data_url(figure) for name, figure in _plots(evaluation, subgroups).items()},
            targets=PLURALS[evaluation.target],
            disclaimer=DISCLAIMER,
            version=__version__,
        )
    )


def external_page(validation: ExternalValidation) -> str:
    """Render an external validation as HTML: the table of all sets, a plot, and notes and classes set by set.

    Args:
        validation: The evaluations of several sets.

    Returns:
        HTML with the plots embedded as SVG.

    Examples:
        >>> "worst set" in external_page(detector.evaluate({"ours": data, "again": data}))
        True
    """
    first = next(iter(validation.evaluations.values()))
    shown = [name for name in (f"{validation.target}_auc", "false_negative_rate") if name in validation.worst]
    shortcuts = {name: evaluation.shortcuts for name, evaluation in validation.evaluations.items()}
    return (
        _environment()
        .get_template("external.html")
        .render(
            validation=validation,
            detector=first.detector,
            tables=table_parts(validation.evaluations, validation.problems),
            notes=list(footnotes(validation.evaluations, validation.problems)),
            warnings=[f"{name}: {found.summary}" for name, found in shortcuts.items() if found and found.detected],
            point=first.operating_point,
            plots={name: _data_url(plots.sets(validation, name)) for name in shown},
            disclaimer=DISCLAIMER,
            version=__version__,
        )
    )


def _plots(evaluation: Evaluation, subgroups: tuple[Subgroup, ...]) -> dict[str, Figure]:
    figures = {
        "confusion": plots.confusion(evaluation),
        "roc": plots.roc(evaluation),
        "calibration": plots.calibration(evaluation),
    }
    if _has_alerts(evaluation):
        figures["predictive_values"] = plots.predictive_values(evaluation)
    if subgroups:
        figures |= {name: plots.subgroups(subgroups, evaluation, name) for name in SHOWN}
    return figures


def _rows(evaluation: Evaluation, validation: Evaluation | None) -> Iterator[Row]:
    targets = PLURALS[evaluation.target]
    for name, title in headlines(evaluation.target).items():
        explanation = _EXPLANATIONS[name].format(targets=targets)
        value, other = evaluation.figures[name], validation.figures[name] if validation else None
        if other is None or not (math.isfinite(other.value) and math.isfinite(value.value)):
            yield Row(title, explanation, value, other, "–", significant=False)
            continue
        # The difference of the printed values: a reader who subtracts them gets the same.
        difference = f"{round(other.value, 3) - round(value.value, 3):+.3f}"
        significant = other.low > value.high or other.high < value.low
        yield Row(title, explanation, value, other, difference, significant=significant)


def _has_alerts(evaluation: Evaluation) -> bool:
    return all(math.isfinite(evaluation.figures[name].value) for name in ("sensitivity", "specificity"))


def _summary(evaluation: Evaluation) -> Iterator[str]:
    """Return the main results as sentences."""
    targets = PLURALS[evaluation.target]
    per_100 = {name: _per_100(figure) for name, figure in evaluation.figures.items()}
    if _has_alerts(evaluation):
        yield (
            f"Of 100 {targets}, {per_100['sensitivity']} raise an alert and {per_100['false_negative_rate']} are cleared."
        )
        cleared, alerts = per_100["clearance_rate"], per_100["false_positive_rate"]
        yield f"Of 100 other images, {cleared} are cleared and {alerts} raise an alert."
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
    return f"{figure.value:.0%} ({figure.low:.0%} to {figure.high:.0%})".replace("%", "")


def _warnings(evaluation: Evaluation) -> Iterator[str]:
    positives = evaluation.figures["sensitivity"].lesions
    if 0 < positives < MIN_LESIONS:
        are = "are melanomas" if evaluation.target == "melanoma" else "are malignant"
        yield f"Only {positives} lesions {are}: too few for a reliable sensitivity."
    if evaluation.operating_point is None:
        yield "This detector has no operating point: it raises no alerts and refers every image to a person."
    if evaluation.abstained.any():
        yield f"{evaluation.abstention_note} a person must look at them."
    if evaluation.shortcuts and evaluation.shortcuts.detected:
        yield evaluation.shortcuts.summary
    yield from evaluation.notes
    if evaluation.set_aside:
        yield f"{evaluation.set_aside} images are set aside: the detector was trained on them or on their lesions."


def _data_url(figure: Figure) -> str:
    """Return a figure as a data URL of an SVG, which is sharp at any size; the same bytes each time."""
    file = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "melanoma-detect"}):
        figure.savefig(file, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue().encode()).decode()
