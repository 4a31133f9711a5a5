"""EfficientNet-Lite: the published networks, their weights from files, and the conformance kit."""

import keras
import numpy as np
import pytest
from PIL import Image

import melanoma_detect as md
from melanoma_detect.errors import ModelError
from melanoma_detect.testing import MODEL_CHECKS, check_model

SMALL = {"num_classes": 3, "input_shape": (64, 64, 3)}
# Stages of EfficientNet-B0 with the repeats and widths of each variant: blocks, kernel, strides, width.
LITE0 = [(1, 3, 1, 16), (2, 3, 2, 24), (2, 5, 2, 40), (3, 3, 2, 80), (3, 5, 1, 112), (4, 5, 2, 192), (1, 3, 1, 320)]
LITE1 = [(1, 3, 1, 16), (3, 3, 2, 24), (3, 5, 2, 40), (4, 3, 2, 80), (4, 5, 1, 112), (5, 5, 2, 192), (1, 3, 1, 320)]
LITE2 = [(1, 3, 1, 16), (3, 3, 2, 24), (3, 5, 2, 48), (4, 3, 2, 88), (4, 5, 1, 120), (5, 5, 2, 208), (1, 3, 1, 352)]


@pytest.fixture(scope="module")
def model():
    """A small model with random weights; blocks are skipped for up to 32 % of the images."""
    return md.build_model("efficientnet_lite0", drop_connect=0.32, num_classes=9, input_shape=(64, 64, 3))


@pytest.fixture(scope="module")
def body(model):
    """The model's network, without scaling, pooling and classifier."""
    return model.get_layer("body")


@pytest.mark.parametrize(
    ("name", "stages", "parameters"),
    # The numbers of parameters are those of timm's tf_efficientnet_lite0 to 2 with nine classes.
    [
        ("lite0", LITE0, 3_424_553),
        pytest.param("lite1", LITE1, 4_200_873, marks=pytest.mark.slow),
        pytest.param("lite2", LITE2, 4_880_697, marks=pytest.mark.slow),
    ],
)
def test_the_network_is_the_published_one(name, stages, parameters, request):
    model = (
        request.getfixturevalue("model")
        if name == "lite0"
        else md.build_model(f"efficientnet_{name}", num_classes=9, input_shape=(64, 64, 3))
    )
    assert model.count_params() == parameters
    body = model.get_layer("body")
    for number, (blocks, kernel, strides, width) in enumerate(stages, start=1):
        found = [layer for layer in body.layers if layer.name.startswith(f"block{number}")]
        depthwise = [layer for layer in found if layer.name.endswith("dwconv")]
        projections = [layer for layer in found if layer.name.endswith("project_conv")]
        assert [layer.kernel_size for layer in depthwise] == [(kernel, kernel)] * blocks
        assert [layer.strides[0] for layer in depthwise] == [strides, *[1] * (blocks - 1)]
        assert [layer.filters for layer in projections] == [width] * blocks
    assert (body.get_layer("stem_conv").filters, body.output_shape[-1]) == (32, 1280)


def test_activations_padding_and_normalization_are_the_published_ones(body):
    layers = body.layers
    assert {layer.max_value for layer in layers if isinstance(layer, keras.layers.ReLU)} == {6.0}
    assert {layer.padding for layer in layers if hasattr(layer, "padding")} == {"same"}
    assert {layer.epsilon for layer in layers if isinstance(layer, keras.layers.BatchNormalization)} == {1e-3}
    assert not any(layer.use_bias for layer in layers if hasattr(layer, "use_bias"))


def test_later_blocks_are_skipped_more_often(body):
    rates = {layer.name: layer.rate for layer in body.layers if isinstance(layer, keras.layers.Dropout)}
    # Blocks that change the size or the width have no way around them.
    numbers = {"2b": 2, "3b": 4, "4b": 6, "4c": 7, "5b": 9, "5c": 10, "6b": 12, "6c": 13, "6d": 14}
    assert rates == pytest.approx({f"block{name}_drop": 0.02 * number for name, number in numbers.items()})


def test_blocks_are_skipped_for_whole_images(body):
    layer = body.get_layer("block6d_drop")
    kept = np.asarray(layer(np.ones((64, 2, 2, 192), np.float32), training=True)).reshape(64, -1)
    assert (kept == kept[:, :1]).all()
    assert set(np.unique(kept > 0)) == {False, True}
    assert (np.asarray(layer(np.ones((64, 2, 2, 192), np.float32), training=False)) == 1).all()


def test_pixels_are_scaled_to_minus_one_to_one(model, body, image):
    scaled = keras.Model(model.input, body._inbound_nodes[-1].input_tensors[0])
    found = scaled.predict_on_batch(image[None].astype(np.float32))
    np.testing.assert_allclose(found, image[None] / 127.5 - 1, atol=1e-6)


def test_a_state_dict_is_loaded_and_its_normalization_kept(model, body, tmp_path):
    draw = np.random.default_rng(6)
    arrays = {}
    for number, weight in enumerate(model.weights):  # as timm has them, the classifier last
        value = np.asarray(weight) + draw.random(weight.shape, np.float32) / 8
        if value.ndim == 4:
            value = value.transpose((2, 3, 0, 1) if "dwconv" in weight.path else (3, 2, 0, 1)).astype(np.float16)
        arrays[f"{number:04d}|{weight.path}"] = value.T if value.ndim == 2 else value
    np.savez(tmp_path / "lite0.npz", num_batches_tracked=np.array(7), **arrays)
    loaded = md.build_model(
        "efficientnet_lite0", weights=tmp_path / "lite0.npz", num_classes=3, input_shape=(64, 64, 3)
    )
    backbone = loaded.get_layer("backbone")
    assert len(loaded.trainable_weights) == 49 + 2  # a kernel for each convolution, and the classifier
    for weight, same in zip(backbone.weights, body.weights, strict=True):
        given = next(value for name, value in arrays.items() if name.endswith(f"|{same.path}"))
        if given.ndim == 4:
            given = given.transpose((2, 3, 0, 1) if "dwconv" in same.path else (2, 3, 1, 0))
        np.testing.assert_array_equal(np.asarray(weight), given)
    statistics = backbone.get_layer("block6d_bn").get_weights()
    loaded(np.zeros((2, 64, 64, 3), np.float32), training=True)
    for before, after in zip(statistics, backbone.get_layer("block6d_bn").get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_imagenet_weights_cannot_be_downloaded():
    with pytest.raises(
        ModelError, match=r"no weights of efficientnet_lite1 to download; expected the path of a .*\.npz"
    ):
        md.build_model("efficientnet_lite1", weights="imagenet", **SMALL)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "nowhere.npz"}, "no such file"),
        ({"input_shape": (16, 64, 3)}, "at least 32×32"),
        ({"drop_connect": 1.0}, "from 0 to less than 1"),
    ],
)
def test_invalid_options_raise(options, message):
    with pytest.raises(ModelError, match=message):
        md.build_model("efficientnet_lite0", **{**SMALL, **options})


@pytest.mark.slow
@pytest.mark.parametrize("variant", [0, 1, 2])
def test_conformance(variant):
    results = list(check_model(f"efficientnet_lite{variant}"))
    assert len(results) == len(MODEL_CHECKS)
    assert [(result.name, result.error) for result in results if not result.passed] == []


@pytest.mark.real_data
@pytest.mark.parametrize("variant", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_imagenet_weights_tell_everyday_images_apart(variant, real_folder):
    """The features of ImageNet's weights: many zeros after ReLU6, means as in training, images of one kind alike."""
    file = real_folder / "weights" / f"efficientnet_lite{variant}_notop.npz"
    model = md.build_model(f"efficientnet_lite{variant}", num_classes=2, input_shape=(224, 224, 3), weights=file)
    files = sorted((real_folder / "not_skin").iterdir())[:4]
    files += sorted((real_folder / "ham10000_224" / "images").iterdir())[:4]
    pixels = np.stack([Image.open(file).convert("RGB").resize((224, 224), Image.Resampling.BICUBIC) for file in files])
    features = keras.Model(model.input, model.get_layer("features").output).predict(
        pixels.astype(np.float32), verbose=0
    )
    assert features.shape == (8, 1280)
    assert np.isfinite(features).all()
    # Batch normalisation whose statistics fit gives outputs of about its beta: neither all zero nor all at six.
    assert 0.1 < features.mean() < 0.3
    assert features.max() < 6
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    similarity = unit @ unit.T
    lesions = similarity[4:, 4:][np.triu_indices(4, 1)]
    assert lesions.min() > similarity[:4, 4:].max()
