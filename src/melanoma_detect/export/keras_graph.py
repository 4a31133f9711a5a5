"""Keras models as exporters accept them: the same outputs from other layers.

Keras's ONNX exporter writes files that ONNX Runtime rejects if a model computes in mixed precision, or has grouped
convolutions, Keras's gelu or `Normalization`. Before export, a model is therefore cloned in float32, with depthwise
convolutions in place of fully grouped ones, with gelu written out, and with normalisation by constants.
"""

import math
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from melanoma_detect.models.contract import logits_and_features, refresh_normalization


def clone_for_export(model: Any) -> Any:
    """Return a float32 copy of a model, made of layers that the exporter accepts.

    Args:
        model: A model that keeps the contract.

    Returns:
        A functional model with weights of its own and the same outputs.

    Examples:
        >>> clone_for_export(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))).output_shape
        (None, 9)
    """
    copy = keras.models.clone_model(model, clone_function=_clone, recursive=True)
    for target, source in zip(copy.weights, model.weights, strict=True):
        values = ops.convert_to_numpy(ops.cast(source, "float32"))
        # A depthwise kernel is (h, w, channels, 1), and the grouped one that it replaces (h, w, 1, channels).
        target.assign(values.reshape(target.shape))
    refresh_normalization(copy)
    return copy


def inference_model(model: Any, dtype: str = "uint8") -> Any:
    """Return a model for use outside this library: from pixels to logits and features.

    Args:
        model: A model that keeps the contract.
        dtype: The type of the pixels: `"uint8"`, as image files have it, or `"float32"`.

    Returns:
        A functional model with weights of its own, from `pixels`, `(batch, height, width, 3)`, to a dictionary of
        `logits`, float32 `(batch, classes)`, and `features`, float32 `(batch, d)`.

    Examples:
        >>> outputs = inference_model(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3)))
        >>> sorted(outputs(np.zeros((2, 32, 32, 3), np.uint8)))
        ['features', 'logits']
    """
    outputs = logits_and_features(clone_for_export(model))
    pixels = keras.Input(model.input_shape[1:], name="pixels", dtype=dtype)
    logits, features = outputs(ops.cast(pixels, "float32"), training=False)
    wrapped = keras.Model(pixels, {"logits": logits, "features": features})
    wrapped.predict_on_batch(
        np.zeros((1, *model.input_shape[1:]), dtype)
    )  # Keras exports no model that was never called
    return wrapped


def _clone(layer: Any) -> Any:
    config = layer.get_config()
    if "dtype" in config:
        config["dtype"] = "float32"
    if isinstance(layer, layers.Conv2D) and type(layer) is layers.Conv2D and layer.groups == layer.filters > 1:
        return _depthwise(config)
    if isinstance(layer, layers.Activation) and layer.activation is keras.activations.gelu:
        return Gelu(name=layer.name, dtype="float32")
    if type(layer) is layers.Normalization:
        return ConstantNormalization.from_config(config)
    return type(layer).from_config(config)


def _depthwise(config: dict[str, Any]) -> Any:
    shared = ("name", "kernel_size", "strides", "padding", "dilation_rate", "use_bias", "dtype", "activation")
    return layers.DepthwiseConv2D(**{key: config[key] for key in shared})


class Gelu(layers.Layer):  # type: ignore[misc]
    """The exact Gaussian error linear unit, x/2 (1 + erf(x/√2)), written out."""

    def call(self, inputs: Any) -> Any:
        """Apply it to a tensor of any shape."""
        return 0.5 * inputs * (1.0 + ops.erf(inputs / math.sqrt(2.0)))


class ConstantNormalization(layers.Normalization):  # type: ignore[misc]
    """Keras's `Normalization` with its mean and variance as constants of the graph.

    Keras holds them in tensors outside the graph, which the exporter turns into further inputs of the ONNX file.
    """

    def call(self, inputs: Any) -> Any:
        """Normalise a tensor, or the reverse with `invert`."""
        mean = ops.convert_to_numpy(self.mean).astype(np.float32)
        deviation = np.maximum(np.sqrt(ops.convert_to_numpy(self.variance)), keras.backend.epsilon()).astype(np.float32)
        return mean + inputs * deviation if self.invert else (inputs - mean) / deviation
