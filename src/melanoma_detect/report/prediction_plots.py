"""The plots of a prediction and of an explanation: sheets with the image, what was found, and the sentences."""

import textwrap
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap
from PIL import Image

from melanoma_detect.errors import MelanomaDetectError
from melanoma_detect.explain.explanation import METHOD_NAMES, Explanation
from melanoma_detect.explain.overlay import draw_overlay
from melanoma_detect.inference.operating_points import Target
from melanoma_detect.inference.prediction import Prediction
from melanoma_detect.inference.prediction_image import load_image
from melanoma_detect.printable import printable
from melanoma_detect.report.figure import NotebookFigure, drawable
from melanoma_detect.report.notebook_prediction import COLORS, KINDS, class_kind
from melanoma_detect.report.style import GREY, LIGHT, SMALL, new_figure, show_image
from melanoma_detect.utils.disclaimer import DISCLAIMER
from melanoma_detect.utils.probabilities import format_percent, format_threshold, is_probability

_INK = "#1f2933"
_MAX_CLASSES = 9  # bars: the most probable ones
_BARS, _NAMES = 3.0, 2.9  # inches: the width of the bars, and of their names and figures
_SIDES = (2.0, 4.0)  # inches: the least and the largest width of the image
_LEAST = 6.2  # inches: the width of an explanation with its title and sentences
_ROW = 0.31  # inches: the height of a bar
_LINE = 0.19  # inches: the height of a line of the sentence
_CHARACTERS = 13.2  # of the sentence, in an inch


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
    word, image = value.decision.upper(), _find_image(value)
    kinds = [pair for pair in KINDS.items() if pair[0] in {class_kind(label) for label in _most_probable(value)}]
    key = _LINE * len(kinds) + 0.1
    height = max(_ROW * (min(len(value.probabilities), _MAX_CLASSES) + 3), _SIDES[0] + key + 0.5)
    # As wide as the image is at the height of the bars, so that neither of them leaves a gap below it.
    shape = image.width / image.height if isinstance(image, Image.Image) else 1
    side = min(max((height - key - 0.5) * shape, _SIDES[0]), _SIDES[1])
    sentence = drawable(str(value).replace(printable(value.source), PurePath(value.source).name or value.source, 1))
    heading = f"{word}: no diagnosis"
    if not value.abstained:
        heading = f"{word}: {value.diagnosis}, {format_percent(value.probabilities[value.diagnosis])}"
    figure = new_sheet(side + _BARS + _NAMES, height, heading, sentence, color=COLORS[value.decision])
    grid = figure.add_gridspec(2, 2, width_ratios=(side, _BARS), height_ratios=(height - key - 0.5, key))
    _draw_image(figure.add_subplot(grid[0, 0]), image)
    _draw_bars(figure.add_subplot(grid[:, 1]), value)
    _draw_key(figure.add_subplot(grid[1, 0]), kinds)
    figure.alt = f"Prediction sheet: the image and the probability of each class. {sentence}"
    return figure


def explanation(value: Explanation) -> NotebookFigure:
    """Draw an explanation: the image, the heat map over it with its scale, and the sentences.

    Args:
        value: The explanation.

    Returns:
        The figure.

    Examples:
        >>> made = detector.explain(draw_lesion("melanoma", seed=1).pixels, method="occlusion")
        >>> explanation(made).axes[1].get_title()
        'evidence, by occlusion'
    """
    text = drawable(" ".join(value.sentences()))
    title = value.title
    rows, columns = value.image.shape[:2]
    side = min(4.0, 4.0 * columns / rows)
    figure = new_sheet(max(2 * side + 0.3, _LEAST), side * rows / columns + 0.85, title, text)
    left, right = figure.subplots(1, 2)
    show_image(left, value.image, "image")
    show_image(right, np.asarray(value.overlay()), f"evidence, by {METHOD_NAMES.get(value.method, value.method)}")
    ramp = draw_overlay(np.full((1, 64, 3), 160, np.uint8), np.linspace(0, 1, 64)[None])
    scale = ScalarMappable(cmap=ListedColormap(np.asarray(ramp)[0] / 255))
    bar = figure.colorbar(
        scale, ax=[left, right], orientation="horizontal", shrink=0.5, anchor=(1, 0), aspect=35, pad=0.02
    )
    bar.set_ticks([0, 1], labels=["no evidence", "most in this image"], fontsize=9.5)
    low, high = bar.ax.get_xticklabels()
    low.set_horizontalalignment("left")
    high.set_horizontalalignment("right")
    bar.ax.tick_params(length=0)
    bar.outline.set_visible(False)
    figure.alt = f"The image, and the evidence for {value.diagnosis} over it. {text}"
    return figure


def new_sheet(width: float, height: float, title: str, sentences: str, *, color: str = _INK) -> NotebookFigure:
    """Return a figure with a title on the left, and with the sentences and the disclaimer below.

    Args:
        width: In inches.
        height: In inches, without the sentences.
        title: The title.
        sentences: The sentences.
        color: Of the title.

    Returns:
        The figure, without axes.

    Examples:
        >>> len(new_sheet(4, 2, "title", "A sentence.").axes)
        0
    """
    letters = int((width - 0.2) * _CHARACTERS)
    lines = textwrap.wrap(sentences, letters)
    note = textwrap.wrap(DISCLAIMER, int(letters * 9.5 / 9))
    figure = new_figure(width, height + _LINE * len(lines + note), "")
    figure.suptitle(drawable(title), x=0.012, ha="left", color=color, fontsize=14, fontweight="bold")
    figure.supxlabel("\n".join([*lines, *note]), x=0.012, ha="left", fontsize=9.5, color=_INK)
    return figure


def _find_image(value: Prediction) -> Image.Image | str:
    """Return the image of a prediction, or why there is none."""
    try:
        return load_image(value, value.source)
    except MelanomaDetectError as error:
        return f"no image: {error}"


def _draw_image(axes: Axes, image: Image.Image | str) -> None:
    axes.axis("off")
    axes.set_anchor("NW")
    if isinstance(image, str):
        draw_no_image(axes, image)
    else:
        axes.imshow(image)


def draw_no_image(axes: Axes, reason: str) -> None:
    """Write why there is no image in its place.

    Args:
        axes: The place.
        reason: The reason.

    Examples:
        >>> draw_no_image(new_sheet(4, 2, "title", "").add_subplot(), "no image: gone.jpg")
    """
    note = textwrap.fill(drawable(reason), 30)
    axes.text(0.5, 0.5, note, ha="center", va="center", color=GREY, fontsize=SMALL, transform=axes.transAxes)


def _draw_key(axes: Axes, kinds: Sequence[tuple[str, str]]) -> None:
    """Say below the image what the colours of the bars mean."""
    axes.axis("off")
    place: Any = {"xycoords": "axes fraction", "textcoords": "offset points", "fontsize": 9.5, "va": "center"}
    for row, (kind, meaning) in enumerate(kinds):
        # Out of the layout: the figure has room for them.
        axes.annotate("■", (0, 1), (0, -13.5 * row - 5), color=COLORS[kind], **place).set_in_layout(False)
        axes.annotate(meaning, (0, 1), (13, -13.5 * row - 5), color=GREY, **place).set_in_layout(False)


def _most_probable(value: Prediction) -> list[str]:
    return sorted(value.probabilities, key=lambda label: -value.probabilities[label])[:_MAX_CLASSES]


def _label(target: Target) -> str:
    return "alert to melanoma" if target == "melanoma" else "alert to malignancy"


def _draw_bars(axes: Axes, value: Prediction) -> None:
    """Draw the score that decides with its threshold, then the classes, the most probable first."""
    point = value.operating_point
    target: Target = point.target if point else "melanoma"
    ordered = _most_probable(value)
    shares = [getattr(value, target), *(value.probabilities[label] for label in ordered)]
    colors = [COLORS["alert" if value.alert else "b"], *(COLORS[class_kind(label)] for label in ordered)]
    rows = [0.0, *(row + 1.6 for row in range(len(ordered)))]
    axes.barh(rows, [1.0] * len(rows), height=0.66, color=LIGHT, alpha=0.5)
    # A probability that is no number has no bar.
    axes.barh(rows, np.clip(np.nan_to_num(shares, posinf=0), 0, 1), height=0.66, color=colors)
    for row, share in zip(rows, shares, strict=True):
        axes.text(1.03, row, format_percent(share), va="center", fontsize=SMALL, color=_INK)
    if point and is_probability(point.threshold):
        axes.plot([point.threshold] * 2, [-0.55, 0.55], color=_INK, linewidth=2)
        right = point.threshold > 0.5  # the words stand where there is room
        axes.text(
            point.threshold,
            -0.6,
            f"alert from {format_threshold(point.threshold)}",
            fontsize=9.5,
            color=GREY,
            va="bottom",
            ha="right" if right else "left",
        )
    axes.set_yticks(rows, [_label(target), *map(drawable, ordered)], fontsize=SMALL)
    held = {_label(target), *map(drawable, value.prediction_set)}
    for label in axes.get_yticklabels():
        label.set_fontweight("bold" if label.get_text() in held else "normal")
    axes.set(xlim=(0, 1), ylim=(rows[-1] + 0.5, -1.2), xticks=[])
    axes.set_xlabel("probability", fontsize=9.5, color=GREY)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
