"""Notes: which images take part in which metric."""

import numpy as np

from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.notes import measuring_notes


def notes(names, classes=("melanoma", "nevus"), counted_as=None):
    counted = [(counted_as or {}).get(name, name) for name in names]
    labels = np.array([classes.index(name) if name in classes else -1 for name in counted])
    count = len(names)
    return measuring_notes(
        Answers(
            np.full((count, len(classes)), 1 / len(classes)),
            labels,
            tuple(map(str, range(count))),
            classes,
            np.zeros(count, bool),
            label_names=tuple(names),
        )
    )


def test_nothing_to_say_where_labels_are_the_classes():
    assert notes(["melanoma", "nevus"]) == ()


def test_labels_are_counted_the_most_frequent_first():
    (first,) = notes(["melanoma", "nevus", "lentigo", "scar", "scar"])
    assert first.startswith(
        "3 of 5 images have labels that are no class of the detector, or cover several (scar 2, lentigo 1)"
    )


def test_classes_without_images_are_named():
    assert notes(["melanoma", "nevus"], ("melanoma", "nevus", "wart")) == (
        "No image here has the label wart: a prediction of it counts as wrong.",
    )


def test_long_lists_are_cut():
    (first, *_) = notes(["melanoma", "nevus", *(f"kind {number}" for number in range(12))])
    assert "and 4 other labels" in first


def test_coarse_labels_that_count_as_one_class_are_named():
    first, *_ = notes(["melanoma", "nevus", "benign", "nv"], counted_as={"benign": "nevus", "nv": "nevus"})
    assert first == (
        "1 of 4 images has a label of which the detector knows just one diagnosis (benign 1): accuracy, recall and precision "
        "count it as that one."
    )
