"""A training that can be watched: a bar for the epoch, a line for each epoch that is done."""

import math
import time
from collections.abc import Sequence
from typing import Any

import keras

from melanoma_detect.utils.files import progress_bar


class Progress(keras.callbacks.Callback):  # type: ignore[misc]
    """Draws a bar while an epoch runs and keeps how long each took.

    Args:
        epochs: How many there will be at most.
        shown: False to draw nothing.
        seconds: The time of each epoch that was done before, where a training goes on.
        best: The lowest validation loss so far.

    Attributes:
        seconds: The time of each epoch, in seconds.

    Examples:
        >>> Progress(epochs=3, shown=False).seconds
        []
    """

    def __init__(self, epochs: int, *, shown: bool, seconds: Sequence[float] = (), best: float = math.inf) -> None:
        super().__init__()
        self.seconds = list(seconds)
        self._epochs, self._best, self._started = epochs, best, 0.0
        self._bar = progress_bar(shown=shown, transient=True)
        self._task = self._bar.add_task("training", visible=False)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Start the bar."""
        self._bar.start()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start the bar of one epoch."""
        self._started = time.perf_counter()
        label = f"epoch {epoch + 1:>{len(str(self._epochs))}}/{self._epochs}"
        self._bar.reset(self._task, total=self.params.get("steps"), description=label, visible=True)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=batch + 1)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Print what the epoch came to."""
        self.seconds.append(time.perf_counter() - self._started)
        if self._bar.disable or not logs:
            return
        best = logs["val_loss"] < self._best
        self._best = min(self._best, logs["val_loss"])
        self._bar.console.print(
            f"epoch {epoch + 1:>{len(str(self._epochs))}}/{self._epochs} {self.seconds[-1]:6.1f} s  "
            f"loss {logs['loss']:.3f} (val {logs['val_loss']:.3f})  "
            f"accuracy {logs['accuracy']:.3f} (val {logs['val_accuracy']:.3f})" + "  best" * best,
            highlight=False,
        )

    def note(self, text: object) -> None:
        """Print a line, unless nothing is to be drawn.

        Args:
            text: What it says.
        """
        if not self._bar.disable:
            self._bar.console.print(str(text), highlight=False)

    def close(self) -> None:
        """Take the bar away, when training is over or broke off; between two phases it stays."""
        self._bar.update(self._task, visible=False)
        self._bar.stop()
