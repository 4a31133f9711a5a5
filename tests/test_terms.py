"""The page of terms defines every figure, title and column that an evaluation shows."""

import re
from pathlib import Path

import pytest

from melanoma_detect.evaluation.comparison import Difference
from melanoma_detect.evaluation.decision_shares import DecisionShares
from melanoma_detect.evaluation.external_columns import columns
from melanoma_detect.evaluation.metrics import HEADLINES, headlines
from melanoma_detect.evaluation.predictive_values import PredictiveFigures
from melanoma_detect.evaluation.roc import RocPoint

PAGE = (Path(__file__).parents[1] / "docs" / "reference" / "terms.md").read_text(encoding="utf-8")
CODE = set(re.findall(r"`([^`\n]+)`", PAGE))


def missing(names):
    """Return the names that the page does not show as code."""
    return sorted(name for name in names if name not in CODE and f"evaluation.{name}" not in CODE)


@pytest.mark.parametrize("target", ["melanoma", "malignant"])
def test_every_figure_and_its_title_is_defined(target):
    assert missing(HEADLINES) == []
    plain = re.sub(r"\s+", " ", PAGE)
    assert [title for title in headlines(target).values() if title not in plain] == []


def test_every_column_of_several_sets_is_defined():
    used = columns("melanoma", shortcuts=True)
    assert missing(used) == []
    plain = re.sub(r"\s+", " ", PAGE)
    assert [column.title for column in used.values() if column.title not in plain] == []


def test_every_key_and_column_of_an_evaluation_is_defined(detector, data):
    evaluation = detector.evaluate(data)
    assert missing(evaluation.to_dict()) == []
    assert missing(column for column in evaluation.predictions if not column.startswith("p ")) == []
    ends = ("_low", "_high")
    assert missing(column for column in evaluation.frame if not column.endswith(ends)) == []
    curve = evaluation.decision_curve()
    assert missing(column for column in curve.to_frame() if not column.endswith(ends)) == []
    frame = evaluation.compare(evaluation, ["melanoma_auc"]).to_frame()
    assert missing(column for column in frame if not column.endswith(ends)) == []
    sets = detector.evaluate({"ours": data}).to_frame()
    assert missing(column for column in sets if not column.endswith((*ends, "_lesions"))) == []


def test_every_part_of_a_result_is_defined():
    assert missing(DecisionShares._fields) == []
    assert missing(RocPoint._fields) == []
    assert missing(name for name in Difference._fields if name != "title") == []
    assert missing(name for name in PredictiveFigures._fields if name != "target") == []
    assert "`target`" in PAGE
