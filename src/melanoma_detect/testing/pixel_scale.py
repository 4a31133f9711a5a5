"""Whether raw pixels, 0 to 255, reach a network's weights with nothing that brings them to a scale to learn from."""

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from melanoma_detect.models.contract import every_layer, logits_and_features
from melanoma_detect.utils.log_levels import log_level

_NORMALIZING = (
    keras.layers.Normalization,
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.RMSNormalization,
)
# Of 255: pixels from which a mean was subtracted, as Caffe's networks take them, reach 151.
_RAW = 200.0
# Measured on untrained networks: scaled or normalised ones have features of 0.05 to 1.2, unscaled ones of 2.7 to 94.
_LARGE_FEATURES = 2.0
_PROPORTIONAL = 10.0  # of the 255 by which the features grow if nothing normalises them


class PixelScale(NamedTuple):
    """How an untrained network deals with the scale of pixels.

    Attributes:
        layer: The first layer with weights, or None if no layer was seen.
        largest: The largest absolute value that it gets.
        features: The root mean square of the features, with the batch's statistics as in training.
        growth: How many times larger they are than for the same pixels divided by 255.
    """

    layer: Any
    largest: float
    features: float
    growth: float

    @property
    def is_raw(self) -> bool:
        """Whether the first weights get raw pixels, and neither they nor a later layer make up for it."""
        reaches_weights = self.largest > _RAW and not isinstance(self.layer, _NORMALIZING)
        return reaches_weights and self.features > _LARGE_FEATURES and self.growth > _PROPORTIONAL


def measure_pixel_scale(model: Any, pixels: NDArray[np.number]) -> PixelScale:
    """Run a model once as in training, and look at what its first layer with weights gets and at its features.

    Args:
        model: A model that keeps the contract, and that is used for nothing else.
        pixels: `(n, height, width, 3)`, 0 to 255; some are white or nearly so.

    Returns:
        What was measured.

    Examples:
        >>> model = md.build_model("cnn", num_classes=3, input_shape=(32, 32, 3))
        >>> scale = measure_pixel_scale(model, np.full((2, 32, 32, 3), 255))
        >>> type(scale.layer).__name__, scale.largest
        ('Conv2D', 1.0)
    """
    both = logits_and_features(model)
    seen: list[tuple[Any, float]] = []
    for layer in every_layer(model):
        if layer.weights and not hasattr(layer, "layers"):
            layer.call = _noting(layer, layer.call, seen)
    raw = _root_mean_square(both, pixels)
    layer, largest = seen[0] if seen else (None, 0.0)
    scaled = _root_mean_square(both, pixels / 255)
    return PixelScale(layer, largest, raw, raw / scaled if scaled else 1.0)


def _noting(layer: Any, call: Callable[..., Any], seen: list[tuple[Any, float]]) -> Callable[..., Any]:
    def noting(*arguments: Any, **options: Any) -> Any:
        if not seen:
            seen.append((layer, float(np.abs(_array((*arguments, options))).max())))
        return call(*arguments, **options)

    return noting


def _root_mean_square(both: Any, pixels: NDArray[np.number]) -> float:
    # TensorFlow notes that grouped convolutions outside a graph are compiled one by one.
    with log_level("tensorflow", logging.ERROR):
        _, features = both(pixels.astype(np.float32), training=True)
    return float(np.sqrt(np.mean(np.square(_array(features)))))


def _array(tensors: Any) -> NDArray[np.float64]:
    """Return the first of nested tensors."""
    return np.asarray(keras.ops.convert_to_numpy(keras.tree.flatten(tensors)[0]), np.float64)
