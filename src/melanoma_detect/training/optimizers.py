"""Optimisers of a recipe: learning-rate schedules, weight decay, moving averages of weights, and a fused Adam.

Keras writes Adam's step as ten operations, each of which reads all of a layer's weights, their means and their squares. For a
network with a large dense layer that is a quarter of the training time. TensorFlow has the same formula as one kernel (Kingma
and Ba, ICLR 2015, arXiv:1412.6980, the efficient form at the end of section 2).
"""

from typing import Any

import keras
from keras import ops

from melanoma_detect.training.recipes import Recipe

_COSINE_END = 0.01  # the learning rate at the end of a cosine schedule, as a share of its maximum
# Only kernels are decayed (He et al., CVPR 2019, arXiv:1812.01187, section 3.1).
_NOT_DECAYED = ("bias", "gamma", "beta")


class _FusedAdamStep:
    """Adam's update as one TensorFlow kernel, for the cases that the kernel covers."""

    def update_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        import tensorflow as tf  # noqa: PLC0415 - Keras may run on another backend

        # The kernel knows neither AMSGrad, nor sparse gradients, nor variables that are mirrored on several devices.
        if self.amsgrad or isinstance(gradient, tf.IndexedSlices) or tf.distribute.has_strategy():
            super().update_step(gradient, variable, learning_rate)  # type: ignore[misc]
            return
        index, dtype = self._get_variable_index(variable), variable.dtype
        step = ops.cast(self.iterations + 1, dtype)
        beta_1, beta_2 = (tf.constant(beta, dtype) for beta in (self.beta_1, self.beta_2))
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=beta_1**step,
            beta2_power=beta_2**step,
            lr=tf.cast(learning_rate, dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=tf.constant(self.epsilon, dtype),
            grad=tf.cast(gradient, dtype),
        )


class FusedAdam(_FusedAdamStep, keras.optimizers.Adam):  # type: ignore[misc]
    """Keras's Adam with a fused step."""


class FusedAdamW(_FusedAdamStep, keras.optimizers.AdamW):  # type: ignore[misc]
    """Keras's AdamW with a fused step."""


def make_optimizer(recipe: Recipe, learning_rate: float, steps: int) -> Any:
    """Return a recipe's optimiser.

    Args:
        recipe: The optimiser's name, schedule, weight decay and moving average.
        learning_rate: The maximum of the learning rate.
        steps: The length of the schedule in steps.

    Returns:
        A Keras optimiser.

    Raises:
        ValueError: Keras knows no optimiser of this name.

    Examples:
        >>> make_optimizer(Recipe(weight_decay=0.01), 1e-3, steps=100).weight_decay
        0.01
    """
    options: dict[str, Any] = {"learning_rate": make_learning_rate(recipe, learning_rate, steps)}
    # AdamW is given its weight decay even if it is 0: Keras's default is 0.004.
    if recipe.weight_decay or recipe.optimizer.lower() == "adamw":
        options["weight_decay"] = recipe.weight_decay
    if recipe.ema:
        options |= {"use_ema": True, "ema_momentum": recipe.ema}
    fused = _fused_class(recipe.optimizer)
    config = {"class_name": recipe.optimizer, "config": options}
    optimizer = fused(**options) if fused else keras.optimizers.get(config)
    if recipe.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=list(_NOT_DECAYED))
    return optimizer


def make_learning_rate(recipe: Recipe, learning_rate: float, steps: int) -> Any:
    """Return a recipe's learning rate: a number, or a Keras schedule.

    Args:
        recipe: The schedule's name and warm-up.
        learning_rate: The maximum of the learning rate.
        steps: The length of the schedule in steps.

    Returns:
        A number, or a function of the step.

    Examples:
        >>> rate = make_learning_rate(Recipe(schedule="cosine", warmup=0.1), 1e-3, steps=100)
        >>> [round(float(rate(step)), 6) for step in (0, 10, 100)]
        [0.0, 0.001, 1e-05]
    """
    if recipe.schedule == "constant":
        return learning_rate
    warmup = round(steps * recipe.warmup)
    if not warmup:
        return keras.optimizers.schedules.CosineDecay(learning_rate, max(1, steps), alpha=_COSINE_END)
    return keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warmup), alpha=_COSINE_END, warmup_target=learning_rate, warmup_steps=warmup
    )


def _fused_class(name: str) -> type[Any] | None:
    """Return the fused class of an optimiser, or None where there is none."""
    if keras.backend.backend() != "tensorflow":
        return None
    return {"adam": FusedAdam, "adamw": FusedAdamW}.get(name.lower())
