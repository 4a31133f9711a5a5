"""The plot of ROC curves with operating points that lie on them."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.evaluation.roc import PointOnCurve, RocCurve
from melanoma_detect.evaluation.subgroups import MIN_LESIONS
from melanoma_detect.inference.operating_points import PLURALS, Target
from melanoma_detect.report.reference_results import DERMATOLOGISTS
from melanoma_detect.report.style import BLUE, GREY, RED, WIDTH, draw_legend, new_figure, tidy, write_note
from melanoma_detect.utils.counts import count_noun

NOUNS: dict[Target, str] = {"melanoma": "melanoma", "malignant": "malignancy"}
_GREEN = "#009e73"
# Of the curves over all images and over each type of image: they differ without colour too.
_STYLES = ((BLUE, "-"), (GREY, "--"), (_GREEN, "-."))
_MARKERS = ("s", "^", "v", "P", "X")


def roc(evaluation: Evaluation) -> Figure:
    """Plot the ROC curve for the evaluation's target, melanoma by default, with the detector's operating points.

    Each point lies on its curve: only the threshold counts here, as for the AUC. Where the detector judges two types of image
    by thresholds of their own, each type has its curve. A published result of dermatologists on melanoma is drawn as a
    hollow marker: they read other images.

    Args:
        evaluation: The evaluation.

    Returns:
        The figure; with a note in place of the curve if the images show the target only, or never.

    Examples:
        >>> roc(detector.evaluate(data.test)).axes[0].get_xlabel()
        'false-positive rate (1 − specificity)'
    """
    images = count_noun(len(evaluation), f"{evaluation.split} image".strip())
    figure = new_figure(WIDTH, 6.6, f"ROC curve for {NOUNS[evaluation.target]}\n{images}")
    axes = tidy(
        figure.subplots(),
        xlabel="false-positive rate (1 − specificity)",
        ylabel=f"sensitivity for {PLURALS[evaluation.target]}",
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
    )
    axes.set_aspect("equal")
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="chance")
    curves = evaluation.roc_curves()
    if not curves:
        write_note(axes, f"no ROC curve: these images show\n{PLURALS[evaluation.target]} only, or none")
        return figure
    for curve, style in zip(curves, _STYLES, strict=False):
        _draw_curve(axes, curve, style, alone=len(curves) == 1)
    in_use = evaluation.operating_point.goal if evaluation.operating_point else None
    _draw_points(axes, [on for curve in curves for on in curve.operating_points], in_use)
    if evaluation.target == "melanoma":
        _draw_dermatologists(axes)
    draw_legend(figure, axes)
    return figure


def _draw_curve(axes: Axes, curve: RocCurve, style: tuple[str, str], *, alone: bool) -> None:
    """Draw every vertex: a step for each score shows how few melanomas a curve rests on."""
    color, line = style
    name = "detector" if alone else curve.name
    axes.plot(
        [at.false_positive_rate for at in curve.points],
        [at.sensitivity for at in curve.points],
        color=color,
        linestyle=line,
        linewidth=1.8,
        label=f"{name}: AUC {curve.auc}{_few(curve)}",
    )


def _few(curve: RocCurve) -> str:
    """Return a warning for the legend where the rarer side of a curve has too few lesions to compare its area."""
    count = curve.auc.lesions
    return f", too few lesions ({count})" if count < MIN_LESIONS else ""


def _draw_points(axes: Axes, points: Sequence[PointOnCurve], in_use: float | None) -> None:
    """Draw the points by their goals, those in use last and so on top. Their names are in the legend, so that none overlap."""
    goals = sorted({on.point.goal for on in points}, key=lambda goal: (goal == in_use, goal))
    for goal, marker in zip(goals, (*_MARKERS[: len(goals) - 1], "o"), strict=False):
        own = [on for on in points if on.point.goal == goal]
        used = goal == in_use
        axes.plot(
            [on.false_positive_rate for on in own],
            [on.sensitivity for on in own],
            color=RED if used else GREY,
            marker="o" if used else marker,
            markersize=9 if used else 6,
            markeredgecolor="white",
            linestyle="none",
            label=f"{'operating point in use' if used else 'operating point'}: set for {100 * goal:g} % sensitivity",
        )


def _draw_dermatologists(axes: Axes) -> None:
    axes.plot(
        [1 - DERMATOLOGISTS.specificity],
        [DERMATOLOGISTS.sensitivity],
        color="black",
        marker="D",
        markersize=7,
        markerfacecolor="white",
        markeredgewidth=1.6,
        linestyle="none",
        label="58 dermatologists on OTHER images (Haenssle et al. 2018)",
    )
