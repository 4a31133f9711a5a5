"""`Detector`: predicting, saving and loading, settings, deprecated names."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import DetectorError, ImageError, OutputError


@pytest.fixture
def photos(lesions):
    return sorted((lesions / "Test").rglob("*.jpg"))


def probabilities(predictions):
    return np.array([list(prediction.probabilities.values()) for prediction in predictions])


def test_every_kind_of_input_gives_the_same_prediction(detector, photos):
    path = photos[0]
    array = np.asarray(Image.open(path))
    sources = [path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes()), Image.open(path), array]
    predictions = [detector.predict(source) for source in sources]
    assert all(isinstance(prediction, md.Prediction) for prediction in predictions)
    np.testing.assert_allclose(probabilities(predictions), probabilities([predictions[0]] * 6), atol=1e-6)
    assert predictions[0].source == str(path)


def test_several_images_come_back_in_order(detector, photos):
    many = detector.predict(photos)
    alone = [detector.predict(photo) for photo in photos]
    assert len(many) == 36
    np.testing.assert_allclose(probabilities(many), probabilities(alone), atol=1e-5)
    assert [prediction.source for prediction in many] == [str(photo) for photo in photos]


def test_batches_generators_and_empty_lists(detector, photos):
    batch = np.stack([np.asarray(Image.open(photo)) for photo in photos[:3]])
    assert len(detector.predict(batch)) == 3
    assert len(detector.predict(photo for photo in photos[:2])) == 2
    assert detector.predict([]) == []


def test_a_split_can_be_predicted(detector, data):
    assert [prediction.source for prediction in detector.predict(data.test)] == [str(path) for path in data.test.paths]


def test_a_value_that_is_not_an_image_raises(detector):
    with pytest.raises(ImageError, match="None is not an image"):
        detector.predict(None)


def test_the_error_for_an_unreadable_image_names_it(detector, photos, tmp_path):
    (tmp_path / "text.jpg").write_text("no image")
    with pytest.raises(ImageError, match=r"text\.jpg"):
        detector.predict([photos[0], tmp_path / "text.jpg"])
    with pytest.raises(ImageError, match="is a folder"):
        detector.predict(tmp_path)


def test_training_and_prediction_read_the_same_pixels(detector, data):
    from_use = probabilities(detector.predict(data.test.paths))
    from_training = detector.predictor.probabilities(data.test.pixels())
    np.testing.assert_allclose(from_use, from_training, atol=1e-6)


def test_a_loaded_detector_equals_the_saved_one(detector, photos, tmp_path):
    detector.save(tmp_path / "mine.detector")
    loaded = md.Detector.load(tmp_path / "mine.detector")
    assert loaded.predictor.config == detector.predictor.config
    np.testing.assert_allclose(
        probabilities(loaded.predict(photos)), probabilities(detector.predict(photos)), atol=1e-6
    )
    assert loaded.history.equals(detector.history)


def test_another_process_gives_the_same_prediction(detector, photos, tmp_path):
    detector.save(tmp_path / "mine.detector")
    code = "import sys, melanoma_detect as md; print(md.Detector.load(sys.argv[1]).predict(sys.argv[2]).melanoma)"
    command = [sys.executable, "-c", code, str(tmp_path / "mine.detector"), str(photos[0])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(done.stdout) == pytest.approx(detector.predict(photos[0]).melanoma, abs=1e-6)


def test_training_separates_melanomas_from_nevi(detector, lesions):
    melanomas = detector.predict(sorted((lesions / "Train" / "melanoma").glob("*.jpg")))
    nevi = detector.predict(sorted((lesions / "Train" / "nevus").glob("*.jpg")))
    mean = [np.mean([prediction.melanoma for prediction in predictions]) for predictions in (melanomas, nevi)]
    assert mean[0] > mean[1] + 0.2


def test_the_error_for_an_unwritable_path_names_it(detector, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        detector.save(tmp_path / "file" / "mine.detector")


def test_repr_has_architecture_classes_and_size(detector):
    assert repr(detector) == "<Detector cnn: 9 classes at 32×32>"


def test_at_changes_the_settings(detector, photos):
    half = detector.at(sensitivity=0.5)
    assert half.operating_point.threshold >= detector.operating_point.threshold
    assert detector.predictor.settings.sensitivity == 0.6
    malignant = detector.at(target="malignant")
    assert malignant.operating_point.target == "malignant"
    assert malignant.predict(photos[0]).operating_point.target == "malignant"
    wide, narrow = (
        np.mean([len(prediction.prediction_set) for prediction in detector.at(coverage=share).predict(photos)])
        for share in (0.99, 0.8)
    )
    assert wide > narrow >= 1
    augmented = detector.at(views=8)
    assert augmented.operating_point != detector.operating_point
    assert probabilities(augmented.predict(photos[:3])) == pytest.approx(
        probabilities(detector.predict(photos[:3])), abs=0.5
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sensitivity": 0.99}, "at least 99 and one other"),
        ({"sensitivity": 2}, "sensitivity=2"),
        ({"target": "benign"}, "no operating point for benign"),
        ({"views": 5}, "views=5"),
        ({"views": True}, "views=True; expected 1, 4"),
        ({"views": np.array([1.0])}, r"views=array\(\[1\.\]\); expected 1, 4"),
        ({"coverage": 0.5}, "coverage=0.5; expected one of"),
        ({"coverage": np.array([0.9])}, r"coverage=array\(\[0\.9\]\); expected one of"),
        ({"coverage": float("nan")}, "coverage=nan; expected one of"),
    ],
)
def test_unsupported_settings_raise(detector, changes, message):
    with pytest.raises(DetectorError, match=message):
        detector.at(**changes)


def test_unfamiliar_images_are_referred(detector, photos):
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    unfamiliar = detector.predict([noise, np.zeros((64, 64, 3), np.uint8), np.full((5, 5, 3), 150, np.uint8)])
    assert [prediction.decision for prediction in unfamiliar] == ["refer"] * 3
    assert [bool(prediction.reason) for prediction in unfamiliar] == [True] * 3
    assert unfamiliar[2].reason == "too small"
    assert np.mean([prediction.abstained for prediction in detector.predict(photos)]) < 0.2


def test_arrays_and_predictions_agree(detector, data):
    batch = detector.predictor.predict_batch(data.test.pixels())
    predictions = detector.predict(data.test.paths)
    assert [batch.decision(index) for index in range(len(predictions))] == [
        prediction.decision for prediction in predictions
    ]
    np.testing.assert_allclose(batch.melanoma, [prediction.melanoma for prediction in predictions], atol=1e-5)
    assert batch.abstained.tolist() == [prediction.abstained for prediction in predictions]
    assert len(detector.predictor.predict_batch(np.empty((0, 32, 32, 3), np.uint8)).reasons) == 0


PUBLIC_NAMES = {
    *("fit", "localize", "load", "save", "predict", "explain", "similar", "evaluate", "export", "at"),
    *("model_card", "operating_point", "classes", "image_size", "history", "predictor"),
}


def test_the_public_names_are_these(detector):
    assert {name for name in dir(detector) if not name.startswith("_")} == PUBLIC_NAMES


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("answer", "predict_inputs"),
        ("card", "config"),
        ("files", "files"),
        ("judge", "predict_batch"),
        ("keras_model", "keras_model"),
        ("look", "preprocess"),
        ("probabilities", "probabilities"),
        ("runtime", "runtime"),
        ("settings", "settings"),
    ],
)
def test_old_names_of_internals_warn(detector, old, new):
    with pytest.warns(
        DeprecationWarning, match=rf"Detector\.{old} is deprecated .* use Detector\.predictor\.{new}"
    ) as caught:
        value = getattr(detector, old)
    assert [warning.filename for warning in caught] == [__file__]
    assert value == getattr(detector.predictor, new)


def test_old_names_that_return_detectors_warn(detector, data):
    evaluation = detector.evaluate(data.test)
    with pytest.warns(DeprecationWarning, match=r"use Detector\.predictor\.with_metrics"):
        measured = detector.measured(evaluation)
    assert measured.predictor.config.metrics["test"] == evaluation.to_dict()
    with pytest.warns(DeprecationWarning, match=r"use Detector\.predictor\.with_threads"):
        threaded = detector.threaded(1)
    assert isinstance(threaded, md.Detector)


def test_names_that_never_existed_raise(detector):
    with pytest.raises(AttributeError, match="'Detector' object has no attribute 'forecast'"):
        detector.forecast  # noqa: B018
    assert not hasattr(md.Detector.__new__(md.Detector), "predictor")


def test_old_keywords_warn(detector, photos, tmp_path):
    with pytest.warns(
        DeprecationWarning, match=r"Detector\.predict\(pictures=…\) .* use Detector\.predict\(images=…\)"
    ):
        assert len(detector.predict(pictures=photos[:2])) == 2
    with pytest.warns(DeprecationWarning, match=r"use Detector\.explain\(image=…\)"):
        explanation = detector.explain(photo=photos[0], method="occlusion")
    with pytest.warns(DeprecationWarning, match=r"use Detector\.export\(images=…\)"):
        exported = detector.export("onnx", tmp_path / "cnn.onnx", pictures=photos[:2])
    assert (explanation.source, exported.images) == (str(photos[0]), 2)


def test_old_attributes_of_results_warn(detector, photos, tmp_path):
    explanation = detector.explain(photos[0], method="occlusion")
    with pytest.warns(DeprecationWarning, match=r"use Explanation\.image"):
        assert explanation.picture is explanation.image
    exported = detector.export("onnx", tmp_path / "cnn.onnx", images=photos[:2])
    with pytest.warns(DeprecationWarning, match=r"use Exported\.images"):
        assert exported.pictures == exported.images
    with pytest.warns(DeprecationWarning, match=r"use Exported\.max_difference"):
        assert exported.parity == exported.max_difference
