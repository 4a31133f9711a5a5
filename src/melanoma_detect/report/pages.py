"""HTML reports of audits, evaluations, comparisons and checklists: one self-contained file each."""

import os
from pathlib import Path

from melanoma_detect.data_audit.audit import Audit
from melanoma_detect.detector import Detector
from melanoma_detect.evaluation.comparison import Comparison
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.evaluation.external import ExternalValidation
from melanoma_detect.evaluation.external_table import footnotes, table_parts
from melanoma_detect.evaluation.independent_units import PLURALS as UNIT_PLURALS
from melanoma_detect.evaluation.subgroups import MIN_LESIONS
from melanoma_detect.inference.image_types import TYPE_PLURALS
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.monitoring.monitoring import Monitoring
from melanoma_detect.report import alt_texts, plots
from melanoma_detect.report.checklists import Checklist
from melanoma_detect.report.evaluation_page import evaluation_page
from melanoma_detect.report.evaluation_rows import severe_sentences
from melanoma_detect.report.monitoring_page import monitoring_page
from melanoma_detect.report.rendering import json_url, picture, render
from melanoma_detect.report.report_data import Reportable, report_data
from melanoma_detect.utils.files import atomic_file
from melanoma_detect.utils.outputs import HTML_SUFFIXES, check_output

__all__ = [
    "audit_page",
    "checklist_page",
    "comparison_page",
    "evaluation_page",
    "external_page",
    "monitoring_page",
    "write_html",
]

_MAX_CASES = 24  # of one finding: a few suffice to see what is wrong, and thousands would make the page too large


def write_html(
    value: Reportable,
    path: "str | os.PathLike[str]",
    *,
    validation: Evaluation | None = None,
    detector: Detector | None = None,
    comparison: Comparison | None = None,
    overwrite: bool = False,
) -> Path:
    """Write an HTML report: one file, which loads nothing from elsewhere and holds its numbers as JSON behind a link.

    The report of an evaluation shows the worst mistakes as images: pass such a page on only if the data set's licence and the
    patients' consent allow it.

    Args:
        value: From `md.audit`, `Detector.evaluate` (of one set or of several), `Evaluation.compare`, `report.checklist` or
            `md.monitor`.
        path: The file to write; it ends in `.html` or `.htm`.
        validation: For an evaluation, that of the validation split: the report compares the two.
        detector: For an evaluation, the detector: the worst mistakes then show their prediction sets and overlays.
        comparison: For an evaluation, its comparison with another detector, which becomes a section.
        overwrite: Replace a file that is there. If writing fails, it stays as it was.

    Returns:
        The file.

    Raises:
        OutputError: The file exists, has another suffix, or cannot be written.
        TypeError: The value is none of these.

    Examples:
        >>> write_html(detector.evaluate(data.test), "report.html", detector=detector).name
        'report.html'
        >>> write_html(md.audit(data, progress=False), "audit.html").name
        'audit.html'
    """
    if not isinstance(value, Reportable):
        raise TypeError(
            "write_html takes an Audit, an Evaluation, an ExternalValidation, a Comparison, a Checklist or a Monitoring, got "
            f"{type(value).__name__}"
        )
    out = check_output(path, overwrite=overwrite, suffixes=HTML_SUFFIXES)
    match value:
        case Audit():
            text = audit_page(value)
        case ExternalValidation():
            text = external_page(value)
        case Comparison():
            text = comparison_page(value)
        case Checklist():
            text = checklist_page(value)
        case Monitoring():
            text = monitoring_page(value)
        case _:
            text = evaluation_page(value, validation, detector=detector, comparison=comparison)
    with atomic_file(out, overwrite=overwrite) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    return out


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
    contents = [(f"f{number}", finding.kind) for number, finding in enumerate(audit.findings, start=1)]
    return render("audit.html", audit=audit, max_cases=_MAX_CASES, contents=contents, **_data(audit, "audit"))


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
    shown = [name for name in (f"{validation.target}_auc", "false_negative_rate") if name in validation.mean]
    shortcuts = {name: evaluation.shortcuts for name, evaluation in validation.evaluations.items()}
    tables = table_parts(validation.evaluations, validation.problems)
    contents = [(f"t{number}", table.title) for number, table in enumerate(tables, start=1)]
    contents += [("plots", "Plots")] if shown else []
    contents += [(f"set{number}", name) for number, name in enumerate(validation.evaluations, start=1)]
    return render(
        "external.html",
        validation=validation,
        detector=first.detector,
        tables=tables,
        notes=list(footnotes(validation.evaluations, validation.problems)),
        warnings=[f"{name}: {found.summary}" for name, found in shortcuts.items() if found and found.detected],
        severe=[f"{name}: {text}" for name, one in validation.evaluations.items() for text in severe_sentences(one)],
        points=_points_used(validation),
        plots={name: picture(plots.sets(validation, name)) for name in shown},
        alts={name: alt_texts.sets_text(validation, name) for name in shown},
        min_lesions=MIN_LESIONS,
        units=" or ".join(dict.fromkeys(UNIT_PLURALS[one.units.unit] for one in validation.evaluations.values())),
        contents=contents,
        **_data(validation, "external-validation"),
    )


def _points_used(validation: ExternalValidation) -> list[tuple[str, OperatingPoint]]:
    """Return the operating points that images of any set were judged by, each with the type of image it is for."""
    used = {name: point for one in validation.evaluations.values() for name, point in one.operating_points_used.items()}
    return [(TYPE_PLURALS[name] if name else "", used[name]) for name in sorted(used, reverse=True)]


def comparison_page(comparison: Comparison) -> str:
    """Render a comparison of two detectors as HTML.

    Args:
        comparison: From `Evaluation.compare`.

    Returns:
        HTML with the plot embedded as SVG.

    Examples:
        >>> evaluation = detector.evaluate(data.test)
        >>> "second − first" in comparison_page(evaluation.compare(evaluation))
        True
    """
    return render(
        "comparison.html",
        comparison=comparison,
        plots={"comparison": picture(plots.comparison(comparison))},
        alts={"comparison": alt_texts.comparison_text(comparison)},
        **_data(comparison, "comparison"),
    )


def checklist_page(checklist: Checklist) -> str:
    """Render a reporting checklist as HTML.

    Args:
        checklist: From `report.checklist`.

    Returns:
        HTML: a table for each section.

    Examples:
        >>> from melanoma_detect.report.checklists import checklist
        >>> "To be filled in by the authors" in checklist_page(checklist(detector, "tripod-ai"))
        True
    """
    contents = [(f"s{number}", name) for number, name in enumerate(checklist.by_section(), start=1)]
    return render("checklist.html", checklist=checklist, contents=contents, **_data(checklist, checklist.name))


def _data(value: Reportable, name: str) -> dict[str, str]:
    return {"data_url": json_url(report_data(value)), "data_name": f"{name}.json"}
