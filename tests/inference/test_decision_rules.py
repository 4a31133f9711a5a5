"""Each type of image is judged by its own calibration, threshold, prediction sets and distance, or referred."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import melanoma_detect as md
from melanoma_detect.errors import DetectorError, DetectorWarning
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.decision_rules import UNKNOWN_TYPE, DecisionRule
from melanoma_detect.inference.local_calibration import LocalCalibration, LogOddsLine
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.inference.out_of_distribution import FeatureSpace

TYPES = ("dermoscopy", "clinical")


def sigmoid(value):
    return 1 / (1 + np.exp(-value))


def test_each_image_is_judged_by_the_calibration_of_its_type(two_types, plain_image):
    images = [plain_image(image_type, blue) for blue in (116, 140) for image_type in TYPES]
    predictions = two_types().predict(images)
    assert [prediction.image_type for prediction in predictions] == [*TYPES, *TYPES]
    expected = [sigmoid((blue - 128) / 32 / temperature) for blue in (116, 140) for temperature in (1, 2)]
    assert [prediction.melanoma for prediction in predictions] == pytest.approx(expected, abs=1e-6)
    # 0.41 is under the threshold of dermoscopy; 0.45 is over that of clinical photographs.
    assert [prediction.decision for prediction in predictions] == ["clear", "alert", "alert", "alert"]
    assert [prediction.operating_point.threshold for prediction in predictions] == pytest.approx(
        [0.5, 0.3] * 2, abs=1e-3
    )
    assert [len(prediction.prediction_set) for prediction in predictions] == [2, 2, 2, 2]
    sure = two_types().predict([plain_image(image_type, 100) for image_type in TYPES])
    assert [len(prediction.prediction_set) for prediction in sure] == [2, 1]


def test_one_image_alone_is_judged_as_in_a_batch(two_types, plain_image):
    detector = two_types()
    images = [plain_image(image_type, blue) for blue in (20, 90, 150) for image_type in (*TYPES, "clinical")]
    together = detector.predict(images)
    assert together == [
        detector.predict(image).__class__(**{**vars(detector.predict(image)), "source": one.source})
        for image, one in zip(images, together, strict=True)
    ]
    batch = detector.predictor.predict_batch(np.stack(images))
    assert batch.operating_point is None
    np.testing.assert_array_equal(batch.probabilities, detector.predictor.probabilities(np.stack(images)))
    assert detector.predictor.predict_batch(np.stack(images[:1])).operating_point == detector.operating_point
    assert detector.predict([]) == []


def test_the_user_may_say_the_type(two_types, plain_image):
    dark, bright = plain_image("dermoscopy", 116), plain_image("clinical", 116)
    clinical = two_types().at(image_type="clinical")
    assert clinical.predict(dark).image_type == "clinical"
    assert clinical.predict(dark).melanoma == two_types().predict(bright).melanoma
    assert clinical.operating_point.threshold == pytest.approx(0.3, abs=1e-3)
    assert two_types().at(image_type="dermoscopy").predict(bright).decision == "clear"
    assert clinical.at(image_type="auto").predict(dark).image_type == "dermoscopy"
    assert clinical.at(views=4).predict(dark).image_type == "clinical"
    with pytest.raises(DetectorError, match="image_type='photo'; expected one of 'dermoscopy', 'clinical' and 'auto'"):
        two_types().at(image_type="photo")


def test_a_referred_type_is_referred_with_its_reason(two_types, plain_image):
    detector = two_types(clinical={}, referred_types=("clinical",))
    dermoscopy, clinical = detector.predict([plain_image(image_type, 250) for image_type in TYPES])
    assert (dermoscopy.decision, dermoscopy.abstained) == ("alert", False)
    assert (clinical.decision, clinical.abstained, clinical.operating_point) == ("refer", True, None)
    assert clinical.reason == "a clinical photograph: the detector judges dermoscopy images only"
    assert "REFER: the detector abstains from this image: a clinical photograph: the detector" in str(clinical)
    assert detector.at(image_type="dermoscopy").predict(plain_image("clinical", 250)).decision == "alert"
    assert detector.at(image_type="clinical").predict(plain_image("dermoscopy", 250)).decision == "refer"


def test_the_distance_is_compared_with_the_limit_of_the_type(two_types, plain_image, monkeypatch):
    detector = two_types()
    space = FeatureSpace.fit(np.random.default_rng(1).normal(size=(50, 2)).astype(np.float32))
    monkeypatch.setattr(FeatureSpace, "distance", lambda self, features: np.full(len(features), 4.0))
    object.__setattr__(detector.predictor.files, "feature_space", space)
    dermoscopy, clinical = detector.predict([plain_image(image_type, 20) for image_type in TYPES])
    assert (dermoscopy.abstained, clinical.abstained) == (False, True)
    assert clinical.reason.startswith("unlike the skin lesions")


def test_without_a_threshold_images_of_that_type_are_referred(two_types, plain_image):
    detector = two_types(clinical={1: Calibration()})
    dermoscopy, clinical = detector.predict([plain_image(image_type, 250) for image_type in TYPES])
    assert (dermoscopy.decision, clinical.decision, clinical.abstained) == ("alert", "refer", False)
    assert clinical.reason == "this detector has no threshold for melanoma on clinical photographs"
    assert "clinical photograph, most likely melanoma" in str(clinical)
    assert "REFER: this detector has no threshold for melanoma on clinical photographs; a person" in str(clinical)
    with pytest.warns(
        DetectorWarning, match="clinical photographs are all referred: .*no operating point for melanoma"
    ):
        assert detector.at(sensitivity=0.9).operating_point.goal == 0.9
    with pytest.raises(DetectorError, match=r"clinical photographs: .*no operating point for melanoma"):
        detector.at(sensitivity=0.9, image_type="clinical")


def test_a_detector_that_knows_one_type_does_not_judge_the_other(detector, data):
    with pytest.raises(DetectorError, match="not calibrated on clinical photographs"):
        detector.at(image_type="clinical")
    path = data.test.paths[0]
    told, plain = detector.at(image_type="dermoscopy").predict(path), detector.predict(path)
    assert (told.image_type, plain.image_type, plain.melanoma) == ("dermoscopy", "", told.melanoma)
    assert detector.predictor.image_types == ()


def test_the_explanation_of_an_image_keeps_its_type(two_types, plain_image):
    # Grey that hides a part makes this image dark enough for dermoscopy.
    image = plain_image("clinical", 116)
    image[:, :, 0] = 130
    explanation = two_types().explain(image, diagnosis="melanoma", method="occlusion")
    assert explanation.probability == pytest.approx(two_types().predict(image).melanoma)
    assert explanation.hidden == pytest.approx(
        two_types().at(image_type="clinical").explain(image, diagnosis="melanoma", method="occlusion").hidden
    )


def test_the_settings_are_saved_with_the_detector(two_types):
    config = two_types().at(image_type="clinical").predictor.saved_config
    assert md.inference.config.DetectorConfig.from_dict(config.to_dict()) == config
    assert config.settings.image_type == "clinical"
    plain = two_types(clinical={}).predictor.config.to_dict()
    assert {"clinical", "referred_types"}.isdisjoint(plain)
    assert "image_type" not in plain["settings"]


CLASSES = ("nevus", "melanoma", "basal cell carcinoma")
POINT = OperatingPoint(0.9, 0.5, 0.9, 0.8, 10, 90)
SURE = np.array([[6.0, 1.0, 1.0]], np.float32)
anything = st.floats(width=32) | st.sampled_from([float("nan"), float("inf"), -float("inf"), 0.0, -1.0, 3e38])
sensible = st.floats(0.125, 8, width=32)
lines = st.builds(LogOddsLine, sensible | anything, st.floats(-4, 4, width=32) | anything)
biases = st.just(()) | st.tuples(*[st.floats(-4, 4, width=32)] * 3) | st.tuples(*[anything] * 3)
local_calibrations = st.builds(LocalCalibration, lines, lines, sensible | anything, biases)


def judge(calibration, logits=SURE, **options):
    rule = DecisionRule("", calibration, POINT, 0.0, **options)
    return rule.predict(logits, CLASSES, None, [""] * len(logits))


@settings(max_examples=300, deadline=None)
@given(
    logits=st.lists(st.floats(-9, 9, width=32) | anything, min_size=3, max_size=3),
    calibration=st.builds(
        Calibration, temperature=sensible | anything, bias=biases, local=st.none() | local_calibrations
    ),
)
def test_no_logits_and_no_calibration_clear_an_image_by_accident(logits, calibration):
    batch = judge(calibration, np.array([logits], np.float32))
    (prediction,) = batch.predictions(CLASSES, ["photo"])
    assert prediction.decision == "refer" or np.isfinite(logits).all()
    if prediction.decision == "clear":
        assert not calibration.problem
        assert 0 <= prediction.melanoma < POINT.threshold
        assert prediction.malignant < POINT.malignant_threshold
        assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-3)
    assert prediction.decision.upper() in str(prediction)


@pytest.mark.parametrize(
    "calibration",
    [
        *(Calibration(temperature=number) for number in (0.0, -1.0, np.nan, np.inf)),
        *(Calibration(bias=(0.0, number, 0.0)) for number in (np.nan, np.inf, -np.inf)),
        Calibration(local=LocalCalibration(melanoma=LogOddsLine(slope=-1.0))),
        Calibration(local=LocalCalibration(temperature=np.nan)),
        Calibration(local=LocalCalibration(first=LocalCalibration(malignant=LogOddsLine(intercept=np.inf)))),
    ],
)
def test_a_calibration_that_makes_no_sense_judges_no_image(calibration):
    assert judge(Calibration()).decision(0) == "clear"
    batch = judge(calibration)
    assert (batch.decision(0), batch.reasons[0]) == ("refer", calibration.problem)
    assert "of the detector's calibration is" in calibration.problem


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_logit_that_is_no_number_is_referred_and_leaves_the_other_images_alone(number):
    for column in range(3):
        logits = np.repeat(SURE, 3, axis=0)
        logits[1, column] = number
        batch = judge(Calibration(bias=(0.1, 0.2, 0.0)), logits)
        assert [batch.decision(row) for row in range(3)] == ["clear", "refer", "clear"]
        assert batch.reasons == ["", "the model gave no numbers for this image", ""]


def test_an_image_whose_features_are_no_numbers_has_no_type_and_is_referred(two_types, plain_image):
    predictor = two_types().predictor
    outputs = predictor.runtime.run(np.stack([plain_image("dermoscopy", 100)] * 2))
    outputs.features[1, 0] = np.nan
    batch = predictor._rules.predict(outputs, predictor.classes, None)
    assert (batch.decision(0), batch.decision(1)) == ("clear", "refer")
    assert batch.reasons[1] == UNKNOWN_TYPE
