"""Where a Keras model looks, by its own gradients: Grad-CAM (Selvaraju et al. 2017, doi 10.1109/ICCV.2017.74).

The maps are the last ones with a place in the image before the logits, wherever they lie: in the model itself, or inside a
layer that is a model of its own, as a pretrained backbone is. The model is cut in two there, and the second half is
differentiated.

Each channel is weighted by its gradient place by place (HiResCAM, Draelos and Carin 2020, arXiv:2011.08891). Where the maps are
averaged, as most networks do, that is Grad-CAM to the letter: the gradient is the same at every place. Where they are
flattened into a dense layer, as the assignment's network does, Grad-CAM's mean over all places would forget which weight
belonged where.
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


class Halves(NamedTuple):
    """A model, cut where its last maps are.

    Attributes:
        before: Models to call one after the other, from pixels to maps `(batch, rows, columns, channels)`.
        after: Models to call one after the other, from maps to logits.
    """

    before: tuple[_Model, ...]
    after: tuple[_Model, ...]


def grad_cam(model: Any, pixels: Pixels, wanted: Sequence[int]) -> Float32Array:
    """Measure which parts of the model's last maps speak for some of the classes.

    Args:
        model: A Keras model that keeps the contract.
        pixels: uint8 `(height, width, 3)`, one image at the model's size.
        wanted: The classes to explain, by their positions; several count as one.

    Returns:
        float32 `(rows, columns)` at the maps' size: the maps times the gradient of the logit, summed over the channels;
        negative where they speak against the classes.

    Raises:
        ModelError: The model has no maps that all of its answer comes from.

    Examples:
        >>> model = md.build_model("lesion_net", num_classes=9, input_shape=(64, 64, 3))
        >>> grad_cam(model, draw_lesion("melanoma", seed=1, size=64).pixels, [4]).shape
        (2, 2)
    """
    halves = cut(model)
    maps: Any = pixels[None].astype(np.float32)
    for part in halves.before:
        maps = part(maps)
    maps = ops.stop_gradient(ops.cast(maps, "float32"))

    def score(maps: Any) -> Any:
        for part in halves.after:
            maps = part(maps)
        return ops.sum(ops.take(ops.cast(maps, "float32"), list(wanted), axis=-1))

    slopes, values = (ops.convert_to_numpy(found)[0] for found in (_gradient(score, maps), maps))
    return np.asarray((values * slopes).sum(axis=-1), np.float32)


def cut(model: Any) -> Halves:
    """Cut a model in two where its last maps are.

    Args:
        model: A Keras model that keeps the contract.

    Returns:
        Both halves.

    Raises:
        ModelError: It has no maps that all of its answer comes from.

    Examples:
        >>> halves = cut(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3)))
        >>> len(halves.before), len(halves.after)
        (1, 1)
    """
    halves = _cut(model.inputs, logits_of(model))
    if halves is None:
        raise ModelError(
            f"{model.name}: has no maps that all of its answer comes from (expected one tensor (batch, rows, columns, "
            "channels) that leads to the logits); explain it with method='occlusion'"
        )
    return halves


def _cut(inputs: Any, output: Any) -> Halves | None:
    """Cut what leads from the inputs to the output, or return None where that has no such place."""
    ends = _ends(output)
    if len(ends) != 1 or len(inputs) != 1:
        return None
    end = ends[0]
    if _is_map(end):
        return Halves(_between(inputs[0], end), _between(end, output))
    inner, given = _producer(end), _arguments(end)
    halves = _cut(inner.inputs, inner.outputs[0]) if hasattr(inner, "layers") and len(given) == 1 else None
    if halves is None:
        return None
    return Halves(_between(inputs[0], given[0]) + halves.before, halves.after + _between(end, output))


def _ends(output: Any) -> list[Any]:
    """Walk back from a tensor to the first ones that are maps, that come from a model inside this one, or from nothing."""
    found: dict[int, Any] = {}
    seen: set[int] = set()
    left = [output]
    while left:
        tensor = left.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        given = _arguments(tensor)
        if _is_map(tensor) or hasattr(_producer(tensor), "layers") or not given:
            found[id(tensor)] = tensor
        left += [] if id(tensor) in found else given
    return list(found.values())


def _is_map(tensor: Any) -> bool:
    shape = tensor.shape
    return len(shape) == 4 and all(side is None or side > 1 for side in shape[1:3]) and bool(_arguments(tensor))


def _producer(tensor: Any) -> Any:
    return tensor._keras_history.operation


def _arguments(tensor: Any) -> list[Any]:
    history = tensor._keras_history
    return list(history.operation._inbound_nodes[history.node_index].input_tensors)


def _between(start: Any, end: Any) -> tuple[_Model, ...]:
    return () if start is end else (_inference(keras.Model(start, end)),)


def _inference(model: Any) -> _Model:
    return lambda values: model(values, training=False)


def _gradient(score: Callable[[Any], Any], maps: Any) -> Any:
    """Differentiate, in the way of whichever backend Keras runs on."""
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
