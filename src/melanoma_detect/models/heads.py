"""The classification head that the contract asks of every architecture."""

from typing import Any

import keras


def classification_head(x: Any, num_classes: int, *, dropout: float = 0.0) -> Any:
    """Add a classification head: dropout, logits, and probabilities in float32.

    Args:
        x: A Keras tensor `(batch, d)`: the output of the layer named `features`.
        num_classes: The number of classes.
        dropout: The share of features that are dropped during training, 0 to 1.

    Returns:
        A Keras tensor `(batch, num_classes)`: probabilities that sum to 1, the output of an `Activation("softmax")` layer.

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
    # float32 also under mixed precision: bfloat16 rounds probabilities to two or three digits.
    return keras.layers.Activation("softmax", dtype="float32", name="probabilities")(logits)
