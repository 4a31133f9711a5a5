"""The default architecture: the convolutional network of the assignment that this project started from."""

from collections.abc import Sequence

import keras
from keras import layers

from melanoma_detect.errors import ModelError
from melanoma_detect.models.heads import check_dropout, classification_head


def build(
    *,
    input_shape: tuple[int, int, int],
    num_classes: int,
    filters: Sequence[int] = (16, 32, 64),
    dropout: float = 0.2,
    batch_normalization: bool = False,
) -> keras.Model:
    """Build the assignment's network: three convolutions with pooling, and a dense layer of 128.

    At 180×180×3 and nine classes it has 3,989,801 parameters.

    Args:
        input_shape: `(height, width, 3)` in pixels; at least 2 to the power of the number of convolutions.
        num_classes: The number of classes.
        filters: The number of filters of each 3×3 convolution, in order.
        dropout: The share of values before the dense layer that are dropped during training, from 0 to under 1.
        batch_normalization: Whether to normalise after each convolution, the assignment's other variant.

    Returns:
        A functional model from RGB, 0 to 255, to probabilities.

    Raises:
        ModelError: The images are too small for this number of convolutions, or the dropout is out of range.

    Examples:
        >>> build(input_shape=(180, 180, 3), num_classes=9).count_params()
        3989801
    """
    smallest = 2 ** len(filters)
    if min(input_shape[:2]) < smallest:
        raise ModelError(
            f"input_shape={input_shape}: {len(filters)} poolings halve the image {len(filters)} times; expected at least "
            f"{smallest}×{smallest} pixels"
        )
    pixels = keras.Input(input_shape, name="pixels")
    x = layers.Rescaling(1 / 255)(pixels)
    for count in filters:
        x = layers.Conv2D(count, 3, padding="same", activation="relu")(x)
        if batch_normalization:
            x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Dropout(check_dropout(dropout))(x)
    x = layers.Flatten()(x)
    x = layers.Dense(128, activation="relu", name="features")(x)
    return keras.Model(pixels, classification_head(x, num_classes), name="cnn")
