"""Clones for export: the same outputs from other layers."""

import keras
import numpy as np
import pytest
from keras import layers

import melanoma_detect as md
from melanoma_detect.export.keras_graph import clone_for_export
from melanoma_detect.export.onnx import compare_onnx
from melanoma_detect.models import classification_head
from melanoma_detect.training.precision import clone_with_precision


def grouped(*, input_shape, num_classes):
    pixels = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255)(pixels)
    x = layers.Conv2D(8, 3, activation="gelu")(x)
    x = layers.Conv2D(8, 3, groups=8, padding="same")(x)
    x = layers.Activation("gelu")(x)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(pixels, classification_head(x, num_classes))


def test_grouped_convolutions_become_depthwise_and_answers_stay(image):
    model = md.build_model(grouped, num_classes=3, input_shape=(64, 64, 3))
    copy = clone_for_export(model)
    kinds = [type(layer).__name__ for layer in copy.layers]
    assert "DepthwiseConv2D" in kinds
    assert "Gelu" in kinds
    np.testing.assert_allclose(copy.predict(image[None], verbose=0), model.predict(image[None], verbose=0), atol=1e-6)


def test_mixed_precision_becomes_float32():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = md.build_model("cnn", num_classes=3, input_shape=(32, 32, 3))
    finally:
        keras.config.set_dtype_policy(before)
    assert any(layer.compute_dtype == "bfloat16" for layer in model.layers)
    assert all(layer.compute_dtype == "float32" for layer in clone_for_export(model).layers)


def test_the_model_keeps_its_own_weights():
    model = md.build_model("cnn", num_classes=3, input_shape=(32, 32, 3))
    before = model.get_weights()
    copy = clone_for_export(model)
    copy.set_weights([np.zeros_like(values) for values in copy.get_weights()])
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize(
    "options", [{"mean": [9.0, 8.0, 7.0], "variance": [4.0] * 3}, {"axis": None, "mean": 9.0, "variance": 4.0}]
)
def test_normalisation_becomes_constants(image, options):
    def normalised(*, input_shape, num_classes):
        pixels = keras.Input(input_shape)
        x = layers.Conv2D(4, 3)(layers.Normalization(**options)(pixels))
        return keras.Model(pixels, classification_head(layers.GlobalAveragePooling2D(name="features")(x), num_classes))

    model = md.build_model(normalised, num_classes=3, input_shape=(64, 64, 3))
    assert compare_onnx(model, image[None]).within_tolerance


def test_an_adapted_normalisation_is_copied_with_its_mean(image):
    layer = layers.Normalization()
    layer.adapt(image[None].astype(np.float32))
    pixels = keras.Input((64, 64, 3))
    features = layers.GlobalAveragePooling2D(name="features")(layers.Conv2D(4, 3, activation="relu")(layer(pixels)))
    model = keras.Model(pixels, classification_head(features, 3))
    expected = model.predict(image[None], verbose=0)
    for copy in (clone_for_export(model), clone_with_precision(model, "float32")):
        np.testing.assert_allclose(copy.predict(image[None], verbose=0), expected, atol=1e-5)
    assert compare_onnx(model, image[None]).within_tolerance


@pytest.mark.slow
def test_efficientnet_is_exported(image):
    backbone = keras.applications.EfficientNetB0(include_top=False, weights=None, input_shape=(64, 64, 3))
    features = layers.GlobalAveragePooling2D(name="features")(backbone.output)
    assert compare_onnx(keras.Model(backbone.input, classification_head(features, 3)), image[None]).within_tolerance
