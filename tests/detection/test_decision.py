"""From logits to a decision."""

import numpy as np
import pytest

from melanoma_detect.detection.decision import OperatingPoint, decide, melanoma_scores, softmax

CLASSES = ("basal cell carcinoma", "melanoma", "nevus")
POINT = OperatingPoint(0.95, 0.2, 0.96, 0.7, 50, 100)


def test_softmax_is_stable_and_sums_to_one():
    found = softmax(np.array([[1000.0, 1000.0, -1000.0], [0.0, 1.0, 2.0]], np.float32))
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_allclose(found[0], [0.5, 0.5, 0])


@pytest.mark.parametrize(("melanoma", "decision"), [(0.2, "alert"), (0.19999, "clear"), (0.9, "alert")])
def test_at_the_threshold_it_alerts(melanoma, decision):
    prediction = decide(np.array([0.05, melanoma, 0.95 - melanoma]), CLASSES, POINT, "photo.jpg")
    assert prediction.decision == decision
    assert prediction.alert == (decision == "alert")


def test_malignancy_is_the_sum_over_the_taxonomy():
    prediction = decide(np.array([0.3, 0.1, 0.6]), CLASSES, POINT, "photo.jpg")
    assert prediction.melanoma == 0.1
    assert prediction.malignant == pytest.approx(0.4)
    assert prediction.diagnosis == "nevus"
    assert list(prediction.probabilities) == list(CLASSES)


def test_it_reads_like_a_sentence():
    alert = str(decide(np.array([0.1, 0.5, 0.4]), CLASSES, POINT, "photo.jpg"))
    assert alert.startswith("photo.jpg: most likely melanoma (50%). ALERT: melanoma 50.0% reaches 20.0%")
    clear = str(decide(np.array([0.1, 0.1, 0.8]), CLASSES, POINT, "photo.jpg"))
    assert "No alert: melanoma 10.0% is under 20.0%" in clear
    assert "REFER" in str(decide(np.array([0.1, 0.1, 0.8]), CLASSES, None, "photo.jpg"))


def test_a_close_call_shows_the_digits_that_decide():
    point = OperatingPoint(0.95, 0.11804, 0.96, 0.7, 50, 100)
    assert "melanoma 11.803% is under 11.804%" in str(decide(np.array([0, 0.11803, 0.88197]), CLASSES, point, "x"))


def test_a_list_of_predictions_can_be_read():
    assert repr([decide(np.array([0.1, 0.5, 0.4]), CLASSES, POINT, "x.jpg")]) == (
        "[<Prediction x.jpg: melanoma 50.0%, melanoma 50.0%, alert>]"
    )


def test_no_melanoma_class_no_melanoma():
    assert melanoma_scores(np.array([[0.4, 0.6]]), ("a", "b")).tolist() == [0.0]
