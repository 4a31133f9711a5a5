"""Local calibration: what it does to probabilities, and what it must not do to decisions."""

import json
from dataclasses import replace

import numpy as np
import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.config import DetectorConfig
from melanoma_detect.inference.decision_rules import DecisionRule
from melanoma_detect.inference.local_calibration import LocalCalibration, LogOddsLine
from melanoma_detect.inference.operating_points import TARGETS, ValidationScores
from melanoma_detect.inference.prediction import target_scores

CLASSES = ("melanoma", "basal cell carcinoma", "squamous cell carcinoma", "nevus", "dermatofibroma")
LOCAL = LocalCalibration(
    melanoma=LogOddsLine(0.7, -1.0), malignant=LogOddsLine(0.6, -0.4), temperature=1.5, bias=(0.3, 1.0, -1.0, 0.0, -2.0)
)


def draw_logits(count=400, seed=1):
    return np.random.default_rng(seed).normal(scale=2, size=(count, len(CLASSES)))


def calibrate_on(logits, local=None):
    """Return a calibration whose operating points are set on these images: every fifth shows a melanoma."""
    rows = Calibration().probabilities(logits, CLASSES)
    shown = np.arange(len(rows)) % 5 == 0
    scores = {
        target: ValidationScores.of(target_scores(rows, CLASSES, target), shown, target=target)
        for target in ("melanoma", "malignant")
    }
    return (
        Calibration(operating_scores=scores) if local is None else localize(Calibration(operating_scores=scores), local)
    )


def localize(calibration, local):
    return replace(calibration, local=replace(local, first=calibration.local))


def scores_of(positive, negative, target="melanoma"):
    shown = [True] * len(positive) + [False] * len(negative)
    return ValidationScores.of(np.array([*positive, *negative]), shown, target=target)


@pytest.mark.parametrize("local", [LOCAL, LocalCalibration(LogOddsLine(1.0, 2.0), LogOddsLine(1.0, -3.0))])
def test_probabilities_sum_to_one_and_contain_melanoma_in_malignant(local):
    rows = local.apply(Calibration().probabilities(draw_logits(), CLASSES), CLASSES)
    np.testing.assert_allclose(rows.sum(axis=1), 1)
    assert (rows >= 0).all()
    assert (target_scores(rows, CLASSES, "malignant") >= rows[:, 0]).all()


def test_nothing_changes_without_a_local_calibration():
    rows = Calibration().probabilities(draw_logits(), CLASSES)
    np.testing.assert_allclose(LocalCalibration().apply(rows, CLASSES), rows, atol=1e-9)


def test_line_moves_the_probability_of_melanoma():
    rows = Calibration().probabilities(draw_logits(), CLASSES)
    odds = rows[:, 0] / (1 - rows[:, 0])
    local = LOCAL.apply(rows, CLASSES)[:, 0]
    np.testing.assert_allclose(local / (1 - local), odds**0.7 * np.exp(-1.0))


@pytest.mark.parametrize("sensitivity", [0.8, 0.9, 0.95])
def test_earlier_threshold_makes_the_same_decisions_on_the_local_scale(sensitivity):
    logits, calibration = draw_logits(), calibrate_on(draw_logits())
    local = localize(calibration, LOCAL)
    before, after = calibration.operating_point(sensitivity), local.operating_point(sensitivity)
    alerts = [
        each.probabilities(logits, CLASSES)[:, 0] >= point.threshold
        for each, point in ((calibration, before), (local, after))
    ]
    np.testing.assert_array_equal(*alerts)
    assert after.threshold != before.threshold
    assert (after.sensitivity, after.specificity) == (before.sensitivity, before.specificity)


def test_what_was_referred_as_likely_malignant_stays_referred():
    logits, calibration = draw_logits(), calibrate_on(draw_logits())
    local = localize(calibration, LOCAL)
    referred = [
        target_scores(each.probabilities(logits, CLASSES), CLASSES, "malignant")
        >= each.operating_point(0.9).malignant_threshold
        for each in (calibration, local)
    ]
    assert referred[0].any()
    assert referred[1][referred[0]].all()


def test_malignant_threshold_of_validation_without_malignant_lesions_stays_in_force():
    calibration = localize(replace(calibrate_on(draw_logits()), operating_scores={}), LOCAL)
    assert calibration._malignant_threshold(0.9) == pytest.approx(float(LOCAL.malignant(np.array(0.5))))


def test_image_between_two_scores_gets_the_same_decision_as_before():
    calibration = Calibration(operating_scores={"melanoma": scores_of([0.05] + [0.5] * 20, [0.01] * 20)})
    local = LocalCalibration(melanoma=LogOddsLine(0.5, -2.0), malignant=LogOddsLine(0.5, -2.0))
    before, after = calibration.operating_point(0.95), localize(calibration, local).operating_point(0.95)
    # Halfway between two scores before is not halfway between the moved ones.
    shares = np.append(np.linspace(0.001, 0.999, 999), before.threshold)
    rows = np.stack([shares, 1 - shares], axis=1)
    np.testing.assert_array_equal(
        local.apply(rows, ("melanoma", "nevus"))[:, 0] >= after.threshold, shares >= before.threshold
    )


def test_carcinoma_that_was_the_most_probable_diagnosis_is_never_cleared():
    # It was referred because basal cell carcinoma is the most probable class, at a malignancy under 0.5.
    classes, logits = ("melanoma", *CLASSES[1:2], *CLASSES[3:]), np.log([[0.02, 0.40, 0.30, 0.28]])
    calibration = Calibration(operating_scores={"melanoma": scores_of([0.5] * 20, [0.01] * 20)})
    rare = LocalCalibration(melanoma=LogOddsLine(1.0, -2.0), malignant=LogOddsLine(1.0, -2.0))
    for each in (calibration, once := localize(calibration, rare), localize(once, rare)):
        rule = DecisionRule("", each, each.operating_point(0.9), 0.0)
        batch = rule.predict(logits, classes, None, [""])
        assert batch.decision(0) == "refer"
    assert batch.probabilities[0, 1] < 0.02
    assert (
        batch.reason(0, classes) == "a malignant diagnosis was the most probable one before the detector was localized"
    )
    assert calibration.malignant_before(logits, classes).tolist() == [False]


def test_nothing_that_was_referred_or_alerted_is_cleared():
    logits, calibration = draw_logits(2000), calibrate_on(draw_logits())
    local = localize(calibration, LOCAL)
    cleared = []
    for each in (calibration, local, localize(local, LOCAL)):
        batch = DecisionRule("", each, each.operating_point(0.9), 0.0).predict(logits, CLASSES, None, [""] * 2000)
        cleared.append(np.array([batch.decision(row) == "clear" for row in range(2000)]))
    assert cleared[0].any()
    assert not (cleared[1] & ~cleared[0]).any()
    assert not (cleared[2] & ~cleared[1]).any()


def test_higher_sensitivity_never_has_a_higher_threshold():
    calibration = Calibration(
        operating_scores={
            target: scores_of(np.linspace(0.5, 1, 200), np.linspace(0, 0.4, 50), target) for target in TARGETS
        }
    )
    few = {target: scores_of(np.linspace(0.2, 0.9, 12), [0.01], target) for target in TARGETS}
    local = localize(calibration, LocalCalibration(operating_scores=few))
    points = [local.operating_point(sensitivity) for sensitivity in (0.5, 0.8, 0.9, 0.95, 0.99)]
    for name in ("threshold", "malignant_threshold"):
        thresholds = [getattr(point, name) for point in points]
        assert thresholds == sorted(thresholds, reverse=True)
    assert points[-1].threshold == points[2].threshold < calibration.operating_point(0.99).threshold
    # It says what the local melanomas let expect, which is less than was asked for.
    assert (points[-1].goal, points[-1].sensitivity) == (0.99, pytest.approx(12 / 13))


def test_sensitivity_that_nothing_supports_is_an_error_with_the_number_needed():
    local = localize(
        calibrate_on(draw_logits()), replace(LOCAL, operating_scores={"melanoma": scores_of([0.5] * 44, [0.1])})
    )
    with pytest.raises(
        DetectorError, match=r"at least 199 and one other.* with 199 local melanomas it could .* there are 44"
    ):
        local.operating_point(0.995)


@pytest.mark.parametrize(("lesions", "sensitivity", "rank"), [(19, 0.95, 1), (20, 0.95, 1), (39, 0.95, 2), (9, 0.9, 1)])
def test_threshold_is_the_one_that_a_new_lesion_reaches(lesions, sensitivity, rank):
    scores = ValidationScores.of(np.linspace(0.1, 1, lesions + 10), [False] * 10 + [True] * lesions)
    point = LocalCalibration(operating_scores={"melanoma": scores}).operating_point(sensitivity, "melanoma")
    assert (np.array(scores.positive) < point.threshold).sum() == rank - 1
    assert point.sensitivity == pytest.approx(1 - rank / (lesions + 1))
    assert point.sensitivity >= sensitivity - 1e-9
    assert point.local


@pytest.mark.parametrize(("lesions", "sensitivity"), [(18, 0.95), (8, 0.9), (98, 0.99)])
def test_too_few_lesions_leave_the_earlier_threshold(lesions, sensitivity):
    scores = ValidationScores.of(np.linspace(0.1, 1, lesions + 10), [False] * 10 + [True] * lesions)
    local = replace(LOCAL, operating_scores={"melanoma": scores})
    assert local.operating_point(sensitivity, "melanoma") is None
    assert not localize(calibrate_on(draw_logits(2000)), local).operating_point(sensitivity).local


def test_new_lesions_reach_the_threshold_as_often_as_promised():
    rng = np.random.default_rng(1)
    found = []
    for draws in rng.normal(size=(1000, 25)):
        scores = ValidationScores.of(np.append(draws, -9.0), [True] * 25 + [False])
        point = LocalCalibration(operating_scores={"melanoma": scores}).operating_point(0.95, "melanoma")
        found.append((rng.normal(size=100) >= point.threshold).mean())
    assert np.mean(found) >= 0.95


def test_sensitivity_out_of_range_is_an_error():
    with pytest.raises(DetectorError, match="sensitivity=1"):
        LOCAL.operating_point(1.0, "melanoma")


def test_second_local_calibration_comes_after_the_first():
    # The second one makes melanoma more likely than it leaves to all malignant diagnoses together.
    second = LocalCalibration(LogOddsLine(1.3, 2.2), LogOddsLine(1.2, -1.5), 0.8, (0.1, -0.5, 0.2, 0.0, 1.0))
    rows = Calibration().probabilities(draw_logits(), CLASSES)
    np.testing.assert_allclose(
        replace(second, first=LOCAL).apply(rows, CLASSES), second.apply(LOCAL.apply(rows, CLASSES), CLASSES)
    )
    assert replace(second, first=LOCAL).formula()["first"] == LOCAL.formula()


def test_threshold_of_the_first_stays_where_the_second_supports_less():
    first, second = (
        replace(LOCAL, operating_scores={"melanoma": scores_of(np.linspace(0.1, 1, count), [0.05] * 10)})
        for count in (30, 10)
    )
    once = localize(calibrate_on(draw_logits()), first)
    twice = localize(once, replace(second, operating_scores={}))
    assert twice.operating_point(0.95).threshold == pytest.approx(
        float(LOCAL.melanoma(np.array(once.operating_point(0.95).threshold)))
    )
    assert twice.operating_point(0.95).positives == 30
    assert localize(once, second).operating_point(0.9).positives == 10


def test_both_survive_json():
    scores = {"melanoma": scores_of([0.5] * 9, [0.1])}
    calibration = localize(localize(calibrate_on(draw_logits()), LOCAL), replace(LOCAL, operating_scores=scores))
    config = DetectorConfig(CLASSES, (32, 32), calibrations={1: calibration})
    assert DetectorConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    "classes", [("melanoma", "nevus"), ("nevus", "dermatofibroma"), ("basal cell carcinoma", "nevus")]
)
def test_classes_of_few_kinds(classes):
    local = LocalCalibration(LogOddsLine(1.0, 1.0), LogOddsLine(1.0, 1.0))
    rows = local.apply(np.array([[0.2, 0.8]]), classes)
    assert rows.sum() == pytest.approx(1)
    assert (rows[0, 0] == pytest.approx(0.2)) == (classes[0] == "nevus")


def test_certain_images_stay_finite():
    rows = LogOddsLine(20.0, 300.0)(np.array([0.0, 1.0]))
    assert np.isfinite(rows).all()
