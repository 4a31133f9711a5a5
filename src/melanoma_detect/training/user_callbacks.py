"""Keras callbacks of the user: checked before training, and called as if a training were one call of Keras's `fit`.

A training with a pretrained backbone calls Keras's `fit` twice, first for the head. Callbacks such as `CSVLogger` or a service
that records runs would start anew with each, so `on_train_begin` and `on_train_end` are called once.
"""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import keras

from melanoma_detect.errors import DetectorError
from melanoma_detect.training.checkpoints import TrainingState
from melanoma_detect.training.recipes import Recipe

# What would undo a part of this library's own training: `class: what to use instead`.
_CONFLICTING = {
    "BackupAndRestore": "checkpoint='a folder' with resume=True, which also keeps the best weights and the order of the images",
    "SwapEMAWeights": "a recipe with a moving average of the weights: replace(recipe, ema=0.999)",
}
_LEARNING_RATE = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)


def check_callbacks(callbacks: Any, recipe: Recipe) -> tuple[Any, ...]:
    """Return callbacks as a tuple, and raise an error for anything that is none, or that contradicts the training.

    Args:
        callbacks: A list of Keras callbacks; None for none.
        recipe: How the model is trained.

    Returns:
        The callbacks.

    Raises:
        DetectorError: Something is not a callback, or would undo a part of the training; the message says what to use.

    Examples:
        >>> check_callbacks([keras.callbacks.CSVLogger("log.csv")], Recipe())
        (<keras.src.callbacks.csv_logger.CSVLogger object at ...>,)
        >>> check_callbacks(["tensorboard"], Recipe())
        Traceback (most recent call last):
        melanoma_detect.errors.DetectorError: callbacks[0] is the str 'tensorboard'; expected a Keras callback, such as ...
    """
    if callbacks is None:
        return ()
    expected = "expected a Keras callback, such as keras.callbacks.CSVLogger('log.csv')"
    if isinstance(callbacks, (str, bytes)) or not isinstance(callbacks, Sequence):
        raise DetectorError(f"callbacks is {_describe(callbacks)}; expected a list of Keras callbacks")
    for position, callback in enumerate(callbacks):
        if isinstance(callback, type) and issubclass(callback, keras.callbacks.Callback):
            raise DetectorError(
                f"callbacks[{position}] is the class {callback.__name__}; expected {callback.__name__}(...)"
            )
        if not isinstance(callback, keras.callbacks.Callback):
            raise DetectorError(f"callbacks[{position}] is {_describe(callback)}; {expected}")
        _check_tensorboard(callback, position)
        name = type(callback).__name__
        instead = next(
            (_CONFLICTING[base.__name__] for base in type(callback).mro() if base.__name__ in _CONFLICTING), ""
        )
        if instead:
            raise DetectorError(
                f"callbacks[{position}] is {name}, which would undo a part of the training; use {instead}"
            )
        if isinstance(callback, _LEARNING_RATE) and recipe.schedule != "constant":
            raise DetectorError(
                f"callbacks[{position}] is {name}, but the recipe's schedule {recipe.schedule!r} sets the learning rate too; "
                "train with replace(recipe, schedule='constant')"
            )
    return tuple(callbacks)


def _check_tensorboard(callback: Any, position: int) -> None:
    # Keras would say so only once the training has begun.
    if isinstance(callback, keras.callbacks.TensorBoard) and find_spec("tensorboard") is None:
        raise DetectorError(
            f"callbacks[{position}] is {type(callback).__name__}, which needs a package that is not installed: "
            "pip install tensorboard"
        )


def _describe(value: Any) -> str:
    text = repr(value)
    return f"the {type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def _forward(event: str) -> Callable[..., None]:
    """Return a method that passes an event of the training on to every callback."""

    def method(self: "UserCallbacks", *values: Any, **options: Any) -> None:
        self._call(event, *values, **options)

    method.__name__, method.__doc__ = event, f"Pass on `{event}`."
    return method


class UserCallbacks(keras.callbacks.Callback):  # type: ignore[misc]
    """Calls the user's callbacks over all phases of a training, and remembers whether one of them stopped it.

    Args:
        callbacks: Keras callbacks.
        state: The state of the training, in which a stop is recorded.

    Examples:
        >>> logger = keras.callbacks.CSVLogger("log.csv")
        >>> UserCallbacks([logger], TrainingState()).callbacks[0] is logger
        True
    """

    def __init__(self, callbacks: Sequence[Any], state: TrainingState) -> None:
        super().__init__()
        self.callbacks, self._state, self._has_begun = tuple(callbacks), state, False

    def set_model(self, model: Any) -> None:
        """Pass on the model of a phase: the user's model, behind the augmentation."""
        super().set_model(model)
        for callback in self.callbacks:
            callback.set_model(model)

    def set_params(self, params: Any) -> None:
        """Pass on the parameters of a phase."""
        super().set_params(params)
        for callback in self.callbacks:
            callback.set_params(params)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Pass on the beginning of the first phase."""
        if not self._has_begun:
            self._has_begun = True
            self._call("on_train_begin", logs)

    def finish(self, logs: dict[str, Any] | None = None) -> None:
        """Pass on the end of the last phase.

        Args:
            logs: The figures of the last epoch.
        """
        if self._has_begun:
            self._has_begun = False
            self._call("on_train_end", logs)

    on_epoch_begin = _forward("on_epoch_begin")
    on_epoch_end = _forward("on_epoch_end")
    on_train_batch_begin = _forward("on_train_batch_begin")
    on_train_batch_end = _forward("on_train_batch_end")
    on_test_begin = _forward("on_test_begin")
    on_test_end = _forward("on_test_end")
    on_test_batch_begin = _forward("on_test_batch_begin")
    on_test_batch_end = _forward("on_test_batch_end")

    def _call(self, event: str, *values: Any, **options: Any) -> None:
        before = self.model.stop_training
        for callback in self.callbacks:
            getattr(callback, event)(*values, **options)
        # Between two callbacks nothing else can stop it.
        self._state.ended = self._state.ended or (self.model.stop_training and not before)
