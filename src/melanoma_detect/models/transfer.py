"""Architectures with an ImageNet backbone: families of `keras.applications`, each with its own preprocessing inside.

Every family takes the same options beside its `variant`:

- `weights`: `"imagenet"` (downloaded once by Keras), the path of a weights file, or None to start at random.
- `until`: the backbone's last layer, by its name; what comes after it is cut off.
- `trainable`: what fine-tuning may change: `"head"` (no part of the backbone), `"top"` (its layers at the last resolution) or
  `"all"`.
- `dropout`: the share of features that training hides before the logits, 0 to 1.

A pretrained backbone is one layer named `backbone`: `Detector.fit` trains the head alone first, then both at a lower rate. Its
batch normalisation keeps ImageNet's statistics: a few hundred lesions are too few to make new ones.
"""

from typing import Any, Literal

import keras
from keras import applications

from melanoma_detect.errors import ModelError
from melanoma_detect.models.assembling import assembled, less_mean, standard, to_one
from melanoma_detect.models.pretrained import Trainable, Weights

Shape = tuple[int, int, int]


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
        num_classes: How many classes.
        variant: The width of every layer, as a share.
        weights: `"imagenet"`, a file, or None.
        until: The backbone's last layer, or None for all of it.
        trainable: `"head"`, `"top"` or `"all"`.
        dropout: The share of features that training hides.

    Returns:
        A functional model from RGB, 0 to 255, to probabilities.

    Raises:
        ModelError: The images are too small, or the weights cannot be had or do not fit.

    Examples:
        >>> mobilenet(input_shape=(96, 96, 3), num_classes=9, variant="0.25", weights=None).name
        'mobilenet'
    """
    alpha = _width(variant, ("1.0", "0.75", "0.5", "0.25"))

    def make(weights: Weights) -> keras.Model:
        return applications.MobileNet(input_shape, alpha=alpha, include_top=False, weights=weights)

    return assembled(
        "mobilenet",
        make,
        to_one,
        input_shape=input_shape,
        num_classes=num_classes,
        weights=weights,
        until=until,
        trainable=trainable,
        dropout=dropout,
    )


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
        num_classes: How many classes.
        variant: The width of every layer, as a share.
        weights: `"imagenet"`, a file, or None.
        until: The backbone's last layer, or None for all of it.
        trainable: `"head"`, `"top"` or `"all"`.
        dropout: The share of features that training hides.

    Returns:
        A functional model from RGB, 0 to 255, to probabilities.

    Raises:
        ModelError: The images are too small, or the weights cannot be had or do not fit.

    Examples:
        >>> mobilenet_v2(input_shape=(96, 96, 3), num_classes=9, variant="0.35", weights=None).name
        'mobilenet_v2'
    """
    alpha = _width(variant, ("1.4", "1.3", "1.0", "0.75", "0.5", "0.35"))

    def make(weights: Weights) -> keras.Model:
        return applications.MobileNetV2(input_shape, alpha=alpha, include_top=False, weights=weights)

    return assembled(
        "mobilenet_v2",
        make,
        to_one,
        input_shape=input_shape,
        num_classes=num_classes,
        weights=weights,
        until=until,
        trainable=trainable,
        dropout=dropout,
    )


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
        num_classes: How many classes.
        variant: `"small"` or `"large"`.
        weights: `"imagenet"`, a file, or None.
        until: The backbone's last layer, or None for all of it.
        trainable: `"head"`, `"top"` or `"all"`.
        dropout: The share of features that training hides.

    Returns:
        A functional model from RGB, 0 to 255, to probabilities.

    Raises:
        ModelError: The images are too small, or the weights cannot be had or do not fit.

    Examples:
        >>> mobilenet_v3(input_shape=(96, 96, 3), num_classes=9, weights=None).name
        'mobilenet_v3'
    """
    family = _chosen(variant, {"small": applications.MobileNetV3Small, "large": applications.MobileNetV3Large})

    def make(weights: Weights) -> keras.Model:
        return family(input_shape, include_top=False, weights=weights, include_preprocessing=False)

    return assembled(
        "mobilenet_v3",
        make,
        to_one,
        input_shape=input_shape,
        num_classes=num_classes,
        weights=weights,
        until=until,
        trainable=trainable,
        dropout=dropout,
    )


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
        num_classes: How many classes.
        variant: `"b0"` to `"b3"`, from small to large.
        weights: `"imagenet"`, a file, or None.
        until: The backbone's last layer, or None for all of it.
        trainable: `"head"`, `"top"` or `"all"`.
        dropout: The share of features that training hides.

    Returns:
        A functional model from RGB, 0 to 255, to probabilities.

    Raises:
        ModelError: The images are too small, or the weights cannot be had or do not fit.

    Examples:
        >>> efficientnet_v2(input_shape=(96, 96, 3), num_classes=9, weights=None).name
        'efficientnet_v2'
    """
    names = ("b0", "b1", "b2", "b3")
    family = _chosen(variant, {name: getattr(applications, f"EfficientNetV2{name.upper()}") for name in names})

    def make(weights: Weights) -> keras.Model:
        return family(input_shape=input_shape, include_top=False, weights=weights, include_preprocessing=False)

    return assembled(
        "efficientnet_v2",
        make,
        standard,
        input_shape=input_shape,
        num_classes=num_classes,
        weights=weights,
        until=until,
        trainable=trainable,
        dropout=dropout,
    )


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
        num_classes: How many classes.
        weights: `"imagenet"`, a file, or None.
        until: The backbone's last layer, or None for all of it.
        trainable: `"head"`, `"top"` or `"all"`.
        dropout: The share of features that training hides.

    Returns:
        A functional model from RGB, 0 to 255, to probabilities.

    Raises:
        ModelError: The images are too small, or the weights cannot be had or do not fit.

    Examples:
        >>> convnext_tiny(input_shape=(64, 64, 3), num_classes=9, weights=None).name
        'convnext_tiny'
    """

    def make(weights: Weights) -> keras.Model:
        return applications.ConvNeXtTiny(
            input_shape=input_shape, include_top=False, weights=weights, include_preprocessing=False
        )

    return assembled(
        "convnext_tiny",
        make,
        standard,
        input_shape=input_shape,
        num_classes=num_classes,
        weights=weights,
        until=until,
        trainable=trainable,
        dropout=dropout,
    )


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
        num_classes: How many classes.
        weights: `"imagenet"`, a file, or None.
        until: The backbone's last layer, or None for all of it.
        trainable: `"head"`, `"top"` or `"all"`.
        dropout: The share of features that training hides.

    Returns:
        A functional model from RGB, 0 to 255, to probabilities.

    Raises:
        ModelError: The images are too small, or the weights cannot be had or do not fit.

    Examples:
        >>> resnet50(input_shape=(64, 64, 3), num_classes=9, weights=None).name
        'resnet50'
    """

    def make(weights: Weights) -> keras.Model:
        return applications.ResNet50(input_shape=input_shape, include_top=False, weights=weights)

    return assembled(
        "resnet50",
        make,
        less_mean,
        input_shape=input_shape,
        num_classes=num_classes,
        weights=weights,
        until=until,
        trainable=trainable,
        dropout=dropout,
    )


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
        num_classes: How many classes.
        weights: `"imagenet"`, a file, or None.
        until: The backbone's last layer, or None for all of it.
        trainable: `"head"`, `"top"` or `"all"`.
        dropout: The share of features that training hides.

    Returns:
        A functional model from RGB, 0 to 255, to probabilities.

    Raises:
        ModelError: The images are too small, or the weights cannot be had or do not fit.

    Examples:
        >>> densenet121(input_shape=(64, 64, 3), num_classes=9, weights=None).name
        'densenet121'
    """

    def make(weights: Weights) -> keras.Model:
        return applications.DenseNet121(input_shape=input_shape, include_top=False, weights=weights)

    return assembled(
        "densenet121",
        make,
        standard,
        input_shape=input_shape,
        num_classes=num_classes,
        weights=weights,
        until=until,
        trainable=trainable,
        dropout=dropout,
    )


def _width(variant: str | float, known: tuple[str, ...]) -> float:
    return float(_chosen(str(variant), {name: name for name in known}))


def _chosen(variant: str, known: dict[str, Any]) -> Any:
    if variant not in known:
        raise ModelError(f"variant={variant!r}; expected one of {', '.join(map(repr, known))}")
    return known[variant]
