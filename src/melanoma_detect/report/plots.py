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
from melanoma_detect.report.evaluation_plots import calibration, predictive_values, roc, subgroups
from melanoma_detect.report.external_plots import sets
from melanoma_detect.report.style import BLUE, GREY, LIGHT, ORANGE, new_figure, show_image, tidy
from melanoma_detect.training.recipes import Augmentation
from melanoma_detect.utils.deprecation import renamed_keywords

__all__ = [
    "augmentation",
    "calibration",
    "classes",
    "confusion",
    "distribution",
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
    figure = new_figure(2.1 * columns, 2.3 * rows + 0.4, "One training image of each class")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, label in zip(grid, data.classes, strict=False):
        show_image(axes, read_pixels(first[label].image, data.image_size, data.resize), label)
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
    figure = new_figure(8, 0.42 * len(before.classes) + 1.6, title)
    axes = figure.subplots()
    rows = np.arange(len(before.classes))
    if after:
        bars = axes.barh(rows, after.distribution()["train"], height=0.74, color=LIGHT, label="after, with copies")
        axes.bar_label(bars, padding=3, fontsize=8, color=GREY)
    counts = before.distribution()["train"]
    bars = axes.barh(rows, counts, height=0.44, color=BLUE, label="before")
    inside = {"label_type": "center", "color": "white"} if after else {"padding": 3, "color": BLUE}
    axes.bar_label(bars, fontsize=8, **inside)
    axes.set_yticks(rows, before.classes)
    axes.invert_yaxis()
    tidy(axes, xlabel="images").grid(visible=False, axis="y")
    axes.margins(x=0.08)
    if after:
        axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
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
        views: The number of augmented versions of each.
        seed: Seed of the augmentation.

    Returns:
        The figure: one row per image, the original first.

    Raises:
        DatasetError: The split is empty.

    Examples:
        >>> len(augmentation(data.train, Augmentation(), images=2, views=3).axes)
        8
    """
    from melanoma_detect.training.augmentation import augment_image  # noqa: PLC0415 - the other figures do without Keras

    if not len(split):
        raise DatasetError(f"the {split.name} split is empty; expected images to augment")
    chosen = [split.records[index] for index in np.linspace(0, len(split) - 1, images).astype(int)]
    figure = new_figure(1.5 * (views + 1), 1.75 * images + 0.4, "Augmentation: each image and random changes of it")
    grid = figure.subplots(images, views + 1, squeeze=False)
    for number, (record, row) in enumerate(zip(chosen, grid, strict=True)):
        pixels = read_pixels(record.image, split.image_size, split.resize)
        show_image(row[0], pixels, record.label)
        for axes, changed in zip(row[1:], augment_image(pixels, augmentation, views, seed=seed + number), strict=True):
            show_image(axes, changed, "")
    return figure


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
            axes.axvline(best_epoch, color=GREY, linewidth=1, linestyle=":", label=f"best epoch: {best_epoch}")
        tidy(axes, xlabel="epoch", title=column, xlim=(0.5, len(history) + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False, fontsize=8)
    return figure


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
    side = 0.62 * len(evaluation.classes) + 2.6
    figure = new_figure(side, side * 0.9, f"Confusion matrix: {len(evaluation)} {evaluation.split} images")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(counts):
        colour = "white" if shares[row, column] > 0.55 else "black"  # readable on the shade behind it
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour, fontsize=9)
    axes.set_xticks(range(len(evaluation.classes)), evaluation.classes, rotation=40, ha="right", rotation_mode="anchor")
    labels = [f"{label} ({row.sum()})" for label, row in zip(evaluation.classes, counts, strict=True)]
    axes.set_yticks(range(len(evaluation.classes)), labels)
    axes.set(xlabel="predicted class (shade: share of the true class)", ylabel="true class (images)")
    for tick, count in zip(axes.get_yticklabels(), counts.sum(axis=1), strict=True):
        tick.set_color("black" if count else GREY)
    axes.tick_params(length=0)
    return figure
