"""Plots of an evaluation: calibration curve, predictive values, subgroups."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.bootstrap import Figure as Value
from melanoma_detect.evaluation.calibration_curve import Bin
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.evaluation.metrics import BINS
from melanoma_detect.evaluation.subgroups import MIN_LESIONS, SHOWN, TOO_FEW, Subgroup
from melanoma_detect.inference.operating_points import PLURALS
from melanoma_detect.report.labels import subgroup_name
from melanoma_detect.report.roc_plot import NOUNS
from melanoma_detect.report.style import (
    BLUE,
    GREY,
    PALE,
    RED,
    SMALL,
    TEXT,
    WIDTH,
    draw_legend,
    new_figure,
    tidy,
    whiskers,
    wrap,
    write_note,
)
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.deprecation import renamed_keywords

_MIN_PREVALENCE, _MAX_PREVALENCE = 0.002, 0.3  # from screening everybody to a specialist's clinic
_TICKS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)


def calibration(evaluation: Evaluation) -> Figure:
    """Plot the calibration curve for the evaluation's target, with a histogram of the predicted probabilities.

    Args:
        evaluation: The evaluation.

    Returns:
        The figure: ten equally wide bins with 95 % intervals, hollow if they rest on fewer than 20 lesions; with a note in
        place of the curve if no class belongs to the target.

    Examples:
        >>> len(calibration(detector.evaluate(data.test)).axes)
        2
    """
    noun = NOUNS[evaluation.target]
    images = count_noun(len(evaluation), f"{evaluation.split} image".strip())
    figure = new_figure(WIDTH, 6.6, f"Calibration curve for {noun}\n{images}")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    tidy(above, ylabel=f"observed share of {PLURALS[evaluation.target]}", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    tidy(below, xlabel=f"predicted probability of {noun}", ylabel="images")
    bins = evaluation.calibration_curve()
    if not bins:
        write_note(above, f"no calibration curve: no class is {evaluation.target}")
        return figure
    above.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="perfect calibration")
    enough = [tenth for tenth in bins if tenth.observed.lesions >= MIN_LESIONS]
    few = [tenth for tenth in bins if tenth.observed.lesions < MIN_LESIONS]
    _draw_bins(above, enough, f"bin of {MIN_LESIONS} lesions or more", hollow=False)
    _draw_bins(above, few, f"bin of fewer than {MIN_LESIONS} lesions", hollow=True)
    _draw_histogram(below, evaluation)
    above.set_title(f"ECE {evaluation.figures['ece']}", fontsize=TEXT, color=GREY)
    draw_legend(figure, above, below)
    return figure


def predictive_values(evaluation: Evaluation) -> Figure:
    """Plot the predictive values of an alert and of a cleared image against the prevalence of the target.

    Args:
        evaluation: The evaluation.

    Returns:
        The figure, with 95 % intervals; with a note in place of the curves if sensitivity or specificity is not defined.

    Examples:
        >>> len(predictive_values(detector.evaluate(data.test)).axes)
        2
    """
    noun, plural = NOUNS[evaluation.target], PLURALS[evaluation.target]
    figure = new_figure(WIDTH, 6.2, f"Predictive values\nby prevalence of {noun}")
    above, below = figure.subplots(2, 1, sharex=True)
    tidy(above, ylabel=f"alerts that are {plural}\n(PPV)", ylim=(0, 1.02))
    tidy(below, xlabel=f"prevalence of {noun}", ylabel=f"cleared that are {plural}\n(1 − NPV)")
    prevalences = np.geomspace(_MIN_PREVALENCE, _MAX_PREVALENCE, 60)
    try:
        values = [evaluation.at_prevalence(float(prevalence)) for prevalence in prevalences]
    except DetectorError:
        write_note(above, f"not defined: no operating point,\nno {plural}, or nothing else")
        return figure
    _draw_band(above, prevalences, [value.ppv for value in values], (BLUE, "-"))
    # 1 − NPV: the NPV itself is so close to 100 % that its curve would be a flat line.
    npvs = [value.npv for value in values]
    wrongly_cleared = [Value(1 - npv.value, 1 - npv.high, 1 - npv.low, npv.lesions) for npv in npvs]
    _draw_band(below, prevalences, wrongly_cleared, (RED, "--"))
    below.set_ylim(bottom=0)
    for axes in (above, below):
        axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(_TICKS))
        axes.xaxis.set_minor_locator(FixedLocator([]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.1%}".replace(".0%", "%")))
    return figure


@renamed_keywords(found="parts")
def subgroups(parts: tuple[Subgroup, ...], evaluation: Evaluation, name: str = "melanoma_auc") -> Figure:
    """Plot a metric for every subgroup (a forest plot).

    Args:
        parts: The subgroups, from `Evaluation.subgroups`.
        evaluation: The evaluation on all images, for the line to compare with.
        name: `"balanced_accuracy"`, `"melanoma_auc"`, `"sensitivity"` or `"specificity"`.

    Returns:
        The figure; a subgroup with fewer than 20 lesions reads "too few lesions".

    Raises:
        DetectorError: The name is another one.

    Examples:
        >>> evaluation = detector.evaluate(data.test)
        >>> subgroups(evaluation.subgroups(), evaluation).axes[0].get_xlabel()
        'melanoma AUC'
    """
    if name not in SHOWN:
        raise DetectorError(f"name={name!r}; expected one of {', '.join(map(repr, SHOWN))}")
    labels = [
        wrap(f"{part.kind}: {subgroup_name(part)} ({part.figures[name].lesions:,})", 1.9, SMALL) for part in parts
    ]
    lines = sum(label.count("\n") + 1.6 for label in labels)
    figure = new_figure(WIDTH, 0.19 * lines + 1.8, f"{SHOWN[name][0].upper()}{SHOWN[name][1:]} by subgroup")
    axes = tidy(figure.subplots(), xlabel=SHOWN[name], xlim=(-0.02, 1.02))
    overall = evaluation.figures[name]
    if np.isfinite(overall.value):
        _draw_interval(axes, 0, overall, RED, marker="s")
        axes.axvline(overall.value, color=RED, linewidth=1, linestyle=":")
    for row, part in enumerate(parts, start=1):
        if part.figures[name].lesions < MIN_LESIONS:
            axes.text(0.5, row, TOO_FEW, color=GREY, fontsize=SMALL, ha="center", va="center", style="italic")
        elif part.is_reliable(name):
            _draw_interval(axes, row, part.figures[name], BLUE)
    axes.set_yticks(range(len(parts) + 1), [f"all ({overall.lesions:,})", *labels], fontsize=SMALL)
    axes.set_ylim(len(parts) + 0.6, -0.6)
    axes.grid(visible=False, axis="y")
    return figure


def _draw_bins(axes: Axes, bins: list[Bin], label: str, *, hollow: bool) -> None:
    if not bins:
        return
    observed = [tenth.observed for tenth in bins]
    axes.errorbar(
        [tenth.predicted for tenth in bins],
        [share.value for share in observed],
        yerr=whiskers(*observed),
        color=GREY if hollow else BLUE,
        markerfacecolor="white" if hollow else BLUE,
        fmt="o",
        elinewidth=1,
        capsize=3,
        label=label,
    )


def _known_sides(evaluation: Evaluation) -> Answers:
    """Return the answers to the images whose label tells whether they show the target."""
    answers = evaluation.per_image
    return answers.select(answers.is_positive | answers.is_negative)


def _draw_histogram(axes: Axes, evaluation: Evaluation) -> None:
    sides = _known_sides(evaluation)
    scores, positive = sides.target_scores, sides.is_positive
    axes.hist(
        [scores[~positive], scores[positive]],
        bins=np.linspace(0, 1, BINS + 1).tolist(),
        stacked=True,
        color=[PALE, RED],
        label=["other images", PLURALS[evaluation.target]],
    )


def _draw_band(axes: Axes, x: Float64Array, values: list[Value], style: tuple[str, str]) -> None:
    color, line = style
    low, high = [value.low for value in values], [value.high for value in values]
    axes.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)
    axes.plot(x, [value.value for value in values], color=color, linestyle=line, linewidth=1.8)


def _draw_interval(axes: Axes, row: int, value: Value, color: str, *, marker: str = "o") -> None:
    axes.errorbar(
        [value.value],
        [row],
        xerr=whiskers(value),
        color=color,
        fmt=marker,
        markersize=5,
        elinewidth=1.4,
        capsize=3,
    )
