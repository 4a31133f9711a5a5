"""Clones for export: the same outputs from other layers."""

import keras
import numpy as np
from keras import layers

import melanoma_detect as md
from melanoma_detect.export.keras_graph import clone_for_export
from melanoma_detect.models import classification_head


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
