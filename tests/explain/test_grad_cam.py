"""Grad-CAM: where a model is split, and its evidence."""

import keras
import numpy as np
import pytest
from keras import layers

import melanoma_detect as md
from melanoma_detect.errors import ModelError
from melanoma_detect.explain.grad_cam import grad_cam, split_at_feature_maps


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
def test_the_last_feature_maps_are_found_in_nested_models_too(inner, size, image):
    model = built(*inner)
    found = grad_cam(model, image, [1])
    assert found.shape == size
    assert np.isfinite(found).all()
    x = image[None].astype(np.float32)
    split = split_at_feature_maps(model)
    for part in (*split.before, *split.after):
        x = part(x)
    probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(x))
    np.testing.assert_allclose(probabilities, model.predict_on_batch(image[None].astype(np.float32)), atol=1e-5)


def test_the_evidence_sums_to_the_logit_of_a_linear_head(image):
    """Maps times gradient, summed: the logit without its bias (Draelos and Carin 2020, arXiv:2011.08891)."""
    model = built(layers.Rescaling(1 / 255), layers.Conv2D(4, 5, strides=4), layers.GlobalAveragePooling2D())
    logits = keras.Model(model.input, model.get_layer("logits").output)(image[None].astype(np.float32))
    assert grad_cam(model, image, [2]).sum() == pytest.approx(float(logits[0, 2]), rel=1e-3)


def test_of_a_nested_model_with_several_outputs_the_one_that_is_used_counts(image):
    inner = keras.Input((64, 64, 3))
    maps = [layers.Conv2D(4, 3, strides=strides)(inner) for strides in (4, 8)]
    branches = keras.Model(inner, [layers.GlobalAveragePooling2D()(each) for each in maps])
    pixels = keras.Input((64, 64, 3))
    features = layers.Activation("linear", name="features")(branches(layers.Rescaling(1 / 255)(pixels))[1])
    model = keras.Model(pixels, md.models.classification_head(features, 3))
    assert grad_cam(model, image, [1]).shape == (8, 8)
    logits = keras.Model(model.input, model.get_layer("logits").output)(image[None].astype(np.float32))
    assert grad_cam(model, image, [2]).sum() == pytest.approx(float(logits[0, 2]), rel=1e-3, abs=1e-5)


def test_a_model_without_feature_maps_is_rejected(image):
    with pytest.raises(ModelError, match="has no feature maps on which its logits depend alone"):
        grad_cam(built(layers.Flatten(), layers.Dense(4)), image, [1])


def test_a_model_with_two_branches_of_feature_maps_is_rejected(image):
    pixels = keras.Input((64, 64, 3))
    split = [layers.GlobalMaxPooling2D()(layers.Conv2D(4, size)(pixels)) for size in (3, 5)]
    x = layers.Concatenate(name="features")(split)
    with pytest.raises(ModelError, match="expected one tensor"):
        grad_cam(keras.Model(pixels, md.models.classification_head(x, 3)), image, [1])
