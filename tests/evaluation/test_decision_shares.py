"""The share of each decision, by what images truly show."""

from dataclasses import replace

import numpy as np
import pytest

from melanoma_detect.evaluation.decision_shares import DECISIONS
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.inference.operating_points import OperatingPoint

CLASSES = ("melanoma", "nevus", "basal cell carcinoma", "actinic keratosis")
POINT = OperatingPoint(0.95, 0.3, 0.95, 0.5, 20, 80)


@pytest.fixture(scope="module")
def evaluation():
    rng = np.random.default_rng(5)
    labels = rng.choice(4, size=400, p=[0.2, 0.5, 0.2, 0.1])
    logits = rng.normal(size=(400, 4)) + np.eye(4)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    groups = [str(row // 2) for row in range(400)]
    return measure(probabilities, labels, groups, CLASSES, POINT, abstained=np.arange(400) % 9 == 0)


def test_shares_are_those_of_the_decisions(evaluation):
    labels, decisions = evaluation.labels, evaluation.decisions
    kinds = {
        "all": np.ones(400, bool),
        "melanoma": labels == 0,
        "other malignant": labels == 2,
        "benign": labels == 1,
        "indeterminate or unknown": labels == 3,
    }
    found = evaluation.decision_shares()
    assert [shares.truth for shares in found] == list(kinds)
    for shares in found:
        chosen = kinds[shares.truth]
        for name in ("alert", "clear", "refer"):
            figure = getattr(shares, name)
            assert figure.value == pytest.approx((decisions == name)[chosen].mean())
            assert figure.low <= figure.value <= figure.high
            assert shares.counts[name] == (decisions == name)[chosen].sum()
        assert shares.alert.value + shares.clear.value + shares.refer.value == pytest.approx(1)
        assert shares.abstain.value == pytest.approx(evaluation.abstained[chosen].mean())
        assert shares.images == chosen.sum()


def test_they_agree_with_the_figures(evaluation):
    _, melanoma, *_ = evaluation.decision_shares()
    assert melanoma.alert == evaluation.figures["sensitivity"]
    assert melanoma.clear == evaluation.figures["false_negative_rate"]


def test_a_label_that_may_mean_melanoma_is_no_other_cancer():
    names = ("malignant", "melanoma", "nevus")
    rows = np.full((3, 4), 0.25)
    found = measure(rows, np.array([-1, 0, 1]), list("abc"), CLASSES, POINT, label_names=names).decision_shares()
    assert [shares.truth for shares in found] == ["all", "melanoma", "benign", "indeterminate or unknown"]


def test_without_an_operating_point_everything_is_referred(evaluation):
    shares = replace(evaluation, operating_point=None).decision_shares()[0]
    assert (shares.alert.value, shares.clear.value, shares.refer.value) == (0, 0, 1)


def test_it_prints_and_is_plain_values(evaluation):
    shares = evaluation.decision_shares()[1]
    assert str(shares).startswith(f"melanoma: {shares.images} images; alert 0.")
    plain = shares.to_dict()
    assert {name: plain[name]["value"] for name in DECISIONS} == {
        name: getattr(shares, name).value for name in DECISIONS
    }
