"""MixUp and CutMix: a layer that mixes two training images and returns how much of each is left.

MixUp: Zhang et al., ICLR 2018, arXiv:1710.09412. CutMix: Yun et al., ICCV 2019, arXiv:1905.04899.
"""

from typing import Any

import keras
from keras import ops

from melanoma_detect.training.augmentation import BatchRandom

_MIXUP_ALPHA = 0.4  # Zhang et al. recommend 0.1 to 0.4


class MixImages(keras.layers.Layer):  # type: ignore[misc]
    """Mixes each image of a batch with the image before it, during training.

    The order of a batch is random, so that is a random other image. The loss needs to know what was mixed: the layer also
    returns, for each image, the share that is its own and the smoothing of its target. Outside training these are 1 and 0.

    Args:
        mixup: The share of images that are blended with another.
        cutmix: The share of images that get a rectangle of another.
        smoothing: The label smoothing: the share of each target that is spread over all classes.
        seed: The seed of the random numbers.

    Examples:
        >>> images, terms = MixImages(1.0, 0.0, 0.1, seed=1)(np.zeros((4, 8, 8, 3)), training=True)
        >>> tuple(terms.shape)
        (4, 2)
    """

    def __init__(self, mixup: float, cutmix: float, smoothing: float, *, seed: int | None) -> None:
        super().__init__(dtype="float32", name="mix")
        self.mixup, self.cutmix, self.smoothing = mixup, cutmix, smoothing
        self.generator = keras.random.SeedGenerator(seed)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the images, and of the two numbers for each."""
        return input_shape, (input_shape[0], 2)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Mix the images if this is training."""
        ones = ops.ones_like(inputs[:, 0, 0, :1])
        if not training:
            return inputs, ops.concatenate([ones, ops.zeros_like(ones)], axis=-1)
        smoothing = self.smoothing * ops.ones_like(ones)
        if not (self.mixup or self.cutmix):
            return inputs, ops.concatenate([ones, smoothing], axis=-1)
        mask = self._random_mask(inputs)
        mixed = mask * inputs + (1 - mask) * ops.roll(inputs, 1, axis=0)
        own_share = ops.reshape(ops.mean(mask, axis=(1, 2, 3)), (-1, 1))
        return mixed, ops.concatenate([own_share, smoothing], axis=-1)

    def _random_mask(self, images: Any) -> Any:
        """Return the share of each pixel that is the image's own, `(n, height, width, 1)`; at least half on average."""
        random = BatchRandom(self.generator, ops.shape(images)[0])
        # One number for each image decides: the lowest are blended, the next get a rectangle, the others stay unchanged.
        choice = random.uniform(0, 1, 1, 1, 1)
        alpha = ops.cast(_MIXUP_ALPHA, "float32")
        weight = keras.random.beta(ops.shape(choice), alpha, alpha, dtype="float32", seed=self.generator)
        cut = _random_rectangle(random, *images.shape[1:3])
        # The larger weight goes to the image itself, so that its own label stays the main one.
        blend = ops.maximum(weight, 1 - weight) * ops.ones_like(cut)
        return ops.where(
            choice < self.mixup, blend, ops.where(choice < self.mixup + self.cutmix, cut, ops.ones_like(cut))
        )


def _random_rectangle(random: BatchRandom, height: int, width: int) -> Any:
    """Return 0 inside a rectangle of at most half the image and 1 outside it, `(n, height, width, 1)`."""
    half_side = ops.sqrt(random.uniform(0.02, 0.5, 1, 1, 1)) / 2
    y = ops.reshape(ops.arange(height, dtype="float32") + 0.5, (1, height, 1, 1)) / height
    x = ops.reshape(ops.arange(width, dtype="float32") + 0.5, (1, 1, width, 1)) / width
    centre_y, centre_x = random.uniform(0, 1, 1, 1, 1), random.uniform(0, 1, 1, 1, 1)
    inside = ops.logical_and(ops.abs(y - centre_y) < half_side, ops.abs(x - centre_x) < half_side)
    return 1 - ops.cast(inside, "float32")
