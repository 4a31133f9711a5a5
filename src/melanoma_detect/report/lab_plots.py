"""The plot of the mistake lab: what a study claims, and what is true, for each mistake."""

from matplotlib.ticker import PercentFormatter

from melanoma_detect.lab.results import MistakeTable, points
from melanoma_detect.report.figure import NotebookFigure
from melanoma_detect.report.style import BLUE, GREY, PALE, RED, SMALL, WIDTH, draw_legend, new_figure, tidy, wrap


def mistake_prices(table: MistakeTable) -> NotebookFigure:
    """Plot what a study with each mistake claims, what its models truly do, and what an honest study reports.

    Args:
        table: From `lab.run_all`.

    Returns:
        The figure: a row for each mistake, with its price; each trial is a pale mark behind the means.

    Examples:
        >>> from melanoma_detect import lab
        >>> table = lab.run_all(mistakes=["drop_unsure"], seeds=2, lesions=10, learner="linear")
        >>> mistake_prices(table).axes[0].get_xlabel()
        'figure'
    """
    labels = [wrap(result.mistake.title, 1.5, SMALL) for result in table]
    lines = sum(max(label.count("\n") + 1, 2) + 0.9 for label in labels)
    figure = new_figure(WIDTH, 0.19 * lines + 1.9, "The price of a mistake")
    axes = tidy(figure.subplots(), xlabel="figure", xlim=(-0.02, 1.02))
    rows = range(len(table))
    for row, result in enumerate(table):
        trials = [figure for trial in result.trials for figure in (trial.true, trial.claimed)]
        axes.plot(trials, [row] * len(trials), "|", color=PALE, markersize=7, zorder=1)
        axes.plot([result.true, result.claimed], [row, row], color=GREY, linewidth=1.2, zorder=2)
        text = points(result.price, unit="").replace("-", "−")
        axes.annotate(text, (0.5, row + 0.4), ha="center", va="center", fontsize=SMALL - 2, color=GREY)
    claimed, true, honest = zip(*((one.claimed, one.true, one.honest) for one in table), strict=True)
    axes.plot(claimed, rows, "s", color=RED, zorder=3, clip_on=False, label="claimed, with the mistake")
    axes.plot(true, rows, "o", color=BLUE, zorder=3, label="its truth, on untouched lesions")
    axes.plot(
        honest,
        rows,
        "D",
        markerfacecolor="white",
        markeredgecolor=BLUE,
        zorder=4,
        clip_on=False,
        label="reported by the honest study",
    )
    axes.set_yticks(rows, labels, fontsize=SMALL)
    axes.set_ylim(len(labels) - 0.35, -0.6)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(visible=False, axis="y")
    draw_legend(figure, axes)
    return figure
