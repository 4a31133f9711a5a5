"""The script that makes the default detector's file small: the same network, rounded, in half the bytes."""

import importlib.util
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import h5py
import keras
import numpy as np
import onnx
import pytest
from keras import layers

import melanoma_detect as md
from melanoma_detect.export.onnx import onnx_bytes
from melanoma_detect.inference.prediction import softmax
from melanoma_detect.inference.runtime import OnnxRuntime
from melanoma_detect.models import classification_head

SCRIPT = Path(__file__).parents[2] / "scripts" / "default_detector" / "compact.py"
SPEC = importlib.util.spec_from_file_location("compact", SCRIPT)
compact = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(compact)

GAMMA = (1.3, -0.7, 0.0, 1e-9)  # of the first channels: a sign, and channels that are switched off


def network():
    """A network as the shipped one: nested, a stem, a depthwise and a wide convolution, each normalised; all of it drawn."""
    inner = keras.Input((32, 32, 3))
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="stem_conv")(inner)
    x = layers.ReLU(6.0)(layers.BatchNormalization(epsilon=1e-3, name="stem_bn")(x))
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="dwconv")(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization(epsilon=1e-3, name="bn")(x))
    x = layers.Conv2D(128, 1, use_bias=False, name="top_conv")(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization(epsilon=1e-3, name="top_bn")(x))
    body = keras.Model(inner, x, name="body")
    pixels = keras.Input((32, 32, 3), name="pixels")
    x = layers.GlobalAveragePooling2D(name="features")(body(layers.Rescaling(1 / 127.5, offset=-1)(pixels)))
    model = keras.Model(pixels, classification_head(x, 3))
    draw = np.random.default_rng(4)
    for layer in body.layers:
        if isinstance(layer, layers.BatchNormalization):
            count = layer.gamma.shape[0]
            gamma = draw.normal(1, 0.4, count)
            gamma[: len(GAMMA)] = GAMMA
            layer.set_weights([gamma, draw.normal(1, 1, count), draw.normal(0, 1, count), draw.uniform(0.2, 3, count)])
    return model


@pytest.fixture(scope="module")
def pixels():
    return np.stack([md.draw_lesion("melanoma", seed=seed, size=32).pixels for seed in range(12)])


@pytest.fixture(scope="module")
def rounded(pixels):
    """A rounded network, its outputs before, and its ONNX file."""
    model = network()
    before = outputs(model, pixels)
    compact.round_kernels(model, pixels)
    return model, before, onnx_bytes(model)


def outputs(model, pixels):
    return model.predict_on_batch(pixels.astype(np.float32))


def kernels(model):
    return [np.asarray(layer.kernel) for layer in model.get_layer("body").layers if hasattr(layer, "kernel")]


@pytest.mark.parametrize("bits", [0, 7, 10])
def test_a_mantissa_is_rounded_to_the_nearest(bits):
    values = np.float32(np.random.default_rng(2).normal(size=2000))
    found = compact.round_mantissa(values, bits)
    assert (np.abs(found - values) <= np.abs(values) * 2.0 ** -(bits + 1)).all()
    mantissa = found.view(np.uint32) & 0x7FFFFF
    assert (mantissa & ((1 << (23 - bits)) - 1) == 0).all()


def test_moving_the_scale_changes_no_output(pixels):
    model = network()
    before = outputs(model, pixels)
    for convolution, norm in compact._pairs(model):
        power = compact.move_scale(convolution, norm)
        scale = np.asarray(norm.gamma) / np.sqrt(np.asarray(norm.moving_variance) + norm.epsilon)
        np.testing.assert_allclose(scale, power, rtol=1e-6)
        assert (np.log2(np.abs(power)) % 1 == 0).all()
    np.testing.assert_allclose(outputs(model, pixels), before, atol=1e-5)


def test_rounded_kernels_have_eight_binary_digits_in_keras_and_in_onnx(rounded):
    model, _, content = rounded
    assert [kernel.shape for kernel in kernels(model)] == [(3, 3, 3, 16), (3, 3, 16, 1), (1, 1, 16, 128)]
    for kernel in kernels(model):
        assert (kernel.view(np.uint32) & 0xFFFF == 0).all()
    tensors = [onnx.numpy_helper.to_array(tensor) for tensor in onnx.load_from_string(content).graph.initializer]
    found = [tensor for tensor in tensors if tensor.ndim == 4 and tensor.size > 100]
    assert len(found) == 3
    for tensor in found:
        np.testing.assert_allclose(compact.round_mantissa(tensor), tensor, rtol=1e-6)


def test_rounding_hardly_changes_a_probability(rounded, pixels):
    model, before, _ = rounded
    assert 0 < np.abs(outputs(model, pixels) - before).max() < 2e-3


def test_the_mean_features_stay(pixels, monkeypatch):
    """Coarse rounding shifts the features of all images alike; batch normalisation takes that back."""
    shifts = []
    for name, change in {"corrected": lambda means: means, "shifted": lambda means: 0 * means}.items():
        model = network()
        features = keras.Model(model.input, model.get_layer("features").output, name=name)
        before = outputs(features, pixels).mean(0)
        means = {path: change(value) for path, value in compact.mean_inputs(model, pixels).items()}
        monkeypatch.setattr(compact, "mean_inputs", lambda *_, means=means: means)
        compact.round_kernels(model, pixels, bits=3)
        monkeypatch.undo()
        shifts.append(np.abs(outputs(features, pixels).mean(0) - before).mean())
    assert shifts[0] < shifts[1] / 2


def test_weights_in_float16_give_the_same_outputs(rounded, pixels):
    _, _, content = rounded
    small = compact.store_as_float16(content)
    assert len(content) - len(small) > 2 * 16 * 128 - 500
    # The network runs in float32 as before: not one bit differs.
    for found, expected in zip(OnnxRuntime(small).run(pixels), OnnxRuntime(content).run(pixels), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    onnx.checker.check_model(onnx.load_from_string(small))
    assert compact.store_as_float16(small) == small


def test_weights_that_are_no_float16_numbers_stay(pixels):
    content = onnx_bytes(network())
    tensors = onnx.load_from_string(compact.store_as_float16(content)).graph.initializer
    assert {tensor.data_type for tensor in tensors if np.prod(tensor.dims) > 1000} == {onnx.TensorProto.FLOAT}


def test_a_keras_file_is_smaller_and_loads_as_before(rounded, pixels, tmp_path):
    model, *_ = rounded
    model.save(tmp_path / "large.keras")
    large = (tmp_path / "large.keras").read_bytes()
    small = compact.compress_weights(large)
    assert len(small) < len(large) / 2
    (tmp_path / "small.keras").write_bytes(small)
    loaded = keras.saving.load_model(tmp_path / "small.keras", compile=False, safe_mode=True)
    for found, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(outputs(loaded, pixels), outputs(model, pixels), atol=1e-6)


def test_attributes_and_groups_of_the_weights_are_kept(rounded, tmp_path):
    model, *_ = rounded
    model.save(tmp_path / "large.keras")
    large = (tmp_path / "large.keras").read_bytes()
    assert described(compact.compress_weights(large)) == described(large)


def described(content):
    """Return the names, shapes, types and attributes in a `.keras` file's weights."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        file = h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r")

        def visit(name, member):
            dataset = (member.shape, str(member.dtype)) if isinstance(member, h5py.Dataset) else None
            found[name] = (dataset, {key: str(value) for key, value in member.attrs.items()})

        file.visititems(visit)
    return found, sorted(archive.namelist())


def test_a_detector_with_rounded_weights_answers_as_before_and_can_be_exported_in_int8(detector, data, tmp_path):
    """The smaller files serve wherever the larger ones did: in a saved detector, and for quantization."""
    content = detector.predictor.files.onnx
    graph = onnx.load_from_string(content)
    for tensor in graph.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) > 1:
            values = compact.round_mantissa(onnx.numpy_helper.to_array(tensor))
            tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16).astype(np.float32), tensor.name))
    rounded = compact.store_as_float16(graph.SerializeToString())
    files = replace(detector.predictor.files, onnx=rounded)
    small = md.Detector(detector.predictor.config, OnnxRuntime(rounded), files)
    small.save(tmp_path / "small.detector")
    with zipfile.ZipFile(tmp_path / "small.detector") as archive:
        member = archive.getinfo("model.onnx")
    assert member.compress_type == zipfile.ZIP_DEFLATED
    assert member.compress_size < 0.45 * len(content)
    again = md.Detector.load(tmp_path / "small.detector")
    pixels = data.test.pixels()
    found, expected = (each.predictor.runtime.run(pixels).logits for each in (again, detector))
    assert np.abs(softmax(found) - softmax(expected)).max() < 0.03
    exported = again.export("onnx", tmp_path / "int8.onnx", precision="int8", images=data)
    assert exported.size < 0.5 * len(rounded) + 100_000
