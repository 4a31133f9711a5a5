"""Figures of an evaluation: the ROC curve, calibration, predictive values, subgroups."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, PercentFormatter

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.bootstrap import Figure as Value
from melanoma_detect.evaluation.calibration_curve import Bin, reliability
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.evaluation.measured_points import MeasuredPoint, measured_points
from melanoma_detect.evaluation.metrics import BINS, FOUND
from melanoma_detect.evaluation.subgroups import ENOUGH, SHOWN, TOO_FEW, Subgroup
from melanoma_detect.report.reference_results import DERMATOLOGISTS
from melanoma_detect.report.style import BLUE, GREY, LIGHT, ORANGE, RED, new_figure, tidy

_LOWEST, _HIGHEST = 0.002, 0.3  # prevalences that are drawn
_MARKED = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)


def roc(evaluation: Evaluation) -> Figure:
    """Show sensitivity against specificity for melanoma, and the detector's operating points.

    Dermatologists' published figures stand beside the curve, hollow: they read other images.

    Args:
        evaluation: The figures.

    Returns:
        The figure; without a curve, and saying so, where melanomas or other images are missing.

    Examples:
        >>> roc(detector.evaluate(data.test)).axes[0].get_xlabel()
        '1 − specificity'
    """
    figure = new_figure(5.2, 6.2, f"Melanoma against the rest\n{len(evaluation)} {evaluation.split} images")
    axes = tidy(
        figure.subplots(),
        xlabel="1 − specificity",
        ylabel="sensitivity",
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
    )
    axes.set_aspect("equal")
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="chance")
    positive = evaluation.is_melanoma
    if not positive.any() or positive.all():
        _say(axes, "no curve: these images show\nmelanomas only, or none")
        return figure
    _draw_curve(axes, evaluation)
    points = measured_points(evaluation)
    for found in sorted(points, key=lambda one: one.point == evaluation.operating_point):  # its own on top
        _draw_point(axes, found, own=found.point == evaluation.operating_point)
    _name_points(axes, points)
    _draw_dermatologists(axes)
    _explain(figure, axes)
    return figure


def calibration(evaluation: Evaluation) -> Figure:
    """Show whether the probability of melanoma is true: how often it was one, and how the images spread.

    Args:
        evaluation: The figures.

    Returns:
        The figure: the calibration curve in ten equally wide bins with 95 % intervals, hollow where fewer than 20 lesions
        speak; a histogram below it. Without a curve, and saying so, where no class is melanoma.

    Examples:
        >>> len(calibration(detector.evaluate(data.test)).axes)
        2
    """
    figure = new_figure(5.2, 6.2, f"Is the probability of melanoma true?\n{len(evaluation)} {evaluation.split} images")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    tidy(above, ylabel="share that are melanomas", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    tidy(below, xlabel="probability of melanoma", ylabel="images")
    bins = reliability(evaluation)
    if not bins:
        _say(above, "no curve: no class is melanoma")
        return figure
    above.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="as true as can be")
    _draw_bins(above, [found for found in bins if found.observed.lesions >= ENOUGH], "in ten bins", hollow=False)
    _draw_bins(
        above, [found for found in bins if found.observed.lesions < ENOUGH], f"under {ENOUGH} lesions", hollow=True
    )
    _draw_histogram(below, evaluation)
    above.set_title(f"ECE {evaluation.figures['ece']}", fontsize=9, color=GREY)
    _explain(figure, above, below)
    return figure


def predictive_values(evaluation: Evaluation) -> Figure:
    """Show what an alert, and a cleared image, mean at each prevalence of melanoma.

    Args:
        evaluation: The figures.

    Returns:
        The figure, with 95 % intervals; without curves, and saying so, where sensitivity or specificity is not defined.

    Examples:
        >>> len(predictive_values(detector.evaluate(data.test)).axes)
        2
    """
    figure = new_figure(5.2, 6.2, "What an alert means,\nby how common melanoma is")
    above, below = figure.subplots(2, 1, sharex=True)
    tidy(above, ylabel="alerts that are melanomas", ylim=(0, 1.02))
    tidy(below, xlabel="images that are melanomas", ylabel="cleared that are melanomas")
    prevalences = np.geomspace(_LOWEST, _HIGHEST, 60)
    try:
        found = [evaluation.at_prevalence(float(share)) for share in prevalences]
    except DetectorError:
        _say(above, "not defined: no operating point,\nor no melanomas, or nothing else")
        return figure
    _draw_band(above, prevalences, [one.ppv for one in found], BLUE)
    wrong = [Value(1 - one.npv.value, 1 - one.npv.high, 1 - one.npv.low, one.npv.lesions) for one in found]
    _draw_band(below, prevalences, wrong, ORANGE)
    below.set_ylim(bottom=0)
    for axes in (above, below):
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(_MARKED))
        axes.xaxis.set_minor_locator(FixedLocator([]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.1%}".replace(".0%", "%")))
    return figure


def subgroups(found: tuple[Subgroup, ...], evaluation: Evaluation, name: str = "melanoma_auc") -> Figure:
    """Show one figure for every subgroup (a forest plot).

    Args:
        found: From `Evaluation.subgroups`.
        evaluation: All images, for the line that the subgroups are held against.
        name: `"balanced_accuracy"`, `"melanoma_auc"`, `"sensitivity"` or `"specificity"`.

    Returns:
        The figure; a subgroup with fewer than 20 lesions says "too few to tell".

    Raises:
        DetectorError: The name is none of these.

    Examples:
        >>> evaluation = detector.evaluate(data.test)
        >>> subgroups(evaluation.subgroups(), evaluation).axes[0].get_xlabel()
        'melanoma AUC'
    """
    if name not in SHOWN:
        raise DetectorError(f"name={name!r}; expected one of {', '.join(map(repr, SHOWN))}")
    figure = new_figure(5.2, 0.3 * len(found) + 1.7, f"{SHOWN[name][0].upper()}{SHOWN[name][1:]} by subgroup")
    axes = tidy(figure.subplots(), xlabel=SHOWN[name], xlim=(-0.02, 1.02))
    whole = evaluation.figures[name]
    rows = [
        ("all", whole.lesions, whole),
        *((f"{one.kind}: {one.name}", one.figures[name].lesions, None) for one in found),
    ]
    for row, one in enumerate((None, *found)):
        value = whole if one is None else one.figures[name]
        if one is not None and value.lesions < ENOUGH:
            axes.text(0.5, row, TOO_FEW, color=GREY, fontsize=8, ha="center", va="center", style="italic")
        elif np.isfinite(value.value):
            _draw_interval(axes, row, value, RED if one is None else BLUE)
    if np.isfinite(whole.value):
        axes.axvline(whole.value, color=RED, linewidth=1, linestyle=":")
    axes.set_yticks(range(len(rows)), [f"{text} ({lesions})" for text, lesions, _ in rows], fontsize=8)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    return figure


def _explain(figure: Figure, *axes: Axes) -> None:
    """Draw one legend below, each label once: what is compared with stands last, whatever matplotlib's own order."""
    pairs = [pair for one in axes for pair in zip(*one.get_legend_handles_labels(), strict=True)]
    found = {label: handle for handle, label in pairs}
    last = [label for label in found if "OTHER" in label]
    labels = [label for label in found if label not in last] + last
    handles = [found[label] for label in labels]
    figure.legend(handles, labels, frameon=False, fontsize=9, loc="outside lower left")


def _say(axes: Axes, words: str) -> None:
    axes.text(0.5, 0.5, words, ha="center", va="center", transform=axes.transAxes)


def _draw_curve(axes: Axes, evaluation: Evaluation) -> None:
    scores, positive = evaluation.melanoma_scores, evaluation.is_melanoma
    steps = np.concatenate([[np.inf], np.unique(scores)[::-1]])
    sensitivity = [(scores[positive] >= step).mean() for step in steps]
    false_alarms = [(scores[~positive] >= step).mean() for step in steps]
    label = f"the detector, AUC {evaluation.figures['melanoma_auc']}"
    axes.plot(false_alarms, sensitivity, color=BLUE, linewidth=1.8, label=label)


def _draw_point(axes: Axes, found: MeasuredPoint, *, own: bool) -> None:
    x, y = found.specificity, found.sensitivity
    axes.errorbar(
        [1 - x.value],
        [y.value],
        xerr=[[x.high - x.value], [x.value - x.low]],
        yerr=[[y.value - y.low], [y.high - y.value]],
        color=RED if own else BLUE,
        fmt="o" if own else "s",
        markersize=7 if own else 5,
        elinewidth=1,
        capsize=3,
        label="its operating point, set on validation" if own else "other operating points, set on validation",
    )


def _name_points(axes: Axes, points: Sequence[MeasuredPoint]) -> None:
    """Write what each was set for beside it; two that came to lie on one spot share their words."""
    spots: dict[tuple[float, float], list[MeasuredPoint]] = {}
    for found in points:
        spots.setdefault((1 - found.specificity.value, found.sensitivity.value), []).append(found)
    for (x, y), here in spots.items():
        left = here[0].point.goal < FOUND and x > 0.15
        words = ", ".join(f"{found.point.goal:.0%}" for found in here)
        place, side = ((-9, -13), "right") if left else ((7, -12), "left")
        axes.annotate(words, (x, y), place, textcoords="offset points", ha=side, color=GREY, fontsize=8)


def _draw_dermatologists(axes: Axes) -> None:
    axes.plot(
        [1 - DERMATOLOGISTS.specificity],
        [DERMATOLOGISTS.sensitivity],
        color=ORANGE,
        marker="D",
        markersize=8,
        markerfacecolor="white",
        markeredgewidth=1.8,
        linestyle="none",
        label="58 dermatologists on OTHER images (Haenssle et al. 2018)",
    )


def _draw_bins(axes: Axes, bins: list[Bin], label: str, *, hollow: bool) -> None:
    if not bins:
        return
    values = [found.observed for found in bins]
    axes.errorbar(
        [found.predicted for found in bins],
        [value.value for value in values],
        yerr=[[value.value - value.low for value in values], [value.high - value.value for value in values]],
        color=GREY if hollow else BLUE,
        markerfacecolor="white" if hollow else BLUE,
        fmt="o",
        elinewidth=1,
        capsize=3,
        label=label,
    )


def _draw_histogram(axes: Axes, evaluation: Evaluation) -> None:
    scores, positive = evaluation.melanoma_scores, evaluation.is_melanoma
    axes.hist(
        [scores[~positive], scores[positive]],
        bins=np.linspace(0, 1, BINS + 1).tolist(),
        stacked=True,
        color=[LIGHT, RED],
        label=["others", "melanomas"],
    )


def _draw_band(axes: Axes, x: np.ndarray, values: list[Value], color: str) -> None:
    axes.fill_between(x, [one.low for one in values], [one.high for one in values], color=color, alpha=0.2, linewidth=0)
    axes.plot(x, [one.value for one in values], color=color, linewidth=1.8)


def _draw_interval(axes: Axes, row: int, value: Value, color: str) -> None:
    around = [[value.value - value.low], [value.high - value.value]]
    axes.errorbar([value.value], [row], xerr=around, color=color, fmt="o", markersize=5, elinewidth=1.4, capsize=3)
