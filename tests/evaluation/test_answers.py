"""A detector's answers: properties, lesion counts and selection."""

from dataclasses import replace

import numpy as np
import pytest

from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.image_types import ImageTypes
from melanoma_detect.inference.operating_points import OperatingPoint

CLASSES = ("melanoma", "nevus")


@pytest.fixture
def answers():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    return Answers(probabilities, np.array([0, 1, 0]), ("a", "b", "a"), CLASSES, np.array([False, True, False]))


def test_melanomas_are_those_with_its_label(answers):
    assert answers.is_melanoma.tolist() == [True, False, True]
    assert answers.melanoma_scores.tolist() == [0.9, 0.2, 0.4]
    assert answers.predicted.tolist() == [0, 1, 1]
    assert answers.has_melanoma_class


def test_without_a_melanoma_class_no_image_is_melanoma():
    answers = Answers(np.array([[0.3, 0.7]]), np.array([1]), ("a",), ("wart", "nevus"), np.zeros(1, bool))
    assert not answers.has_melanoma_class
    assert not answers.is_melanoma.any()
    assert answers.melanoma_scores.tolist() == [0.0]


def test_unknown_labels_are_on_no_side(answers):
    unknown = replace(answers, labels=np.array([0, 1, -1]), label_names=("melanoma", "nevus", "melanomma"))
    for target in ("melanoma", "malignant"):
        sides = replace(unknown, target=target)
        assert sides.is_positive.tolist() == [True, False, False]
        assert sides.is_negative.tolist() == [False, True, False]
    assert unknown.malignancies.tolist() == ["malignant", "benign", ""]


def test_each_image_has_the_threshold_of_its_type(answers):
    point = OperatingPoint(0.95, 0.5, 0.95, 0.5, 2, 1)
    assert answers.thresholds(point).tolist() == [0.5] * 3
    types = ImageTypes(
        np.array(["dermoscopy", "clinical", "clinical"]),
        {"dermoscopy": {("melanoma", 0.95): replace(point, threshold=0.2)}, "clinical": {}},
    )
    thresholds = replace(answers, image_types=types).thresholds(point)
    assert thresholds[0] == 0.2
    assert np.isnan(thresholds[1:]).all()


def test_lesions_are_counted_once(answers):
    assert (len(answers), answers.lesions) == (3, 2)
    assert answers.count_lesions(answers.is_melanoma) == 1
    assert answers.count_lesions(np.zeros(3, bool)) == 0


def test_what_was_malignant_before_a_local_calibration_is_never_cleared(answers):
    point = OperatingPoint(0.95, 0.5, 0.95, 0.5, 2, 1)
    assert answers.cleared(point).tolist() == [False, False, True]
    before = replace(answers, malignant_before=np.array([False, False, True]))
    assert before.cleared(point).tolist() == [False, False, False]
    assert before.select(np.array([True, False, True])).malignant_before.tolist() == [False, True]


def test_selection_takes_every_array_along(answers, data):
    selected = replace(answers, records=tuple(data.records[:3])).select(np.array([True, False, True]))
    assert selected.probabilities[:, 0].tolist() == [0.9, 0.4]
    assert selected.labels.tolist() == [0, 0]
    assert selected.groups == ("a", "a")
    assert selected.abstained.tolist() == [False, False]
    assert selected.records == (data.records[0], data.records[2])
