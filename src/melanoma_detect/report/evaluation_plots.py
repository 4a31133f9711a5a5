"""Plots of an evaluation: ROC curve, calibration curve, predictive values, subgroups."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, PercentFormatter
from sklearn.metrics import roc_curve

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.bootstrap import Figure as Value
from melanoma_detect.evaluation.calibration_curve import Bin
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.evaluation.measured_points import MeasuredPoint
from melanoma_detect.evaluation.metrics import BINS, SENSITIVITY
from melanoma_detect.evaluation.subgroups import MIN_LESIONS, SHOWN, TOO_FEW, Subgroup
from melanoma_detect.inference.operating_points import PLURALS, Target
from melanoma_detect.report.reference_results import DERMATOLOGISTS
from melanoma_detect.report.style import BLUE, GREY, LIGHT, ORANGE, RED, new_figure, tidy
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.deprecation import renamed_keywords

_NOUNS: dict[Target, str] = {"melanoma": "melanoma", "malignant": "malignancy"}
_MIN_PREVALENCE, _MAX_PREVALENCE = 0.002, 0.3  # from screening everybody to a specialist's clinic
_TICKS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)


def roc(evaluation: Evaluation) -> Figure:
    """Plot the ROC curve for the evaluation's target, melanoma by default, with the detector's operating points.

    A published result of dermatologists on melanoma is drawn as a hollow marker: they read other images.

    Args:
        evaluation: The evaluation.

    Returns:
        The figure; with a note in place of the curve if the images show the target only, or never.

    Examples:
        >>> roc(detector.evaluate(data.test)).axes[0].get_xlabel()
        '1 − specificity'
    """
    figure = new_figure(
        5.2, 6.2, f"ROC curve for {_NOUNS[evaluation.target]}\n{len(evaluation)} {evaluation.split} images"
    )
    axes = tidy(
        figure.subplots(), xlabel="1 − specificity", ylabel="sensitivity", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02)
    )
    axes.set_aspect("equal")
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="chance")
    sides = _known_sides(evaluation)
    positive = sides.is_positive
    if not positive.any() or positive.all():
        _write_note(axes, f"no ROC curve: these images show\n{PLURALS[evaluation.target]} only, or none")
        return figure
    # Keep collinear points: a step for each score shows how few melanomas a curve rests on.
    false_positive_rate, sensitivity, _ = roc_curve(positive, sides.target_scores, drop_intermediate=False)
    label = f"detector, AUC {evaluation.figures[f'{evaluation.target}_auc']}"
    axes.plot(false_positive_rate, sensitivity, color=BLUE, linewidth=1.8, label=label)
    points = evaluation.measured_points()
    for measured in sorted(points, key=lambda measured: measured.point == evaluation.operating_point):  # in use: on top
        _draw_point(axes, measured, in_use=measured.point == evaluation.operating_point)
    _label_points(axes, points)
    if evaluation.target == "melanoma":
        _draw_dermatologists(axes)
    _draw_legend(figure, axes)
    return figure


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
    noun = _NOUNS[evaluation.target]
    figure = new_figure(5.2, 6.2, f"Calibration curve for {noun}\n{len(evaluation)} {evaluation.split} images")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    tidy(above, ylabel=f"observed share of {PLURALS[evaluation.target]}", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    tidy(below, xlabel=f"predicted probability of {noun}", ylabel="images")
    bins = evaluation.calibration_curve()
    if not bins:
        _write_note(above, f"no calibration curve: no class is {evaluation.target}")
        return figure
    above.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="perfect calibration")
    enough = [tenth for tenth in bins if tenth.observed.lesions >= MIN_LESIONS]
    few = [tenth for tenth in bins if tenth.observed.lesions < MIN_LESIONS]
    _draw_bins(above, enough, f"bin of {MIN_LESIONS} lesions or more", hollow=False)
    _draw_bins(above, few, f"bin of fewer than {MIN_LESIONS} lesions", hollow=True)
    _draw_histogram(below, evaluation)
    above.set_title(f"ECE {evaluation.figures['ece']}", fontsize=9, color=GREY)
    _draw_legend(figure, above, below)
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
    noun, plural = _NOUNS[evaluation.target], PLURALS[evaluation.target]
    figure = new_figure(5.2, 6.2, f"Predictive values\nby prevalence of {noun}")
    above, below = figure.subplots(2, 1, sharex=True)
    tidy(above, ylabel=f"alerts that are {plural}\n(PPV)", ylim=(0, 1.02))
    tidy(below, xlabel=f"prevalence of {noun}", ylabel=f"cleared that are {plural}\n(1 − NPV)")
    prevalences = np.geomspace(_MIN_PREVALENCE, _MAX_PREVALENCE, 60)
    try:
        values = [evaluation.at_prevalence(float(prevalence)) for prevalence in prevalences]
    except DetectorError:
        _write_note(above, f"not defined: no operating point,\nno {plural}, or nothing else")
        return figure
    _draw_band(above, prevalences, [value.ppv for value in values], BLUE)
    # 1 − NPV: the NPV itself is so close to 100 % that its curve would be a flat line.
    npvs = [value.npv for value in values]
    wrongly_cleared = [Value(1 - npv.value, 1 - npv.high, 1 - npv.low, npv.lesions) for npv in npvs]
    _draw_band(below, prevalences, wrongly_cleared, ORANGE)
    below.set_ylim(bottom=0)
    for axes in (above, below):
        axes.yaxis.set_major_formatter(PercentFormatter(1))
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
    figure = new_figure(5.2, 0.3 * len(parts) + 1.7, f"{SHOWN[name][0].upper()}{SHOWN[name][1:]} by subgroup")
    axes = tidy(figure.subplots(), xlabel=SHOWN[name], xlim=(-0.02, 1.02))
    overall = evaluation.figures[name]
    if np.isfinite(overall.value):
        _draw_interval(axes, 0, overall, RED)
        axes.axvline(overall.value, color=RED, linewidth=1, linestyle=":")
    for row, part in enumerate(parts, start=1):
        if part.figures[name].lesions < MIN_LESIONS:
            axes.text(0.5, row, TOO_FEW, color=GREY, fontsize=8, ha="center", va="center", style="italic")
        elif part.is_reliable(name):
            _draw_interval(axes, row, part.figures[name], BLUE)
    labels = [f"{part.kind}: {part.name} ({part.figures[name].lesions})" for part in parts]
    axes.set_yticks(range(len(parts) + 1), [f"all ({overall.lesions})", *labels], fontsize=8)
    axes.set_ylim(len(parts) + 0.6, -0.6)
    axes.grid(visible=False, axis="y")
    return figure


def _draw_legend(figure: Figure, *axes: Axes) -> None:
    """Draw one legend below, each label once; what is measured on other images comes last."""
    pairs = [pair for part in axes for pair in zip(*part.get_legend_handles_labels(), strict=True)]
    handles = {label: handle for handle, label in pairs}
    # matplotlib lists plain lines before error bars: the dermatologists would come between the detector's results.
    labels = sorted(handles, key=lambda label: "OTHER" in label)
    figure.legend([handles[label] for label in labels], labels, frameon=False, fontsize=9, loc="outside lower left")


def _write_note(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes)


def _draw_point(axes: Axes, measured: MeasuredPoint, *, in_use: bool) -> None:
    specificity, sensitivity = measured.specificity, measured.sensitivity
    axes.errorbar(
        [1 - specificity.value],
        [sensitivity.value],
        xerr=[[specificity.high - specificity.value], [specificity.value - specificity.low]],
        yerr=[[sensitivity.value - sensitivity.low], [sensitivity.high - sensitivity.value]],
        color=RED if in_use else BLUE,
        fmt="o" if in_use else "s",
        markersize=7 if in_use else 5,
        elinewidth=1,
        capsize=3,
        label="operating point in use, set on validation" if in_use else "other operating points, set on validation",
    )


def _label_points(axes: Axes, points: Sequence[MeasuredPoint]) -> None:
    """Write the goal of each operating point beside it; points at one position share a label."""
    positions: dict[tuple[float, float], list[MeasuredPoint]] = {}
    for measured in points:
        positions.setdefault((1 - measured.specificity.value, measured.sensitivity.value), []).append(measured)
    for (x, y), here in positions.items():
        # To the right, except where the labels of the points for 95 and 99 % stand.
        left = here[0].point.goal < SENSITIVITY and x > 0.15
        text = ", ".join(f"{100 * measured.point.goal:g}%" for measured in here)
        offset, alignment = ((-9, -13), "right") if left else ((7, -12), "left")
        axes.annotate(text, (x, y), offset, textcoords="offset points", ha=alignment, color=GREY, fontsize=8)


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
    observed = [tenth.observed for tenth in bins]
    axes.errorbar(
        [tenth.predicted for tenth in bins],
        [share.value for share in observed],
        yerr=[[share.value - share.low for share in observed], [share.high - share.value for share in observed]],
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
        color=[LIGHT, RED],
        label=["other images", PLURALS[evaluation.target]],
    )


def _draw_band(axes: Axes, x: Float64Array, values: list[Value], color: str) -> None:
    low, high = [value.low for value in values], [value.high for value in values]
    axes.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)
    axes.plot(x, [value.value for value in values], color=color, linewidth=1.8)


def _draw_interval(axes: Axes, row: int, value: Value, color: str) -> None:
    width = [[value.value - value.low], [value.high - value.value]]
    axes.errorbar([value.value], [row], xerr=width, color=color, fmt="o", markersize=5, elinewidth=1.4, capsize=3)
