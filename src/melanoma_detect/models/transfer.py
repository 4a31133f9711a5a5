"""Architectures for transfer learning: families of `keras.applications` with ImageNet weights and their own preprocessing.

Every family takes the same options beside its `variant`:

- `weights`: `"imagenet"` (Keras downloads the file once), the path of a weights file, or None for random weights.
- `until`: the name of the layer to cut the backbone after, or None for the complete backbone.
- `trainable`: what fine-tuning may change: `"head"` (nothing of the backbone), `"top"` (its layers at the last resolution) or
  `"all"`.
- `dropout`: the share of features that are dropped during training, 0 to 1.

A pretrained backbone is one layer named `backbone`: `Detector.fit` trains the head alone first, then the whole model at a lower
learning rate. The backbone's batch normalisation keeps ImageNet's statistics: a few hundred lesions are too few for new ones.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, NamedTuple

import keras
from keras import applications, layers

from melanoma_detect.errors import ModelError
from melanoma_detect.models.heads import check_dropout, classification_head
from melanoma_detect.models.pretrained import (
    Trainable,
    Weights,
    load_backbone,
    scale_to_one,
    set_trainable,
    standardize,
    subtract_mean,
)

Shape = tuple[int, int, int]

_MIN_SIDE = 32  # the families halve an image five times


class _Options(NamedTuple):
    weights: Weights
    until: str | None
    trainable: Trainable
    dropout: float


class Family(NamedTuple):
    """A family of backbones.

    Attributes:
        preprocess: From RGB, 0 to 255, to what the family was trained on.
        variants: For each variant, a function that returns the backbone; it takes `input_shape`, `include_top` and `weights`.
    """

    preprocess: Callable[[Any], Any]
    variants: Mapping[str, Callable[..., keras.Model]]


def _widths(keras_class: Callable[..., keras.Model], *widths: str) -> dict[str, Callable[..., keras.Model]]:
    return {width: partial(keras_class, alpha=float(width)) for width in widths}


def _without_preprocessing(**classes: Callable[..., keras.Model]) -> dict[str, Callable[..., keras.Model]]:
    return {variant: partial(keras_class, include_preprocessing=False) for variant, keras_class in classes.items()}


FAMILIES: dict[str, Family] = {
    "mobilenet": Family(scale_to_one, _widths(applications.MobileNet, "1.0", "0.75", "0.5", "0.25")),
    "mobilenet_v2": Family(scale_to_one, _widths(applications.MobileNetV2, "1.4", "1.3", "1.0", "0.75", "0.5", "0.35")),
    "mobilenet_v3": Family(
        scale_to_one,
        _without_preprocessing(small=applications.MobileNetV3Small, large=applications.MobileNetV3Large),
    ),
    "efficientnet_v2": Family(
        standardize,
        _without_preprocessing(
            b0=applications.EfficientNetV2B0,
            b1=applications.EfficientNetV2B1,
            b2=applications.EfficientNetV2B2,
            b3=applications.EfficientNetV2B3,
        ),
    ),
    "convnext_tiny": Family(standardize, _without_preprocessing(tiny=applications.ConvNeXtTiny)),
    "resnet50": Family(subtract_mean, {"50": applications.ResNet50}),
    "densenet121": Family(standardize, {"121": applications.DenseNet121}),
}


def mobilenet(
    *,
    input_shape: Shape,
    num_classes: int,
    variant: Literal["1.0", "0.75", "0.5", "0.25"] = "1.0",
    weights: Weights = "imagenet",
    until: str | None = None,
    trainable: Trainable = "all",
    dropout: float = 0.2,
) -> keras.Model:
    """Build MobileNet V1 (Howard et al. 2017, arXiv:1704.04861); its variant is the width.

    Args:
        input_shape: `(height, width, 3)` in pixels, at least 32×32.
        num_classes: The number of classes.
        variant: The width of every layer, as a share.
        weights: `"imagenet"`, a file, or None.
        until: The name of the layer to cut the backbone after, or None.
        trainable: `"head"`, `"top"` or `"all"`.
        dropout: The share of features that are dropped during training.

    Returns:
        A functional model from RGB, 0 to 255, to probabilities.

    Raises:
        ModelError: The images are too small, or the weights cannot be loaded or do not fit.

    Examples:
        >>> mobilenet(input_shape=(96, 96, 3), num_classes=9, variant="0.25", weights=None).name
        'mobilenet'
    """
    return _build("mobilenet", variant, input_shape, num_classes, _Options(weights, until, trainable, dropout))


def mobilenet_v2(
    *,
    input_shape: Shape,
    num_classes: int,
    variant: Literal["1.4", "1.3", "1.0", "0.75", "0.5", "0.35"] = "1.0",
    weights: Weights = "imagenet",
    until: str | None = None,
    trainable: Trainable = "all",
    dropout: float = 0.2,
) -> keras.Model:
    """Build MobileNet V2 (Sandler et al. 2018, arXiv:1801.04381); its variant is the width.

    Args:
        input_shape: `(height, width, 3)` in pixels, at least 32×32.
        num_classes: The number of classes.
        variant: The width of every layer, as a share.
        weights: `"imagenet"`, a file, or None.
        until: The name of the layer to cut the backbone after, or None.
        trainable: `"head"`, `"top"` or `"all"`.
        dropout: The share of features that are dropped during training.

    Returns:
        A functional model from RGB, 0 to 255, to probabilities.

    Raises:
        ModelError: The images are too small, or the weights cannot be loaded or do not fit.

    Examples:
        >>> mobilenet_v2(input_shape=(96, 96, 3), num_classes=9, variant="0.35", weights=None).name
        'mobilenet_v2'
    """
    return _build("mobilenet_v2", variant, input_shape, num_classes, _Options(weights, until, trainable, dropout))


def mobilenet_v3(
    *,
    input_shape: Shape,
    num_classes: int,
    variant: Literal["small", "large"] = "small",
    weights: Weights = "imagenet",
    until: str | None = None,
    trainable: Trainable = "all",
    dropout: float = 0.2,
) -> keras.Model:
    """Build MobileNet V3 (Howard et al. 2019, arXiv:1905.02244), small or large.

    Args:
        input_shape: `(height, width, 3)` in pixels, at least 32×32.
        num_classes: The number of classes.
        variant: `"small"` or `"large"`.
        weights: `"imagenet"`, a file, or None.
        until: The name of the layer to cut the backbone after, or None.
        trainable: `"head"`, `"top"` or `"all"`.
        dropout: The share of features that are dropped during training.

    Returns:
        A functional model from RGB, 0 to 255, to probabilities.

    Raises:
        ModelError: The images are too small, or the weights cannot be loaded or do not fit.

    Examples:
        >>> mobilenet_v3(input_shape=(96, 96, 3), num_classes=9, weights=None).name
        'mobilenet_v3'
    """
    return _build("mobilenet_v3", variant, input_shape, num_classes, _Options(weights, until, trainable, dropout))


def efficientnet_v2(
    *,
    input_shape: Shape,
    num_classes: int,
    variant: Literal["b0", "b1", "b2", "b3"] = "b0",
    weights: Weights = "imagenet",
    until: str | None = None,
    trainable: Trainable = "all",
    dropout: float = 0.2,
) -> keras.Model:
    """Build EfficientNetV2 (Tan and Le 2021, arXiv:2104.00298), B0 to B3.

    Args:
        input_shape: `(height, width, 3)` in pixels, at least 32×32.
        num_classes: The number of classes.
        variant: `"b0"` to `"b3"`, from small to large.
        weights: `"imagenet"`, a file, or None.
        until: The name of the layer to cut the backbone after, or None.
        trainable: `"head"`, `"top"` or `"all"`.
        dropout: The share of features that are dropped during training.

    Returns:
        A functional model from RGB, 0 to 255, to probabilities.

    Raises:
        ModelError: The images are too small, or the weights cannot be loaded or do not fit.

    Examples:
        >>> efficientnet_v2(input_shape=(96, 96, 3), num_classes=9, weights=None).name
        'efficientnet_v2'
    """
    return _build("efficientnet_v2", variant, input_shape, num_classes, _Options(weights, until, trainable, dropout))


def convnext_tiny(
    *,
    input_shape: Shape,
    num_classes: int,
    weights: Weights = "imagenet",
    until: str | None = None,
    trainable: Trainable = "all",
    dropout: float = 0.2,
) -> keras.Model:
    """Build ConvNeXt (Liu et al. 2022, arXiv:2201.03545), tiny.

    Args:
        input_shape: `(height, width, 3)` in pixels, at least 32×32.
        num_classes: The number of classes.
        weights: `"imagenet"`, a file, or None.
        until: The name of the layer to cut the backbone after, or None.
        trainable: `"head"`, `"top"` or `"all"`.
        dropout: The share of features that are dropped during training.

    Returns:
        A functional model from RGB, 0 to 255, to probabilities.

    Raises:
        ModelError: The images are too small, or the weights cannot be loaded or do not fit.

    Examples:
        >>> convnext_tiny(input_shape=(64, 64, 3), num_classes=9, weights=None).name
        'convnext_tiny'
    """
    return _build("convnext_tiny", "tiny", input_shape, num_classes, _Options(weights, until, trainable, dropout))


def resnet50(
    *,
    input_shape: Shape,
    num_classes: int,
    weights: Weights = "imagenet",
    until: str | None = None,
    trainable: Trainable = "all",
    dropout: float = 0.2,
) -> keras.Model:
    """Build ResNet (He et al. 2016, doi 10.1109/CVPR.2016.90) of 50 layers.

    Args:
        input_shape: `(height, width, 3)` in pixels, at least 32×32.
        num_classes: The number of classes.
        weights: `"imagenet"`, a file, or None.
        until: The name of the layer to cut the backbone after, or None.
        trainable: `"head"`, `"top"` or `"all"`.
        dropout: The share of features that are dropped during training.

    Returns:
        A functional model from RGB, 0 to 255, to probabilities.

    Raises:
        ModelError: The images are too small, or the weights cannot be loaded or do not fit.

    Examples:
        >>> resnet50(input_shape=(64, 64, 3), num_classes=9, weights=None).name
        'resnet50'
    """
    return _build("resnet50", "50", input_shape, num_classes, _Options(weights, until, trainable, dropout))


def densenet121(
    *,
    input_shape: Shape,
    num_classes: int,
    weights: Weights = "imagenet",
    until: str | None = None,
    trainable: Trainable = "all",
    dropout: float = 0.2,
) -> keras.Model:
    """Build DenseNet (Huang et al. 2017, arXiv:1608.06993) of 121 layers.

    Args:
        input_shape: `(height, width, 3)` in pixels, at least 32×32.
        num_classes: The number of classes.
        weights: `"imagenet"`, a file, or None.
        until: The name of the layer to cut the backbone after, or None.
        trainable: `"head"`, `"top"` or `"all"`.
        dropout: The share of features that are dropped during training.

    Returns:
        A functional model from RGB, 0 to 255, to probabilities.

    Raises:
        ModelError: The images are too small, or the weights cannot be loaded or do not fit.

    Examples:
        >>> densenet121(input_shape=(64, 64, 3), num_classes=9, weights=None).name
        'densenet121'
    """
    return _build("densenet121", "121", input_shape, num_classes, _Options(weights, until, trainable, dropout))


def _build(name: str, variant: str, input_shape: Shape, num_classes: int, options: _Options) -> keras.Model:
    """Return preprocessing, backbone and head as one model."""
    check_dropout(options.dropout)  # before weights are downloaded
    preprocess, variants = FAMILIES[name]
    if str(variant) not in variants:
        raise ModelError(f"variant={variant!r}; expected one of {', '.join(map(repr, variants))}")
    if min(input_shape[:2]) < _MIN_SIDE:
        raise ModelError(f"input_shape={input_shape}: expected at least {_MIN_SIDE}×{_MIN_SIDE} pixels")
    make = partial(variants[str(variant)], input_shape=input_shape, include_top=False)
    # Only a layer named backbone is trained in two phases, for which random weights have no use.
    backbone = load_backbone(make, options.weights, options.until, "body" if options.weights is None else "backbone")
    if options.weights is not None:
        set_trainable(backbone, options.trainable)
    pixels = keras.Input(input_shape, name="pixels")
    x = backbone(preprocess(pixels))
    x = layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(pixels, classification_head(x, num_classes, dropout=options.dropout), name=name)
