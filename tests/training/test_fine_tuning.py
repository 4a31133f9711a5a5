"""Fine-tuning in two phases."""

import keras
import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.training.fine_tuning import plan_phases

SMALL = {"num_classes": 9, "input_shape": (32, 32, 3)}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    backbone = keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, include_top=False, weights=None)
    file = tmp_path_factory.mktemp("weights") / "narrow.weights.h5"
    backbone.save_weights(file)
    return file


@pytest.fixture
def model(weights):
    return md.build_model("mobilenet_v2:0.35", weights=weights, **SMALL)


def split_weights(model):
    backbone = model.get_layer("backbone")
    inside = [values.copy() for values in backbone.get_weights()]
    return inside, model.get_weights()[len(inside) :]


def changed(before, after):
    return any((old != new).any() for old, new in zip(before, after, strict=True))


def test_model_without_backbone_has_one_phase():
    (only,) = plan_phases(md.build_model("cnn", **SMALL), 5, md.Recipe())
    assert (only.epochs, only.learning_rate, only.head_only) == (5, 1e-3, False)


def test_pretrained_model_has_two_phases(model):
    first, second = plan_phases(model, 10, md.Recipe())
    assert (first.epochs, first.learning_rate, first.head_only) == (3, 1e-3, True)
    assert (second.epochs, second.learning_rate, second.head_only) == (7, pytest.approx(1e-4), False)


def test_frozen_backbone_has_one_phase(weights):
    model = md.build_model("mobilenet_v2:0.35", weights=weights, trainable="head", **SMALL)
    (only,) = plan_phases(model, 4, md.Recipe())
    assert (only.epochs, only.learning_rate) == (4, 1e-3)


@pytest.mark.parametrize(("epochs", "expected"), [(1, [1]), (2, [1, 1]), (4, [3, 1])])
def test_epochs_of_the_phases_sum_to_the_total(model, epochs, expected):
    assert [phase.epochs for phase in plan_phases(model, epochs, md.Recipe())] == expected


@pytest.mark.slow
def test_head_is_trained_before_the_backbone(model, data):
    inside, head = split_weights(model)
    md.Detector.fit(model, data, epochs=2, recipe=md.Recipe(head_epochs=2), progress=False)
    has_changed = [changed(inside, split_weights(model)[0]), changed(head, split_weights(model)[1])]
    assert has_changed[1]
    recipe = md.Recipe(head_epochs=0, fine_tuning=1.0, patience=99)
    detector = md.Detector.fit(model, data, epochs=2, recipe=recipe, progress=False)
    assert changed(inside, split_weights(model)[0])
    assert len(detector.history) == 2


def test_backbone_is_frozen_in_the_first_phase(model):
    backbone = model.get_layer("backbone")
    flags = [layer.trainable for layer in backbone.layers]
    first, _ = plan_phases(model, 6, md.Recipe())
    with first.freeze_backbone(model):
        assert not backbone.trainable_weights
        assert model.trainable_weights
    assert [layer.trainable for layer in backbone.layers] == flags


@pytest.mark.slow
def test_batch_normalization_of_the_backbone_is_unchanged(model, data):
    normalised = [
        layer for layer in model.get_layer("backbone").layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    before = [np.concatenate(layer.get_weights()) for layer in normalised]
    md.Detector.fit(model, data, epochs=2, recipe=md.Recipe(head_epochs=1), progress=False)
    for layer, values in zip(normalised, before, strict=True):
        np.testing.assert_array_equal(np.concatenate(layer.get_weights()), values)


@pytest.mark.slow
def test_history_covers_both_phases(model, data, capsys):
    detector = md.Detector.fit(model, data, epochs=3, recipe=md.Recipe(head_epochs=1), progress=True)
    assert list(detector.history["epoch"]) == [1, 2, 3]
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("epoch ") and "loss" in line]
    assert [line.split()[1] for line in lines] == ["1/3", "2/3", "3/3"]
    assert detector.predictor.config.recipe["head_epochs"] == 1


@pytest.mark.slow
def test_second_phase_without_improvement_is_discarded(model, data):
    recipe = md.Recipe(head_epochs=1, fine_tuning=1e4, learning_rate=1e-3, patience=1)
    detector = md.Detector.fit(model, data, epochs=2, recipe=recipe, progress=False)
    losses = detector.history["val_loss"]
    if losses[0] <= losses[1]:
        assert detector.predictor.config.best_epoch == 1
    probabilities = detector.predictor.probabilities(data.validation.pixels((32, 32)))
    labels = data.validation.labels
    measured = -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-7)).mean()
    assert measured == pytest.approx(losses.min(), abs=0.05)
