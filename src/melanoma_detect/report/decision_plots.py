"""Plots of what a detector decides: the share of each decision by truth, and the decision curve (net benefit)."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from melanoma_detect.evaluation.bootstrap import Figure as Value
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.inference.operating_points import PLURALS
from melanoma_detect.report.roc_plot import NOUNS
from melanoma_detect.report.style import (
    BLUE,
    GREY,
    ORANGE,
    PALE,
    RED,
    SMALL,
    TEXT,
    WIDTH,
    draw_legend,
    new_figure,
    tidy,
    wrap,
    write_note,
)
from melanoma_detect.utils.counts import count_noun

# From dark over middle to light: they differ in grey too. Each with the colour of its numbers.
_DECISIONS = {"alert": (BLUE, "white"), "refer": (ORANGE, "black"), "clear": (PALE, "black")}
_NAMES = {"alert": "alert", "refer": "referred to a person", "clear": "cleared"}
_LEAST = 0.001  # of the top of the decision curve's axis
_ROOM = 0.085  # of a bar: less has no room for its number, which the table beside it has


def decisions(evaluation: Evaluation) -> Figure:
    """Plot the share of each decision, overall and by what the images truly show.

    Args:
        evaluation: The evaluation.

    Returns:
        The figure: a bar for each kind of image, with its number.

    Examples:
        >>> decisions(detector.evaluate(data.test)).axes[0].get_xlabel()
        'share of the images'
    """
    shares = evaluation.decision_shares()
    figure = new_figure(WIDTH, 0.62 * len(shares) + 2.1, "Decisions by truth")
    axes = tidy(figure.subplots(), xlabel="share of the images", xlim=(0, 1))
    left = [0.0] * len(shares)
    for name, (color, ink) in _DECISIONS.items():
        widths = [getattr(share, name).value for share in shares]
        bars = axes.barh(
            range(len(shares)), widths, left=left, color=color, height=0.7, label=_NAMES[name], edgecolor="white"
        )
        texts = [f"{width:.0%}" if width >= _ROOM else "" for width in widths]
        axes.bar_label(bars, texts, label_type="center", color=ink, fontsize=SMALL)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    labels = [f"{wrap(share.truth, 1.1, SMALL)}\n({share.images:,})" for share in shares]
    axes.set_yticks(range(len(shares)), labels, fontsize=SMALL)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axes.grid(visible=False)
    draw_legend(figure, axes)
    return figure


def decision_curve(evaluation: Evaluation) -> Figure:
    """Plot the net benefit against the threshold probability (Vickers and Elkin 2006).

    Args:
        evaluation: The evaluation.

    Returns:
        The figure, with 95 % intervals; with a note in place of the curves if the images show the target only, or never.

    Examples:
        >>> decision_curve(detector.evaluate(data.test)).axes[0].get_ylabel()
        'net benefit (true positives per image)'
    """
    noun = NOUNS[evaluation.target]
    images = count_noun(len(evaluation), f"{evaluation.split} image".strip())
    figure = new_figure(WIDTH, 5.6, f"Decision curve for {noun}\n{images}")
    axes = tidy(
        figure.subplots(), xlabel=f"threshold probability of {noun}", ylabel="net benefit (true positives per image)"
    )
    curve = evaluation.decision_curve()
    if curve is None:
        write_note(axes, f"no decision curve: these images show\n{PLURALS[evaluation.target]} only, or none")
        return figure
    thresholds = curve.thresholds
    axes.axhline(0, color="black", linewidth=1, label="treat none (act on nobody)")
    _draw(axes, thresholds, curve.treat_all, (GREY, ":"), "treat all (act on everybody)", band=False)
    _draw(axes, thresholds, curve.model, (BLUE, "-"), f"act by the probability of {noun}", band=True)
    if curve.alerts:
        _draw(axes, thresholds, curve.alerts, (RED, "--"), "act on every alert", band=False)
    # Where no threshold has a benefit there is still room for the lines at 0 and below.
    highest = max(_LEAST, *(value.high for value in curve.model))
    axes.set_ylim(-0.35 * highest, 1.1 * highest)
    axes.set_xlim(thresholds[0], thresholds[-1])
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.tick_params(labelsize=TEXT)
    draw_legend(figure, axes)
    return figure


def _draw(
    axes: Axes, x: tuple[float, ...], values: tuple[Value, ...], style: tuple[str, str], label: str, *, band: bool
) -> None:
    color, line = style
    if band:
        low, high = [value.low for value in values], [value.high for value in values]
        axes.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)
    axes.plot(x, [value.value for value in values], color=color, linestyle=line, linewidth=1.8, label=label)
