"""The decision curve, compared with values of the package dcurves 1.1.7 and with counts."""

from functools import cache

import numpy as np
import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.decision_curve import THRESHOLDS, at_other_prevalence
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.inference.operating_points import OperatingPoint

CLASSES = ("melanoma", "nevus")
POINT = OperatingPoint(0.95, 0.2, 0.95, 0.5, 20, 80)
AT = (0.01, 0.05, 0.1, 0.2, 0.3)


@cache
def evaluate(point=POINT, abstained=()):
    row = np.arange(200)
    melanoma = row % 5 == 0
    scores = 0.02 + 0.3 * (row * 37 % 200) / 200 + 0.25 * melanoma
    groups = [str(number) for number in row]
    return measure(
        np.column_stack([scores, 1 - scores]),
        np.where(melanoma, 0, 1),
        groups,
        CLASSES,
        point,
        abstained=np.isin(row, abstained),
    )


def test_net_benefits_are_those_of_dcurves():
    curve = evaluate().decision_curve(AT)
    model, alerts, everybody = (
        [figure.value for figure in row] for row in (curve.model, curve.alerts, curve.treat_all)
    )
    assert model == pytest.approx([0.191919, 0.162105, 0.135000, 0.120000, 0.156429], abs=1e-6)
    assert alerts == pytest.approx([0.196768, 0.183158, 0.164444, 0.120000, 0.062857], abs=1e-6)
    assert everybody == pytest.approx([0.191919, 0.157895, 0.111111, 0.0, -0.142857], abs=1e-6)
    assert curve.prevalence == 0.2


def test_net_benefits_at_another_prevalence_are_those_of_dcurves():
    curve = evaluate().decision_curve(AT, prevalence=0.05)
    assert [figure.value for figure in curve.alerts] == pytest.approx(
        [0.046162, 0.030000, 0.007778, -0.045000, -0.112857], abs=1e-6
    )
    assert [figure.value for figure in curve.treat_all] == pytest.approx(
        [0.040404, 0.0, -0.055556, -0.1875, -0.357143], abs=1e-6
    )
    assert curve.prevalence == 0.05


def test_at_another_prevalence_the_model_acts_by_probabilities_that_hold_there():
    evaluation, share = evaluate(), 0.05
    scores, melanoma = evaluation.melanoma_scores, evaluation.is_melanoma
    odds = scores / (1 - scores) * (share / (1 - share)) / (0.2 / 0.8)
    acts = odds / (1 + odds) >= 0.1
    expected = acts[melanoma].mean() * share - acts[~melanoma].mean() * (1 - share) / 9
    assert evaluation.decision_curve([0.1], prevalence=share).model[0].value == pytest.approx(expected)
    np.testing.assert_allclose(at_other_prevalence(scores, 0.2, share), odds / (1 + odds))


def test_intervals_and_the_advantage_over_acting_on_all_and_on_nobody():
    curve = evaluate().decision_curve()
    assert curve.thresholds == THRESHOLDS
    for figures in (curve.model, curve.alerts, curve.treat_all, curve.advantage):
        assert all(figure.low <= figure.value <= figure.high for figure in figures)
    for model, everybody, gain in zip(curve.model, curve.treat_all, curve.advantage, strict=True):
        assert gain.value == pytest.approx(model.value - max(everybody.value, 0))
    assert 0.01 not in curve.useful  # everybody is over the lowest threshold, but the last one
    assert 0.2 in curve.useful
    assert f"{len(curve.useful)} of 30 thresholds" in str(curve)
    assert curve.model[0].lesions == 40


def test_who_acts_on_referrals_too_acts_on_everything_but_the_cleared():
    evaluation = evaluate(abstained=tuple(range(0, 200, 4)))
    curve = evaluation.decision_curve([0.1])
    acts = evaluation.decisions != "clear"
    melanoma = evaluation.is_melanoma
    expected = ((acts & melanoma).sum() - (acts & ~melanoma).sum() / 9) / 200
    assert curve.alerts_and_referrals[0].value == pytest.approx(expected)
    assert curve.alerts[0].value < curve.alerts_and_referrals[0].value


def test_it_is_a_table_and_plain_values():
    curve = evaluate().decision_curve(AT)
    frame = curve.to_frame()
    assert list(frame.index) == list(AT)
    assert frame.loc[0.05, "model"] == curve.model[1].value
    assert frame.loc[0.05, "model_low"] == curve.model[1].low
    assert (frame["treat_none"] == 0).all()
    assert curve.to_dict()["alerts"][1]["value"] == curve.alerts[1].value
    assert len(str(curve).splitlines()) == 2 + len(AT) + 1


def test_without_an_operating_point_there_are_no_alerts():
    curve = evaluate(None).decision_curve([0.1])
    assert curve.alerts == curve.alerts_and_referrals == ()
    assert "alerts" not in curve.to_frame()


def test_one_side_alone_has_no_curve():
    found = measure(np.eye(2), np.zeros(2, int), ["a", "b"], CLASSES, POINT)
    assert found.decision_curve() is None


@pytest.mark.parametrize("thresholds", [[], [0], [1.2], [float("nan")]])
def test_thresholds_are_probabilities(thresholds):
    with pytest.raises(DetectorError, match="expected one or more probabilities over 0 and under 1"):
        evaluate().decision_curve(thresholds)


def test_the_prevalence_is_a_share():
    with pytest.raises(DetectorError, match="prevalence=2"):
        evaluate().decision_curve(prevalence=2)
