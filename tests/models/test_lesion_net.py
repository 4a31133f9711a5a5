"""lesion_net, the small residual network."""

import keras
import pytest

import melanoma_detect as md
from melanoma_detect.errors import ModelError


def test_number_of_parameters():
    assert md.build_model("lesion_net", num_classes=9).count_params() <= 1_500_000


def test_residual_blocks():
    model = md.build_model("lesion_net", num_classes=3, input_shape=(64, 64, 3), depth=2)
    assert sum(isinstance(layer, keras.layers.Add) for layer in model.layers) == 8


def test_number_of_features_does_not_depend_on_the_image_size():
    for size in (64, 96):
        model = md.build_model("lesion_net", num_classes=3, input_shape=(size, size, 3))
        assert model.get_layer("features").output.shape == (None, 192)


def test_too_small_images_raise():
    with pytest.raises(ModelError, match="at least 32×32"):
        md.build_model("lesion_net", num_classes=3, input_shape=(16, 64, 3))
