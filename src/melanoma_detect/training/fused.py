"""Adam in one pass over the weights, where TensorFlow has it.

Keras writes Adam's step as ten operations, each of which goes through all of a layer's weights, their means and their
squares. For a network with a large dense layer that is a quarter of the training. TensorFlow has the same formula as one
kernel (Kingma and Ba, ICLR 2015, the efficient form at the end of section 2).
"""

from typing import Any

import keras
from keras import ops


class _OnePass:
    def update_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        import tensorflow as tf  # noqa: PLC0415 - Keras may run on another backend

        if self.amsgrad or isinstance(gradient, tf.IndexedSlices) or tf.distribute.has_strategy():
            super().update_step(gradient, variable, learning_rate)  # type: ignore[misc]
            return
        at, dtype = self._get_variable_index(variable), variable.dtype
        step = ops.cast(self.iterations + 1, dtype)
        beta_1, beta_2 = (tf.constant(beta, dtype) for beta in (self.beta_1, self.beta_2))
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[at].value.handle,
            v=self._velocities[at].value.handle,
            beta1_power=beta_1**step,
            beta2_power=beta_2**step,
            lr=tf.cast(learning_rate, dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.constant(self.epsilon, dtype),
            grad=tf.cast(gradient, dtype),
        )


class OnePassAdam(_OnePass, keras.optimizers.Adam):  # type: ignore[misc]
    """Keras's Adam, in one pass."""


class OnePassAdamW(_OnePass, keras.optimizers.AdamW):  # type: ignore[misc]
    """Keras's AdamW, in one pass."""


def fused(name: str) -> str | type[Any]:
    """Return the faster class of an optimiser with the same steps, where there is one.

    Args:
        name: A name that Keras knows.

    Returns:
        A class, or the name.

    Examples:
        >>> fused("sgd")
        'sgd'
    """
    if keras.backend.backend() != "tensorflow":
        return name
    return {"adam": OnePassAdam, "adamw": OnePassAdamW}.get(name.lower(), name)
