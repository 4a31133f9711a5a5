"""Training callbacks: best weights with early stopping and checkpoints, and a progress bar."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from melanoma_detect.training.checkpoints import Arrays, TrainingState
from melanoma_detect.utils.progress import ProgressBar


class BestWeights(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the weights of the best epoch, stops training early, and writes checkpoints.

    If the recipe has a moving average of the weights, validation measures the average, and its weights are kept. Keras's
    `EarlyStopping` and `SwapEMAWeights` are not used because a checkpoint does not hold their state: a resumed training would
    not be the same as an uninterrupted one.

    Args:
        network: The model whose weights are kept. The model that is fitted wraps it.
        state: The state of the training, which is updated after each epoch.
        batches: The training batches.
        patience: The number of epochs without a lower validation loss before training stops.
        epochs: The number of epochs of this phase.
        seconds: The duration of each epoch so far; `EpochProgress` updates it.
        write: A function that writes a checkpoint of the state after each epoch; None for no checkpoints.

    Examples:
        >>> BestWeights(None, TrainingState(), batches=None, patience=3, epochs=10, seconds=[]).state.in_phase
        0
    """

    def __init__(
        self,
        network: Any,
        state: TrainingState,
        *,
        batches: Any,
        patience: int,
        epochs: int,
        seconds: list[float],
        write: Callable[[TrainingState], None] | None = None,
    ) -> None:
        super().__init__()
        self.network, self.state, self.batches, self.write = network, state, batches, write
        self.patience, self.epochs, self.seconds = patience, epochs, seconds
        self._validated_weights: Arrays = []
        self._training_weights: Arrays = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Set the images to this epoch's order: Keras may have drawn batches before, and a resumed training starts late."""
        self.batches.start_at(epoch)

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Swap in the moving average of the weights for validation."""
        averages = ema_variables(self.model.optimizer)
        if averages:
            self._training_weights = copy_values(self.model.trainable_variables)
            assign_values(self.model.trainable_variables, copy_values(averages))

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        """Keep the weights that were validated, and swap the training weights back in."""
        self._validated_weights = self.network.get_weights()
        if self._training_weights:
            assign_values(self.model.trainable_variables, self._training_weights)
            self._training_weights = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Update the state, decide whether to stop, and write a checkpoint."""
        metrics, state = dict(logs or {}), self.state
        for column, value in metrics.items():
            state.history.setdefault(column, []).append(float(value))
        loss = float(metrics.get("val_loss", math.nan))
        state.in_phase, state.seconds = state.in_phase + 1, list(self.seconds)
        state.waited = 0 if loss < state.best_in_phase else state.waited + 1
        state.best_in_phase = min(state.best_in_phase, loss)
        if loss < state.best:
            state.best, state.best_weights = loss, self._validated_weights
        stop_early = state.waited > 0 and state.waited >= self.patience
        state.stopped = stop_early or state.in_phase == self.epochs or state.ended
        self.model.stop_training = self.model.stop_training or stop_early
        # A diverged training is not worth resuming.
        if self.write and math.isfinite(float(metrics.get("loss", math.nan))):
            state.variables = copy_values(training_variables(self.model))
            self.write(state)


class EpochProgress(keras.callbacks.Callback):  # type: ignore[misc]
    """Draws a progress bar for the running epoch, prints a line for each completed one, and measures their durations.

    Args:
        epochs: The largest number of epochs.
        bar: The bar to draw on.
        seconds: The durations of the epochs before a training was resumed.
        best: The lowest validation loss so far.

    Attributes:
        seconds: The duration of each epoch, in seconds.

    Examples:
        >>> EpochProgress(3, ProgressBar("training", shown=False)).seconds
        []
    """

    def __init__(self, epochs: int, bar: ProgressBar, *, seconds: Sequence[float] = (), best: float = math.inf) -> None:
        super().__init__()
        self.seconds = list(seconds)
        self._epochs, self._best, self._started, self._bar = epochs, best, 0.0, bar

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Set the bar to the start of an epoch."""
        self._started = time.perf_counter()
        self._bar.restart(self._describe_epoch(epoch), total=self.params.get("steps"))

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Advance the bar."""
        self._bar.advance(batch + 1 - self._bar.completed)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Print the epoch's loss and accuracy."""
        self.seconds.append(time.perf_counter() - self._started)
        if not logs:
            return
        best = logs["val_loss"] < self._best
        self._best = min(self._best, logs["val_loss"])
        self._bar.print(
            f"{self._describe_epoch(epoch)} {self.seconds[-1]:6.1f} s  "
            f"loss {logs['loss']:.3f} (val {logs['val_loss']:.3f})  "
            f"accuracy {logs['accuracy']:.3f} (val {logs['val_accuracy']:.3f})" + "  best" * best
        )

    def note(self, text: object) -> None:
        """Print a line above the bar, unless nothing is shown.

        Args:
            text: The line.
        """
        self._bar.print(str(text))

    def _describe_epoch(self, epoch: int) -> str:
        return f"epoch {epoch + 1:>{len(str(self._epochs))}}/{self._epochs}"


def training_variables(model: Any) -> list[Any]:
    """Return every variable that decides how a training continues.

    Args:
        model: A compiled model whose optimiser is built.

    Returns:
        The variables of its layers, its random generators and its optimiser, always in the same order.

    Examples:
        >>> model = md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3))
        >>> model.compile("sgd")
        >>> len(training_variables(model)) > len(model.weights)
        True
    """
    return [*model.variables, *model.optimizer.variables]


def ema_variables(optimizer: Any) -> list[Any]:
    """Return an optimiser's exponential moving averages of the weights.

    Args:
        optimizer: A Keras optimiser.

    Returns:
        Variables in the order of the trainable weights; an empty list if the optimiser keeps no averages.

    Examples:
        >>> ema_variables(keras.optimizers.SGD())
        []
    """
    return list(optimizer._model_variables_moving_average) if getattr(optimizer, "use_ema", False) else []


def copy_values(variables: list[Any]) -> Arrays:
    """Return copies of the values of variables.

    Args:
        variables: Keras variables.

    Returns:
        An array for each variable.

    Examples:
        >>> copy_values([keras.Variable([1.0, 2.0])])[0].tolist()
        [1.0, 2.0]
    """
    return [np.array(variable.numpy()) for variable in variables]


def assign_values(variables: list[Any], values: Arrays) -> None:
    """Assign values to variables.

    Args:
        variables: Keras variables.
        values: An array for each variable.

    Examples:
        >>> variable = keras.Variable([1.0, 2.0])
        >>> assign_values([variable], [np.array([3.0, 4.0])])
        >>> copy_values([variable])[0].tolist()
        [3.0, 4.0]
    """
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
