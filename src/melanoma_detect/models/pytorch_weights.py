"""Weights that were trained in PyTorch: the arrays of a state dict, in the order of the network, for a Keras model.

PyTorch and Keras keep the same numbers in other layouts: a convolution's kernel is (out, in, height, width) there and (height,
width, in, out) here, a depthwise one (channels, 1, height, width) and (height, width, channels, 1), a dense one (out, in) and
(in, out). Batch normalisation has weight, bias, running mean and running variance there; gamma, beta, moving mean and moving
variance here. Names differ from library to library; the order of the layers does not.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from melanoma_detect.errors import ModelError
from melanoma_detect.models.contract import every_layer
from melanoma_detect.utils.regular_files import open_regular

SUFFIX = ".npz"


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays of a NumPy file, in their order.

    Args:
        path: A `.npz` file: one array for each tensor of a state dict, saved in the order of the network.

    Returns:
        The arrays by their names.

    Raises:
        ModelError: The file cannot be read.

    Examples:
        >>> np.savez("weights.npz", **{"0000|conv.weight": np.zeros((8, 3, 3, 3), np.float16)})
        >>> list(read_arrays(Path("weights.npz")))
        ['0000|conv.weight']
    """
    try:
        # Opened here: NumPy leaves a damaged file open.
        with open_regular(path, ModelError) as opened, np.load(opened, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except Exception as error:  # of NumPy, zipfile and zlib; what damaged bytes raise is documented nowhere
        raise ModelError(f"{path}: not a weights file ({error}); expected arrays that numpy.savez saved") from error


def assign_arrays(model: keras.Model, arrays: Mapping[str, NDArray[Any]], *, source: str = "the arrays") -> None:
    """Assign the arrays of a PyTorch network to a Keras model of the same layers.

    The model is changed only if every array fits.

    Args:
        model: A model whose layers with weights are convolutions, depthwise convolutions, dense layers and batch normalisation.
        arrays: By name, in the order of the network, as a state dict has them; float16 or float32. Single numbers, such as
            PyTorch's `num_batches_tracked`, are left out.
        source: Where the arrays come from, for messages.

    Raises:
        ModelError: There are more or fewer arrays than the model has weights, or one has another shape.

    Examples:
        >>> pixels = keras.Input((8, 8, 3))
        >>> model = keras.Model(pixels, layers.Conv2D(4, 3, use_bias=False)(pixels))
        >>> assign_arrays(model, {"conv.weight": np.ones((4, 3, 3, 3), np.float16)})
        >>> model.get_weights()[0].shape
        (3, 3, 3, 4)
    """
    tensors = {name: array for name, array in arrays.items() if np.ndim(array)}
    targets = [(layer, weight) for layer in _layers_with_weights(model) for weight in layer.weights]
    if len(tensors) != len(targets):
        raise ModelError(
            f"{source}: these weights do not fit: there are {len(tensors)} arrays, the model has {len(targets)}; check the "
            "architecture and its size"
        )
    values = []
    for (layer, weight), (name, array) in zip(targets, tensors.items(), strict=True):
        value = _to_keras(layer, array)
        if value.shape != tuple(weight.shape):
            raise ModelError(
                f"{source}: these weights do not fit: {name} has the shape {np.shape(array)}, which makes {value.shape} in "
                f"Keras, and {weight.path} has {tuple(weight.shape)}; check the architecture and its size"
            )
        values.append(value)
    for (_, weight), value in zip(targets, values, strict=True):
        weight.assign(value)


def _layers_with_weights(model: keras.Model) -> list[Any]:
    return [layer for layer in every_layer(model) if layer.weights and not hasattr(layer, "layers")]


def _to_keras(layer: Any, array: NDArray[Any]) -> NDArray[np.float32]:
    """Return an array in Keras's layout; one of another number of axes stays as it is, and then does not fit."""
    values = np.asarray(array, np.float32)
    if values.ndim == 4 and isinstance(layer, layers.DepthwiseConv2D):
        return values.transpose(2, 3, 0, 1)
    if values.ndim == 4:
        return values.transpose(2, 3, 1, 0)
    return values.T if values.ndim == 2 else values
