"""The default architecture, the assignment's network."""

import keras
import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.errors import ModelError


def test_number_of_parameters():
    assert md.build_model("cnn", num_classes=9, input_shape=(180, 180, 3)).count_params() == 3_989_801


def test_layers():
    kinds = [type(layer).__name__ for layer in md.build_model("cnn", num_classes=9).layers]
    assert kinds == [
        "InputLayer",
        "Rescaling",
        *["Conv2D", "MaxPooling2D"] * 3,
        "Dropout",
        "Flatten",
        "Dense",
        "Dense",
        "Activation",
    ]


def test_layer_options():
    model = md.build_model("cnn", num_classes=9)
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [16, 32, 64]
    assert {(layer.kernel_size, layer.padding, layer.activation.__name__) for layer in convolutions} == {
        ((3, 3), "same", "relu")
    }
    assert model.layers[1].scale == pytest.approx(1 / 255)
    assert model.get_layer("features").units == 128
    assert next(layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)) == 0.2


def test_batch_normalization():
    model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3), batch_normalization=True)
    assert sum(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers) == 3


def test_too_small_images_raise():
    with pytest.raises(ModelError, match="at least 8×8"):
        md.build_model("cnn", num_classes=2, input_shape=(4, 64, 3))
    assert md.build_model("cnn", num_classes=2, input_shape=(8, 8, 3)).output_shape == (None, 2)


def test_probabilities_sum_to_one(image):
    model = md.build_model("cnn", num_classes=5, input_shape=(64, 64, 3))
    probabilities = model.predict(image[None], verbose=0)
    assert probabilities.dtype == np.float32
    assert probabilities.sum() == pytest.approx(1, abs=1e-6)
