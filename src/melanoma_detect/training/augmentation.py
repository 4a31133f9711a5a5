"""Random changes to training images, a batch at a time, in whatever backend Keras runs on.

Flip, turn, zoom, stretch and shift are one affine map, so an image is interpolated once and not once for each. The colours
are one matrix. What is random is drawn first, from a generator whose state belongs to the layer, and then applied: the same
seed gives the same images.
"""

import math
from typing import Any

import keras
from keras import ops

from melanoma_detect.training.artefacts import with_hairs, with_ruler
from melanoma_detect.training.recipes import Augmentation

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
_COARSE = 3  # a blurred image keeps one pixel of so many, along each axis


def augmentation_layers(augmentation: Augmentation | None, seed: int | None = None) -> list[Any]:
    """Return the layers that change images at random while training.

    Args:
        augmentation: What to change, or None.
        seed: Where the changes come from; Python's global generator where it is None.

    Returns:
        Keras layers on images from 0 to 255; empty for None and where nothing is changed.

    Examples:
        >>> len(augmentation_layers(Augmentation()))
        1
    """
    if augmentation in (None, Augmentation(flip=None, rotation=0, zoom=0)):
        return []
    return [Augment(augmentation, seed=seed)]


@keras.saving.register_keras_serializable("melanoma_detect")
class Augment(keras.layers.Layer):  # type: ignore[misc]
    """Changes images at random while training, and leaves them as they are otherwise.

    Args:
        augmentation: What to change; the fields of an `Augmentation`, where it comes from a file.
        seed: Where the changes come from; Python's global generator where it is None.

    Examples:
        >>> layer = Augment(Augmentation(rotation=0.5), seed=1)
        >>> tuple(layer(np.zeros((2, 8, 8, 3)), training=True).shape)
        (2, 8, 8, 3)
    """

    def __init__(self, augmentation: Augmentation | dict[str, Any], *, seed: int | None = None, **options: Any) -> None:
        # Positions and colours need more digits than bfloat16 has.
        super().__init__(**{"dtype": "float32", "name": "augment"} | options)
        self.augmentation = augmentation if isinstance(augmentation, Augmentation) else Augmentation(**augmentation)
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def get_config(self) -> dict[str, Any]:
        """Return what makes this layer again."""
        config: dict[str, Any] = super().get_config()
        return config | {"augmentation": vars(self.augmentation), "seed": self.seed}

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the input's shape."""
        return input_shape

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Change the images, where this is training."""
        if not training:
            return inputs
        changes, draw = self.augmentation, Draw(self.generator, ops.shape(inputs)[0])
        x = moved(inputs, changes, draw)
        if changes.hair:
            x = with_hairs(x, changes.hair, draw)
        if changes.ruler:
            x = with_ruler(x, changes.ruler, draw)
        x = coloured(x, changes, draw)
        return blurred(x, changes.blur, draw) if changes.blur else x


class Draw:
    """Random numbers for the images of one batch.

    Args:
        generator: Where they come from.
        count: How many images there are.

    Examples:
        >>> tuple(Draw(keras.random.SeedGenerator(1), 4).uniform(-1, 1).shape)
        (4,)
    """

    def __init__(self, generator: Any, count: Any) -> None:
        self.generator, self.count = generator, count

    def uniform(self, low: float, high: float, *shape: int) -> Any:
        """Draw evenly between two numbers.

        Args:
            low: The lower end.
            high: The upper end.
            *shape: How many for each image; one where it is left out.

        Returns:
            float32 `(images, *shape)`.
        """
        return keras.random.uniform((self.count, *shape), low, high, dtype="float32", seed=self.generator)

    def chance(self, share: float) -> Any:
        """Draw which images are meant.

        Args:
            share: The share of them, 0 to 1.

        Returns:
            float32 `(images, 1, 1, 1)`, 0 or 1.
        """
        return ops.cast(ops.reshape(self.uniform(0, 1), (-1, 1, 1, 1)) < share, "float32")


def moved(images: Any, changes: Augmentation, draw: Draw) -> Any:
    """Flip, turn, zoom, stretch and shift in one interpolation; what was outside is a reflection.

    Args:
        images: float32 `(n, height, width, 3)`.
        changes: How far.
        draw: The random numbers.

    Returns:
        Images of the same shape.

    Examples:
        >>> draw = Draw(keras.random.SeedGenerator(1), 2)
        >>> tuple(moved(np.zeros((2, 8, 8, 3), np.float32), Augmentation(), draw).shape)
        (2, 8, 8, 3)
    """
    if not (changes.flip or changes.rotation or changes.zoom or changes.shift or changes.aspect):
        return images
    height, width = images.shape[1:3]
    angle = 2 * math.pi * draw.uniform(-changes.rotation, changes.rotation)
    zoom = 1 + draw.uniform(-changes.zoom, changes.zoom)
    stretch = ops.sqrt(1 + draw.uniform(-changes.aspect, changes.aspect))
    across = zoom * stretch * _side(draw, "horizontal" in (changes.flip or ""))
    down = zoom / stretch * _side(draw, "vertical" in (changes.flip or ""))
    # From a place in the new image to the place in the old one that shows there, about the middle.
    x, y = (width - 1) / 2, (height - 1) / 2
    a0, a1 = ops.cos(angle) * across, -ops.sin(angle) * down
    b0, b1 = ops.sin(angle) * across, ops.cos(angle) * down
    a2 = x - a0 * x - a1 * y + width * draw.uniform(-changes.shift, changes.shift)
    b2 = y - b0 * x - b1 * y + height * draw.uniform(-changes.shift, changes.shift)
    none = ops.zeros_like(a0)
    matrix = ops.stack([a0, a1, a2, b0, b1, b2, none, none], axis=1)
    return ops.image.affine_transform(images, matrix, "bilinear", "reflect", data_format="channels_last")


def coloured(images: Any, changes: Augmentation, draw: Draw) -> Any:
    """Change saturation, white balance, brightness and contrast in one matrix, then let the light fall off to one side.

    Args:
        images: float32 `(n, height, width, 3)`, 0 to 255.
        changes: How far.
        draw: The random numbers.

    Returns:
        Images of the same shape, 0 to 255.

    Examples:
        >>> draw = Draw(keras.random.SeedGenerator(1), 2)
        >>> grey = np.full((2, 8, 8, 3), 100, np.float32)
        >>> bool(np.ptp(np.asarray(coloured(grey, Augmentation(saturation=0.5), draw))) < 0.01)
        True
    """
    if not (changes.brightness or changes.contrast or changes.saturation or changes.white_balance or changes.shading):
        return images
    saturation, contrast = (_factor(draw, most, 1, 1) for most in (changes.saturation, changes.contrast))
    gains = _factor(draw, changes.brightness, 1, 1) * _factor(draw, changes.white_balance, 1, 3)
    grey = ops.tile(ops.reshape(ops.convert_to_tensor(_LUMA, "float32"), (1, 3, 1)), (1, 1, 3))
    matrix = (saturation * ops.eye(3, dtype="float32") + (1 - saturation) * grey) * gains
    mean = ops.mean(ops.expand_dims(ops.mean(images, axis=(1, 2)), 1) @ matrix, axis=-1, keepdims=True)
    height, width = images.shape[1:3]
    changed = ops.reshape(images, (-1, height * width, 3)) @ (contrast * matrix) + (1 - contrast) * mean
    x = ops.reshape(changed, (-1, height, width, 3))
    return ops.clip(x * _light(draw, changes.shading, height, width) if changes.shading else x, 0, 255)


def blurred(images: Any, share: float, draw: Draw) -> Any:
    """Take resolution from some of the images, more or less of it.

    Args:
        images: float32 `(n, height, width, 3)`.
        share: The share of images, 0 to 1.
        draw: The random numbers.

    Returns:
        Images of the same shape.

    Examples:
        >>> draw = Draw(keras.random.SeedGenerator(1), 2)
        >>> tuple(blurred(np.zeros((2, 8, 8, 3), np.float32), 0.5, draw).shape)
        (2, 8, 8, 3)
    """
    small = ops.average_pool(images, _COARSE, _COARSE, padding="same", data_format="channels_last")
    again = ops.image.resize(small, images.shape[1:3], "bilinear", data_format="channels_last")
    part = draw.chance(share) * ops.reshape(draw.uniform(0.4, 1), (-1, 1, 1, 1))
    return images + part * (again - images)


def _side(draw: Draw, flips: bool) -> Any:
    return ops.where(draw.uniform(0, 1) < 0.5, -1.0, 1.0) if flips else 1.0


def _factor(draw: Draw, most: float, *shape: int) -> Any:
    return 1 + draw.uniform(-most, most, *shape)


def _light(draw: Draw, most: float, height: int, width: int) -> Any:
    """Return by how much each place is brighter or darker, `(n, height, width, 1)`: a slope in any direction."""
    angle, fall = draw.uniform(0, 2 * math.pi, 1, 1, 1), draw.uniform(0, most, 1, 1, 1)
    x = ops.reshape(ops.linspace(-0.5, 0.5, width), (1, 1, width, 1))
    y = ops.reshape(ops.linspace(-0.5, 0.5, height), (1, height, 1, 1))
    return 1 + ops.cast(fall, "float32") * (ops.cos(angle) * x + ops.sin(angle) * y)
