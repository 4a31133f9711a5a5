"""Predictive values: Bayes' rule, compared with counts."""

import numpy as np
import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.inference.operating_points import OperatingPoint

CLASSES = ("melanoma", "nevus")
POINT = OperatingPoint(0.9, 0.5, 0.9, 0.8, 100, 900)


def evaluate(*, true_alerts=90, false_negatives=10, cleared=720, false_alerts=180, abstained=0, point=POINT):
    """Evaluate answers with these counts; the abstained images are nevi that would be cleared."""
    counts = [true_alerts, false_negatives, cleared, false_alerts]
    scores, labels = np.repeat([0.9, 0.1, 0.1, 0.9], counts), np.repeat([0, 0, 1, 1], counts)
    melanomas = true_alerts + false_negatives
    away = np.zeros(len(labels), bool)
    away[melanomas : melanomas + abstained] = True
    groups = [str(number) for number in range(len(labels))]
    return measure(np.stack([scores, 1 - scores], axis=1), labels, groups, CLASSES, point, abstained=away)


def test_at_the_measured_prevalence_they_are_the_counts():
    values = evaluate().at_prevalence(0.1)
    assert values.ppv.value == pytest.approx(90 / 270)
    assert values.npv.value == pytest.approx(720 / 730)
    assert values.number_needed_to_biopsy.value == pytest.approx(3)
    assert values.ppv.low < values.ppv.value < values.ppv.high
    assert values.number_needed_to_biopsy.low < 3 < values.number_needed_to_biopsy.high
    assert values.ppv.lesions == 100


def test_where_melanoma_is_rare_most_alerts_are_false():
    rare, common = evaluate().at_prevalence(0.01), evaluate().at_prevalence(0.2)
    assert rare.ppv.high < common.ppv.low
    assert rare.npv.value > common.npv.value
    assert str(rare).startswith("at a prevalence of 1.00%: 4.3% [")


def test_without_false_negatives_the_npv_is_still_uncertain():
    values = evaluate(true_alerts=100, false_negatives=0).at_prevalence(0.1)
    assert values.npv.value == 1
    assert values.npv.low < 1


def test_abstentions_are_neither_alerts_nor_cleared():
    values = evaluate(abstained=120).at_prevalence(0.1)
    assert values.ppv.value == pytest.approx(90 / 270)
    assert values.npv.value == pytest.approx(600 / 610)


def test_they_need_an_operating_point_and_a_prevalence():
    with pytest.raises(DetectorError, match="predictive values need sensitivity and specificity"):
        evaluate(point=None).at_prevalence(0.1)
    with pytest.raises(DetectorError, match="prevalence=2"):
        evaluate().at_prevalence(2)


def test_what_does_not_occur_has_no_predictive_value():
    nothing_cleared = evaluate(true_alerts=100, false_negatives=0, cleared=0, false_alerts=900).at_prevalence(0.1)
    assert np.isnan(nothing_cleared.npv.value)
    assert str(nothing_cleared).endswith("; no image is cleared")
    no_alerts = evaluate(true_alerts=0, false_negatives=100, cleared=900, false_alerts=0).at_prevalence(0.1)
    assert np.isnan(no_alerts.ppv.value)
    assert ": there are no alerts; 90.00% [" in str(no_alerts)
