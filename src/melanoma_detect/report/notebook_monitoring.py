"""What a notebook shows of a watched stream."""

from melanoma_detect.monitoring.monitoring import Monitoring
from melanoma_detect.report.monitoring_page import evidence, evidence_text, ranks, ranks_text
from melanoma_detect.report.notebook_evaluation import draw_plot
from melanoma_detect.report.notebook_parts import fill_template


def monitoring(value: Monitoring) -> str:
    """Show whether there is an alarm, the evidence and the mean ranks after each period, and the estimated sensitivity.

    Args:
        value: The report.

    Returns:
        HTML.

    Examples:
        >>> _ = md.score(isic9 / "Test", detector=detector, out="scores.csv", progress=False)
        >>> monitoring(md.monitor("scores.csv", detector=detector)).count("<img")
        2
    """
    return fill_template(
        "monitoring",
        report=value,
        images=sum(value.images),
        plots=[(evidence_text(value), draw_plot(evidence(value))), (ranks_text(value), draw_plot(ranks(value)))],
    )
