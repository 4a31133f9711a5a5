"""Arrays of PyTorch networks in Keras models."""

import keras
import numpy as np
import pytest
from keras import layers

from melanoma_detect.errors import ModelError
from melanoma_detect.models.pretrained import load_backbone
from melanoma_detect.models.pytorch_weights import assign_arrays, read_arrays


def network():
    pixels = keras.Input((6, 6, 3))
    x = layers.Conv2D(4, 3, use_bias=False)(pixels)
    x = layers.BatchNormalization()(x)
    x = layers.DepthwiseConv2D(2)(x)
    inner = keras.Model(pixels, x, name="inner")
    outer = keras.Input((6, 6, 3))
    return keras.Model(outer, layers.Dense(5)(layers.GlobalAveragePooling2D()(inner(outer))))


def state_dict(seed=1):
    """The arrays of the same network in PyTorch, by its names."""
    draw = np.random.default_rng(seed)
    shapes = {
        "conv.weight": (4, 3, 3, 3),
        "bn.weight": (4,),
        "bn.bias": (4,),
        "bn.running_mean": (4,),
        "bn.running_var": (4,),
        "bn.num_batches_tracked": (),
        "dw.weight": (4, 1, 2, 2),
        "dw.bias": (4,),
        "fc.weight": (5, 4),
        "fc.bias": (5,),
    }
    return {name: np.float32(draw.random(shape)) for name, shape in shapes.items()}


def outputs_by_hand(arrays, pixels):
    """Compute the network as PyTorch defines it: channels first, kernels (out, in, height, width)."""
    x = pixels.transpose(0, 3, 1, 2)
    x = correlate(x, arrays["conv.weight"])
    mean, variance = (arrays[f"bn.running_{name}"][:, None, None] for name in ("mean", "var"))
    weight, bias = (arrays[f"bn.{name}"][:, None, None] for name in ("weight", "bias"))
    x = (x - mean) / np.sqrt(variance + 1e-3) * weight + bias
    x = (
        np.concatenate([correlate(x[:, i : i + 1], arrays["dw.weight"][i : i + 1]) for i in range(4)], axis=1)
        + arrays["dw.bias"][:, None, None]
    )
    return x.mean(axis=(2, 3)) @ arrays["fc.weight"].T + arrays["fc.bias"]


def correlate(x, kernel):
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[2:], axis=(2, 3))
    return np.einsum("ncyxhw,ochw->noyx", windows, kernel)


def test_outputs_are_those_of_the_pytorch_network():
    model, arrays = network(), state_dict()
    assign_arrays(model, arrays)
    pixels = np.random.default_rng(2).random((3, 6, 6, 3)).astype(np.float32)
    np.testing.assert_allclose(model.predict(pixels, verbose=0), outputs_by_hand(arrays, pixels), rtol=1e-4)


def test_arrays_keep_their_order_in_a_file(tmp_path):
    arrays = state_dict()
    np.savez(tmp_path / "weights.npz", **arrays)
    assert list(read_arrays(tmp_path / "weights.npz")) == list(arrays)


def test_missing_and_surplus_arrays_raise():
    arrays = state_dict()
    for wrong in ({**arrays, "more": np.zeros(5)}, dict(list(arrays.items())[:-1])):
        with pytest.raises(ModelError, match=r"there are (8|10) arrays, the model has 9"):
            assign_arrays(network(), wrong)


@pytest.mark.parametrize("name", ["conv.weight", "bn.bias", "dw.weight", "fc.weight"])
def test_an_array_of_another_shape_raises_and_changes_nothing(name):
    model, arrays = network(), state_dict()
    before = model.get_weights()
    arrays[name] = np.zeros((7, *arrays[name].shape[1:]), np.float32)
    with pytest.raises(ModelError, match=rf"these weights do not fit: {name} has the shape \(7"):
        assign_arrays(model, arrays)
    for was, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)


@pytest.mark.parametrize("content", [b"", b"no arrays", b"PK\x03\x04 half a zip"])
def test_files_that_hold_no_arrays_raise(tmp_path, content):
    (tmp_path / "weights.npz").write_bytes(content)
    with pytest.raises(ModelError, match=r"weights\.npz: not a weights file"):
        read_arrays(tmp_path / "weights.npz")


def test_damaged_bytes_raise(tmp_path):
    """Compressed arrays with one byte changed: zlib, zipfile and NumPy raise errors of many kinds."""
    file = tmp_path / "weights.npz"
    np.savez_compressed(file, **state_dict())
    good, damaged = file.read_bytes(), 0
    draw = np.random.default_rng(1)
    for place in draw.integers(0, len(good), 400).tolist():
        file.write_bytes(good[:place] + bytes([good[place] ^ int(draw.integers(1, 256))]) + good[place + 1 :])
        try:
            read_arrays(file)
        except ModelError as error:
            damaged += "not a weights file" in str(error)
    assert damaged > 100


def test_pickled_arrays_raise(tmp_path):
    np.savez(tmp_path / "weights.npz", objects=np.array([{}], dtype=object))
    with pytest.raises(ModelError, match="not a weights file"):
        read_arrays(tmp_path / "weights.npz")


def test_a_single_array_raises(tmp_path):
    np.save(tmp_path / "weights.npy", np.zeros(3))
    (tmp_path / "weights.npy").rename(tmp_path / "weights.npz")
    with pytest.raises(ModelError, match="not a weights file"):
        read_arrays(tmp_path / "weights.npz")


def backbone(weights):
    """A network as `load_backbone` makes it; Keras would load the weights itself."""
    pixels = keras.Input((6, 6, 3))
    x = layers.Conv2D(4, 3, use_bias=False, name="first")(pixels)
    return keras.Model(pixels, layers.DepthwiseConv2D(2, name="second")(x))


def arrays_of_backbone():
    arrays = state_dict()
    names = ("conv.weight", "dw.weight", "dw.bias", "fc.weight", "fc.bias")
    return {name: arrays[name] for name in names}


@pytest.mark.parametrize(("count", "until"), [(3, None), (5, None), (3, "first"), (5, "first"), (1, "first")])
def test_a_backbone_takes_arrays_of_itself_of_the_complete_one_and_of_the_whole_network(tmp_path, count, until):
    arrays = arrays_of_backbone()
    np.savez(tmp_path / "weights.npz", **dict(list(arrays.items())[:count]))
    loaded = load_backbone(backbone, tmp_path / "weights.npz", until, "backbone")
    assert len(loaded.weights) == (1 if until else 3)
    np.testing.assert_array_equal(loaded.get_weights()[0], arrays["conv.weight"].transpose(2, 3, 1, 0))


def test_arrays_of_another_backbone_raise(tmp_path):
    np.savez(tmp_path / "weights.npz", **dict(list(arrays_of_backbone().items())[:2]))
    with pytest.raises(
        ModelError, match=r"weights\.npz: these weights do not fit: there are 2 arrays, the model has 3"
    ):
        load_backbone(backbone, tmp_path / "weights.npz", None, "backbone")
