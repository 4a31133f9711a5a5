"""Grad-CAM: where a model is cut, and what its gradients say."""

import keras
import numpy as np
import pytest
from keras import layers

import melanoma_detect as md
from melanoma_detect.errors import ModelError
from melanoma_detect.explain.grad_cam import cut, grad_cam


def built(*inner):
    """A model of these layers, with the contract's end."""
    pixels = keras.Input((64, 64, 3))
    x = pixels
    for layer in inner:
        x = layer(x)
    x = layers.Activation("linear", name="features")(x)
    return keras.Model(pixels, md.models.classification_head(x, 3))


def backbone(**options):
    return keras.applications.MobileNetV2((64, 64, 3), alpha=0.35, weights=None, include_top=False, **options)


@pytest.mark.parametrize(
    ("inner", "size"),
    [
        ((backbone(), layers.GlobalAveragePooling2D()), (2, 2)),
        ((backbone(pooling="avg"),), (2, 2)),
        ((layers.Rescaling(1 / 255), backbone(pooling="max"), layers.Dense(8)), (2, 2)),
        ((keras.Sequential([keras.Input((64, 64, 3)), layers.Conv2D(4, 3, strides=8), layers.Flatten()]),), (8, 8)),
        ((layers.Conv2D(4, 5, strides=4), layers.GlobalAveragePooling2D(keepdims=True), layers.Flatten()), (15, 15)),
    ],
)
def test_the_last_maps_are_found_wherever_they_lie(inner, size, image):
    model = built(*inner)
    found = grad_cam(model, image, [1])
    assert found.shape == size
    assert np.isfinite(found).all()
    x = image[None].astype(np.float32)
    halves = cut(model)
    for part in (*halves.before, *halves.after):
        x = part(x)
    probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(x))
    np.testing.assert_allclose(probabilities, model.predict_on_batch(image[None].astype(np.float32)), atol=1e-5)


def test_evidence_adds_up_where_the_end_is_linear(image):
    """Maps times gradient, summed: the logit without its bias (Draelos and Carin 2020, arXiv:2011.08891)."""
    model = built(layers.Rescaling(1 / 255), layers.Conv2D(4, 5, strides=4), layers.GlobalAveragePooling2D())
    logits = keras.Model(model.input, model.get_layer("logits").output)(image[None].astype(np.float32))
    assert grad_cam(model, image, [2]).sum() == pytest.approx(float(logits[0, 2]), rel=1e-3)


def test_a_model_without_maps_is_refused(image):
    with pytest.raises(ModelError, match="has no maps that all of its answer comes from"):
        grad_cam(built(layers.Flatten(), layers.Dense(4)), image, [1])


def test_a_model_whose_answer_comes_from_two_maps_is_refused(image):
    pixels = keras.Input((64, 64, 3))
    halves = [layers.GlobalMaxPooling2D()(layers.Conv2D(4, size)(pixels)) for size in (3, 5)]
    x = layers.Concatenate(name="features")(halves)
    with pytest.raises(ModelError, match="expected one tensor"):
        grad_cam(keras.Model(pixels, md.models.classification_head(x, 3)), image, [1])
