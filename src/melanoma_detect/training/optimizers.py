"""A recipe's optimiser, with its learning rate from step to step."""

from typing import Any

import keras

from melanoma_detect.training.fused import fused
from melanoma_detect.training.recipes import Recipe

_LOWEST = 0.01  # what a cosine ends at, as a share of its height
_NOT_DECAYED = ("bias", "gamma", "beta")


def optimizer_of(recipe: Recipe, learning_rate: float, steps: int) -> Any:
    """Return a recipe's optimiser.

    Args:
        recipe: Which optimiser, schedule, weight decay and moving average.
        learning_rate: The step at its highest.
        steps: How many steps the schedule has.

    Returns:
        A Keras optimiser.

    Raises:
        ValueError: Keras knows no optimiser of this name.

    Examples:
        >>> optimizer_of(Recipe(weight_decay=0.01), 1e-3, steps=100).weight_decay
        0.01
    """
    options: dict[str, Any] = {"learning_rate": rate_of(recipe, learning_rate, steps)}
    if recipe.weight_decay or recipe.optimizer.lower() == "adamw":  # whose own default is not 0
        options["weight_decay"] = recipe.weight_decay
    if recipe.ema:
        options |= {"use_ema": True, "ema_momentum": recipe.ema}
    chosen = fused(recipe.optimizer)
    if isinstance(chosen, str):
        optimizer = keras.optimizers.get({"class_name": chosen, "config": options})
    else:
        optimizer = chosen(**options)
    if recipe.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=list(_NOT_DECAYED))
    return optimizer


def rate_of(recipe: Recipe, learning_rate: float, steps: int) -> Any:
    """Return a recipe's learning rate: a number, or a schedule.

    Args:
        recipe: Which schedule.
        learning_rate: The step at its highest.
        steps: How many steps the schedule has.

    Returns:
        A number, or a function of the step.

    Examples:
        >>> rate = rate_of(Recipe(schedule="cosine", warmup=0.1), 1e-3, steps=100)
        >>> [round(float(rate(step)), 6) for step in (0, 10, 100)]
        [0.0, 0.001, 1e-05]
    """
    if recipe.schedule == "constant":
        return learning_rate
    warmup = round(steps * recipe.warmup)
    if not warmup:
        return keras.optimizers.schedules.CosineDecay(learning_rate, max(1, steps), alpha=_LOWEST)
    return keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warmup), alpha=_LOWEST, warmup_target=learning_rate, warmup_steps=warmup
    )
