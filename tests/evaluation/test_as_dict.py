"""An evaluation as JSON: complete and strict."""

import json

import numpy as np
import pytest

from melanoma_detect.evaluation.as_dict import plain
from melanoma_detect.evaluation.bootstrap import Figure
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.inference.operating_points import OperatingPoint

POINT = OperatingPoint(0.95, 0.3, 0.95, 0.5, 20, 80)
CLASSES = ("melanoma", "nevus")


def write(evaluation):
    """Return an evaluation after writing and reading strict JSON."""
    return json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))


def test_everything_that_a_report_shows_is_there(detector, data):
    evaluation = detector.evaluate(data)
    values = write(evaluation)
    assert values["detector"] == evaluation.detector
    assert set(values["figures"]) == set(evaluation.figures)
    assert values["confusion"] == evaluation.confusion.tolist()
    assert [shares["truth"] for shares in values["decision_shares"]][:2] == ["all", "melanoma"]
    assert values["roc"][0]["auc"]["value"] == evaluation.figures["melanoma_auc"].value
    assert values["roc"][0]["points"]["sensitivity"][-1] == 1
    bins = evaluation.calibration_curve()
    assert [row["observed"]["value"] for row in values["calibration_curve"]] == [row.observed.value for row in bins]
    assert len(values["decision_curve"]["model"]) == len(values["decision_curve"]["thresholds"]) == 30
    assert [row["prevalence"] for row in values["predictive_values"]] == [0.005, 0.01, 0.02, 0.05, 0.1, 0.2]
    assert values["measured_points"][0]["point"]["goal"] == 0.6
    assert values["operating_points_used"][""]["threshold"] == evaluation.operating_point.threshold
    assert values["subgroups"] == []


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("point", [POINT, None])
def test_what_is_not_defined_is_null(label, point):
    values = write(measure(np.array([[0.6, 0.4]] * 3), np.full(3, label), list("abc"), CLASSES, point))
    assert values["figures"]["melanoma_auc"]["value"] is None
    assert values["decision_curve"] is None
    assert values["roc"] == values["measured_points"] == values["predictive_values"] == []


def test_plain_values():
    value = {1: np.float64(0.5), "nan": [Figure(np.nan, 0.0, np.inf, np.int64(3))], "none": None, "text": "a"}
    assert plain(value) == {
        "1": 0.5,
        "nan": [{"value": None, "low": 0.0, "high": None, "lesions": 3}],
        "none": None,
        "text": "a",
    }
