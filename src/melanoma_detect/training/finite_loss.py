"""A callback that stops a training whose loss is no number, and says where that was and why it is likely."""

import math
from typing import Any

import keras
import numpy as np

from melanoma_detect.errors import DetectorError

_RISE = 3.0  # times the lowest loss of the epochs so far: a loss that rose so far before it was lost had diverged


class FiniteLoss(keras.callbacks.Callback):  # type: ignore[misc]
    """Raises DetectorError once the training or the validation loss is not finite: what is learnt from then on is lost.

    Args:
        network: The model whose weights are trained. The model that is fitted wraps it.
        learning_rate: The highest learning rate, for the message.
        precision: The precision of the training, for the message.

    Examples:
        >>> FiniteLoss(None, 1e-3, "float32").on_train_batch_end(0, {"loss": 2.0})
    """

    def __init__(self, network: Any, learning_rate: float, precision: str) -> None:
        super().__init__()
        self._network, self._learning_rate, self._precision = network, learning_rate, precision
        self._epoch, self._lowest, self._last = 0, math.inf, math.nan

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Look for weights that are no numbers before anything is learnt: nothing can be learnt from those.

        Raises:
            DetectorError: There is one; the message names it.
        """
        if name := find_strange(self._network):
            raise DetectorError(
                f"the weight {name} of the model has values that are no numbers before training; build the model again, or "
                "load other weights"
            )

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note the epoch."""
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Stop at the first batch whose loss is not finite.

        Raises:
            DetectorError: It is not, or a weight is none; the message has the epoch, the batch and the likely cause.
        """
        loss = float((logs or {}).get("loss", 0.0))
        if math.isfinite(loss):
            self._lowest, self._last = min(self._lowest, loss), loss
            # The first, second, fourth ...: looking at every weight takes time. JAX gives them back after an epoch.
            if not batch & (batch + 1) and keras.backend.backend() != "jax":
                self._check_weights(f"after batch {batch + 1} of epoch {self._epoch}")
            return
        steps = self.params.get("steps") if self.params else None
        of = f" of {steps}" if steps else ""
        raise DetectorError(
            f"the training loss is {loss} in batch {batch + 1}{of} of epoch {self._epoch}, and training stopped there: "
            f"{self._cause()}"
        )

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Stop after an epoch whose validation loss is not finite.

        Raises:
            DetectorError: It is not, or a weight is none; the message has the epoch and the likely cause.
        """
        loss = float((logs or {}).get("val_loss", 0.0))
        if not math.isfinite(loss):
            raise DetectorError(
                f"the validation loss is {loss} after epoch {epoch + 1}, whose training loss is {self._last:.3g}, and training "
                f"stopped there: {self._cause_in_validation()}"
            )
        self._check_weights(f"after epoch {epoch + 1}")

    def _check_weights(self, when: str) -> None:
        # Layers may hide it from the loss: compiled, the larger of 0 and what is no number is 0.
        if self._network is not None and (name := find_strange(self._network)):
            raise DetectorError(
                f"the weight {name} of the model has values that are no numbers {when}, and training stopped there: "
                f"{self._advice()}"
            )

    def _cause(self) -> str:
        if math.isnan(self._last):
            return (
                "it was the first batch, so the model gives no numbers for its images before it has learnt anything; look for "
                "a logarithm, a root or a division in its layers, and for inputs that are not scaled"
            )
        return f"the loss was {self._last:.3g} before; {self._advice()}"

    def _cause_in_validation(self) -> str:
        return (
            "either the model gives no numbers for a validation image, by a logarithm, a root or a division in its layers, or "
            f"training diverges; {self._advice()}"
        )

    def _advice(self) -> str:
        half = "" if self._precision == "float32" else ", or train with precision='float32'"
        lower = f"the learning rate of {self._learning_rate:g} is likely too high: lower it, such as to"
        rose = " (the loss had risen before)" if self._last > _RISE * self._lowest else ""
        return (
            f"{lower} {self._learning_rate / 10:g}{half}{rose}; if it stays, the model gives no numbers for some image"
        )


def find_strange(network: Any) -> str:
    """Return the path of the first weight with values that are no finite numbers; empty where there is none.

    Args:
        network: A model.

    Returns:
        The weight's path, as Keras names it.

    Examples:
        >>> find_strange(md.build_model("cnn", num_classes=9, input_shape=(32, 32, 3)))
        ''
    """
    found = (weight.path for weight in network.weights if not np.isfinite(np.array(weight.numpy())).all())
    return next(found, "")
