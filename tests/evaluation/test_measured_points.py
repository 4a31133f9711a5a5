"""Operating points on other images than those they were set on."""

from dataclasses import replace

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.image_types import ImageTypes
from melanoma_detect.inference.operating_points import OperatingPoint, ValidationScores

CLASSES = ("melanoma", "nevus")


def test_points_have_the_rates_of_their_thresholds():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 1000)
    scores = np.clip(rng.normal(0.65 - 0.3 * labels, 0.15), 0.01, 0.99)
    probabilities = np.stack([scores, 1 - scores], axis=1)
    validation = ValidationScores.of(scores[:500], labels[:500] == 0)
    points = tuple(validation.operating_point(goal) for goal in (0.9, 0.95, 0.99))
    evaluation = measure(probabilities[500:], labels[500:], [str(number) for number in range(500)], CLASSES)
    measured_points = replace(evaluation, points=points).measured_points()
    for measured in measured_points:
        alert = scores[500:] >= measured.point.threshold
        assert measured.sensitivity.value == pytest.approx(alert[labels[500:] == 0].mean())
        assert measured.specificity.value == pytest.approx((~alert)[labels[500:] == 1].mean())
        assert measured.sensitivity.low <= measured.point.goal <= measured.sensitivity.high + 0.03
    assert [measured.point.goal for measured in measured_points] == [0.9, 0.95, 0.99]


def test_the_point_in_use_is_among_them(detector, data):
    evaluation = detector.evaluate(data)
    measured_points = evaluation.measured_points()
    in_use = next(measured for measured in measured_points if measured.point == detector.operating_point)
    assert in_use.sensitivity == evaluation.figures["sensitivity"]
    assert in_use.specificity == evaluation.figures["specificity"]


def test_without_melanomas_there_are_none(detector, tree):
    benign = md.load_dataset(tree({"dermatofibroma": 4, "nevus": 4}), validation=0, test=1)
    assert detector.evaluate(benign).measured_points() == ()


def test_points_are_measured_for_their_own_target():
    classes = ("basal cell carcinoma", "melanoma", "nevus")
    labels = np.repeat(np.arange(3), 10)
    point = OperatingPoint(0.95, 0.5, 0.95, 0.9, 20, 80, target="malignant")
    evaluation = measure(np.eye(3)[labels], labels, [str(number) for number in range(30)], classes)
    (measured,) = replace(evaluation, points=(point,)).measured_points()
    assert (measured.sensitivity.value, measured.specificity.value) == (1, 1)
    assert (measured.sensitivity.lesions, measured.specificity.lesions) == (20, 10)


def test_a_point_that_one_type_of_image_lacks_is_left_out_unless_it_is_in_use():
    labels, goals = np.tile([0, 1], 20), (0.9, 0.99)
    points = tuple(OperatingPoint(goal, 0.5, goal, 0.5, 20, 80) for goal in goals)
    own = {("melanoma", point.goal): point for point in points}
    types = ImageTypes(
        np.repeat(["dermoscopy", "clinical"], 20), {"dermoscopy": own, "clinical": {("melanoma", 0.9): points[0]}}
    )
    groups = [str(number) for number in range(40)]
    for in_use, expected in ((points[0], [0.9]), (points[1], [0.9, 0.99])):
        found = measure(np.eye(2)[labels], labels, groups, CLASSES, in_use, image_types=types)
        measured = replace(found, points=points).measured_points()
        assert [one.point.goal for one in measured] == expected
        assert measured[0].sensitivity.value == 1
    assert measured[1].sensitivity.value == 0.5  # the clinical photographs are referred
    dermoscopy = found.per_image.select(np.arange(40) < 20)
    alone = measure(np.eye(2)[labels[:20]], labels[:20], groups[:20], CLASSES, image_types=dermoscopy.image_types)
    assert [one.point.goal for one in replace(alone, points=points).measured_points()] == [0.9, 0.99]
