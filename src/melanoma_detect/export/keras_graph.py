"""A model as the ONNX exporter can take it: the same answers, other layers.

The exporter writes files that ONNX Runtime rejects where a model computes in mixed precision, or has grouped convolutions or
Keras's gelu. So a model is cloned in float32, with depthwise convolutions in the place of fully grouped ones and gelu written
out.
"""

import math
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from melanoma_detect.models.contract import FEATURES, logits_of


def exportable(model: Any) -> Any:
    """Return a float32 copy of a model, made of layers that the exporter takes.

    Args:
        model: A model that keeps the contract.

    Returns:
        A functional model with weights of its own that gives the same answers.

    Examples:
        >>> exportable(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))).output_shape
        (None, 9)
    """
    copy = keras.models.clone_model(model, clone_function=_clone, recursive=True)
    for ours, theirs in zip(copy.weights, model.weights, strict=True):
        # A depthwise kernel is (h, w, channels, 1) where the grouped one was (h, w, 1, channels).
        values = ops.convert_to_numpy(ops.cast(theirs, "float32"))
        ours.assign(values.reshape(ours.shape))
    return copy


def inference(model: Any, dtype: str = "uint8") -> Any:
    """Return a model for use elsewhere: from pixels to logits and features.

    Args:
        model: A model that keeps the contract.
        dtype: The type of the pixels: as files hold them, or `"float32"`.

    Returns:
        A functional model with weights of its own, from `pixels`, `(batch, height, width, 3)`, to a dictionary of
        `logits`, float32 `(batch, classes)`, and `features`, float32 `(batch, d)`. It was called once: Keras exports no other.

    Examples:
        >>> found = inference(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3)))
        >>> sorted(found(np.zeros((2, 32, 32, 3), np.uint8)))
        ['features', 'logits']
    """
    copy = exportable(model)
    both = keras.Model(copy.input, [logits_of(copy), copy.get_layer(FEATURES).output])
    pixels = keras.Input(model.input_shape[1:], name="pixels", dtype=dtype)
    logits, features = both(ops.cast(pixels, "float32"), training=False)
    found = keras.Model(pixels, {"logits": logits, "features": features})
    found.predict_on_batch(np.zeros((1, *model.input_shape[1:]), dtype))
    return found


def _clone(layer: Any) -> Any:
    config = layer.get_config()
    if "dtype" in config:
        config["dtype"] = "float32"
    if isinstance(layer, layers.Conv2D) and type(layer) is layers.Conv2D and layer.groups == layer.filters > 1:
        return _depthwise(config)
    if isinstance(layer, layers.Activation) and layer.activation is keras.activations.gelu:
        return Gelu(name=layer.name, dtype="float32")
    return type(layer).from_config(config)


def _depthwise(config: dict[str, Any]) -> Any:
    kept = {
        key: config[key] for key in ("name", "kernel_size", "strides", "padding", "dilation_rate", "use_bias", "dtype")
    }
    return layers.DepthwiseConv2D(**kept, activation=config["activation"])


class Gelu(layers.Layer):  # type: ignore[misc]
    """x/2 (1 + erf(x/√2)), written out."""

    def call(self, inputs: Any) -> Any:
        """Apply it."""
        return 0.5 * inputs * (1.0 + ops.erf(inputs / math.sqrt(2.0)))
