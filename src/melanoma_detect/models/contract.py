"""The contract of an architecture: what its builder must return, and the parts of such a model.

A functional Keras model. Input: RGB, 0 to 255, float32, `(batch, height, width, 3)`, scaling inside. Output: float32
probabilities `(batch, num_classes)` from a last layer `Activation("softmax", dtype="float32")` whose input is the logits. One
layer named `features` gives `(batch, d)`. No Lambda layers: they hold code, and a detector's file must hold none.
"""

from collections.abc import Iterator
from typing import Any, TypeGuard

import keras

from melanoma_detect.errors import ContractError

FEATURES = "features"


def check(model: Any, *, name: str, input_shape: tuple[int, int, int], num_classes: int) -> None:
    """Raise ContractError unless a model keeps the contract, as far as that shows without running it.

    Args:
        model: What the builder returned.
        name: The architecture's name, for the message.
        input_shape: The requested `(height, width, 3)`.
        num_classes: The requested number of classes.

    Raises:
        ContractError: The model breaks the contract; the message lists each breach, with what was found and expected.

    Examples:
        >>> from melanoma_detect.models.cnn import build
        >>> check(build(input_shape=(64, 64, 3), num_classes=2), name="cnn", input_shape=(64, 64, 3), num_classes=2)
    """
    breaches = list(_breaches(model, input_shape, num_classes))
    if breaches:
        listed = "; ".join(breaches)
        raise ContractError(f"architecture {name!r} breaks the contract: {listed}")


def logits_of(model: keras.Model) -> Any:
    """Return the logits: the tensor that goes into the last softmax.

    Args:
        model: A model that keeps the contract.

    Returns:
        A Keras tensor `(batch, num_classes)`.

    Examples:
        >>> from melanoma_detect.models.cnn import build
        >>> logits_of(build(input_shape=(64, 64, 3), num_classes=2)).shape
        (None, 2)
    """
    return _last_layer(model).input


def logits_and_features(model: keras.Model) -> keras.Model:
    """Return a model of the same layers whose outputs are the logits and the features.

    Args:
        model: A model that keeps the contract.

    Returns:
        A functional model that shares the weights, with the outputs `(batch, num_classes)` and `(batch, d)`.

    Examples:
        >>> from melanoma_detect.models.cnn import build
        >>> logits_and_features(build(input_shape=(64, 64, 3), num_classes=2)).output_shape
        [(None, 2), (None, 128)]
    """
    return keras.Model(model.input, [logits_of(model), model.get_layer(FEATURES).output])


def _breaches(model: Any, input_shape: tuple[int, int, int], num_classes: int) -> Iterator[str]:
    if not isinstance(model, keras.Model) or not hasattr(model, "operations"):
        yield f"the builder returned {type(model).__name__}; expected a functional keras.Model"
        return
    if not isinstance(model.input_shape, tuple) or model.input_shape[1:] != input_shape:
        yield f"its input is {model.input_shape}; expected (None, {', '.join(map(str, input_shape))})"
    if model.output_shape != (None, num_classes):
        yield f"its output is {model.output_shape}; expected (None, {num_classes})"
        return
    yield from _end_breaches(_last_layer(model))
    yield from _features_breaches(model)
    lambdas = [layer.name for layer in every_layer(model) if isinstance(layer, keras.layers.Lambda)]
    if lambdas:
        yield f"it has Lambda layers ({', '.join(lambdas)}); use a registered layer or keras.ops in a functional model"


def _end_breaches(last: Any) -> Iterator[str]:
    activation = getattr(last, "activation", None)
    if not isinstance(last, keras.layers.Activation) or activation is not keras.activations.softmax:
        yield (
            f"its last layer is {type(last).__name__} ({getattr(activation, '__name__', 'no activation')}); expected "
            "Activation('softmax', dtype='float32') over the logits, as melanoma_detect.models.classification_head makes it"
        )
    elif last.compute_dtype != "float32":
        yield f"its probabilities are {last.compute_dtype}; expected float32"


def _features_breaches(model: keras.Model) -> Iterator[str]:
    names = [layer.name for layer in model.layers]
    if FEATURES not in names:
        yield f"no layer is named {FEATURES!r} (there are {', '.join(names[-4:])}); name the one before the logits"
    elif len(model.get_layer(FEATURES).output.shape) != 2:
        yield f"layer {FEATURES!r} gives {model.get_layer(FEATURES).output.shape}; expected (None, d)"


def _last_layer(model: keras.Model) -> Any:
    return model.output._keras_history.operation


def is_keras_model(value: Any) -> TypeGuard[Any]:
    """Return whether something is a Keras model, whatever it keeps of the contract.

    Args:
        value: Anything.

    Returns:
        Whether it is.

    Examples:
        >>> is_keras_model("cnn")
        False
    """
    return isinstance(value, keras.Model)


def every_layer(model: keras.Model) -> Iterator[Any]:
    """Yield the layers of a model, and those nested inside them.

    Args:
        model: Any Keras model.

    Yields:
        Layers, outer ones first.

    Examples:
        >>> from melanoma_detect.models.cnn import build
        >>> len(list(every_layer(build(input_shape=(64, 64, 3), num_classes=2))))
        13
    """
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from every_layer(layer)


def refresh_normalization(model: keras.Model) -> None:
    """Let a model's `Normalization` layers use the mean and variance that its weights were set to.

    Keras takes them from the weights when a file is loaded, and not when weights are assigned.

    Args:
        model: A Keras model.

    Examples:
        >>> from melanoma_detect.models.cnn import build
        >>> refresh_normalization(build(input_shape=(64, 64, 3), num_classes=2))
    """
    for layer in every_layer(model):
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()
