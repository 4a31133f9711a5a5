"""What an alert means: Bayes' rule, counted."""

import numpy as np
import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.inference.operating_points import OperatingPoint

CLASSES = ("melanoma", "nevus")
POINT = OperatingPoint(0.9, 0.5, 0.9, 0.8, 100, 900)


def evaluation(*, found=90, missed=10, cleared=720, false=180, abstained=0, point=POINT):
    scores = np.repeat([0.9, 0.1, 0.1, 0.9], [found, missed, cleared, false])
    labels = np.repeat([0, 0, 1, 1], [found, missed, cleared, false])
    away = np.zeros(len(labels), bool)
    away[found + missed : found + missed + abstained] = True
    groups = [str(at) for at in range(len(labels))]
    return measure(np.stack([scores, 1 - scores], axis=1), labels, groups, CLASSES, point, abstained=away)


def test_at_its_own_prevalence_it_says_what_was_counted():
    found = evaluation().at_prevalence(0.1)
    assert found.ppv.value == pytest.approx(90 / 270)
    assert found.npv.value == pytest.approx(720 / 730)
    assert found.number_needed_to_biopsy.value == pytest.approx(3)
    assert found.ppv.low < found.ppv.value < found.ppv.high
    assert found.number_needed_to_biopsy.low < 3 < found.number_needed_to_biopsy.high
    assert found.ppv.lesions == 100


def test_where_melanoma_is_rare_most_alerts_are_false():
    rare, common = evaluation().at_prevalence(0.01), evaluation().at_prevalence(0.2)
    assert rare.ppv.high < common.ppv.low
    assert rare.npv.value > common.npv.value
    assert str(rare).startswith("at a prevalence of 1.00%: 4.3% [")


def test_where_nothing_was_missed_doubt_remains():
    found = evaluation(found=100, missed=0).at_prevalence(0.1)
    assert found.npv.value == 1
    assert found.npv.low < 1


def test_an_abstention_is_no_alert_and_clears_nobody():
    found = evaluation(abstained=120).at_prevalence(0.1)
    assert found.ppv.value == pytest.approx(90 / 270)
    assert found.npv.value == pytest.approx(600 / 610)


def test_no_threshold_no_values():
    with pytest.raises(DetectorError, match="no predictive values"):
        evaluation(point=None).at_prevalence(0.1)
    with pytest.raises(DetectorError, match="prevalence=2"):
        evaluation().at_prevalence(2)
