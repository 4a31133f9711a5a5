"""Figures: each function takes a value of this library and returns a matplotlib `Figure`."""

import math

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from melanoma_detect.data.dataset import Dataset, Split
from melanoma_detect.errors import DatasetError
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.images.reader import read
from melanoma_detect.report.evaluation_plots import calibration, predictive_values, roc, subgroups
from melanoma_detect.report.style import BLUE, GREY, LIGHT, ORANGE, new_figure, show_image, tidy
from melanoma_detect.training.recipes import Augmentation

__all__ = [
    "augmentation",
    "calibration",
    "classes",
    "confusion",
    "distribution",
    "predictive_values",
    "roc",
    "subgroups",
    "training",
]


def classes(data: Dataset) -> Figure:
    """Show one training image of each class.

    Args:
        data: A dataset.

    Returns:
        The figure.

    Examples:
        >>> len(classes(data).axes)
        9
    """
    first = {record.label: record for record in reversed(data.train.records)}
    columns = min(5, len(data.classes))
    rows = math.ceil(len(data.classes) / columns)
    figure = new_figure(2.1 * columns, 2.3 * rows + 0.4, "One training image of each class")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, label in zip(grid, data.classes, strict=False):
        show_image(axes, read(first[label].image, data.image_size, data.resize), label)
    for axes in grid[len(data.classes) :]:
        axes.remove()
    return figure


def distribution(before: Dataset, after: Dataset | None = None) -> Figure:
    """Show how many training images each class has, before and after balancing.

    Args:
        before: The dataset as it was loaded.
        after: The balanced one, or None.

    Returns:
        The figure.

    Examples:
        >>> len(distribution(data).axes)
        1
    """
    title = "Training images of each class" + (", before and after balancing" if after else "")
    figure = new_figure(8, 0.42 * len(before.classes) + 1.6, title)
    axes = figure.subplots()
    place = np.arange(len(before.classes))
    if after:
        bars = axes.barh(place, after.distribution()["train"], height=0.74, color=LIGHT, label="after (with copies)")
        axes.bar_label(bars, padding=3, fontsize=8, color=GREY)
    counts = before.distribution()["train"]
    bars = axes.barh(place, counts, height=0.44, color=BLUE, label="before")
    inside = {"label_type": "center", "color": "white"} if after else {"padding": 3, "color": BLUE}
    axes.bar_label(bars, fontsize=8, **inside)
    axes.set_yticks(place, before.classes)
    axes.invert_yaxis()
    tidy(axes, xlabel="images").grid(visible=False, axis="y")
    axes.margins(x=0.08)
    if after:
        axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def augmentation(
    part: Split, augmentation: Augmentation, *, images: int = 3, views: int = 6, seed: int = 123
) -> Figure:
    """Show training images as they are and as training changes them.

    Args:
        part: Where to take images from.
        augmentation: The random changes.
        images: How many images.
        views: How many random changes of each.
        seed: Where the changes come from.

    Returns:
        The figure: a row an image, the unchanged one first.

    Raises:
        DatasetError: The split is empty.

    Examples:
        >>> len(augmentation(data.train, Augmentation(), images=2, views=3).axes)
        8
    """
    from melanoma_detect.training.preview import augmented  # noqa: PLC0415 - the other figures do without Keras

    if not len(part):
        raise DatasetError(f"the {part.name} split is empty; there is nothing to show")
    chosen = [part.records[at] for at in np.linspace(0, len(part) - 1, images).astype(int)]
    figure = new_figure(
        1.5 * (views + 1), 1.75 * images + 0.4, "What training sees: each image, and random changes of it"
    )
    grid = figure.subplots(images, views + 1, squeeze=False)
    for at, record in enumerate(chosen):
        row = grid[at]
        pixels = read(record.image, part.image_size, part.resize)
        show_image(row[0], pixels, record.label)
        for axes, changed in zip(row[1:], augmented(pixels, augmentation, views, seed=seed + at), strict=True):
            show_image(axes, changed, "")
    return figure


def training(history: pd.DataFrame, best_epoch: int | None = None) -> Figure:
    """Show loss and accuracy, epoch by epoch.

    Args:
        history: `Detector.history`.
        best_epoch: The epoch whose weights were kept, from 1.

    Returns:
        The figure.

    Examples:
        >>> len(training(detector.history).axes)
        2
    """
    figure = new_figure(9, 3.6, "Training")
    for axes, column in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        axes.plot(history["epoch"], history[column], color=BLUE, marker="o", markersize=3, label="training")
        axes.plot(
            history["epoch"],
            history[f"val_{column}"],
            color=ORANGE,
            marker="o",
            markersize=3,
            label="validation",
        )
        if best_epoch:
            axes.axvline(best_epoch, color=GREY, linewidth=1, linestyle=":", label=f"kept: epoch {best_epoch}")
        tidy(axes, xlabel="epoch", title=column, xlim=(0.5, len(history) + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False, fontsize=8)
    return figure


def confusion(evaluation: Evaluation) -> Figure:
    """Show what was taken for what: counts, shaded by the share of the true class.

    Args:
        evaluation: The figures.

    Returns:
        The figure.

    Examples:
        >>> confusion(detector.evaluate(data.test)).axes[0].get_ylabel()
        'truth (images)'
    """
    counts = evaluation.confusion
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 0.62 * len(evaluation.classes) + 2.6
    figure = new_figure(side, side * 0.9, f"What was taken for what: {len(evaluation)} {evaluation.split} images")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(counts):
        colour = "white" if shares[row, column] > 0.55 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour, fontsize=9)
    axes.set_xticks(range(len(evaluation.classes)), evaluation.classes, rotation=40, ha="right", rotation_mode="anchor")
    named = [f"{label} ({row.sum()})" for label, row in zip(evaluation.classes, counts, strict=True)]
    axes.set_yticks(range(len(evaluation.classes)), named)
    axes.set(xlabel="answer (shade: the share of the true class)", ylabel="truth (images)")
    for tick, count in zip(axes.get_yticklabels(), counts.sum(axis=1), strict=True):
        tick.set_color("black" if count else GREY)
    axes.tick_params(length=0)
    return figure
