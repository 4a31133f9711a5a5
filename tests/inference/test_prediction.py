"""Predictions: decisions, prediction sets and abstentions."""

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.batch_prediction import batch_prediction
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.inference.prediction import (
    UNFAMILIAR,
    Predictions,
    format_distinct,
    melanoma_scores,
    prediction_sets,
    softmax,
)
from melanoma_detect.inference.source_sensitivity import SourceSensitivity

CLASSES = ("basal cell carcinoma", "melanoma", "nevus")
POINT = OperatingPoint(0.95, 0.2, 0.96, 0.7, 50, 100)


def test_what_moved_is_found_under_its_old_name_with_a_warning():
    from melanoma_detect.inference import batch_prediction as moved
    from melanoma_detect.inference import prediction

    for name in ("BatchPrediction", "batch_prediction"):
        with pytest.warns(DeprecationWarning, match=rf"use melanoma_detect\.inference\.batch_prediction\.{name}"):
            assert getattr(prediction, name) is getattr(moved, name)
    with pytest.raises(AttributeError, match="has no attribute 'other'"):
        prediction.other  # noqa: B018 - reading it raises


def decide(probabilities, classes, point, source, **more):
    return batch_prediction(probabilities[None], classes, point, **more).predictions(classes, [source])[0]


def test_softmax_is_stable_and_sums_to_one():
    found = softmax(np.array([[1000.0, 1000.0, -1000.0], [0.0, 1.0, 2.0]], np.float32))
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_allclose(found[0], [0.5, 0.5, 0])


@pytest.mark.parametrize(("melanoma", "decision"), [(0.2, "alert"), (0.19999, "clear"), (0.9, "alert")])
def test_at_the_threshold_it_alerts(melanoma, decision):
    prediction = decide(np.array([0.05, melanoma, 0.95 - melanoma]), CLASSES, POINT, "photo.jpg")
    assert prediction.decision == decision
    assert prediction.alert == (decision == "alert")


@pytest.mark.parametrize("target", ["melanoma", "malignant"])
@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.8])
@pytest.mark.parametrize("malignant_threshold", [0.149, 0.5])
def test_no_likely_cancer_is_cleared(target, threshold, malignant_threshold):
    point = OperatingPoint(0.95, threshold, 0.96, 0.7, 50, 100, target=target, malignant_threshold=malignant_threshold)
    rng = np.random.default_rng(5)
    rows = np.concatenate([rng.dirichlet(np.full(3, size), 400) for size in (0.2, 1, 5)])
    batch = batch_prediction(rows, CLASSES, point)
    predictions = batch.predictions(CLASSES, ["x"] * len(rows))
    assert {"alert", "clear"} <= {prediction.decision for prediction in predictions}
    for row, prediction in zip(rows, predictions, strict=True):
        likely = row[0] + row[1] >= malignant_threshold or row.argmax() < 2
        score = row[1] if target == "melanoma" else row[0] + row[1]
        assert prediction.decision == ("alert" if score >= threshold else "refer" if likely else "clear")
        assert bool(prediction.reason) == (prediction.decision == "refer")
        assert not prediction.abstained
    assert not batch.abstained.any()


def test_a_carcinoma_is_referred_with_its_reason():
    prediction = decide(np.array([0.99, 0.004, 0.006]), CLASSES, POINT, "photo.jpg", conformal_threshold=0.5)
    assert (prediction.decision, prediction.alert, prediction.abstained) == ("refer", False, False)
    assert prediction.reason == "basal cell carcinoma (99.0%) is malignant"
    assert str(prediction) == (
        "photo.jpg: most likely basal cell carcinoma (99.0%). REFER: basal cell carcinoma (99.0%) is malignant; no "
        "melanoma alert (melanoma 0.4% is under 20.0%, the threshold for 95% sensitivity); a person must look."
    )


def test_a_sum_of_malignant_probabilities_is_referred():
    point = replace(POINT, malignant_threshold=0.3)
    prediction = decide(np.array([0.18, 0.15, 0.67]), CLASSES, point, "x")
    assert (prediction.decision, prediction.diagnosis) == ("refer", "nevus")
    assert prediction.reason == "the probability of a malignant diagnosis, 33.0%, reaches 30.0%"
    assert decide(np.array([0.14, 0.15, 0.71]), CLASSES, point, "x").decision == "clear"


def test_the_reason_for_an_abstention_comes_first():
    prediction = decide(np.array([0.99, 0, 0.01]), CLASSES, POINT, "x", rejection_reasons=["too blurred"])
    assert (prediction.decision, prediction.abstained, prediction.reason) == ("refer", True, "too blurred")


def test_a_class_malignant_is_malignant():
    prediction = decide(np.array([0.8, 0.1, 0.1]), ("malignant", "melanoma", "benign"), POINT, "x")
    assert (prediction.malignant, prediction.decision) == (pytest.approx(0.9), "refer")


def test_what_is_no_number_is_not_cleared():
    assert decide(np.full(3, np.nan), ("nevus", "melanoma", "wart"), POINT, "x").decision == "refer"


def test_malignancy_is_the_sum_over_the_taxonomy():
    prediction = decide(np.array([0.3, 0.1, 0.6]), CLASSES, POINT, "photo.jpg")
    assert prediction.melanoma == 0.1
    assert prediction.malignant == pytest.approx(0.4)
    assert prediction.diagnosis == "nevus"
    assert list(prediction.probabilities) == list(CLASSES)


def test_it_reads_like_a_sentence():
    alert = str(decide(np.array([0.1, 0.5, 0.4]), CLASSES, POINT, "photo.jpg"))
    assert alert.endswith(
        "ALERT: melanoma 50.0% reaches 20.0%, the threshold for 95% sensitivity; show it to a dermatologist."
    )
    clear = str(decide(np.array([0.1, 0.1, 0.8]), CLASSES, POINT, "photo.jpg"))
    assert "CLEAR: no melanoma alert: melanoma 10.0% is under 20.0%" in clear
    assert "REFER" in str(decide(np.array([0.1, 0.1, 0.8]), CLASSES, None, "photo.jpg"))


def test_a_close_call_shows_the_digits_that_decide():
    point = OperatingPoint(0.95, 0.11804, 0.96, 0.7, 50, 100)
    assert "melanoma 11.803% is under 11.804%" in str(decide(np.array([0, 0.11803, 0.88197]), CLASSES, point, "x"))


def test_a_list_of_predictions_can_be_read():
    assert repr([decide(np.array([0.1, 0.5, 0.4]), CLASSES, POINT, "x.jpg")]) == (
        "[<Prediction x.jpg: alert, melanoma 50.0%>]"
    )


def test_an_abstention_names_no_diagnosis_in_its_representation():
    far = decide(np.array([0.05, 0.9, 0.05]), CLASSES, POINT, "x.jpg", distance=np.array([3.0]), ood_threshold=2.0)
    assert repr(far) == f"<Prediction x.jpg: refer, the detector abstains: {UNFAMILIAR}>"
    assert repr(decide(np.array([0.1, 0.1, 0.8]), CLASSES, POINT, "x")) == (
        "<Prediction x: clear, nevus 80.0%, melanoma 10.0%>"
    )


def test_what_is_not_certain_is_not_rounded_to_certainty():
    sure = decide(np.array([1e-6, 1 - 2e-6, 1e-6]), CLASSES, POINT, "x")
    assert "most likely melanoma (>99.9%;" in str(sure)
    assert "melanoma >99.9% reaches 20.0%" in str(sure)
    nearly = decide(np.array([0.003, 0.995, 0.002]), CLASSES, POINT, "x")
    assert "most likely melanoma (99.5%;" in str(nearly)
    never = decide(np.array([0.0, 1e-7, 1 - 1e-7]), CLASSES, POINT, "x")
    assert "melanoma <0.1% is under 20.0%" in str(never)
    assert "100%" not in str(sure) + str(nearly) + str(never) + repr(sure)


@pytest.mark.parametrize(
    ("first", "second", "texts"),
    [
        (0.5, 0.2, ("50.0%", "20.0%")),
        (0.99999, 0.9999999998959401, ("99.999%", "99.99999999%")),
        (0.6, 0.9999999998959401, ("60.0%", "99.99999999%")),
        (1e-9, 0.00012, ("<0.01%", "0.01%")),
    ],
)
def test_a_share_and_a_threshold_can_be_told_apart(first, second, texts):
    assert format_distinct(first, second) == texts


def test_no_melanoma_class_no_melanoma():
    assert melanoma_scores(np.array([[0.4, 0.6]]), ("a", "b")).tolist() == [0.0]


def test_abstaining_refers_whatever_the_score():
    for melanoma in (0.01, 0.9):
        row = np.array([0.05, melanoma, 0.95 - melanoma])
        far = decide(row, CLASSES, POINT, "x", distance=np.array([3.0]), ood_threshold=2.0)
        assert (far.decision, far.abstained, far.alert, far.reason) == ("refer", True, False, UNFAMILIAR)
        blurred = decide(row, CLASSES, POINT, "x", rejection_reasons=["too blurred"])
        assert (blurred.decision, blurred.reason) == ("refer", "too blurred")
        assert "REFER: the detector abstains from this image: too blurred; a person must look" in str(blurred)
    near = decide(np.array([0.1, 0.1, 0.8]), CLASSES, POINT, "x", distance=np.array([2.0]), ood_threshold=2.0)
    assert (near.decision, near.abstained, near.reason) == ("clear", False, "")


def test_malignancy_can_be_the_target():
    point = OperatingPoint(0.95, 0.35, 0.96, 0.7, 50, 100, target="malignant")
    found = decide(np.array([0.3, 0.1, 0.6]), CLASSES, point, "x")
    assert found.alert
    assert "ALERT: malignant 40.0% reaches 35.0%" in str(found)


def test_a_prediction_set_holds_what_cannot_be_ruled_out():
    rows = np.array([[0.7, 0.2, 0.1], [0.34, 0.33, 0.33], [0.05, 0.05, 0.9]])
    assert prediction_sets(rows, 0.15).tolist() == [[True, True, False], [True, True, True], [False, False, True]]
    assert prediction_sets(rows, 0.95).sum(axis=1).tolist() == [1, 1, 1]
    prediction = decide(rows[0], CLASSES, POINT, "x", conformal_threshold=0.15)
    assert prediction.prediction_set == ("basal cell carcinoma", "melanoma")
    assert "(70.0%; not ruled out: melanoma)" in str(prediction)


def test_settings_without_calibration_are_rejected():
    with pytest.raises(DetectorError, match="no operating point for malignant: validation showed no malignant lesion"):
        Calibration().operating_point(0.9, "malignant")
    with pytest.raises(DetectorError, match=r"coverage=0\.7; expected one of 0\.9, 0\.95"):
        Calibration(conformal_thresholds={0.9: 0.1, 0.95: 0.05}).conformal_threshold(0.7)
    assert Calibration().conformal_threshold(0.7) == 0


@pytest.mark.parametrize(("label", "decision"), [("akiec", "refer"), ("actinic keratosis", "clear"), ("bkl", "clear")])
def test_a_class_that_covers_a_cancer_is_referred(label, decision):
    prediction = decide(np.array([0.95, 0.02, 0.03]), (label, "melanoma", "nevus"), POINT, "x")
    assert prediction.decision == decision
    assert prediction.reason == ("akiec (95.0%) may be malignant" if decision == "refer" else "")


def test_it_is_plain_values_as_json_has_them():
    point = replace(POINT, sources=(SourceSensitivity("a clinic", 0.9, 30, (0.8, 1.0), decides=True),))
    prediction = decide(np.array([0.1, 0.5, 0.4]), CLASSES, point, "photo.jpg")
    plain = prediction.to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert list(plain) == [field.name for field in fields(prediction)]
    assert plain["operating_point"]["sources"][0]["source"] == "a clinic"
    assert plain["prediction_set"] == list(prediction.prediction_set)
    assert plain["decision"] == "alert"
    plain["probabilities"]["nevus"] = 9
    assert prediction.probabilities["nevus"] == 0.4
    assert decide(np.array([0.1, 0.5, 0.4]), CLASSES, None, "photo.jpg").to_dict()["operating_point"] is None


def test_a_list_of_predictions_is_a_list(detector, data):
    predictions = detector.predict(data.test.paths[:3])
    assert isinstance(predictions, list)
    assert predictions == list(predictions)
    assert type(predictions[1:]) is type(predictions) is Predictions
    assert predictions[1:] == list(predictions)[1:]
    assert predictions[0].source == str(data.test.paths[0])
    assert type(detector.predict([])) is Predictions
    assert [one.melanoma for one in sorted(predictions, key=lambda one: one.melanoma)] == sorted(
        one.melanoma for one in predictions
    )


def test_its_sheet_can_be_saved(detector, data):
    detector.predict(data.test.paths[0]).plot().savefig("sheet.png")
    assert Path("sheet.png").stat().st_size > 5000
