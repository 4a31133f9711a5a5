"""The classification head."""

import keras
import pytest

import melanoma_detect as md
import melanoma_detect.models
from melanoma_detect.errors import ModelError
from melanoma_detect.models.contract import check


def test_head_keeps_the_contract():
    pixels = keras.Input((32, 32, 3))
    x = keras.layers.GlobalAveragePooling2D(name="features")(pixels)
    model = keras.Model(pixels, melanoma_detect.models.classification_head(x, 4, dropout=0.3))
    check(model, name="head", input_shape=(32, 32, 3), num_classes=4)
    assert any(isinstance(layer, keras.layers.Dropout) for layer in model.layers)


@pytest.mark.parametrize("dropout", [-0.1, 1, 1.5, float("nan"), float("inf"), "half", True, 10**400])
@pytest.mark.parametrize("name", ["cnn", "lesion_net", "mobilenet_v2"])
def test_a_dropout_out_of_range_is_refused_before_anything_is_built(name, dropout):
    weights = {"weights": None} if name == "mobilenet_v2" else {}
    with pytest.raises(ModelError, match="dropout="):
        md.build_model(name, num_classes=3, input_shape=(32, 32, 3), dropout=dropout, **weights)


@pytest.mark.parametrize("depth", [0, -1])
def test_a_network_has_blocks(depth):
    with pytest.raises(ModelError, match=f"depth={depth}; expected a whole number, 1 or more"):
        md.build_model("lesion_net", num_classes=3, input_shape=(32, 32, 3), depth=depth)
