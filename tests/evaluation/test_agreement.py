"""Two detectors' decisions for the same images."""

import numpy as np

from melanoma_detect.evaluation.agreement import Agreement, agreements_of, p_text
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.matching_images import match_images
from melanoma_detect.inference.operating_points import OperatingPoint

CLASSES = ("melanoma", "nevus")
POINT = OperatingPoint(0.95, 0.5, 0.95, 0.5, 20, 80)


def evaluate(scores, abstained=()):
    labels = np.array([0, 0, 0, 0, 1, 1])
    scores = np.array(scores)
    rows = np.isin(np.arange(6), abstained)
    return measure(np.column_stack([scores, 1 - scores]), labels, list("abcdef"), CLASSES, POINT, abstained=rows)


def test_decisions_are_counted_by_both_detectors():
    first = evaluate([0.9, 0.9, 0.9, 0.1, 0.1, 0.9])
    second = evaluate([0.9, 0.1, 0.9, 0.9, 0.1, 0.1], abstained=[2])
    melanomas, others = agreements_of(match_images(first, second), POINT, POINT)
    assert melanomas.table == ((1, 1, 1), (0, 0, 0), (1, 0, 0))  # alert, refer, clear
    assert (melanomas.only_first, melanomas.only_second) == (2, 1)
    assert melanomas.p_value == 1
    assert others.table == ((0, 0, 1), (0, 0, 0), (0, 0, 1))
    lines = list(melanomas.lines())
    assert lines[1].split() == ["alert", "refer", "clear"]
    assert lines[2].split() == ["alert", "1", "1", "1"]
    assert "first only: 2; of the second only: 1" in lines[-1]


def test_no_p_value_is_zero():
    assert [p_text(value) for value in (1, 0.0005, 0.0004, 0)] == ["1.000", "0.001", "< 0.001", "< 0.001"]
    text = list(Agreement("melanomas", ((0, 0, 0),) * 3, 90, 2, 1e-20).lines())[-1]
    assert "by image: p < 0.001" in text


def test_without_an_operating_point_there_are_no_decisions():
    both = match_images(evaluate([0.9] * 6), evaluate([0.9] * 6))
    assert agreements_of(both, POINT, None) == ()
