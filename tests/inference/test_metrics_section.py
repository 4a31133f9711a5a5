"""The metrics of a detector in its model card, and which ones are refused."""

import math
from pathlib import Path

import pytest

import melanoma_detect as md
from melanoma_detect.inference.metrics_section import check_metrics, describe_metrics

FIGURE = {"value": 0.75, "low": 0.5, "high": 1.0, "lesions": 12}
UNDEFINED = {"value": None, "low": None, "high": None, "lesions": 0}
EVALUATION = {
    "images": 20,
    "lesions": 12,
    "target": "melanoma",
    "figures": {"accuracy": FIGURE, "ece": UNDEFINED, "brier_classes": {**FIGURE, "high": 1.5}},
    "recall": {"melanoma": FIGURE, "nevus": UNDEFINED},
    "shortcuts": {"verdict": "No shortcut detected."},
}


def test_good_metrics_are_described():
    assert check_metrics({"test": EVALUATION}) == {"test": EVALUATION}
    lines = list(describe_metrics({"test": EVALUATION}))
    assert "| accuracy | 0.750 | 0.500 to 1.000 |" in lines
    assert "Recall of each diagnosis, the lowest first: melanoma 0.75 [0.50, 1.00]." in lines
    assert "No shortcut detected." in lines
    assert not any("ECE" in line for line in lines)


def test_the_metrics_of_saved_detectors_are_good():
    for path in (Path(__file__).parent / "data").glob("*.detector"):
        metrics = md.Detector.load(path).predictor.config.metrics
        assert check_metrics(metrics) == metrics != {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": "many"}, "images is 'many', expected a whole number"),
        ({"lesions": -1}, "lesions is -1, expected 0 or more"),
        ({"target": "foo"}, "KeyError: 'foo'"),
        ({"target": []}, "TypeError"),
        ({"figures": None}, "AttributeError"),
        ({"figures": {"ece": {**FIGURE, "value": math.nan}}}, "value of ece is nan, expected a finite number"),
        ({"figures": {"ece": {**FIGURE, "low": True}}}, "low of ece is True, expected a number"),
        ({"figures": {"ece": {"value": 0.5}}}, "KeyError: 'low'"),
        ({"recall": {"nevus": {**FIGURE, "high": 3}}}, r"high of nevus is 3\.0, expected 0 to 1"),
        ({"recall": {"nevus": None}}, "TypeError"),
        ({"shortcuts": {"verdict": 3}}, "TypeError"),
        ({"shortcuts": True}, "TypeError"),
    ],
)
def test_damaged_metrics_are_refused(change, message):
    with pytest.raises(ValueError, match=f"metrics are damaged .*{message}"):
        check_metrics({"test": EVALUATION | change})


@pytest.mark.parametrize("metrics", [None, [], "test", {"test": {}}, {"test": []}, {"test": None}])
def test_what_is_no_evaluation_is_refused(metrics):
    with pytest.raises(ValueError, match="metrics are damaged"):
        check_metrics(metrics)
