"""The copy of a model that is trained in its place: in the precision that is asked for, with the same weights.

Keras fixes a layer's precision when it is built. So a model that computes in float32 is trained as a clone, whose layers
compute in bfloat16 and keep their weights in float32, and takes the weights back in the end.
"""

from typing import Any

import keras

from melanoma_detect.models.contract import every_layer


def training_copy(model: Any, precision: str) -> Any:
    """Clone a model, to be trained in its place.

    Args:
        model: A model that keeps the contract.
        precision: `"mixed_bfloat16"`, or `"float32"`, which leaves each layer as it was built.

    Returns:
        A functional model with weights of its own, equal to those of the model.

    Examples:
        >>> model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
        >>> training_copy(model, "mixed_bfloat16").get_layer("features").compute_dtype
        'bfloat16'
    """

    def clone(layer: Any) -> Any:
        config = layer.get_config()
        if precision != "float32" and _converts(layer):
            config["dtype"] = precision
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=clone, recursive=True)
    copy.set_weights(model.get_weights())
    # Setting a layer's flag sets those of the layers inside it: outer ones first.
    for ours, theirs in zip(every_layer(copy), every_layer(model), strict=True):
        ours.trainable = theirs.trainable
    return copy


def _converts(layer: Any) -> bool:
    """Return whether a layer computes in float32 for no reason of its own; the softmax at the end has one."""
    softmax = getattr(layer, "activation", None) is keras.activations.softmax
    return layer.dtype_policy.name == "float32" and not softmax and not isinstance(layer, keras.layers.InputLayer)
