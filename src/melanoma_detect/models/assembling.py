"""What the architectures with a pretrained backbone have in common: preprocessing, backbone, head."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

from melanoma_detect.errors import ModelError
from melanoma_detect.models.heads import classification_head
from melanoma_detect.models.pretrained import Trainable, Weights, set_trainable, with_weights

Shape = tuple[int, int, int]

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # red, green and blue, 0 to 1
_MEAN_BGR = (103.939, 116.779, 123.68)  # blue, green and red, 0 to 255
_SMALLEST = 32


def assembled(
    name: str,
    make: Callable[..., keras.Model],
    prepare: Callable[[Any], Any],
    *,
    input_shape: Shape,
    num_classes: int,
    weights: Weights,
    until: str | None,
    trainable: Trainable,
    dropout: float,
) -> keras.Model:
    """Put a backbone between its preprocessing and a head.

    Args:
        name: What the model is called.
        make: Makes the backbone; takes `weights=` as `keras.applications` does.
        prepare: From RGB, 0 to 255, to what the backbone was trained on: `to_one`, `standard` or `less_mean`.
        input_shape: `(height, width, 3)` in pixels, at least 32×32.
        num_classes: How many classes.
        weights: `"imagenet"`, a file, or None.
        until: The backbone's last layer, or None for all of it.
        trainable: `"head"`, `"top"` or `"all"`.
        dropout: The share of features that training hides.

    Returns:
        A functional model from RGB, 0 to 255, to probabilities.

    Raises:
        ModelError: The images are too small, or the weights cannot be had or do not fit.
    """
    if min(input_shape[:2]) < _SMALLEST:
        raise ModelError(f"input_shape={input_shape}: expected at least {_SMALLEST}×{_SMALLEST} pixels")
    backbone = with_weights(make, weights, until, name="body" if weights is None else "backbone")
    if weights is not None:
        set_trainable(backbone, trainable)
    pixels = keras.Input(input_shape, name="pixels")
    x = backbone(prepare(pixels))
    x = layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(pixels, classification_head(x, num_classes, dropout=dropout), name=name)


def to_one(pixels: Any) -> Any:
    """Scale to -1 to 1, as MobileNet was trained."""
    return layers.Rescaling(1 / 127.5, offset=-1)(pixels)


def standard(pixels: Any) -> Any:
    """Scale by ImageNet's mean and deviation, as DenseNet, EfficientNetV2-B and ConvNeXt were trained."""
    scale = [1 / (255 * deviation) for deviation in _DEVIATION]
    offset = [-mean / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True)]
    return layers.Rescaling(scale, offset=offset)(pixels)


def less_mean(pixels: Any) -> Any:
    """Turn to blue, green, red and take ImageNet's mean off, as ResNet was trained."""
    bgr = ops.take(pixels, [2, 1, 0], axis=-1)
    return layers.Rescaling(1.0, offset=[-mean for mean in _MEAN_BGR])(bgr)
