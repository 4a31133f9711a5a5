"""What a notebook shows of the mistake lab: the table with intervals, the plot, and the explanations."""

from melanoma_detect.lab.results import MistakeResult, MistakeTable, points
from melanoma_detect.report.lab_plots import mistake_prices
from melanoma_detect.report.notebook_parts import fill_template, png_url

_DPI = 150  # sharp at the width that the plot has in a cell


def mistake_result(value: MistakeResult) -> str:
    """Show one mistake; see `mistake_table`.

    Args:
        value: The result.

    Returns:
        HTML.

    Examples:
        >>> from melanoma_detect import lab
        >>> "claimed" in mistake_result(lab.run("drop_unsure", seeds=2, lesions=10, learner="linear"))
        True
    """
    return mistake_table(MistakeTable((value,)))


def mistake_table(value: MistakeTable) -> str:
    """Show several mistakes: a row for each, the plot, and what is done wrongly.

    Args:
        value: The results.

    Returns:
        HTML.

    Examples:
        >>> from melanoma_detect import lab
        >>> table = lab.run_all(mistakes=["drop_unsure"], seeds=2, lesions=10, learner="linear")
        >>> mistake_table(table).count("<img")
        1
    """
    plot = png_url(mistake_prices(value).to_png(dpi=_DPI))
    texts = [f"{one.mistake.title}: claimed {one.claimed:.0%}, truth {one.true:.0%}" for one in value]
    return fill_template("mistakes", table=value, points=points, plot=plot, plot_text="; ".join(texts))
