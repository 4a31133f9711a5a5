"""Biases that take back what rounding the weights shifts."""

import keras
import numpy as np
import onnx
import pytest
from keras import layers

import melanoma_detect as md
from melanoma_detect.export.bias import correct_biases, rounded
from melanoma_detect.export.onnx import export_onnx
from melanoma_detect.export.quantization import OnnxModel


def of_one(layer, bias=1.0):
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
            weights = rounded(onnx.numpy_helper.to_array(stored[node.input[1]]))
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
def test_the_means_stay_where_they_were(make, options, bias, tmp_path):
    layer = make(**options)
    pixels = np.stack([md.draw_lesion("nevus", seed=seed, size=32).pixels for seed in range(8)])
    path = tmp_path / "one.onnx"
    export_onnx(of_one(layer, bias), path)
    exact = OnnxModel(path)
    expected = exact.run(pixels).features.mean(axis=0)
    correct_biases(path, exact.batches(pixels))
    corrected = OnnxModel(with_rounded_weights(path)).run(pixels).features.mean(axis=0)
    export_onnx(of_one(make(**options), bias), path)
    plain = OnnxModel(with_rounded_weights(path)).run(pixels).features.mean(axis=0)
    shifted = np.abs(plain - expected).max()
    assert shifted > 0.5
    assert np.abs(corrected - expected).max() < 0.05 * shifted  # the image's margin is not in every mean


def test_rounding_keeps_each_channels_largest():
    weights = np.random.default_rng(1).normal(size=(4, 3, 3, 3)).astype(np.float32)
    found = rounded(weights)
    np.testing.assert_allclose(np.abs(found).max(axis=(1, 2, 3)), np.abs(weights).max(axis=(1, 2, 3)), rtol=1e-6)
    assert all(len(np.unique(channel)) <= 255 for channel in found)
