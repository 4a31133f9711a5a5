"""Fine-tuning: a model with a pretrained backbone is trained in two phases, its head first and then the whole.

A head with random weights sends large gradients into the backbone below it, which would destroy what the backbone has learnt.
So the backbone is frozen until the head has converged, and is then trained at a lower learning rate.
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
    """A part of a training with one learning rate.

    Attributes:
        epochs: The largest number of epochs.
        learning_rate: The maximum of the learning rate.
        head_only: Whether the backbone is frozen.
    """

    epochs: int
    learning_rate: float
    head_only: bool = False

    @contextlib.contextmanager
    def freeze_backbone(self, model: Any) -> Iterator[None]:
        """Freeze the backbone for a `with` block if this phase trains the head only.

        Args:
            model: The model. Afterwards each layer's `trainable` is what it was before.
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
            # Outer layers come first: setting a layer's flag also sets the flags of the layers inside it.
            for layer, trainable in before:
                layer.trainable = trainable


def plan_phases(model: Any, epochs: int, recipe: Recipe) -> list[Phase]:
    """Return the phases of a training: two for a model with a pretrained backbone that may be fine-tuned, else one.

    Args:
        model: A model that keeps the contract.
        epochs: The largest number of epochs in all.
        recipe: How to train.

    Returns:
        The phases, in order; their epochs sum to `epochs`.

    Examples:
        >>> plan_phases(md.build_model("cnn", num_classes=9), 30, Recipe())
        [Phase(epochs=30, learning_rate=0.001, head_only=False)]
    """
    backbone = next((layer for layer in model.layers if layer.name == BACKBONE), None)
    if backbone is None or not backbone.trainable_weights:
        return [Phase(epochs, recipe.learning_rate)]
    head = min(recipe.head_epochs, epochs - 1)  # at least one epoch is left for the whole model
    fine = Phase(epochs - head, recipe.learning_rate * recipe.fine_tuning)
    return [Phase(head, recipe.learning_rate, head_only=True), fine] if head > 0 else [fine]
