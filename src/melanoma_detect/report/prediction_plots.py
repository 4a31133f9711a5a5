"""The plot of a prediction: the prediction sheet."""

import textwrap
from pathlib import PurePath

from matplotlib.axes import Axes

from melanoma_detect.errors import MelanomaDetectError
from melanoma_detect.inference.operating_points import Target
from melanoma_detect.inference.prediction import Decision, Prediction
from melanoma_detect.inference.prediction_image import load_image
from melanoma_detect.report.figure import NotebookFigure
from melanoma_detect.report.notebook_prediction import KINDS, class_kind
from melanoma_detect.report.style import BLUE, GREY, LIGHT, ORANGE, RED, SMALL, new_figure
from melanoma_detect.utils.disclaimer import DISCLAIMER

_INKS: dict[Decision, str] = {"alert": "#b3261e", "refer": "#8a5300", "clear": "#1f6aa5"}
_COLORS = {"a": BLUE, "b": ORANGE, "c": GREY}  # of `KINDS`
_MAX_CLASSES = 9  # bars: the most probable ones
_CHARACTERS = 92  # of a line of the sentence


def prediction(value: Prediction) -> NotebookFigure:
    """Draw the prediction sheet: the image, the probability of each class, the threshold, and the sentence.

    Args:
        value: The prediction.

    Returns:
        The figure; with a note in place of the image where that cannot be had any more.

    Examples:
        >>> prediction(detector.predict(draw_lesion("melanoma", seed=1).pixels)).axes[1].get_xlabel()
        'probability'
    """
    word, color = value.decision.upper(), _INKS[value.decision]
    sentence = str(value).replace(value.source, PurePath(value.source).name or value.source, 1)
    lines = [*textwrap.wrap(sentence, _CHARACTERS), *textwrap.wrap(DISCLAIMER, _CHARACTERS)]
    classes = min(len(value.probabilities), _MAX_CLASSES)
    figure = new_figure(8, max(3.1, 0.31 * (classes + 2) + 0.75) + 0.19 * len(lines), "")
    title = word if value.abstained else f"{word}: {value.diagnosis}, {value.probabilities[value.diagnosis]:.1%}"
    figure.suptitle(title, x=0.012, ha="left", color=color, fontsize=14, fontweight="bold")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.35))
    _draw_image(left, value)
    _draw_bars(right, value)
    figure.supxlabel("\n".join(lines), x=0.012, ha="left", fontsize=9.5, color="#1f2933")
    return figure


def _draw_image(axes: Axes, value: Prediction) -> None:
    axes.axis("off")
    axes.set_anchor("N")
    try:
        axes.imshow(load_image(value, value.source))
    except MelanomaDetectError as error:
        note = textwrap.fill(f"no image: {error}", 30)
        axes.text(0.5, 0.5, note, ha="center", va="center", color=GREY, fontsize=SMALL, transform=axes.transAxes)


def _label(target: Target) -> str:
    return "alert to melanoma" if target == "melanoma" else "alert to malignancy"


def _draw_bars(axes: Axes, value: Prediction) -> None:
    """Draw the score that decides with its threshold, then the classes, the most probable first."""
    point, classes = value.operating_point, tuple(value.probabilities)
    target: Target = point.target if point else "melanoma"
    ordered = sorted(classes, key=lambda label: -value.probabilities[label])[:_MAX_CLASSES]
    shares = [getattr(value, target), *(value.probabilities[label] for label in ordered)]
    colors = [RED if value.alert else ORANGE, *(_COLORS[class_kind(label)] for label in ordered)]
    rows = [0.0, *(row + 1.6 for row in range(len(ordered)))]
    axes.barh(rows, [1.0] * len(rows), height=0.66, color=LIGHT, alpha=0.5)
    axes.barh(rows, shares, height=0.66, color=colors)
    for row, share in zip(rows, shares, strict=True):
        axes.text(1.03, row, f"{share:.1%}", va="center", fontsize=SMALL, color="#1f2933")
    if point:
        axes.plot([point.threshold] * 2, [-0.55, 0.55], color="#1f2933", linewidth=2)
        axes.text(
            point.threshold + 0.012, -0.6, f"alert from {point.threshold:.1%}", fontsize=9.5, color=GREY, va="bottom"
        )
    axes.set_yticks(rows, [_label(target), *ordered], fontsize=SMALL)
    held = {_label(target), *value.prediction_set}
    for label in axes.get_yticklabels():
        label.set_fontweight("bold" if label.get_text() in held else "normal")
    used = {class_kind(label) for label in ordered}
    for row, (kind, meaning) in enumerate(pair for pair in KINDS.items() if pair[0] in used):
        y = rows[-1] + 0.95 + 0.75 * row
        axes.text(0, y, "■", color=_COLORS[kind], fontsize=9.5, va="center")
        axes.text(0.05, y, meaning, color=GREY, fontsize=9.5, va="center")
    axes.set(xlim=(0, 1), ylim=(rows[-1] + 0.9 + 0.75 * len(used), -1.2), xticks=[])
    axes.set_xlabel("probability", color="none")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
