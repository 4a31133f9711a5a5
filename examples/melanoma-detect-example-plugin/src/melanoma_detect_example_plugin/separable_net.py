"""A network of separable convolutions with channel gates."""

import keras
from keras import layers

from melanoma_detect.models import classification_head
from melanoma_detect_example_plugin.layers import ChannelGate


def build(*, input_shape, num_classes, width=16, depth=3, dropout=0.2):
    """Separable convolutions with channel gates: 10 thousand parameters.

    Args:
        input_shape: `(height, width, 3)` in pixels.
        num_classes: The number of classes.
        width: The channels of the first convolution; each later one has twice as many as the one before.
        depth: The number of separable convolutions.
        dropout: The share of features that are dropped during training, 0 to 1.

    Returns:
        A functional Keras model from RGB, 0 to 255, to probabilities.
    """
    pixels = keras.Input(input_shape)
    x = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    x = layers.Conv2D(width, 3, strides=2, padding="same", activation="relu")(x)
    for step in range(depth):
        x = layers.SeparableConv2D(width * 2 ** (step + 1), 3, strides=2, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
        x = ChannelGate()(x)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(pixels, classification_head(x, num_classes, dropout=dropout))
