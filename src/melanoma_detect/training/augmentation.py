"""Image augmentation: a Keras layer that changes training images at random, a batch at a time, on any backend.

Flip, rotation, zoom, stretch and shift are one affine map, so that an image is interpolated once and not once for each
change. The colours are changed by one matrix. The random numbers are drawn first, from a generator whose state belongs to the
layer, and then applied: the same seed gives the same images.
"""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from melanoma_detect.images.reader import Pixels
from melanoma_detect.training.artefacts import add_hairs, add_ruler_marks
from melanoma_detect.training.recipes import Augmentation
from melanoma_detect.utils.random import seeded

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601: how bright red, green and blue appear
_BLUR_POOLING = 3  # the strongest blur averages squares of 3×3 pixels


def augmentation_layers(augmentation: Augmentation | None, seed: int | None = None) -> list[Any]:
    """Return the layers that change images at random during training.

    Args:
        augmentation: The changes, or None.
        seed: The seed of the changes; None to draw one from Python's global generator.

    Returns:
        Keras layers on images from 0 to 255; an empty list if nothing is to be changed.

    Examples:
        >>> len(augmentation_layers(Augmentation()))
        1
    """
    if augmentation in (None, Augmentation(flip=None, rotation=0, zoom=0)):
        return []
    return [Augment(augmentation, seed=seed)]


def augment_image(pixels: Pixels, augmentation: Augmentation, count: int, *, seed: int = 123) -> Pixels:
    """Return randomly changed copies of one image, changed as training does.

    Args:
        pixels: uint8 `(height, width, 3)`.
        augmentation: The random changes.
        count: The number of copies.
        seed: The seed of the changes.

    Returns:
        uint8 `(count, height, width, 3)`.

    Examples:
        >>> augment_image(draw_lesion("nevus", seed=1).pixels, Augmentation(), count=2).shape
        (2, 180, 180, 3)
    """
    x = np.repeat(pixels[None], count, axis=0).astype(np.float32)
    with seeded(seed):
        for layer in augmentation_layers(augmentation):
            x = layer(x, training=True)
    return np.clip(np.asarray(x), 0, 255).astype(np.uint8)


@keras.saving.register_keras_serializable("melanoma_detect")
class Augment(keras.layers.Layer):  # type: ignore[misc]
    """Changes images at random during training and passes them through unchanged otherwise.

    Args:
        augmentation: The changes; a dictionary of an `Augmentation`'s fields when the layer comes from a file.
        seed: The seed of the changes; None to draw one from Python's global generator.

    Examples:
        >>> layer = Augment(Augmentation(rotation=0.5), seed=1)
        >>> tuple(layer(np.zeros((2, 8, 8, 3)), training=True).shape)
        (2, 8, 8, 3)
    """

    def __init__(self, augmentation: Augmentation | dict[str, Any], *, seed: int | None = None, **options: Any) -> None:
        # bfloat16 has 8 bits of precision, too few for pixel positions and colours.
        super().__init__(**{"dtype": "float32", "name": "augment"} | options)
        self.augmentation = augmentation if isinstance(augmentation, Augmentation) else Augmentation(**augmentation)
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def get_config(self) -> dict[str, Any]:
        """Return the layer's arguments, for Keras to save."""
        config: dict[str, Any] = super().get_config()
        return config | {"augmentation": vars(self.augmentation), "seed": self.seed}

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the input's shape."""
        return input_shape

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Change the images if this is training."""
        if not training:
            return inputs
        augmentation, random = self.augmentation, BatchRandom(self.generator, ops.shape(inputs)[0])
        x = transform_affine(inputs, augmentation, random)
        if augmentation.hair:
            x = add_hairs(x, augmentation.hair, random)
        if augmentation.ruler:
            x = add_ruler_marks(x, augmentation.ruler, random)
        # After the artefacts: the light falls on hairs and rulers too, and a blurred image blurs them.
        x = change_colours(x, augmentation, random)
        return blur(x, augmentation.blur, random) if augmentation.blur else x


class BatchRandom:
    """Draws random numbers for each image of a batch.

    Args:
        generator: A Keras `SeedGenerator`.
        count: The number of images.

    Examples:
        >>> tuple(BatchRandom(keras.random.SeedGenerator(1), 4).uniform(-1, 1).shape)
        (4,)
    """

    def __init__(self, generator: Any, count: Any) -> None:
        self.generator, self.count = generator, count

    def uniform(self, low: float, high: float, *shape: int) -> Any:
        """Draw from a uniform distribution.

        Args:
            low: The lower end.
            high: The upper end.
            *shape: The shape for each image; a single number if left out.

        Returns:
            float32 `(images, *shape)`.
        """
        return keras.random.uniform((self.count, *shape), low, high, dtype="float32", seed=self.generator)

    def bernoulli(self, share: float) -> Any:
        """Draw which images get a change.

        Args:
            share: The probability that an image gets it, 0 to 1.

        Returns:
            float32 `(images, 1, 1, 1)`, each 0 or 1.
        """
        return ops.cast(ops.reshape(self.uniform(0, 1), (-1, 1, 1, 1)) < share, "float32")


def transform_affine(images: Any, augmentation: Augmentation, random: BatchRandom) -> Any:
    """Flip, rotate, zoom, stretch and shift images in one interpolation; the border is filled by reflection.

    Args:
        images: float32 `(n, height, width, 3)`.
        augmentation: The size of the changes.
        random: The source of random numbers.

    Returns:
        Images of the same shape.

    Examples:
        >>> random = BatchRandom(keras.random.SeedGenerator(1), 2)
        >>> tuple(transform_affine(np.zeros((2, 8, 8, 3), np.float32), Augmentation(), random).shape)
        (2, 8, 8, 3)
    """
    limits = augmentation
    if not (limits.flip or limits.rotation or limits.zoom or limits.shift or limits.aspect):
        return images
    height, width = images.shape[1:3]
    angle = 2 * math.pi * random.uniform(-limits.rotation, limits.rotation)
    zoom = 1 + random.uniform(-limits.zoom, limits.zoom)
    stretch = ops.sqrt(1 + random.uniform(-limits.aspect, limits.aspect))
    scale_x = zoom * stretch * _random_sign(random, "horizontal" in (limits.flip or ""))
    scale_y = zoom / stretch * _random_sign(random, "vertical" in (limits.flip or ""))
    # The matrix maps a position in the new image to the position in the old one that is shown there, about the centre.
    x, y = (width - 1) / 2, (height - 1) / 2
    a0, a1 = ops.cos(angle) * scale_x, -ops.sin(angle) * scale_y
    b0, b1 = ops.sin(angle) * scale_x, ops.cos(angle) * scale_y
    a2 = x - a0 * x - a1 * y + width * random.uniform(-limits.shift, limits.shift)
    b2 = y - b0 * x - b1 * y + height * random.uniform(-limits.shift, limits.shift)
    zeros = ops.zeros_like(a0)  # no perspective
    matrix = ops.stack([a0, a1, a2, b0, b1, b2, zeros, zeros], axis=1)
    return ops.image.affine_transform(images, matrix, "bilinear", "reflect", data_format="channels_last")


def change_colours(images: Any, augmentation: Augmentation, random: BatchRandom) -> Any:
    """Change saturation, white balance, brightness and contrast by one matrix, then shade the images to one side.

    Args:
        images: float32 `(n, height, width, 3)`, 0 to 255.
        augmentation: The size of the changes.
        random: The source of random numbers.

    Returns:
        Images of the same shape, 0 to 255.

    Examples:
        >>> random = BatchRandom(keras.random.SeedGenerator(1), 2)
        >>> grey = np.full((2, 8, 8, 3), 100, np.float32)
        >>> bool(np.ptp(np.asarray(change_colours(grey, Augmentation(saturation=0.5), random))) < 0.01)
        True
    """
    limits = augmentation
    if not (limits.brightness or limits.contrast or limits.saturation or limits.white_balance or limits.shading):
        return images
    saturation, contrast = (_random_factor(random, limit, 1, 1) for limit in (limits.saturation, limits.contrast))
    gains = _random_factor(random, limits.brightness, 1, 1) * _random_factor(random, limits.white_balance, 1, 3)
    grey = ops.tile(ops.reshape(ops.convert_to_tensor(_LUMA, "float32"), (1, 3, 1)), (1, 1, 3))
    matrix = (saturation * ops.eye(3, dtype="float32") + (1 - saturation) * grey) * gains
    # Contrast is the distance from the recoloured image's mean, which is the recoloured mean: the matrix is linear.
    mean = ops.mean(ops.expand_dims(ops.mean(images, axis=(1, 2)), 1) @ matrix, axis=-1, keepdims=True)
    height, width = images.shape[1:3]
    changed = ops.reshape(images, (-1, height * width, 3)) @ (contrast * matrix) + (1 - contrast) * mean
    x = ops.reshape(changed, (-1, height, width, 3))
    return ops.clip(x * _random_shading(random, limits.shading, height, width) if limits.shading else x, 0, 255)


def blur(images: Any, share: float, random: BatchRandom) -> Any:
    """Reduce the resolution of some of the images, each by a random amount.

    Args:
        images: float32 `(n, height, width, 3)`.
        share: The share of images that are blurred, 0 to 1.
        random: The source of random numbers.

    Returns:
        Images of the same shape.

    Examples:
        >>> random = BatchRandom(keras.random.SeedGenerator(1), 2)
        >>> tuple(blur(np.zeros((2, 8, 8, 3), np.float32), 0.5, random).shape)
        (2, 8, 8, 3)
    """
    small = ops.average_pool(images, _BLUR_POOLING, _BLUR_POOLING, padding="same", data_format="channels_last")
    blurred = ops.image.resize(small, images.shape[1:3], "bilinear", data_format="channels_last")
    amount = random.bernoulli(share) * ops.reshape(random.uniform(0.4, 1), (-1, 1, 1, 1))
    return images + amount * (blurred - images)


def _random_sign(random: BatchRandom, flips: bool) -> Any:
    return ops.where(random.uniform(0, 1) < 0.5, -1.0, 1.0) if flips else 1.0


def _random_factor(random: BatchRandom, limit: float, *shape: int) -> Any:
    return 1 + random.uniform(-limit, limit, *shape)


def _random_shading(random: BatchRandom, limit: float, height: int, width: int) -> Any:
    """Return the factor of each pixel's brightness, `(n, height, width, 1)`: a slope in a random direction."""
    angle, slope = random.uniform(0, 2 * math.pi, 1, 1, 1), random.uniform(0, limit, 1, 1, 1)
    x = ops.reshape(ops.linspace(-0.5, 0.5, width), (1, 1, width, 1))
    y = ops.reshape(ops.linspace(-0.5, 0.5, height), (1, height, 1, 1))
    return 1 + ops.cast(slope, "float32") * (ops.cos(angle) * x + ops.sin(angle) * y)
