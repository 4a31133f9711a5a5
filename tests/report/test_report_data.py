"""The JSON twin holds every number of a page and the data of every figure."""

import json

import pytest

from melanoma_detect.report import plots
from melanoma_detect.report.checklists import checklist
from melanoma_detect.report.report_data import FIGURES, report_data


@pytest.fixture(scope="module")
def values(evaluation):
    return json.loads(json.dumps(report_data(evaluation, validation=evaluation), allow_nan=False))


def test_every_figure_has_its_data(values):
    assert values["kind"] == "evaluation"
    for name, keys in FIGURES.items():
        assert values["figures"][name] == list(keys)
        assert all(key in values["evaluation"] for key in keys), name
    assert values["validation"] == values["evaluation"]


def test_the_data_is_what_is_drawn(values, evaluation):
    own = values["evaluation"]
    assert own["confusion"] == evaluation.confusion.tolist()
    line = next(line for line in plots.roc(evaluation).axes[0].get_lines() if "AUC" in str(line.get_label()))
    drawn = set(zip(*(map(float, axis) for axis in line.get_data()), strict=True))
    points = own["roc"][0]["points"]
    assert set(zip(points["false_positive_rate"], points["sensitivity"], strict=True)) <= drawn
    bars = plots.decisions(evaluation).axes[0].containers[0]
    shares = [share["alert"]["value"] for share in own["decision_shares"]]
    assert [bar.get_width() for bar in bars] == pytest.approx(shares)
    curve = next(
        line for line in plots.decision_curve(evaluation).axes[0].get_lines() if "probability" in line.get_label()
    )
    assert list(curve.get_ydata()) == [point["value"] for point in own["decision_curve"]["model"]]


def test_each_kind_has_a_name(found, evaluation, detector):
    assert report_data(found)["kind"] == "audit"
    assert report_data(evaluation.compare(evaluation, ["accuracy"]))["kind"] == "comparison"
    assert report_data(checklist(detector))["checklist"]["name"] == "tripod-ai"
