"""Training precision: which of float32 and mixed bfloat16 is faster for a model on this machine, and clones that use it.

bfloat16 nearly doubles the speed of dense convolutions on processors that support it, and slows depthwise ones down; so the
choice is made by timing a few steps.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from melanoma_detect.models.contract import every_layer, refresh_normalization
from melanoma_detect.utils.native_notes import without_native_notes

_ROUNDS = 3
# bfloat16 must take less than this share of float32's time: a small gain is not worth its lower precision.
_MAX_TIME_SHARE = 0.95
_PLAIN = {"float32": "float32", "mixed_bfloat16": "bfloat16"}


class PrecisionChoice(NamedTuple):
    """A precision, and the timings it was chosen by.

    Attributes:
        precision: `"float32"` or `"mixed_bfloat16"`.
        seconds: For each precision that was timed, the fastest step in seconds; empty if none was.
    """

    precision: str
    seconds: dict[str, float]

    def __str__(self) -> str:
        if not self.seconds:
            return f"training computes in {_PLAIN[self.precision]}"
        if self.precision == "float32":
            return "training computes in float32: bfloat16 is no faster on this machine"
        times = self.seconds["float32"] / self.seconds[self.precision]
        return f"training computes in bfloat16, {times:.1f} times as fast on this machine as float32"


def choose_precision(requested: str, build: Callable[[str], Any], batch: tuple[Any, Any]) -> PrecisionChoice:
    """Choose a precision; for `"auto"`, time both.

    Args:
        requested: The recipe's precision.
        build: Returns a compiled model for a precision. The model is trained for a few steps and thrown away.
        batch: Images and labels to time it on.

    Returns:
        The precision and its timings.

    Examples:
        >>> choose_precision("float32", build=None, batch=None).precision
        'float32'
    """
    if requested != "auto":
        return PrecisionChoice(requested, {})
    trainers = {name: build(name) for name in ("float32", "mixed_bfloat16")}
    with without_native_notes():  # of a processor without fast bfloat16: that is what is being found out
        for trainer in trainers.values():
            trainer.train_on_batch(*batch)  # the first step compiles
    seconds = dict.fromkeys(trainers, float("inf"))
    # Alternate between the two and take the fastest step of each: other load on the machine then affects both alike.
    for _ in range(_ROUNDS):
        for name, trainer in trainers.items():
            seconds[name] = min(seconds[name], _time_step(trainer, batch))
    faster = seconds["mixed_bfloat16"] < _MAX_TIME_SHARE * seconds["float32"]
    return PrecisionChoice("mixed_bfloat16" if faster else "float32", seconds)


def clone_with_precision(model: Any, precision: str) -> Any:
    """Clone a model, weights included, with layers that compute in another precision.

    Keras fixes a layer's precision when the layer is built, so a float32 model is trained in bfloat16 as a clone. The clone's
    layers compute in bfloat16 and keep their weights in float32, which the model takes back after training.

    Args:
        model: A model that keeps the contract.
        precision: `"mixed_bfloat16"`, or `"float32"` to leave each layer as it was built.

    Returns:
        A functional model with a copy of the model's weights.

    Examples:
        >>> model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
        >>> clone_with_precision(model, "mixed_bfloat16").get_layer("features").compute_dtype
        'bfloat16'
    """

    def clone_layer(layer: Any) -> Any:
        config = layer.get_config()
        if precision != "float32" and _can_change_precision(layer):
            config["dtype"] = precision
        return type(layer).from_config(config)

    clone = keras.models.clone_model(model, clone_function=clone_layer, recursive=True)
    clone.set_weights(model.get_weights())
    refresh_normalization(clone)
    # Outer layers come first: setting a layer's flag also sets the flags of the layers inside it.
    for cloned, original in zip(every_layer(clone), every_layer(model), strict=True):
        cloned.trainable = original.trainable
    return clone


def _can_change_precision(layer: Any) -> bool:
    """Return whether a layer computes in float32 only by default; the contract asks for a float32 softmax."""
    softmax = getattr(layer, "activation", None) is keras.activations.softmax
    return layer.dtype_policy.name == "float32" and not softmax and not isinstance(layer, keras.layers.InputLayer)


def _time_step(trainer: Any, batch: tuple[Any, Any]) -> float:
    start = time.perf_counter()
    trainer.train_on_batch(*batch)
    return time.perf_counter() - start
