"""The end that the contract asks of every architecture, in one line."""

from typing import Any

import keras


def classification_head(x: Any, num_classes: int, *, dropout: float = 0.0) -> Any:
    """Add the end of a classifier: dropout, logits, and probabilities in float32.

    Args:
        x: A Keras tensor `(batch, d)`: the output of the layer named `features`.
        num_classes: How many classes.
        dropout: The share of features that training hides, 0 to 1.

    Returns:
        A Keras tensor `(batch, num_classes)`: probabilities that sum to 1, from a last layer `Activation("softmax")`.

    Examples:
        >>> import keras
        >>> pixels = keras.Input((32, 32, 3))
        >>> x = keras.layers.Rescaling(1 / 255)(pixels)
        >>> x = keras.layers.GlobalAveragePooling2D(name="features")(x)
        >>> keras.Model(pixels, classification_head(x, num_classes=9)).output_shape
        (None, 9)
    """
    if dropout:
        x = keras.layers.Dropout(dropout)(x)
    logits = keras.layers.Dense(num_classes, name="logits")(x)
    return keras.layers.Activation("softmax", dtype="float32", name="probabilities")(logits)
