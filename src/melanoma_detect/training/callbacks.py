"""What watches a training: it keeps the best weights, stops where validation does, and writes checkpoints."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from melanoma_detect.training.checkpoints import Arrays, TrainingState


class BestWeights(keras.callbacks.Callback):  # type: ignore[misc]
    """Measures and keeps the weights that the model is to have: their moving average, where the recipe has one.

    Args:
        network: The model whose weights are kept; the one that is trained wraps it.
        standing: Where the training stands; kept up to date.
        batches: The training batches.
        patience: Epochs without a lower validation loss before training stops.
        epochs: How many epochs this phase has.
        seconds: The time of each epoch so far, kept by someone else.
        write: Called with the standing after each epoch, to write a checkpoint; None for none.

    Examples:
        >>> BestWeights(None, TrainingState(), batches=None, patience=3, epochs=10, seconds=[]).standing.in_phase
        0
    """

    def __init__(
        self,
        network: Any,
        standing: TrainingState,
        *,
        batches: Any,
        patience: int,
        epochs: int,
        seconds: list[float],
        write: Callable[[TrainingState], None] | None = None,
    ) -> None:
        super().__init__()
        self.network, self.standing, self.batches, self.write = network, standing, batches, write
        self.patience, self.epochs, self.seconds = patience, epochs, seconds
        self._measured: Arrays = []
        self._raw: Arrays = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Show the images in this epoch's order, whatever Keras has looked at before: a resumed training sees the same."""
        self.batches.start_at(epoch)

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Let validation measure the averaged weights."""
        averages = averages_of(self.model.optimizer)
        if averages:
            self._raw = values_of(self.model.trainable_variables)
            assign(self.model.trainable_variables, values_of(averages))

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        """Remember what was measured, and let training go on from its own weights."""
        self._measured = self.network.get_weights()
        if self._raw:
            assign(self.model.trainable_variables, self._raw)
            self._raw = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Take note of the epoch."""
        found, standing = dict(logs or {}), self.standing
        for column, value in found.items():
            standing.history.setdefault(column, []).append(float(value))
        loss = float(found.get("val_loss", math.nan))
        standing.in_phase, standing.seconds = standing.in_phase + 1, list(self.seconds)
        standing.waited = 0 if loss < standing.best_in_phase else standing.waited + 1
        standing.best_in_phase = min(standing.best_in_phase, loss)
        if loss < standing.best:
            standing.best, standing.best_weights = loss, self._measured
        impatient = standing.waited > 0 and standing.waited >= self.patience
        standing.stopped = impatient or standing.in_phase == self.epochs
        self.model.stop_training = self.model.stop_training or impatient
        if self.write and math.isfinite(float(found.get("loss", math.nan))):
            standing.state = values_of(state_of(self.model))
            self.write(standing)


def state_of(trainer: Any) -> list[Any]:
    """Return every variable that decides how a training goes on.

    Args:
        trainer: A compiled model whose optimiser is built.

    Returns:
        The variables of its layers, its random generators and its optimiser, in an order that is always the same.

    Examples:
        >>> model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
        >>> model.compile("sgd")
        >>> len(state_of(model)) > len(model.weights)
        True
    """
    return [*trainer.variables, *trainer.optimizer.variables]


def averages_of(optimizer: Any) -> list[Any]:
    """Return the moving averages of the weights that an optimiser keeps; none where it does not.

    Args:
        optimizer: A Keras optimiser.

    Returns:
        Its variables, in the order of the trainable weights.

    Examples:
        >>> averages_of(keras.optimizers.SGD())
        []
    """
    return list(optimizer._model_variables_moving_average) if getattr(optimizer, "use_ema", False) else []


def values_of(variables: list[Any]) -> Arrays:
    """Return the values of variables as arrays of their own.

    Args:
        variables: Keras variables.

    Returns:
        An array for each.

    Examples:
        >>> values_of([keras.Variable([1.0, 2.0])])[0].tolist()
        [1.0, 2.0]
    """
    return [np.array(variable.numpy()) for variable in variables]


def assign(variables: list[Any], values: Arrays) -> None:
    """Give variables their values.

    Args:
        variables: Keras variables.
        values: An array for each.

    Examples:
        >>> variable = keras.Variable([1.0, 2.0])
        >>> assign([variable], [np.array([3.0, 4.0])])
        >>> values_of([variable])[0].tolist()
        [3.0, 4.0]
    """
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
