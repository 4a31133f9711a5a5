"""EfficientNet-Lite 0, 1 and 2: EfficientNets without what is slow outside a GPU.

The networks that Liu published in 2020 (https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite) after
EfficientNet (Tan and Le 2019, arXiv:1905.11946): no squeeze-and-excitation, ReLU6 instead of swish, and a stem, a head and a
first and last stage of the same size in each variant. They have 75.1, 76.8 and 77.6 % top-1 accuracy on ImageNet at 224, 240
and 260 pixels.

Each takes the options of the other families for transfer learning, and `drop_connect`, the share of images for which the last
residual block is skipped during training (Huang et al. 2016, arXiv:1603.09382); earlier blocks are skipped less often.

Keras has no ImageNet weights of these networks to download, so `weights` is None by default. It takes a `.weights.h5` file
that Keras saved, or a `.npz` file with the arrays of a PyTorch network, such as timm's `tf_efficientnet_lite0`, in their order.
"""

import math
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import keras
from keras import layers

from melanoma_detect.errors import ModelError
from melanoma_detect.models.heads import classification_head
from melanoma_detect.models.pretrained import IMAGENET, Trainable, Weights, load_backbone, scale_to_one, set_trainable

Shape = tuple[int, int, int]

_MIN_SIDE = 32  # the network halves an image five times
_STEM, _HEAD = 32, 1280  # channels, in every variant
_EPSILON = 1e-3  # of batch normalisation

# How much wider and deeper than EfficientNet-B0 the stages are.
_SCALES = {"efficientnet_lite0": (1.0, 1.0), "efficientnet_lite1": (1.0, 1.1), "efficientnet_lite2": (1.1, 1.2)}


class _Stage(NamedTuple):
    blocks: int
    kernel: int
    strides: int
    expansion: int
    width: int


# Of EfficientNet-B0, the first row of Tan and Le's table 1.
_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)


class _Block(NamedTuple):
    """An inverted residual block: expand, filter each channel, project."""

    name: str
    kernel: int
    strides: int
    expansion: int
    width: int
    skipped: float  # the share of images that skip it during training


class _Options(NamedTuple):
    weights: Weights
    until: str | None
    trainable: Trainable
    dropout: float
    drop_connect: float


def efficientnet_lite0(
    *,
    input_shape: Shape,
    num_classes: int,
    weights: Weights = None,
    until: str | None = None,
    trainable: Trainable = "all",
    dropout: float = 0.2,
    drop_connect: float = 0.2,
) -> keras.Model:
    """Build EfficientNet-Lite0 (Liu 2020; Tan and Le 2019, arXiv:1905.11946): 3.4 M parameters, quick on CPUs.

    Args:
        input_shape: `(height, width, 3)` in pixels, at least 32×32; ImageNet's were 224×224.
        num_classes: The number of classes.
        weights: A `.weights.h5` or `.npz` file, or None for random weights.
        until: The name of the layer to cut the backbone after, or None.
        trainable: `"head"`, `"top"` or `"all"`.
        dropout: The share of features that are dropped during training.
        drop_connect: The share of images that skip the last residual block during training, 0 to 1.

    Returns:
        A functional model from RGB, 0 to 255, to probabilities.

    Raises:
        ModelError: The images are too small, or the weights cannot be loaded or do not fit.

    Examples:
        >>> efficientnet_lite0(input_shape=(64, 64, 3), num_classes=9).count_params()
        3424553
    """
    options = _Options(weights, until, trainable, dropout, drop_connect)
    return _build("efficientnet_lite0", input_shape, num_classes, options)


def efficientnet_lite1(
    *,
    input_shape: Shape,
    num_classes: int,
    weights: Weights = None,
    until: str | None = None,
    trainable: Trainable = "all",
    dropout: float = 0.2,
    drop_connect: float = 0.2,
) -> keras.Model:
    """Build EfficientNet-Lite1 (Liu 2020; Tan and Le 2019, arXiv:1905.11946): 4.2 M parameters.

    Args:
        input_shape: `(height, width, 3)` in pixels, at least 32×32; ImageNet's were 240×240.
        num_classes: The number of classes.
        weights: A `.weights.h5` or `.npz` file, or None for random weights.
        until: The name of the layer to cut the backbone after, or None.
        trainable: `"head"`, `"top"` or `"all"`.
        dropout: The share of features that are dropped during training.
        drop_connect: The share of images that skip the last residual block during training, 0 to 1.

    Returns:
        A functional model from RGB, 0 to 255, to probabilities.

    Raises:
        ModelError: The images are too small, or the weights cannot be loaded or do not fit.

    Examples:
        >>> efficientnet_lite1(input_shape=(64, 64, 3), num_classes=9).name
        'efficientnet_lite1'
    """
    options = _Options(weights, until, trainable, dropout, drop_connect)
    return _build("efficientnet_lite1", input_shape, num_classes, options)


def efficientnet_lite2(
    *,
    input_shape: Shape,
    num_classes: int,
    weights: Weights = None,
    until: str | None = None,
    trainable: Trainable = "all",
    dropout: float = 0.3,
    drop_connect: float = 0.2,
) -> keras.Model:
    """Build EfficientNet-Lite2 (Liu 2020; Tan and Le 2019, arXiv:1905.11946): 4.9 M parameters.

    Args:
        input_shape: `(height, width, 3)` in pixels, at least 32×32; ImageNet's were 260×260.
        num_classes: The number of classes.
        weights: A `.weights.h5` or `.npz` file, or None for random weights.
        until: The name of the layer to cut the backbone after, or None.
        trainable: `"head"`, `"top"` or `"all"`.
        dropout: The share of features that are dropped during training.
        drop_connect: The share of images that skip the last residual block during training, 0 to 1.

    Returns:
        A functional model from RGB, 0 to 255, to probabilities.

    Raises:
        ModelError: The images are too small, or the weights cannot be loaded or do not fit.

    Examples:
        >>> efficientnet_lite2(input_shape=(64, 64, 3), num_classes=9).name
        'efficientnet_lite2'
    """
    options = _Options(weights, until, trainable, dropout, drop_connect)
    return _build("efficientnet_lite2", input_shape, num_classes, options)


def _build(name: str, input_shape: Shape, num_classes: int, options: _Options) -> keras.Model:
    """Return scaling, backbone and head as one model."""
    if min(input_shape[:2]) < _MIN_SIDE:
        raise ModelError(f"input_shape={input_shape}: expected at least {_MIN_SIDE}×{_MIN_SIDE} pixels")
    if not 0 <= options.drop_connect < 1:
        raise ModelError(f"drop_connect={options.drop_connect}; expected a share from 0 to less than 1")
    if options.weights == IMAGENET:
        raise ModelError(
            f"weights='imagenet': Keras has no weights of {name} to download; expected the path of a .weights.h5 file that "
            "Keras saved, or of a .npz file with the arrays of a PyTorch network in their order, such as timm's "
            f"tf_{name} (see the how-to about transfer learning), or None for random weights"
        )
    make = partial(_backbone, input_shape, *_SCALES[name], options.drop_connect)
    # Only a layer named backbone is trained in two phases, for which random weights have no use.
    backbone = load_backbone(make, options.weights, options.until, "body" if options.weights is None else "backbone")
    if options.weights is not None:
        set_trainable(backbone, options.trainable)
    pixels = keras.Input(input_shape, name="pixels")
    x = backbone(scale_to_one(pixels))
    x = layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(pixels, classification_head(x, num_classes, dropout=options.dropout), name=name)


def _backbone(input_shape: Shape, width: float, depth: float, drop_connect: float, *, weights: None) -> keras.Model:  # noqa: ARG001
    """Return the network without scaling, pooling and classifier; the names of its layers are those of Keras's EfficientNet."""
    pixels = keras.Input(input_shape)
    x = _convolution(pixels, _STEM, "stem", kernel=3, strides=2)
    for block in _blocks(width, depth, drop_connect):
        x = _residual(x, block)
    return keras.Model(pixels, _convolution(x, _HEAD, "top"))


def _blocks(width: float, depth: float, drop_connect: float) -> Iterator[_Block]:
    last = len(_STAGES) - 1
    counts = [
        stage.blocks if number in (0, last) else math.ceil(depth * stage.blocks) for number, stage in enumerate(_STAGES)
    ]
    for number, (stage, count) in enumerate(zip(_STAGES, counts, strict=True)):
        for index in range(count):
            skipped = drop_connect * (sum(counts[:number]) + index) / sum(counts)
            strides = 1 if index else stage.strides
            name = f"block{number + 1}{chr(ord('a') + index)}"
            yield _Block(name, stage.kernel, strides, stage.expansion, _round_width(stage.width * width), skipped)


def _round_width(width: float) -> int:
    """Round to a multiple of 8, at most a tenth below."""
    rounded = max(8, int(width + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * width else rounded + 8


def _residual(x: Any, block: _Block) -> Any:
    inputs, width = x, x.shape[-1]
    if block.expansion > 1:
        x = _convolution(x, block.expansion * width, f"{block.name}_expand")
    x = layers.DepthwiseConv2D(
        block.kernel,
        block.strides,
        padding="same",
        use_bias=False,
        depthwise_initializer=_initializer(),
        name=f"{block.name}_dwconv",
    )(x)
    x = _normalize(x, block.name)
    x = _convolution(x, block.width, f"{block.name}_project", activation=False)
    if block.strides > 1 or block.width != width:
        return x
    if block.skipped:
        x = layers.Dropout(block.skipped, noise_shape=(None, 1, 1, 1), name=f"{block.name}_drop")(x)
    return layers.Add(name=f"{block.name}_add")([x, inputs])


def _convolution(x: Any, width: int, name: str, *, kernel: int = 1, strides: int = 1, activation: bool = True) -> Any:
    x = layers.Conv2D(
        width,
        kernel,
        strides,
        padding="same",
        use_bias=False,
        kernel_initializer=_initializer(),
        name=f"{name}_conv",
    )(x)
    return _normalize(x, name, activation=activation)


def _normalize(x: Any, name: str, *, activation: bool = True) -> Any:
    x = layers.BatchNormalization(epsilon=_EPSILON, name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_activation")(x) if activation else x


def _initializer() -> Any:
    # One for each layer: Keras's initialisers without a seed draw it once.
    return keras.initializers.VarianceScaling(2.0, mode="fan_out", distribution="truncated_normal")
