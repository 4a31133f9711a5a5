"""The numbers behind a page and each of its figures, as plain values: the JSON twin of a report."""

from typing import Any, TypeAlias

from melanoma_detect import __version__
from melanoma_detect.data_audit.audit import Audit
from melanoma_detect.evaluation.comparison import Comparison
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.evaluation.external import ExternalValidation
from melanoma_detect.monitoring.monitoring import Monitoring
from melanoma_detect.report.checklists import Checklist

Reportable: TypeAlias = Audit | Evaluation | ExternalValidation | Comparison | Checklist | Monitoring

_KINDS: dict[type, str] = {
    Audit: "audit",
    Evaluation: "evaluation",
    ExternalValidation: "external validation",
    Comparison: "comparison",
    Checklist: "checklist",
    Monitoring: "monitoring",
}
# Where each figure of an evaluation's page finds its numbers, by the figure's name.
FIGURES = {
    "decisions": ("decision_shares",),
    "confusion": ("classes", "confusion"),
    "roc": ("roc", "measured_points"),
    "calibration": ("calibration_curve",),
    "decision_curve": ("decision_curve",),
    "predictive_values": ("predictive_values",),
    "subgroups": ("subgroups",),
}


def report_data(
    value: Reportable, *, validation: Evaluation | None = None, comparison: Comparison | None = None
) -> dict[str, Any]:
    """Return what a page shows as plain values: every number and the data of every figure.

    A page that `write_html` wrote holds this behind its download link; that of an evaluation also holds the operating points by
    type of image, and the worst mistakes.

    Args:
        value: What `write_html` takes.
        validation: The evaluation of the validation split, or None.
        comparison: A comparison with another detector, or None.

    Returns:
        `kind`, `version`, and under the kind's name what `to_dict` of the value gives.

    Examples:
        >>> sorted(report_data(detector.evaluate(data)))
        ['evaluation', 'figures', 'kind', 'version']
        >>> report_data(md.audit(data, progress=False))["kind"]
        'audit'
    """
    kind = next(name for known, name in _KINDS.items() if isinstance(value, known))
    values: dict[str, Any] = {"kind": kind, "version": __version__, kind: value.to_dict()}
    if isinstance(value, Evaluation):
        values["figures"] = {name: list(keys) for name, keys in FIGURES.items()}
    if validation is not None:
        values["validation"] = validation.to_dict()
    if comparison is not None:
        values["comparison"] = comparison.to_dict()
    return values
