"""Models that were trained before: on images that are to measure them now they are refused."""

from dataclasses import replace

import keras
import pytest

import melanoma_detect as md
from melanoma_detect.errors import DataWarning, DetectorError, LeakError
from melanoma_detect.training.earlier_training import check_earlier_training, remember_training


class Model:
    """Stands for a Keras model, which takes attributes too."""


def exchange(data, one, two):
    other = {one: two, two: one}
    return data.with_records(replace(record, split=other.get(record.split, record.split)) for record in data.records)


def test_a_new_model_has_nothing_to_remember(data):
    assert check_earlier_training(Model(), data) == ""


def test_the_same_split_continues_with_a_note(data):
    model = Model()
    remember_training(model, data)
    assert "continues from its weights" in check_earlier_training(model, data)


def test_validation_images_that_were_trained_on_are_refused(data):
    model = Model()
    remember_training(model, data)
    other = exchange(data, "train", "validation")
    count = len(other.validation)
    with pytest.raises(LeakError, match=f"already trained on {count} of the {count} validation images.*md.build_model"):
        check_earlier_training(model, other)


def test_copies_and_near_duplicates_are_recognised(data):
    model = Model()
    renamed = [replace(record, digest="0" * 64) for record in data.train.records]
    remember_training(model, data.with_records([*renamed, *data.validation.records]))
    with pytest.raises(LeakError, match="threshold would be set on images that it knows"):
        check_earlier_training(model, exchange(data, "train", "validation"))


def test_test_images_that_were_trained_on_are_warned_of(data):
    model = Model()
    remember_training(model, data)
    with pytest.warns(DataWarning, match="test images: evaluate sets them aside"):
        assert check_earlier_training(model, exchange(data, "train", "test"))


def test_fit_refuses_before_it_trains(data):
    model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
    remember_training(model, data)
    before = model.get_weights()[0].copy()
    with pytest.raises(LeakError, match="already trained"):
        md.Detector.fit(model, exchange(data, "train", "validation"), epochs=1, progress=False)
    assert (model.get_weights()[0] == before).all()


class InterruptAtOnce(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise KeyboardInterrupt


def test_an_interrupted_training_counts_and_one_that_never_began_does_not(data):
    model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
    with pytest.raises(DetectorError, match="epochs"):
        md.Detector.fit(model, data, epochs=0, progress=False)
    assert check_earlier_training(model, exchange(data, "train", "validation")) == ""
    with pytest.raises(KeyboardInterrupt):
        md.Detector.fit(model, data, epochs=1, progress=False, callbacks=[InterruptAtOnce()])
    with pytest.raises(LeakError, match="already trained"):
        check_earlier_training(model, exchange(data, "train", "validation"))


def test_fit_says_that_a_model_is_trained_further(data, capsys):
    model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
    remember_training(model, data)
    md.Detector.fit(model, data, epochs=1, sensitivity=0.5)
    assert "was trained before" in capsys.readouterr().err
