"""The style of all plots: colours that colour-blind readers can distinguish, large letters, light grids, no frames.

The colours are those of Okabe and Ito (2008, https://jfly.uni-koeln.de/color), which readers with any colour blindness can tell
apart; where two of them meet in one plot, their marks or lines differ too, for printing in grey.
"""

import textwrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from melanoma_detect.evaluation.bootstrap import Figure as Value
from melanoma_detect.report.figure import NotebookFigure, drawable

BLUE, ORANGE, RED, GREY, LIGHT = "#0072b2", "#e69f00", "#d55e00", "#4f5a64", "#d9dee3"
PALE = "#bcc5cd"  # of areas, which must differ from white paper and from the dark page, where colours are inverted
# Of letters, in points. A page of a phone shows a figure of WIDTH at about 0.85 of its size: 9 points are left.
TEXT, SMALL, TITLE = 11, 10.7, 12.5
WIDTH = 4.4  # inches, of a figure that a phone shows whole


def new_figure(width: float, height: float, title: str) -> NotebookFigure:
    """Return an empty figure with a title.

    It does not use `pyplot`, which keeps every figure alive in a global registry.

    Args:
        width: In inches.
        height: In inches.
        title: The title above the axes.

    Returns:
        The figure, which shows itself in a notebook.

    Examples:
        >>> new_figure(4, 3, "lesions").get_suptitle()
        'lesions'
    """
    figure = NotebookFigure(figsize=(width, height), layout="constrained", dpi=130)
    figure.suptitle(title, fontsize=TITLE, fontweight="bold")
    return figure


def tidy(axes: Axes, **labels: Any) -> Axes:
    """Remove the frame, draw a light grid and set labels.

    Args:
        axes: The axes.
        **labels: The arguments of `Axes.set`: xlabel, ylabel, title, xlim, ...

    Returns:
        The axes.

    Examples:
        >>> tidy(new_figure(4, 3, "lesions").subplots(), xlabel="epoch").get_xlabel()
        'epoch'
    """
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.grid(color=LIGHT, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=GREY, labelsize=TEXT)
    axes.set(**labels)
    for text in (axes.xaxis.label, axes.yaxis.label, axes.title):
        text.set_fontsize(TEXT)
    return axes


def wrap(text: str, inches: float, size: float = TEXT) -> str:
    """Break a text into lines that fit a width.

    Args:
        text: The text; its own line breaks stay.
        inches: The width.
        size: Of the letters, in points.

    Returns:
        The text with line breaks. A word that is too long is broken too.

    Examples:
        >>> wrap("pigmented benign keratosis", 1.2).splitlines()
        ['pigmented', 'benign', 'keratosis']
    """
    text = drawable(text)
    letters = max(4, int(inches * 72 / (0.54 * size)))  # 0.54: the mean width of a letter over its height
    return "\n".join(line for part in text.splitlines() for line in textwrap.wrap(part, letters))


def whiskers(*values: Value) -> tuple[list[float], list[float]]:
    """Return how far intervals reach below and above their values, as `Axes.errorbar` takes them.

    Args:
        *values: The values with their intervals.

    Returns:
        Lengths, none below 0: an end may pass its value by a rounding error, and a percentile interval by more.

    Examples:
        >>> whiskers(Value(0.5, 0.25, 0.625, 9))
        ([0.25], [0.125])
    """
    below = [max(0.0, value.value - value.low) for value in values]
    return below, [max(0.0, value.high - value.value) for value in values]


def draw_legend(figure: Figure, *axes: Axes) -> None:
    """Draw one legend below the axes, each label once, one a line; what is measured on other images comes last.

    Args:
        figure: The figure.
        *axes: The axes whose lines and marks it names.

    Examples:
        >>> figure = new_figure(4, 3, "lesions")
        >>> axes = figure.subplots()
        >>> _ = axes.plot([0, 1], label="nevi")
        >>> draw_legend(figure, axes)
        >>> [text.get_text() for text in figure.legends[0].get_texts()]
        ['nevi']
    """
    pairs = [pair for part in axes for pair in zip(*part.get_legend_handles_labels(), strict=True)]
    handles = {label: handle for handle, label in pairs}
    # matplotlib lists plain lines before error bars: the dermatologists would come between the detector's results.
    labels = sorted(handles, key=lambda label: "OTHER" in label)
    wrapped = [wrap(label, figure.get_figwidth() - 0.7, SMALL) for label in labels]
    figure.legend(
        [handles[label] for label in labels], wrapped, frameon=False, fontsize=SMALL, loc="outside lower left"
    )


def write_note(axes: Axes, text: str) -> None:
    """Write a note in place of a curve.

    Args:
        axes: The axes.
        text: The note.

    Examples:
        >>> write_note(new_figure(4, 3, "lesions").subplots(), "no lesions")
    """
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, fontsize=TEXT)


def show_image(axes: Axes, pixels: Any, title: str) -> None:
    """Draw an image without axes.

    Args:
        axes: The axes to draw into.
        pixels: uint8 `(height, width, 3)`.
        title: The title above the image.

    Examples:
        >>> show_image(new_figure(2, 2, "").subplots(), draw_lesion("nevus", seed=1).pixels, "nevus")
    """
    axes.imshow(pixels)
    axes.set_title(title, fontsize=SMALL)
    axes.axis("off")
