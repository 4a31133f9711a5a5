"""The style of all plots: colours that colour-blind readers can distinguish, light grids, no frames."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, ORANGE, RED, GREY, LIGHT = "#2b6ca3", "#e08e2b", "#c0392b", "#5f6b76", "#d9dee3"


def new_figure(width: float, height: float, title: str) -> Figure:
    """Return an empty figure with a title.

    It does not use `pyplot`, which keeps every figure alive in a global registry.

    Args:
        width: In inches.
        height: In inches.
        title: The title above the axes.

    Returns:
        The figure.

    Examples:
        >>> new_figure(4, 3, "lesions").get_suptitle()
        'lesions'
    """
    figure = Figure(figsize=(width, height), layout="constrained", dpi=130)
    figure.suptitle(title, fontsize=12, fontweight="bold")
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
    axes.tick_params(colors=GREY)
    axes.set(**labels)
    return axes


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
    axes.set_title(title, fontsize=8)
    axes.axis("off")
