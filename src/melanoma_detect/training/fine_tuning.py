"""Training in two phases where a part of the model is pretrained: its head first, then all that may be fine-tuned.

A head that starts at random sends large gradients into the backbone below it, which would spoil what it has learnt; so the
backbone stands still until the head has settled, and then moves at a lower rate.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from melanoma_detect.models.contract import every_layer
from melanoma_detect.training.recipes import Recipe

BACKBONE = "backbone"

History: TypeAlias = dict[str, list[float]]


@dataclass(frozen=True)
class Phase:
    """A stretch of training at one learning rate.

    Attributes:
        epochs: How many epochs at most.
        learning_rate: The optimiser's step.
        head_only: Whether the backbone stands still.
    """

    epochs: int
    learning_rate: float
    head_only: bool = False

    @contextlib.contextmanager
    def prepared(self, model: Any) -> Iterator[None]:
        """Hold the backbone still for a while, where this phase trains the head alone.

        Args:
            model: The model; in the end each of its layers may be trained or not as before.
        """
        if not self.head_only:
            yield
            return
        backbone = model.get_layer(BACKBONE)
        inside = every_layer(backbone) if hasattr(backbone, "layers") else ()
        before = [(layer, layer.trainable) for layer in (backbone, *inside)]
        backbone.trainable = False
        try:
            yield
        finally:
            # Setting a layer's flag sets those of the layers inside it: outer ones first.
            for layer, trainable in before:
                layer.trainable = trainable


def phases(model: Any, epochs: int, recipe: Recipe) -> list[Phase]:
    """Plan a training: two phases for a model with a pretrained backbone that may be fine-tuned, else one.

    Args:
        model: A model that keeps the contract.
        epochs: How many epochs in all, at most.
        recipe: How to train.

    Returns:
        The phases, in order; their epochs sum to `epochs`.

    Examples:
        >>> phases(md.build_model("cnn", num_classes=9), 30, Recipe())
        [Phase(epochs=30, learning_rate=0.001, head_only=False)]
    """
    backbone = next((layer for layer in model.layers if layer.name == BACKBONE), None)
    if backbone is None or not backbone.trainable_weights:
        return [Phase(epochs, recipe.learning_rate)]
    head = min(recipe.head_epochs, epochs - 1)
    fine = Phase(epochs - head, recipe.learning_rate * recipe.fine_tuning)
    return [Phase(head, recipe.learning_rate, head_only=True), fine] if head > 0 else [fine]
