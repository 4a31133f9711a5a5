"""Evaluation with two types of image: each image is judged as in use, by the threshold of its type."""

import numpy as np
import pytest

from melanoma_detect.data.record import Record
from melanoma_detect.data.split import Split
from melanoma_detect.evaluation.image_types import image_types_of, points_of_type
from melanoma_detect.evaluation.measured_points import operating_points_of
from melanoma_detect.inference.calibration import Calibration

TYPES = ("dermoscopy", "clinical")


@pytest.fixture
def photos(tmp_path, plain_image):
    """Write 40 images of one colour each: bright ones are clinical photographs, bluer ones are melanomas."""
    from PIL import Image

    records = []
    for number in range(40):
        label = ("nevus", "melanoma")[number % 2]
        blue = {"nevus": 112, "melanoma": 132}[label] + number - 20
        path = tmp_path / f"{number}.png"
        Image.fromarray(plain_image(TYPES[number // 2 % 2], blue)).save(path)
        records.append(Record(path.name, path, label, "test", group=path.name, digest=path.name))
    return Split("test", tuple(records), ("nevus", "melanoma"), (8, 8), 32)


def test_every_image_has_the_decision_of_a_prediction(two_types, photos):
    detector = two_types()
    evaluation = detector.evaluate(photos)
    predictions = detector.predict(photos)
    assert evaluation.decisions.tolist() == [prediction.decision for prediction in predictions]
    alert, melanoma = np.array([prediction.alert for prediction in predictions]), evaluation.is_melanoma
    assert evaluation.figures["sensitivity"].value == pytest.approx(alert[melanoma].mean())
    assert evaluation.figures["specificity"].value == pytest.approx((~alert)[~melanoma].mean())
    clear = np.array([prediction.decision == "clear" for prediction in predictions])
    assert evaluation.figures["false_negative_rate"].value == pytest.approx(clear[melanoma].mean())
    in_use = next(found for found in evaluation.measured_points() if found.point == detector.operating_point)
    assert in_use.sensitivity == evaluation.figures["sensitivity"]
    assert in_use.specificity == evaluation.figures["specificity"]
    # With the threshold of dermoscopy alone, it would be another sensitivity.
    single = detector.at(image_type="dermoscopy").evaluate(photos)
    assert single.figures["specificity"].value != pytest.approx(evaluation.figures["specificity"].value)


def test_notes_count_both_types(two_types, photos):
    clinical = sum(prediction.image_type == "clinical" for prediction in two_types().predict(photos))
    note = (
        f"The detector recognises {len(photos) - clinical} dermoscopy images (alert from 0.500) and {clinical} clinical "
        "photographs (alert from 0.300)."
    )
    evaluation = two_types().evaluate(photos)
    assert note in evaluation.notes
    assert note in str(evaluation)
    referred = two_types(referred_types=("clinical",)).evaluate(photos)
    assert f"{clinical} clinical photographs (referred)" in referred.notes[-1]
    assert int(referred.abstained.sum()) == clinical
    assert not any("recognises" in note for note in two_types().at(image_type="clinical").evaluate(photos).notes)


def test_images_of_a_type_without_a_threshold_count_as_referred(two_types, photos):
    for name in ("clinical", "calibrations"):
        detector = two_types(**{name: {1: Calibration()}})
        evaluation = detector.evaluate(photos)
        assert evaluation.decisions.tolist() == [prediction.decision for prediction in detector.predict(photos)]
        assert {"alert", "refer"} <= set(evaluation.decisions.tolist())


def test_points_are_those_of_the_type_in_use(two_types):
    predictor = two_types().predictor
    assert operating_points_of(predictor) == points_of_type(predictor, "dermoscopy")
    assert operating_points_of(predictor.at(image_type="clinical")) == points_of_type(predictor, "clinical")
    assert [round(point.threshold, 3) for point in points_of_type(predictor, "clinical")] == [0.3] * 3


def test_selected_images_keep_their_types(two_types, photos):
    evaluation = two_types().evaluate(photos)
    chosen = evaluation.per_image.image_types.types == "clinical"
    answers = evaluation.per_image.select(chosen)
    assert set(answers.image_types.types.tolist()) == {"clinical"}
    point = evaluation.operating_point
    np.testing.assert_array_equal(answers.alerts(point), evaluation.per_image.alerts(point)[chosen])
    np.testing.assert_array_equal(answers.cleared(point), evaluation.per_image.cleared(point)[chosen])


def test_a_detector_that_judges_all_alike_has_no_types(detector, data):
    pixels = data.test.pixels()
    assert image_types_of(detector.predictor, detector.predictor.predict_batch(pixels)) is None
    assert detector.evaluate(data.test).per_image.image_types is None
