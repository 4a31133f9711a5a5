"""The plot of a comparison of two detectors on the same images."""

import math

from matplotlib.figure import Figure

from melanoma_detect.evaluation.comparison import Comparison
from melanoma_detect.report.style import BLUE, GREY, RED, SMALL, WIDTH, draw_legend, new_figure, tidy, whiskers, wrap


def comparison(compared: Comparison) -> Figure:
    """Plot the difference of each figure of two detectors, second minus first, with its 95 % interval.

    Args:
        compared: From `Evaluation.compare`.

    Returns:
        The figure. What is significant after the correction for many comparisons is a filled square, the others are hollow
        circles. Figures that cannot differ, as those of one detector at two thresholds, are left out.

    Examples:
        >>> evaluation = detector.evaluate(data.test)
        >>> comparison(evaluation.compare(evaluation)).axes[0].get_xlabel()
        'difference (second − first)'
    """
    known = {name: row for name, row in compared.differences.items() if math.isfinite(row.difference.value)}
    rows = {name: row for name, row in known.items() if row.tested} or known
    labels = [wrap(row.title, 1.9, SMALL) for row in rows.values()]
    lines = sum(label.count("\n") + 1.7 for label in labels)
    figure = new_figure(WIDTH, 0.17 * lines + 2, f"Two detectors on the same\n{compared.images:,} images")
    axes = tidy(figure.subplots(), xlabel="difference (second − first)")
    axes.axvline(0, color=GREY, linewidth=1)
    named: set[bool] = set()
    for at, row in enumerate(rows.values()):
        change, sure = row.difference, row.significant
        axes.errorbar(
            [change.value],
            [at],
            xerr=whiskers(change),
            color=RED if sure else BLUE,
            markerfacecolor=RED if sure else "white",
            fmt="s" if sure else "o",
            markersize=6,
            elinewidth=1.4,
            capsize=3,
            label=None if sure in named else ("significant" if sure else "may be chance"),
        )
        named.add(sure)
    axes.set_yticks(range(len(rows)), labels, fontsize=SMALL)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.margins(x=0.1)
    axes.grid(visible=False, axis="y")
    draw_legend(figure, axes)
    return figure
