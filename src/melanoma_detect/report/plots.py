"""Plots of datasets, training and evaluations. Each function returns a matplotlib `Figure`."""

import math

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.split import Split
from melanoma_detect.errors import DatasetError
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.images.reader import read_pixels
from melanoma_detect.report.comparison_plots import comparison
from melanoma_detect.report.decision_plots import decision_curve, decisions
from melanoma_detect.report.evaluation_plots import calibration, predictive_values, subgroups
from melanoma_detect.report.external_plots import sets
from melanoma_detect.report.lab_plots import mistake_prices
from melanoma_detect.report.prediction_plots import explanation, prediction
from melanoma_detect.report.roc_plot import roc
from melanoma_detect.report.style import (
    BLUE,
    GREY,
    PALE,
    RED,
    SMALL,
    TEXT,
    TITLE,
    draw_legend,
    new_figure,
    show_image,
    tidy,
    wrap,
)
from melanoma_detect.training.recipes import Augmentation
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.deprecation import renamed_keywords
from melanoma_detect.utils.number_arguments import whole_number
from melanoma_detect.utils.random import check_seed

__all__ = [
    "augmentation",
    "calibration",
    "classes",
    "comparison",
    "confusion",
    "decision_curve",
    "decisions",
    "distribution",
    "explanation",
    "mistake_prices",
    "prediction",
    "predictive_values",
    "roc",
    "sets",
    "subgroups",
    "training",
]


def classes(data: Dataset) -> Figure:
    """Plot one training image of each class.

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
    titles = {label: wrap(label, 1.7, SMALL) for label in data.classes}
    lines = max(title.count("\n") for title in titles.values())
    figure = new_figure(1.9 * columns, (2.2 + 0.18 * lines) * rows + 0.4, "One training image of each class")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, label in zip(grid, data.classes, strict=False):
        show_image(axes, read_pixels(first[label].image, data.image_size, data.resize), titles[label])
    for axes in grid[len(data.classes) :]:
        axes.remove()
    return figure


def distribution(before: Dataset, after: Dataset | None = None) -> Figure:
    """Plot the number of training images of each class, before and after balancing.

    Args:
        before: The dataset as it was loaded.
        after: The balanced dataset, or None.

    Returns:
        The figure.

    Examples:
        >>> len(distribution(data).axes)
        1
    """
    title = "Training images of each class" + (", before and after balancing" if after else "")
    labels = [wrap(label, 1.8) for label in before.classes]
    figure = new_figure(7, 0.27 * sum(label.count("\n") + 1.7 for label in labels) + 1.8, title)
    axes = figure.subplots()
    rows = np.arange(len(before.classes))
    if after:
        bars = axes.barh(rows, after.distribution()["train"], height=0.74, color=PALE, label="after, with copies")
        axes.bar_label(bars, padding=3, fontsize=SMALL, color=GREY, fmt="{:,.0f}")
    counts = before.distribution()["train"]
    bars = axes.barh(rows, counts, height=0.44 if after else 0.74, color=BLUE, label="before")
    if after:
        # Beside a short bar there is no room inside it: the legend says which of the two numbers is which.
        axes.bar_label(bars, [f" {count:,}" for count in counts], label_type="edge", fontsize=SMALL, color="black")
    else:
        axes.bar_label(bars, padding=3, fontsize=SMALL, color=BLUE, fmt="{:,.0f}")
    axes.set_yticks(rows, labels)
    axes.invert_yaxis()
    tidy(axes, xlabel="training images").grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(x=0.1)
    if after:
        figure.legend(frameon=False, fontsize=SMALL, loc="outside lower right", ncols=2)
    return figure


@renamed_keywords(part="split", pictures="images")
def augmentation(
    split: Split, augmentation: Augmentation, *, images: int = 3, views: int = 6, seed: int = 123
) -> Figure:
    """Plot training images as they are and as augmentation changes them.

    Args:
        split: The split to take images from.
        augmentation: The augmentation.
        images: The number of images.
        views: The number of augmented versions of each. Images and views are 50 at most.
        seed: Seed of the augmentation.

    Returns:
        The figure: one row per image, the original first.

    Raises:
        DatasetError: The split is empty, or a number is out of range.

    Examples:
        >>> len(augmentation(data.train, Augmentation(), images=2, views=3).axes)
        8
    """
    from melanoma_detect.training.augmentation import augment_image  # noqa: PLC0415 - the other figures do without Keras

    images = whole_number(images, "images", DatasetError, low=1, below=_MAX_ROWS + 1)
    views = whole_number(views, "views", DatasetError, low=1, below=_MAX_ROWS + 1)
    seed = check_seed(seed, DatasetError)
    if not len(split):
        raise DatasetError(f"the {split.name} split is empty; expected images to augment")
    chosen = [split.records[index] for index in np.linspace(0, len(split) - 1, images).astype(int)]
    titles = [wrap(f"original: {record.label}", 1.4, SMALL) for record in chosen]
    lines = max(title.count("\n") for title in titles)
    title = wrap("Augmentation: each image and random changes of it", 1.5 * (views + 1) - 0.2, TITLE)
    figure = new_figure(1.5 * (views + 1), (1.75 + 0.18 * lines) * images + 0.5, title)
    grid = figure.subplots(images, views + 1, squeeze=False)
    for number, (record, row, title) in enumerate(zip(chosen, grid, titles, strict=True)):
        pixels = read_pixels(record.image, split.image_size, split.resize)
        show_image(row[0], pixels, title)
        for axes, changed in zip(row[1:], augment_image(pixels, augmentation, views, seed=seed + number), strict=True):
            show_image(axes, changed, "")
    return figure


_MAX_ROWS = 50  # of images, and of views of each: more cannot be seen
_UNITS = {"loss": "loss (cross-entropy, nats)", "accuracy": "accuracy (share of images)"}


def training(history: pd.DataFrame, best_epoch: int | None = None) -> Figure:
    """Plot loss and accuracy by epoch.

    Args:
        history: `Detector.history`.
        best_epoch: The epoch whose weights were restored, counted from 1.

    Returns:
        The figure.

    Examples:
        >>> len(training(detector.history).axes)
        2
    """
    figure = new_figure(9, 3.6, "Training history")
    for axes, column in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        axes.plot(history["epoch"], history[column], color=BLUE, marker="o", markersize=4, label="training")
        axes.plot(
            history["epoch"],
            history[f"val_{column}"],
            color=RED,
            linestyle="--",
            marker="s",
            markersize=4,
            label="validation",
        )
        if best_epoch:
            axes.axvline(best_epoch, color=GREY, linewidth=1, linestyle=":", label=f"best epoch: {best_epoch}")
        tidy(axes, xlabel="epoch", ylabel=_UNITS[column], xlim=(0.5, len(history) + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    draw_legend(figure, figure.axes[0])
    return figure


_NAME = 1.5  # inches, of the name of a class beside and below the matrix


def confusion(evaluation: Evaluation) -> Figure:
    """Plot the confusion matrix: counts, shaded by the share of the true class.

    Args:
        evaluation: The evaluation.

    Returns:
        The figure.

    Examples:
        >>> confusion(detector.evaluate(data.test)).axes[0].get_ylabel()
        'true class (images)'
    """
    counts = evaluation.confusion
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # Names of classes are wrapped, and stand upright below; a cell has room for their lines and for five digits.
    images = count_noun(int(counts.sum()), f"{evaluation.split} image".strip())
    names = [wrap(label, _NAME) for label in evaluation.classes]
    totals = [f"{wrap(label, _NAME)} ({row.sum():,})" for label, row in zip(evaluation.classes, counts, strict=True)]
    lines = 1 + max(text.count("\n") for text in (*names, *totals))
    cells = max(0.56, 0.2 * lines) * max(3, len(evaluation.classes))
    figure = new_figure(cells + _NAME + 1, cells + _NAME + 1, f"Confusion matrix: {images}")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(counts):
        colour = "white" if shares[row, column] > 0.55 else "black"  # readable on the shade behind it
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour, fontsize=SMALL)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=SMALL)
    axes.set_yticks(range(len(names)), totals, fontsize=SMALL)
    axes.set_xlabel("predicted class (shade: share of the true class)", fontsize=TEXT)
    axes.set_ylabel("true class (images)", fontsize=TEXT)
    for tick, count in zip(axes.get_yticklabels(), counts.sum(axis=1), strict=True):
        tick.set_color("black" if count else GREY)
    axes.tick_params(length=0)
    return figure
