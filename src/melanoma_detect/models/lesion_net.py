"""lesion_net: a small residual network for training from scratch on a few thousand images."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from melanoma_detect.errors import ModelError
from melanoma_detect.models.heads import classification_head
from melanoma_detect.utils.number_arguments import whole_number

_MIN_SIDE = 32
# A few thousand images are about sixty steps an epoch: with Keras's 0.99 the statistics would lag behind the weights.
_MOMENTUM = 0.9


def build(
    *,
    input_shape: tuple[int, int, int],
    num_classes: int,
    widths: Sequence[int] = (24, 48, 96, 192),
    depth: int = 1,
    dropout: float = 0.3,
) -> keras.Model:
    """Build a small residual network with global pooling, to train from scratch.

    Two strided convolutions reduce the image's sides to a quarter. Each width is one stage of residual blocks (He et al. 2016,
    doi 10.1109/CVPR.2016.90) at half the sides of the stage before. The features are the mean of the last stage's maps.
    At 180×180×3 and nine classes it has 698,247 parameters.

    Args:
        input_shape: `(height, width, 3)` in pixels, at least 32×32.
        num_classes: The number of classes.
        widths: The number of channels of each stage.
        depth: The number of residual blocks of each stage, at least 1.
        dropout: The share of features that are dropped during training, from 0 to under 1.

    Returns:
        A functional model from RGB, 0 to 255, to probabilities.

    Raises:
        ModelError: The images are too small, or the depth or the dropout is out of range.

    Examples:
        >>> build(input_shape=(180, 180, 3), num_classes=9).count_params()
        698247
    """
    if min(input_shape[:2]) < _MIN_SIDE:
        raise ModelError(f"input_shape={input_shape}: expected at least {_MIN_SIDE}×{_MIN_SIDE} pixels")
    depth = whole_number(depth, "depth", ModelError, low=1)
    pixels = keras.Input(input_shape, name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    x = _convolution(x, widths[0] * 3 // 4, strides=2)
    x = _convolution(x, widths[0], strides=2)
    for stage, width in enumerate(widths):
        for block in range(depth):
            x = _residual(x, width, strides=2 if stage and not block else 1)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(pixels, classification_head(x, num_classes, dropout=dropout), name="lesion_net")


def _residual(x: Any, width: int, *, strides: int) -> Any:
    shortcut = x
    if strides > 1:
        shortcut = layers.AveragePooling2D(strides, padding="same")(shortcut)
    if shortcut.shape[-1] != width:
        shortcut = layers.BatchNormalization(momentum=_MOMENTUM)(layers.Conv2D(width, 1, use_bias=False)(shortcut))
    x = _convolution(x, width, strides=strides)
    x = _convolution(x, width, activation=False)
    return layers.ReLU()(layers.Add()([x, shortcut]))


def _convolution(x: Any, width: int, *, strides: int = 1, activation: bool = True) -> Any:
    x = layers.Conv2D(width, 3, strides=strides, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    x = layers.BatchNormalization(momentum=_MOMENTUM)(x)
    return layers.ReLU()(x) if activation else x
