"""Each check of the contract can fail: a bad model for each."""

import keras
import pytest
from keras import layers

import melanoma_detect as md
from melanoma_detect.errors import ContractError
from melanoma_detect.models.contract import check, every_layer, logits_of


def build(*, head=None, features="features", pool=True, inside=(), shape=(32, 32, 3), classes=3):
    pixels = x = keras.Input(shape)
    for layer in inside:
        x = layer(x)
    x = layers.GlobalAveragePooling2D(name=features)(x) if pool else layers.Conv2D(4, 3, name=features)(x)
    if not pool:
        x = layers.Flatten()(x)
    if head:
        return keras.Model(pixels, head(x))
    return keras.Model(pixels, layers.Activation("softmax", dtype="float32")(layers.Dense(classes)(x)))


def checked(model):
    check(model, name="mynet", input_shape=(32, 32, 3), num_classes=3)


def test_a_good_model_passes():
    checked(build())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": (16, 16, 3)}, "its input is"),
        ({"classes": 4}, "its output is"),
        ({"head": layers.Dense(3, activation="softmax")}, r"last layer is Dense \(softmax\)"),
        ({"head": layers.Dense(3)}, r"last layer is Dense \(linear\)"),
        ({"head": lambda x: layers.Activation("sigmoid")(layers.Dense(3)(x))}, r"Activation \(sigmoid\)"),
        (
            {"head": lambda x: layers.Activation("softmax", dtype="bfloat16")(layers.Dense(3)(x))},
            "probabilities are bfloat16",
        ),
        ({"features": "penultimate"}, "no layer is named 'features'"),
        ({"pool": False}, "layer 'features' gives"),
        ({"inside": [layers.Lambda(lambda x: x)]}, "Lambda layers"),
        ({"inside": [keras.Sequential([layers.Lambda(lambda x: x)])]}, "Lambda layers"),
    ],
)
def test_each_breach_is_named(options, message):
    with pytest.raises(ContractError, match=message) as caught:
        checked(build(**options))
    assert "'mynet'" in str(caught.value)


def test_what_is_no_model_is_named():
    with pytest.raises(ContractError, match="returned str"):
        checked("a model")


def test_several_breaches_are_listed_together():
    with pytest.raises(ContractError, match=r"its input is.*no layer is named"):
        checked(build(shape=(16, 16, 3), features="x"))


def test_logits_go_into_the_softmax(image):
    model = md.build_model("cnn", num_classes=3, input_shape=(64, 64, 3))
    both = keras.Model(model.input, [logits_of(model), model.output])
    logits, probabilities = both.predict(image[None], verbose=0)
    assert keras.ops.convert_to_numpy(keras.ops.softmax(logits)) == pytest.approx(probabilities, abs=1e-6)


def test_layers_inside_layers_are_seen():
    inner = layers.Rescaling(1 / 255, name="inner")
    names = [layer.name for layer in every_layer(build(inside=[keras.Sequential([inner], name="outer")]))]
    assert {"outer", "inner"} <= set(names)
