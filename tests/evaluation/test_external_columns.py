"""The figures of an external validation: which are worst, and which sets count."""

from dataclasses import replace

import numpy as np

from melanoma_detect.evaluation.bootstrap import Figure
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.external_columns import columns, deciding, worst_set
from melanoma_detect.evaluation.shortcuts import Shortcuts
from melanoma_detect.inference.operating_points import OperatingPoint

POINT = OperatingPoint(0.95, 0.3, 0.95, 0.5, 20, 80)
SENSITIVITY = columns("melanoma")["sensitivity"]


def evaluation(found, missed, others=30):
    """Return an evaluation with so many melanomas above and below the threshold, and others below it."""
    scores = np.array([0.9] * found + [0.1] * (missed + others))
    labels = np.array([0] * (found + missed) + [1] * others)
    return measure(np.column_stack([scores, 1 - scores]), labels, list(map(str, range(len(labels)))), CLASSES, POINT)


CLASSES = ("melanoma", "nevus")
SETS = {"good": evaluation(19, 1), "bad": evaluation(12, 8), "few": evaluation(1, 4), "none": evaluation(0, 0)}


def test_the_worst_set_is_one_with_enough_lesions():
    assert worst_set(SETS, SENSITIVITY) == "bad"
    assert worst_set(SETS, columns("melanoma")["false_negative_rate"]) == "bad"
    assert deciding(SETS, SENSITIVITY) == {"good": 0.95, "bad": 0.6}


def test_where_no_set_has_enough_lesions_all_count_that_show_the_target():
    few = {name: SETS[name] for name in ("few", "none")}
    assert deciding(few, SENSITIVITY) == {"few": 0.2}


def test_a_lone_set_and_a_tie_are_not_the_worst():
    assert worst_set({"good": SETS["good"]}, SENSITIVITY) is None
    assert worst_set({name: SETS[name] for name in ("few", "none")}, SENSITIVITY) is None
    assert worst_set({"a": SETS["bad"], "b": SETS["bad"], "c": SETS["good"]}, SENSITIVITY) is None
    assert worst_set({"a": SETS["good"], "b": SETS["good"], "c": SETS["bad"]}, SENSITIVITY) == "c"
    assert worst_set({"none": SETS["none"]}, SENSITIVITY) is None


def test_a_set_without_melanomas_has_no_calibration_error():
    error = columns("melanoma")["ece"]
    assert np.isnan(error.of(SETS["none"]).value)
    assert error.of(SETS["few"]).lesions == 5
    assert error.of(SETS["good"]).value == SETS["good"].figures["ece"].value


def test_abstentions_are_the_complement_of_coverage():
    abstained = measure(np.eye(2), np.arange(2), ["a", "b"], CLASSES, POINT, abstained=np.array([True, False]))
    figure = columns("melanoma")["abstention_rate"].of(abstained)
    assert figure.value == 0.5
    assert figure.low <= 0.5 <= figure.high


def test_a_set_whose_background_tells_most_is_the_worst():
    auc = Figure(0.5, 0.4, 0.6, 30)
    tested = {
        name: replace(SETS["good"], shortcuts=Shortcuts(auc, auc._replace(value=value), auc, auc))
        for name, value in (("plain", 0.5), ("framed", 0.9))
    }
    assert worst_set(tested, columns("melanoma", shortcuts=True)["background_auc"]) == "framed"


def test_a_detector_of_malignancy_is_ranked_by_malignancy():
    assert next(iter(columns("malignant"))) == "malignant_auc"
