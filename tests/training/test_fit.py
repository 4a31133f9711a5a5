"""`Detector.fit`: the threshold, the configuration, the fingerprint, and the export."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

import melanoma_detect as md
from melanoma_detect.errors import DataWarning, DetectorError, DetectorWarning
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.models import classification_head
from melanoma_detect.training import fit as fit_module


def test_threshold_comes_from_validation(detector, data):
    point = detector.operating_point
    evaluation = detector.evaluate(data.validation, seen="keep")
    assert point.sensitivity >= 0.6
    alert = evaluation.melanoma_scores >= point.threshold
    assert alert[evaluation.is_melanoma].mean() == pytest.approx(point.sensitivity)
    assert (~alert[~evaluation.is_melanoma]).mean() == pytest.approx(point.specificity)
    not_abstained = ~evaluation.abstained
    assert evaluation.figures["sensitivity"].value == pytest.approx(
        (alert & not_abstained)[evaluation.is_melanoma].mean()
    )
    assert evaluation.figures["false_negative_rate"].value == pytest.approx(
        (~alert & not_abstained)[evaluation.is_melanoma].mean()
    )
    assert evaluation.figures["coverage"].value == pytest.approx(not_abstained.mean())
    assert point.positives + point.negatives == len(data.validation)


def test_config_records_the_training(detector, data):
    config = detector.predictor.config
    assert config.architecture["package"] == "melanoma-detect"
    assert config.recipe["augmentation"] == vars(md.Augmentation("horizontal", 0.1, 0.1))
    assert (config.recipe["precision"], config.recipe["devices"]) == ("float32", 1)
    seen = detector.predictor.files.fingerprint()
    assert seen.digests == {record.digest for record in (*data.train.records, *data.validation.records)}
    assert config.export["probabilities"] < 2e-4
    assert config.input_limits.sharpness > 0
    assert config.made_with["keras"]
    assert len(detector.history) == len(config.history["epoch"])
    assert detector.history["val_loss"].idxmin() + 1 == config.best_epoch


def test_training_a_model_further_does_not_change_its_detector(data, image):
    model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
    first = md.Detector.fit(model, data, epochs=1, progress=False)
    before = first.predict(image).probabilities
    second = md.Detector.fit(model, data, epochs=1, progress=False)
    assert first.predict(image).probabilities == pytest.approx(before, abs=1e-7)
    assert second.predict(image).probabilities != pytest.approx(before, abs=1e-4)


def test_fingerprint_covers_every_training_of_a_model(data):
    model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
    md.Detector.fit(model, data, epochs=1, progress=False)
    swapped = {"train": "test", "test": "train", "validation": "validation"}
    other = data.with_records(replace(record, split=swapped[record.split]) for record in data.records)
    with pytest.warns(DataWarning, match=r"already trained on (\d+) of the \1 test images: evaluate sets them aside"):
        detector = md.Detector.fit(model, other, epochs=1, progress=False)
    assert {record.digest for record in data.records} <= detector.predictor.files.fingerprint().digests


def test_sensitivity_out_of_range_raises_before_training(data):
    model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
    weights = model.get_weights()
    with pytest.raises(DetectorError, match="sensitivity=95; expected over 0 and under 1"):
        md.Detector.fit(model, data, sensitivity=95, progress=False)
    np.testing.assert_array_equal(model.get_weights()[0], weights[0])


def test_other_image_size_than_the_dataset_warns(data):
    model = md.build_model("cnn", num_classes=9, input_shape=(48, 48, 3))
    with pytest.warns(DataWarning, match="reads images at 48×48, the dataset was loaded for 32×32"):
        md.Detector.fit(model, data, epochs=1, progress=False)


def test_sensitivity_sets_the_goal(data):
    model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
    assert md.Detector.fit(model, data, epochs=1, sensitivity=0.5, progress=False).operating_point.goal == 0.5


def test_without_a_melanoma_class_every_image_is_referred(tree):
    data = md.load_dataset(tree({"freckle": 10, "scar": 10}), image_size=(32, 32))
    model = md.build_model("cnn", num_classes=2, input_shape=(32, 32, 3))
    with pytest.warns(DataWarning, match=r"no class is melanoma \(freckle, scar\)"):
        detector = md.Detector.fit(model, data, epochs=1, progress=False)
    prediction = detector.predict(np.zeros((32, 32, 3), np.uint8))
    assert (prediction.decision, prediction.alert, prediction.operating_point) == ("refer", False, None)


def test_too_few_melanomas_warn_and_refer_every_image(data, image):
    model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
    with pytest.warns(
        DataWarning, match=r"0\.95 sensitivity .* expected at least 19 and one other.* refers every image"
    ):
        detector = md.Detector.fit(model, data, epochs=1, progress=False)
    assert detector.operating_point is None
    assert detector.predict(image).decision == "refer"
    with pytest.raises(DetectorError, match="at least 9 and one other"):
        detector.at(sensitivity=0.9)
    assert detector.at(sensitivity=0.5).operating_point.goal == 0.5


def test_model_without_onnx_export_runs_on_keras(data, monkeypatch):
    from melanoma_detect.errors import DetectorWarning, ModelError
    from melanoma_detect.training import fit as fit_module

    def fail(model):
        raise ModelError("cnn: cannot be exported to ONNX")

    monkeypatch.setattr(fit_module, "onnx_bytes", fail)  # every built-in architecture can be exported
    model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
    with pytest.warns(DetectorWarning, match="cannot be exported to ONNX: the detector runs on Keras"):
        detector = md.Detector.fit(model, data, epochs=1, progress=False)
    assert detector.predictor.runtime.name == "keras"
    assert detector.predictor.files.onnx is None


def normalised(*, input_shape, num_classes):
    pixels = keras.Input(input_shape)
    x = layers.Normalization(mean=[150.0, 120.0, 110.0], variance=[2500.0] * 3)(pixels)
    x = layers.GlobalAveragePooling2D(name="features")(layers.Conv2D(4, 3, activation="relu")(x))
    return keras.Model(pixels, classification_head(x, num_classes))


@keras.saving.register_keras_serializable("tests")
class OutsideTensor(layers.Layer):
    """Multiplies by a tensor that is no weight, which no ONNX file holds."""

    def build(self, input_shape):
        self.factors = keras.ops.convert_to_tensor([0.01, 0.01, 0.01])

    def call(self, inputs):
        return inputs * self.factors


def not_exportable(*, input_shape, num_classes):
    pixels = keras.Input(input_shape)
    x = layers.Conv2D(4, 3, activation="relu")(OutsideTensor()(pixels))
    return keras.Model(pixels, classification_head(layers.GlobalAveragePooling2D(name="features")(x), num_classes))


@pytest.fixture
def few(tree):
    """Twenty images of two classes."""
    return md.load_dataset(tree({"melanoma": 10, "nevus": 10}), image_size=(32, 32))


def test_a_model_that_normalises_runs_on_onnx(few):
    model = md.build_model(normalised, num_classes=2, input_shape=(32, 32, 3))
    detector = md.Detector.fit(model, few, epochs=1, sensitivity=0.5, progress=False)
    assert detector.predictor.runtime.name == "onnx"
    assert detector.predictor.config.export["probabilities"] < 2e-4


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # TensorFlow's tensors, when a graph takes one in
def test_what_cannot_be_exported_is_said_before_training_and_served_by_keras(few, tmp_path, monkeypatch):
    said = []
    train = fit_module.train

    def note_and_train(*given):
        said.extend(str(note.message) for note in caught if note.category is DetectorWarning)
        return train(*given)

    monkeypatch.setattr(fit_module, "train", note_and_train)
    model = md.build_model(not_exportable, num_classes=2, input_shape=(32, 32, 3))
    with pytest.warns(DetectorWarning, match="inputs beside the image .* will run on Keras") as caught:
        detector = md.Detector.fit(model, few, epochs=1, sensitivity=0.5, progress=False)
    assert len(said) == 1, "before the first epoch"
    assert sum(note.category is DetectorWarning for note in caught) == 1, "and not again after it"
    assert (detector.predictor.runtime.name, detector.predictor.files.onnx) == ("keras", None)
    detector.save(tmp_path / "mine.detector")
    image = few.test.records[0].path
    assert md.Detector.load(tmp_path / "mine.detector").predict(image).melanoma == pytest.approx(
        detector.predict(image).melanoma, abs=1e-6
    )


def test_a_finished_training_leaves_its_weights_whatever_fails(few, tmp_path, monkeypatch):
    def fail(*given, **options):
        raise ZeroDivisionError("in the calibration")

    monkeypatch.setattr(fit_module, "calibrate_by_type", fail)
    model = md.build_model("cnn", num_classes=2, input_shape=(32, 32, 3))
    with pytest.raises(DetectorError, match=r"in the calibration.*weights are in .*\.weights\.h5") as caught:
        md.Detector.fit(model, few, epochs=1, sensitivity=0.5, progress=False, checkpoint=tmp_path / "run")
    (path,) = (tmp_path / "run").glob("*.weights.h5")
    assert str(path) in str(caught.value)
    other = md.build_model("cnn", num_classes=2, input_shape=(32, 32, 3))
    other.load_weights(path)
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])


def test_a_type_of_image_without_a_threshold_is_named(two_types, data):
    config = two_types(clinical={1: Calibration()}).predictor.config
    with pytest.warns(DataWarning, match="for clinical photographs and refers all clinical photographs") as caught:
        fit_module._warn_without_threshold(config, data.validation)
    assert len(caught) == 1
