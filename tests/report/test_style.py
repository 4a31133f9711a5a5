"""The style of plots: in every one, letters are large enough and no texts overlap, even with many classes of long names."""

import base64
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

import melanoma_detect as md
from melanoma_detect.data.record import Record
from melanoma_detect.evaluation.bootstrap import Figure as Value
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.report import plots
from melanoma_detect.report.figure import drawable
from melanoma_detect.report.rendering import picture
from melanoma_detect.report.style import (
    BLUE,
    ORANGE,
    PALE,
    RED,
    WIDTH,
    draw_legend,
    new_figure,
    show_image,
    tidy,
    whiskers,
    wrap,
    write_note,
)

# What a phone of 390 pixels leaves of a page's width, in CSS pixels: figures of WIDTH are scaled to it, wider ones scroll.
PHONE = 358
CLASSES = (
    "melanoma",
    "nevus",
    "pigmented benign keratosis of the face or the scalp",
    "squamous cell carcinoma in situ (Bowen's disease)",
    "seborrheic keratosis, irritated and inflamed",
    *(f"another diagnosis with a long name, number {number}" for number in range(7)),
)
POINTS = tuple(
    OperatingPoint(goal, threshold, goal, 0.5, 60, 200) for goal, threshold in ((0.9, 0.35), (0.95, 0.3), (0.99, 0.2))
)


@pytest.fixture(scope="module")
def evaluation(data):
    """Make up answers for twelve classes, with a sex, an age and a skin tone of each image."""
    rng = np.random.default_rng(3)
    labels = np.arange(360) % len(CLASSES)
    logits = rng.normal(size=(len(labels), len(CLASSES))) + 2 * np.eye(len(CLASSES))[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    metadata = {"sex": ("female", "male"), "age": ("30", "50", "70"), "fitzpatrick_skin_type": ("II", "III", "V")}
    records = [
        Record(
            f"{row}.jpg",
            data.test.records[0].path,
            CLASSES[label],
            "test",
            str(row),
            str(row),
            source=f"source {row % 2}",
        )
        for row, label in enumerate(labels)
    ]
    records = [
        replace(record, metadata={name: values[row % len(values)] for name, values in metadata.items()})
        for row, record in enumerate(records)
    ]
    groups = [record.id for record in records]
    measured = measure(probabilities, labels, groups, CLASSES, POINTS[1], records=records)
    return replace(measured, split="test", points=POINTS)


@pytest.fixture(scope="module")
def figures(evaluation, data):
    """Draw every plot."""
    validation = md.ExternalValidation({f"the hospital with the long name, number {at}": evaluation for at in range(4)})
    history = pd.DataFrame(
        {name: [0.9, 0.5] for name in ("loss", "accuracy", "val_loss", "val_accuracy")} | {"epoch": [1, 2]}
    )
    other = replace(
        evaluation, per_image=replace(evaluation.per_image, probabilities=evaluation.probabilities[:, ::-1])
    )
    renamed = data.with_records(data.records)
    drawn = {
        name: getattr(plots, name)(evaluation)
        for name in ("roc", "calibration", "confusion", "decisions", "decision_curve", "predictive_values")
    }
    parts = evaluation.subgroups()
    return drawn | {
        "subgroups": plots.subgroups(parts, evaluation, "specificity"),
        "sets": plots.sets(validation, "false_negative_rate"),
        "comparison": plots.comparison(evaluation.compare(other)),
        "training": plots.training(history, best_epoch=1),
        "classes": plots.classes(renamed),
        "distribution": plots.distribution(data),
        "balanced": plots.distribution(data, md.balance(data, to=25, progress=False)),
        "augmentation": plots.augmentation(data.train, md.Augmentation(), images=2, views=3),
    }


def texts_of(figure):
    """Return the texts that are drawn, with their boxes in pixels."""
    figure.draw_without_rendering()
    found = [*figure.texts, *([figure._suptitle] if figure._suptitle else [])]
    for legend in figure.legends:
        found += legend.get_texts()
    for axes in figure.axes:
        if not axes.axison:
            found += [axes.title]
            continue
        found += [*axes.texts, axes.title, axes.xaxis.label, axes.yaxis.label]
        if axes.get_legend():
            found += axes.get_legend().get_texts()
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            found += [label for tick in ticks for label in (tick.label1, tick.label2)]
    drawn = [text for text in dict.fromkeys(found) if text.get_visible() and text.get_text().strip()]
    return [(text, text.get_window_extent()) for text in drawn]


def test_letters_are_at_least_nine_points_on_a_phone(figures):
    small = {}
    for name, figure in figures.items():
        scale = min(1, PHONE / (96 * figure.get_figwidth())) if figure.get_figwidth() <= WIDTH else 1
        sizes = [(scale * text.get_fontsize(), text.get_text()) for text, _ in texts_of(figure)]
        assert sizes, name
        small |= {(name, text): size for size, text in sizes if size < 9}
    assert small == {}


def test_no_texts_overlap_and_none_is_cut_off(figures):
    problems = []
    for name, figure in figures.items():
        drawn = texts_of(figure)
        width, height = figure.get_size_inches() * figure.dpi
        for text, box in drawn:
            if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1:
                problems.append((name, "cut off", text.get_text()))
        for (first, one), (second, other) in combinations(drawn, 2):
            across = min(one.x1, other.x1) - max(one.x0, other.x0)
            down = min(one.y1, other.y1) - max(one.y0, other.y0)
            if across > 1 and down > 1:
                problems.append((name, first.get_text(), second.get_text()))
    assert problems == []


def test_every_axis_is_labelled(figures):
    for name, figure in figures.items():
        for axes in figure.axes:
            if axes.axison and name not in ("subgroups", "sets", "comparison", "decisions"):
                assert axes.get_ylabel() or name in ("distribution", "balanced"), name
    assert figures["sets"].axes[0].get_xlabel()


def luminance(color):
    return float(np.dot([0.2126, 0.7152, 0.0722], np.array(to_rgb(color)) ** 2.2))


def test_decisions_differ_in_grey_too():
    shades = sorted(map(luminance, (BLUE, ORANGE, PALE)))
    assert min(np.diff(shades)) > 0.1
    for ink, paper in (("white", BLUE), ("black", ORANGE), ("black", PALE)):  # WCAG 2.2, 1.4.3
        low, high = sorted((luminance(ink), luminance(paper)))
        assert (high + 0.05) / (low + 0.05) >= 4.5
    assert 1.05 / (luminance(RED) + 0.05) >= 3  # of marks and lines: WCAG 2.2, 1.4.11


def test_wrap_keeps_line_breaks_and_fits_the_width():
    assert wrap("one\ntwo", 5) == "one\ntwo"
    assert all(len(line) <= 17 for line in wrap("a text that is longer than the width", 1.4).splitlines())


def test_a_legend_names_each_label_once_and_other_images_last():
    figure = new_figure(4, 3, "lesions")
    above, below = figure.subplots(2)
    above.plot([0, 1], label="on OTHER images")
    for axes in (above, below):
        axes.plot([0, 1], label="nevi")
    draw_legend(figure, above, below)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["nevi", "on OTHER images"]


def test_small_parts(image):
    figure = new_figure(2, 2, "a title")
    axes = tidy(figure.subplots(), xlabel="epoch")
    assert not axes.spines["top"].get_visible()
    write_note(axes, "nothing here")
    assert axes.texts[0].get_text() == "nothing here"
    show_image(axes, image, "nevus")
    assert not axes.axison


def test_names_of_files_that_are_no_text_are_drawn_escaped():
    assert drawable("caf\udce9 \x01.jpg\tü") == "caf\\udce9 \\x01.jpg\tü"
    evaluation = measure(np.array([[0.2, 0.8]]), np.array([1]), ["a"], ("caf\udce9 \x01", "nevus"))
    svg = base64.b64decode(picture(plots.confusion(evaluation)).url.partition(",")[2])
    assert ET.fromstring(svg).tag.endswith("svg")


def test_dollars_in_names_are_no_formulas():
    evaluation = measure(np.array([[0.2, 0.8]]), np.array([1]), ["a"], ("cost $5 or $\\y$", "nevus"))
    assert picture(plots.confusion(evaluation)).width > 100


def test_no_whisker_is_negative():
    above, below = Value(0.5, 0.5 + 1e-16, 0.7, 30), Value(0.5, 0.25, 0.4, 30)
    lengths = whiskers(above, below)
    assert lengths == ([0.0, 0.25], [pytest.approx(0.2), 0.0])
