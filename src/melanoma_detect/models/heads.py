"""The classification head that the contract asks of every architecture."""

from typing import Any

import keras

from melanoma_detect.errors import ModelError
from melanoma_detect.utils.number_arguments import real_number


def classification_head(x: Any, num_classes: int, *, dropout: float = 0.0) -> Any:
    """Add a classification head: dropout, logits, and probabilities in float32.

    Args:
        x: A Keras tensor `(batch, d)`: the output of the layer named `features`.
        num_classes: The number of classes.
        dropout: The share of features that are dropped during training, from 0 to under 1.

    Returns:
        A Keras tensor `(batch, num_classes)`: probabilities that sum to 1, the output of an `Activation("softmax")` layer.

    Raises:
        ModelError: The dropout is out of range.

    Examples:
        >>> import keras
        >>> pixels = keras.Input((32, 32, 3))
        >>> x = keras.layers.Rescaling(1 / 255)(pixels)
        >>> x = keras.layers.GlobalAveragePooling2D(name="features")(x)
        >>> keras.Model(pixels, classification_head(x, num_classes=9)).output_shape
        (None, 9)
    """
    if check_dropout(dropout):
        x = keras.layers.Dropout(dropout)(x)
    logits = keras.layers.Dense(num_classes, name="logits")(x)
    # float32 also under mixed precision: bfloat16 rounds probabilities to two or three digits.
    return keras.layers.Activation("softmax", dtype="float32", name="probabilities")(logits)


def check_dropout(dropout: Any) -> float:
    """Return a share of values that are dropped during training.

    Args:
        dropout: From 0 to under 1.

    Returns:
        The share.

    Raises:
        ModelError: It is out of range: where all values are dropped nothing is learnt.

    Examples:
        >>> check_dropout(0.2)
        0.2
    """
    expected = "from 0 to under 1: of the values of a layer, the share that is dropped in training"
    share = real_number(dropout, "dropout", ModelError, expected)
    if not 0 <= share < 1:
        raise ModelError(f"dropout={dropout!r}; expected {expected}")
    return share
