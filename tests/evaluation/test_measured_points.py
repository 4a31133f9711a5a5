"""Operating points on images that they were not set on."""

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.measured_points import measured_points
from melanoma_detect.inference.operating_points import ValidationScores

CLASSES = ("melanoma", "nevus")


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 1000)
    scores = np.clip(rng.normal(0.65 - 0.3 * labels, 0.15), 0.01, 0.99)
    return np.stack([scores, 1 - scores], axis=1), labels


def test_they_do_what_their_thresholds_do(drawn):
    from dataclasses import replace

    probabilities, labels = drawn
    validation = ValidationScores.of(probabilities[:500, 0], labels[:500] == 0)
    points = tuple(validation.point(goal) for goal in (0.9, 0.95, 0.99))
    found = measure(probabilities[500:], labels[500:], [str(at) for at in range(500)], CLASSES)
    measured = measured_points(replace(found, points=points))
    for one in measured:
        alert = probabilities[500:, 0] >= one.point.threshold
        assert one.sensitivity.value == pytest.approx(alert[labels[500:] == 0].mean())
        assert one.specificity.value == pytest.approx((~alert)[labels[500:] == 1].mean())
        assert one.sensitivity.low <= one.point.goal <= one.sensitivity.high + 0.03
    assert [one.point.goal for one in measured] == [0.9, 0.95, 0.99]


def test_the_detectors_own_is_among_them(detector, data):
    found = detector.evaluate(data)
    own = next(one for one in measured_points(found) if one.point == detector.operating_point)
    assert own.sensitivity == found.figures["sensitivity"]
    assert own.specificity == found.figures["specificity"]


def test_without_melanomas_there_are_none(detector, tree):
    assert (
        measured_points(
            detector.evaluate(md.load_dataset(tree({"dermatofibroma": 4, "nevus": 4}), validation=0, test=1))
        )
        == ()
    )
