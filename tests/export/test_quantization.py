"""Quantization to eight bits, with bias correction."""

import logging

import keras
import numpy as np
import onnx
import pytest
from keras import layers

import melanoma_detect as md
from melanoma_detect.errors import ModelError
from melanoma_detect.export.onnx import export_onnx
from melanoma_detect.export.quantization import calibration_feeds, correct_biases, quantize, round_weights
from melanoma_detect.inference.prediction import softmax
from melanoma_detect.inference.runtime import OnnxRuntime


@pytest.fixture(scope="module")
def exact(detector, tmp_path_factory):
    path = tmp_path_factory.mktemp("exact") / "cnn.onnx"
    export_onnx(detector.predictor.keras_model(), path)
    return path


def test_confident_predictions_stay_the_same(exact, data, tmp_path):
    quantize(exact, tmp_path / "small.onnx", data.train.pixels()[::2])
    logits = (OnnxRuntime(path).run(data.test.pixels()).logits for path in (exact, tmp_path / "small.onnx"))
    before, after = map(softmax, logits)
    top = np.sort(before, axis=1)
    confident = top[:, -1] - top[:, -2] > 0.25  # how many images are close calls depends on the machine that trained
    assert confident.mean() >= 0.5
    assert (before.argmax(axis=1) == after.argmax(axis=1))[confident].all()
    assert np.abs(before - after).max() < 0.4


def test_weights_are_bytes_with_a_scale_for_each_channel(exact, data, tmp_path):
    quantize(exact, tmp_path / "small.onnx", data.train.pixels()[:16])
    graph = onnx.load(tmp_path / "small.onnx").graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    bytes_ = sum(np.prod(one.dims) for one in stored.values() if one.data_type == onnx.TensorProto.INT8)
    assert bytes_ > 0.95 * sum(np.prod(one.dims) for one in stored.values())
    assert any(list(one.dims) == [64] for name, one in stored.items() if name.endswith("_scale"))


def test_nothing_is_logged(exact, data, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        quantize(exact, tmp_path / "small.onnx", data.train.pixels()[:16])
    assert not caplog.records


def test_a_file_that_is_no_model_is_rejected(tmp_path):
    (tmp_path / "broken.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match=r"broken\.onnx: ONNX Runtime cannot load the model"):
        quantize(
            tmp_path / "broken.onnx", tmp_path / "small.onnx", md.draw_lesion("nevus", seed=1, size=32).pixels[None]
        )


def model_of_one(layer, bias=1.0):
    """A model whose features are the means of one convolution's maps."""
    pixels = keras.Input((32, 32, 3))
    x = layer(pixels)
    layer.set_weights([np.random.default_rng(1).normal(0, 1, layer.get_weights()[0].shape) ** 5, np.full(6, bias)])
    x = layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(pixels, md.models.classification_head(x, 2))


def with_rounded_weights(path):
    model = onnx.load(path)
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Conv":
            weights = round_weights(onnx.numpy_helper.to_array(stored[node.input[1]]))
            stored[node.input[1]].CopyFrom(onnx.numpy_helper.from_array(weights, node.input[1]))
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("bias", [1.0, 0.0])  # the exporter leaves out biases of zero
@pytest.mark.parametrize(
    ("make", "options"),
    [
        (layers.Conv2D, {"filters": 6, "kernel_size": 1}),
        (layers.DepthwiseConv2D, {"kernel_size": 3, "depth_multiplier": 2}),
    ],
)
def test_bias_correction_keeps_the_mean_outputs(make, options, bias, tmp_path):
    layer = make(**options)
    pixels = np.stack([md.draw_lesion("nevus", seed=seed, size=32).pixels for seed in range(8)])
    path = tmp_path / "one.onnx"
    export_onnx(model_of_one(layer, bias), path)
    exact = OnnxRuntime(path)
    expected = exact.run(pixels).features.mean(axis=0)
    correct_biases(path, calibration_feeds(exact, pixels))
    corrected = OnnxRuntime(with_rounded_weights(path)).run(pixels).features.mean(axis=0)
    export_onnx(model_of_one(make(**options), bias), path)
    plain = OnnxRuntime(with_rounded_weights(path)).run(pixels).features.mean(axis=0)
    shifted = np.abs(plain - expected).max()
    assert shifted > 0.5
    assert np.abs(corrected - expected).max() < 0.05 * shifted  # the image's margin is not in every mean


def test_rounding_keeps_the_largest_weight_of_each_channel():
    weights = np.random.default_rng(1).normal(size=(4, 3, 3, 3)).astype(np.float32)
    found = round_weights(weights)
    np.testing.assert_allclose(np.abs(found).max(axis=(1, 2, 3)), np.abs(weights).max(axis=(1, 2, 3)), rtol=1e-6)
    assert all(len(np.unique(channel)) <= 255 for channel in found)
