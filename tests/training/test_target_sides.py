"""Which images show a target, by labels that may cover several classes."""

import numpy as np
import pytest

from melanoma_detect.training.target_sides import target_sides

CLASSES = ("melanoma", "basal cell carcinoma", "nevus", "dermatofibroma")
TARGETS = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 1, 1, 1]], bool)


@pytest.mark.parametrize(
    ("target", "shown", "known"),
    [
        ("melanoma", [False, False, True, False], [False, True, False, True, True, True]),
        ("malignant", [True, False, True, True], [True, True, False, True, True, False]),
    ],
)
def test_coarse_labels_tell_what_they_can(target, shown, known):
    found, told = target_sides(TARGETS, CLASSES, target)
    assert told.tolist() == known
    assert found[told].tolist() == shown


def test_no_class_of_the_target_is_shown_by_none():
    shown, known = target_sides(TARGETS[:, 2:], CLASSES[2:], "melanoma")
    assert not shown.any()
    assert known.tolist() == TARGETS[:, 2:].any(axis=1).tolist()
