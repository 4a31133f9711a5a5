"""The decision for each image: "clear" is never given by accident."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from melanoma_detect.inference.batch_prediction import batch_prediction
from melanoma_detect.inference.decisions import NO_NUMBERS, covers_melanoma, decide
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.inference.prediction import UNFAMILIAR, may_be_malignant
from melanoma_detect.utils.probability_arrays import sound_rows

CLASSES = ("nevus", "melanoma", "basal cell carcinoma")
SAFE = (0.9, 0.05, 0.05)
NAN, INF = float("nan"), float("inf")
STRANGE = (NAN, INF, -INF, -1.0, -0.0, 0.0, 1.0, 1.5, 1e308, -1e308)

numbers = st.sampled_from(STRANGE) | st.floats() | st.floats(0, 1)
rows = st.lists(numbers, min_size=3, max_size=3) | st.tuples(st.floats(0, 1), st.floats(0, 1)).map(
    lambda pair: [1 - min(1, sum(pair)), *pair]
)


def point_at(threshold=0.5, malignant_threshold=0.5, target="melanoma"):
    return OperatingPoint(0.9, threshold, 0.9, 0.8, 10, 90, target=target, malignant_threshold=malignant_threshold)


def decision_of(row=SAFE, point=None, classes=CLASSES, **options):
    batch = batch_prediction(np.array([row], np.float64), classes, point or point_at(), **options)
    (prediction,) = batch.predictions(classes, ["photo"])
    assert bool(prediction.reason) == (prediction.decision == "refer"), prediction.reason
    assert prediction.abstained is bool(batch.reasons[0])
    for text in (str(prediction), repr(prediction)):
        assert prediction.decision.upper() in text.upper()
        assert "nan%" not in text
    return prediction


def test_an_image_that_everything_speaks_for_is_cleared():
    assert decision_of().decision == "clear"
    assert decision_of(distance=np.array([1.0]), ood_threshold=3.5, rejection_reasons=[""]).decision == "clear"


@pytest.mark.parametrize("value", [NAN, INF, -INF])
@pytest.mark.parametrize("column", range(3))
def test_a_number_that_is_none_is_referred_and_no_diagnosis(value, column):
    row = list(SAFE)
    row[column] = value
    prediction = decision_of(row)
    assert (prediction.decision, prediction.reason, prediction.diagnosis) == ("refer", NO_NUMBERS, "")
    assert prediction.prediction_set == CLASSES  # nothing is ruled out


@pytest.mark.parametrize("row", [(0.5, 0.05, 0.05), (1.0, 0.0, 0.2), (1.2, -0.1, -0.1), (0.0, 0.0, 0.0)])
def test_numbers_that_are_no_probabilities_are_referred_with_what_they_are(row):
    prediction = decision_of(row)
    assert prediction.decision == "refer"
    assert f"they go from {min(row):g} to {max(row):g} and add up to {sum(row):g}" in prediction.reason


def test_rounding_is_no_fault():
    assert decision_of((0.9004, 0.05, 0.05)).decision == "clear"
    assert decision_of(np.float16([0.9, 0.05, 0.05])).decision == "clear"


@pytest.mark.parametrize("threshold", [NAN, INF, -INF, -0.1, 1.1])
def test_a_threshold_that_makes_no_sense_neither_alerts_nor_clears(threshold):
    for row in (SAFE, (0.1, 0.9, 0.0)):
        prediction = decision_of(row, point_at(threshold))
        assert prediction.decision == "refer"
        assert f"threshold for alerts is {threshold:g}" in prediction.reason


@pytest.mark.parametrize("threshold", [NAN, INF, -INF, -0.1, 1.1])
def test_a_malignant_threshold_that_makes_no_sense_clears_nothing_but_alerts_stay(threshold):
    prediction = decision_of(SAFE, point_at(malignant_threshold=threshold))
    assert prediction.decision == "refer"
    assert "threshold for malignant diagnoses is" in prediction.reason or "reaches" in prediction.reason
    assert decision_of((0.1, 0.9, 0.0), point_at(malignant_threshold=threshold)).decision == "alert"


@pytest.mark.parametrize("target", ["melanoma", "malignant"])
def test_a_detector_that_knows_no_melanoma_clears_nothing(target):
    classes = ("nevus", "dermatofibroma", "basal cell carcinoma")
    prediction = decision_of(SAFE, point_at(target=target), classes)
    assert (prediction.decision, prediction.reason) == ("refer", "none of the detector's classes is melanoma")


def test_a_detector_for_malignant_lesions_clears_the_benign_ones():
    classes = ("benign", "malignant")
    assert decision_of((0.9, 0.1), point_at(target="malignant"), classes).decision == "clear"


@pytest.mark.parametrize("distance", [NAN, INF, -INF, 4.0])
def test_a_distance_that_is_none_or_too_large_is_referred(distance):
    prediction = decision_of(distance=np.array([distance]), ood_threshold=3.5)
    assert prediction.decision == "refer"
    assert (prediction.reason == UNFAMILIAR) == (distance == 4.0)
    assert decision_of(distance=np.array([INF])).decision == "refer"  # without a threshold too


def test_a_likely_cancer_and_a_bad_image_are_not_cleared():
    assert decision_of((0.3, 0.1, 0.6)).reason == "basal cell carcinoma (60.0%) is malignant"
    assert decision_of(rejection_reasons=["too dark"]).reason == "too dark"
    assert "before the detector was localized" in decision_of(malignant_before=np.array([True])).reason


@settings(max_examples=400, deadline=None)
@given(
    row=rows,
    threshold=numbers,
    malignant_threshold=numbers,
    distance=st.none() | numbers,
    limit=numbers,
    rejected=st.sampled_from(["", "", "too dark"]),
    before=st.booleans(),
    target=st.sampled_from(["melanoma", "malignant"]),
)
def test_no_input_clears_unless_everything_was_measured_and_found(
    *, row, threshold, malignant_threshold, distance, limit, rejected, before, target
):
    point = point_at(threshold, malignant_threshold, target)
    measured = None if distance is None else np.array([distance])
    prediction = decision_of(
        row,
        point,
        distance=measured,
        ood_threshold=limit,
        rejection_reasons=[rejected],
        malignant_before=np.array([before]),
    )
    if prediction.decision != "refer":
        assert all(0 <= share <= 1 + 1e-6 for share in row)
        assert abs(sum(row) - 1) <= 1e-3
        assert 0 <= threshold <= 1
        assert not rejected
        assert distance is None or (np.isfinite(distance) and distance <= limit)
    if prediction.decision == "clear":
        score = row[1] if target == "melanoma" else row[1] + row[2]
        assert score < threshold
        assert row[1] < threshold
        assert row[1] + row[2] < malignant_threshold <= 1
        assert int(np.argmax(row)) not in may_be_malignant(CLASSES)
        assert not before


@settings(max_examples=50, deadline=None)
@given(st.lists(rows, max_size=6))
def test_an_image_is_decided_on_without_regard_to_others(many):
    table = np.array(many, np.float64).reshape(-1, 3)
    whole = decide(table, CLASSES, point_at())
    alone = [decide(table[[index]], CLASSES, point_at()) for index in range(len(table))]
    assert whole.clear.tolist() == [bool(one.clear[0]) for one in alone]
    assert whole.alert.tolist() == [bool(one.alert[0]) for one in alone]
    assert not (whole.clear & ~sound_rows(table)).any()


def test_a_class_that_covers_melanoma_counts():
    assert covers_melanoma(("cancer", "nevus"))
    assert not covers_melanoma(("nevus", "akiec"))
