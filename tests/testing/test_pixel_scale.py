"""Measuring what an untrained network makes of raw pixels."""

import keras
import numpy as np
import pytest
from keras import layers

from melanoma_detect.models import classification_head
from melanoma_detect.testing.pixel_scale import PixelScale, measure_pixel_scale

PIXELS = np.random.default_rng(1).integers(0, 256, (4, 16, 16, 3), np.uint8)
PIXELS[0] = 255


def network(*before):
    pixels = keras.Input((16, 16, 3))
    x = pixels
    for layer in before:
        x = layer(x)
    x = layers.GlobalAveragePooling2D(name="features")(layers.Conv2D(4, 3, name="first")(x))
    return keras.Model(pixels, classification_head(x, 3))


@pytest.mark.parametrize(
    ("before", "layer", "largest"),
    [
        ([], "first", 255),
        ([layers.Rescaling(1 / 255)], "first", 1),
        ([layers.BatchNormalization(name="norm")], "norm", 255),
    ],
)
def test_what_the_first_weights_get(before, layer, largest):
    scale = measure_pixel_scale(network(*before), PIXELS)
    assert scale.layer.name == layer
    assert scale.largest == pytest.approx(largest)


def test_a_nested_network_is_looked_into():
    inner = keras.Sequential([keras.Input((16, 16, 3)), layers.Rescaling(1 / 255), layers.Conv2D(3, 1, name="inner")])
    scale = measure_pixel_scale(network(inner), PIXELS)
    assert (scale.layer.name, scale.largest) == ("inner", pytest.approx(1))


def test_growth_is_that_of_the_pixels_where_nothing_normalizes():
    assert measure_pixel_scale(network(), PIXELS).growth == pytest.approx(255, rel=0.01)
    assert measure_pixel_scale(network(layers.BatchNormalization()), PIXELS).growth == pytest.approx(1, rel=0.2)


@pytest.mark.parametrize(
    ("largest", "features", "growth", "is_raw"),
    [(255, 20, 255, True), (1, 20, 255, False), (151, 20, 255, False), (255, 0.5, 255, False), (255, 20, 1, False)],
)
def test_raw_needs_all_three(largest, features, growth, is_raw):
    assert PixelScale(layers.Conv2D(1, 1), largest, features, growth).is_raw is is_raw
    assert not PixelScale(layers.BatchNormalization(), largest, features, growth).is_raw
