"""The classification head."""

import keras

import melanoma_detect.models
from melanoma_detect.models.contract import check


def test_head_keeps_the_contract():
    pixels = keras.Input((32, 32, 3))
    x = keras.layers.GlobalAveragePooling2D(name="features")(pixels)
    model = keras.Model(pixels, melanoma_detect.models.classification_head(x, 4, dropout=0.3))
    check(model, name="head", input_shape=(32, 32, 3), num_classes=4)
    assert any(isinstance(layer, keras.layers.Dropout) for layer in model.layers)
