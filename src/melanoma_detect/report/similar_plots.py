"""The plot of similar cases: the image, and the cases with their diagnoses and distances."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from PIL import Image

from melanoma_detect.errors import MelanomaDetectError
from melanoma_detect.explain.similar_sheet import case_image
from melanoma_detect.images.reader import resize_image
from melanoma_detect.inference.prediction_image import load_image
from melanoma_detect.report.figure import NotebookFigure
from melanoma_detect.report.notebook_prediction import COLORS, class_kind
from melanoma_detect.report.prediction_plots import draw_no_image, new_sheet
from melanoma_detect.report.style import wrap
from melanoma_detect.similar.cases import SimilarCases

_COLUMNS = 5
_MOST = 40  # cases that are drawn
_SIDE = 240  # pixels of an image's file
_INCHES = 1.9


def similar(value: SimilarCases) -> NotebookFigure:
    """Draw an image, and the cases that are similar to it, the nearest first, in rows of five.

    Args:
        value: The cases.

    Returns:
        The figure; with the reason in place of an image that cannot be read.

    Examples:
        >>> similar(detector.similar(data.records[0], data, k=3)).axes[0].get_title("left")
        'this image'
    """
    shown = value.cases[:_MOST]
    rows = -(-(len(shown) + 1) // _COLUMNS)
    text = " ".join([f"{value.heading[:1].upper()}{value.heading[1:]}: {value.summary}", *value.notes])
    figure = new_sheet(_COLUMNS * _INCHES, rows * (_INCHES + 0.5) + 0.4, "Similar cases", text)
    axes = [figure.add_subplot(rows, _COLUMNS, place + 1) for place in range(len(shown) + 1)]
    _draw(axes[0], lambda: _load(value), "this image", "#1f2933")
    for place, case in enumerate(shown):
        title = f"{place + 1}. {case.diagnosis}\n{case.distance:.3f}, {Path(case.source).name or case.record.path.name}"
        _draw(axes[place + 1], partial(case_image, value, place, _SIDE), title, COLORS[class_kind(case.diagnosis)])
    figure.alt = f"An image, and the cases nearest to it. {text}"
    return figure


def _draw(axes: Axes, load: Callable[[], Image.Image], title: str, color: str) -> None:
    # Matplotlib's own wrapping reads dollars as formulas.
    axes.set_title(wrap(title, _INCHES, 9), fontsize=9, color=color, loc="left", parse_math=False)
    try:
        axes.imshow(np.asarray(load()))
    except MelanomaDetectError as error:
        draw_no_image(axes, f"no image: {error}")
    axes.axis("off")


def _load(value: SimilarCases) -> Image.Image:
    return Image.fromarray(resize_image(load_image(value, value.source), (_SIDE, _SIDE), "crop"))
