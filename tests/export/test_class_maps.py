"""The output `class_maps` of ONNX models: which models have it, and that it says what the logits are made of."""

import keras
import numpy as np
import onnx
import pytest
from keras import layers
from onnx import TensorProto, helper, numpy_helper

import melanoma_detect as md
from melanoma_detect.export.class_maps import add_class_maps, remove_class_maps
from melanoma_detect.export.onnx import onnx_bytes
from melanoma_detect.inference.runtime import OnnxRuntime

POOL = layers.GlobalAveragePooling2D


def built(*inner):
    """A model of these layers between a convolution and the contract's end, with a bias in every logit."""
    keras.utils.set_random_seed(1)
    pixels = keras.Input((32, 32, 3))
    x = layers.Conv2D(6, 5, strides=4, activation="relu")(layers.Rescaling(1 / 255)(pixels))
    for layer in inner:
        x = layer(x)
    model = keras.Model(pixels, md.models.classification_head(layers.Activation("linear", name="features")(x), 3))
    model.get_layer("logits").bias.assign([0.5, -1.0, 2.0])
    return model


def graph_model(nodes, constants, shape):
    """A model of these nodes, from images of a shape to features and logits of unknown shape."""
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", None]) for name in ("features", "logits")],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


@pytest.fixture
def pixels():
    return np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    "inner",
    [
        [POOL()],
        [POOL(keepdims=True), layers.Flatten()],
        [POOL(), layers.Dropout(0.5), layers.Dense(5, use_bias=False)],
    ],
)
def test_the_mean_of_the_map_plus_the_bias_is_the_logit(inner, pixels):
    runtime = OnnxRuntime(onnx_bytes(built(*inner)))
    maps = runtime.class_maps(pixels)
    assert maps.shape == (3, 7, 7, 3)
    np.testing.assert_allclose(
        maps.mean(axis=(1, 2)) + np.array([0.5, -1.0, 2.0]), runtime.run(pixels).logits, atol=1e-4
    )


def test_shifts_and_scales_between_the_maps_and_the_logits_are_followed(pixels):
    model = built(POOL(), layers.BatchNormalization(), layers.Rescaling(3.0, offset=1.0), layers.Dense(4))
    model.layers[4].set_weights([np.float32(values) for values in ([2] * 6, [1] * 6, [0.1] * 6, [0.5] * 6)])
    runtime = OnnxRuntime(onnx_bytes(model))
    biases = runtime.run(pixels).logits - runtime.class_maps(pixels).mean(axis=(1, 2))
    np.testing.assert_allclose(biases, np.broadcast_to(biases[0], biases.shape), atol=1e-4)
    assert np.abs(biases[0] - [0.5, -1.0, 2.0]).max() > 0.1  # the shifts are part of it


@pytest.mark.parametrize(
    "inner",
    [
        [layers.Flatten(), layers.Dense(4)],
        [POOL(), layers.Dense(4, activation="relu")],
        [layers.GlobalMaxPooling2D()],
        [layers.Conv2D(4, 7), POOL()],  # one cell says nothing of where
    ],
)
def test_a_model_without_a_linear_head_over_averaged_maps_has_none(inner, pixels):
    content = onnx_bytes(built(*inner))
    assert [output.name for output in onnx.load_from_string(content).graph.output] == ["features", "logits"]
    assert not OnnxRuntime(content).has_class_maps


def test_adding_and_removing_leave_the_rest_as_it_was(pixels):
    model = onnx.load_from_string(onnx_bytes(built(POOL())))
    with_maps = model.SerializeToString()
    assert add_class_maps(model)  # a second time changes nothing
    assert model.SerializeToString() == with_maps
    remove_class_maps(model)
    without = model.SerializeToString()
    assert not OnnxRuntime(without).has_class_maps
    assert add_class_maps(model)
    assert model.SerializeToString() == with_maps
    assert len(with_maps) - len(without) < 400
    for one, other in zip(OnnxRuntime(with_maps).run(pixels), OnnxRuntime(without).run(pixels), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("pool", ["GlobalAveragePool", "ReduceMean"])
def test_graphs_of_other_exporters_are_read(pool):
    """Channels first, a transposed weight in float16, and axes as an input: what PyTorch's exporter and newer ones write."""
    weights = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float16)
    axes = [] if pool == "GlobalAveragePool" else ["axes"]
    nodes = [
        helper.make_node("Transpose", ["pixels"], ["first"], perm=[0, 3, 1, 2]),
        helper.make_node(pool, ["first", *axes], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["features"]),
        helper.make_node("Cast", ["half"], ["weights"], to=TensorProto.FLOAT),
        helper.make_node("Gemm", ["features", "weights", "bias"], ["logits"], transB=1),
    ]
    constants = {"half": weights, "bias": np.float32([1, 2, 3]), "axes": np.int64([2, 3])}
    model = graph_model(nodes, constants, ["n", 5, 6, 4])
    assert add_class_maps(model)
    onnx.checker.check_model(model)
    runtime = OnnxRuntime(model.SerializeToString())
    pixels = np.random.default_rng(2).integers(0, 256, (2, 5, 6, 4)).astype(np.uint8)
    maps = runtime.class_maps(pixels)
    assert maps.shape == (2, 5, 6, 3)
    np.testing.assert_allclose(maps.mean(axis=(1, 2)) + np.array([1, 2, 3]), runtime.run(pixels).logits, rtol=1e-5)
    np.testing.assert_allclose(maps, pixels @ weights.T.astype(np.float32), rtol=1e-5)


def test_maps_that_are_averaged_to_logits_are_the_class_maps():
    """A network may end in one map for each class, with no layer after the averaging that mixes channels."""
    nodes = [
        helper.make_node("ReduceMean", ["pixels", "axes"], ["features"], keepdims=0),
        helper.make_node("Add", ["features", "bias"], ["logits"]),
    ]
    constants = {"axes": np.int64([1, 2]), "bias": np.float32([1, 2, 3])}
    model = graph_model(nodes, constants, ["n", 5, 6, 3])
    assert add_class_maps(model)
    pixels = np.random.default_rng(1).integers(0, 256, (2, 5, 6, 3)).astype(np.uint8)
    np.testing.assert_array_equal(OnnxRuntime(model.SerializeToString()).class_maps(pixels), pixels)


@pytest.mark.parametrize(
    ("shape", "groups"),
    [
        (["n", 5, 6, 8], [-1, 2, 4]),  # a layer that works on groups of channels, which no position has
        (["n", 2, 5, 6, 4], [-1, 6, 4]),  # volumes
    ],
)
def test_a_head_that_cannot_be_repeated_at_each_position_is_refused(shape, groups):
    nodes = [
        helper.make_node("ReduceMean", ["pixels", "axes"], ["features"], keepdims=0),
        helper.make_node("Reshape", ["features", "groups"], ["grouped"]),
        helper.make_node("MatMul", ["grouped", "weights"], ["products"]),
        helper.make_node("Flatten", ["products"], ["logits"]),
    ]
    weights = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    constants = {"axes": np.int64([1, 2]), "groups": np.int64(groups), "weights": weights}
    model = graph_model(nodes, constants, shape)
    before = model.SerializeToString()
    assert not add_class_maps(model)
    assert model.SerializeToString() == before


@pytest.mark.parametrize("kind", ["Relu", "Sub"])
def test_an_operation_that_is_not_linear_in_the_maps_is_refused(kind):
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixels"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["features"]),
        helper.make_node(kind, ["features"] if kind == "Relu" else ["one", "features"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 4, 5, 6])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.float32([1]), "one")],
    )
    assert not add_class_maps(helper.make_model(graph))
