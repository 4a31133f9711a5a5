"""Grad-CAM: evidence for a diagnosis from the gradients of a Keras model (Selvaraju et al. 2017, doi 10.1109/ICCV.2017.74).

It uses the last feature maps before the logits, whether they lie in the model itself or in a layer that is a model of its own,
such as a pretrained backbone. The model is split there, and its second half is differentiated.

Each channel is weighted by its gradient at each position (HiResCAM: Draelos and Carin 2020, arXiv:2011.08891). If the maps are
averaged next, as in most networks, the gradient is the same at every position, and this is Grad-CAM exactly. If they are
flattened into a dense layer, as in the assignment's network, Grad-CAM's mean over the positions would lose which weight belongs
where.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from melanoma_detect.errors import ModelError
from melanoma_detect.images.reader import Pixels
from melanoma_detect.models.contract import logits_of
from melanoma_detect.utils.arrays import Float32Array

_Model = Callable[[Any], Any]


class SplitModel(NamedTuple):
    """A model, split at its last feature maps.

    Attributes:
        before: Models to call one after the other, from pixels to feature maps `(batch, rows, columns, channels)`.
        after: Models to call one after the other, from feature maps to logits.
    """

    before: tuple[_Model, ...]
    after: tuple[_Model, ...]


def grad_cam(model: Any, pixels: Pixels, indices: Sequence[int]) -> Float32Array:
    """Measure which parts of the model's last feature maps are evidence for some of the classes.

    Args:
        model: A Keras model that keeps the contract.
        pixels: uint8 `(height, width, 3)`, one image at the model's size.
        indices: The classes to explain, by index; several count as one.

    Returns:
        float32 `(rows, columns)` at the size of the feature maps: the maps times the gradient of the logit, summed over the
        channels; negative for evidence against the classes.

    Raises:
        ModelError: The model has no feature maps on which its logits depend alone.

    Examples:
        >>> model = md.build_model("lesion_net", num_classes=9, input_shape=(64, 64, 3))
        >>> grad_cam(model, draw_lesion("melanoma", seed=1, size=64).pixels, [4]).shape
        (2, 2)
    """
    split = split_at_feature_maps(model)
    maps: Any = pixels[None].astype(np.float32)
    for part in split.before:
        maps = part(maps)
    maps = ops.stop_gradient(ops.cast(maps, "float32"))

    def score(maps: Any) -> Any:
        for part in split.after:
            maps = part(maps)
        return ops.sum(ops.take(ops.cast(maps, "float32"), list(indices), axis=-1))

    gradients, values = (ops.convert_to_numpy(tensor)[0] for tensor in (_gradient(score, maps), maps))
    return np.asarray((values * gradients).sum(axis=-1), np.float32)


def split_at_feature_maps(model: Any) -> SplitModel:
    """Split a model at its last feature maps.

    Args:
        model: A Keras model that keeps the contract.

    Returns:
        The parts before and after.

    Raises:
        ModelError: The model has no feature maps on which its logits depend alone.

    Examples:
        >>> split = split_at_feature_maps(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3)))
        >>> len(split.before), len(split.after)
        (1, 1)
    """
    split = _split(model.inputs, logits_of(model))
    if split is None:
        raise ModelError(
            f"{model.name}: has no feature maps on which its logits depend alone (expected one tensor (batch, rows, columns, "
            "channels) on every path to the logits); explain it with method='occlusion'"
        )
    return split


def _split(inputs: Any, output: Any) -> SplitModel | None:
    """Split the graph from the inputs to the output, or return None where no single tensor of maps separates them."""
    ends = _last_candidates(output)
    if len(ends) != 1 or len(inputs) != 1:
        return None
    end = ends[0]
    if _is_feature_map(end):
        return SplitModel(_submodel(inputs[0], end), _submodel(end, output))
    nested, arguments = _producer(end), _arguments(end)
    if not hasattr(nested, "layers") or len(arguments) != 1:
        return None
    split = _split(nested.inputs, nested.outputs[end._keras_history.tensor_index])
    if split is None:
        return None
    return SplitModel(_submodel(inputs[0], arguments[0]) + split.before, split.after + _submodel(end, output))


def _last_candidates(output: Any) -> list[Any]:
    """Walk back from a tensor to the nearest ones that are feature maps, outputs of a nested model, or inputs."""
    candidates: dict[int, Any] = {}
    visited: set[int] = set()
    stack = [output]
    while stack:
        tensor = stack.pop()
        if id(tensor) in visited:
            continue
        visited.add(id(tensor))
        arguments = _arguments(tensor)
        if _is_feature_map(tensor) or hasattr(_producer(tensor), "layers") or not arguments:
            candidates[id(tensor)] = tensor
        else:
            stack += arguments
    return list(candidates.values())


def _is_feature_map(tensor: Any) -> bool:
    shape = tensor.shape
    return len(shape) == 4 and all(side is None or side > 1 for side in shape[1:3]) and bool(_arguments(tensor))


def _producer(tensor: Any) -> Any:
    return tensor._keras_history.operation


def _arguments(tensor: Any) -> list[Any]:
    history = tensor._keras_history
    return list(history.operation._inbound_nodes[history.node_index].input_tensors)


def _submodel(start: Any, end: Any) -> tuple[_Model, ...]:
    return () if start is end else (_in_inference_mode(keras.Model(start, end)),)


def _in_inference_mode(model: Any) -> _Model:
    return lambda values: model(values, training=False)


def _gradient(score: Callable[[Any], Any], maps: Any) -> Any:
    """Return the gradient of a function of the feature maps, by the backend that Keras runs on."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415 - Keras may run on another backend

        with tf.GradientTape() as tape:
            tape.watch(maps)
            value = score(maps)
        return tape.gradient(value, maps)
    if backend == "jax":
        import jax  # noqa: PLC0415

        return jax.grad(score)(maps)
    if backend == "torch":
        import torch  # noqa: PLC0415

        maps = maps.detach().requires_grad_()
        return torch.autograd.grad(score(maps), maps)[0]
    raise ModelError(
        f"Grad-CAM: Keras runs on {backend}; expected tensorflow, jax or torch; explain with method='occlusion'"
    )
