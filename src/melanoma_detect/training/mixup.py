"""Two images in one: MixUp and CutMix, with what is left of each image's own label."""

from typing import Any

import keras
from keras import ops

from melanoma_detect.training.augmentation import Draw

_MIXUP_ALPHA = 0.4


class Mix(keras.layers.Layer):  # type: ignore[misc]
    """Mixes each image with the one before it in the batch, whose order is random, while training.

    The loss has to know what was mixed; so the layer says, for each image, what share of it is its own, and how far its
    target is to be smoothed. Outside training these are 1 and 0.

    Args:
        mixup: The share of images that are blended.
        cutmix: The share of images that get a rectangle of the other.
        smoothing: The share of each target that is spread over all classes.
        seed: Where the random numbers come from.

    Examples:
        >>> images, terms = Mix(1.0, 0.0, 0.1, seed=1)(np.zeros((4, 8, 8, 3)), training=True)
        >>> tuple(terms.shape)
        (4, 2)
    """

    def __init__(self, mixup: float, cutmix: float, smoothing: float, *, seed: int | None) -> None:
        super().__init__(dtype="float32", name="mix")
        self.mixup, self.cutmix, self.smoothing = mixup, cutmix, smoothing
        self.generator = keras.random.SeedGenerator(seed)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the images' shape, and that of the two numbers for each."""
        return input_shape, (input_shape[0], 2)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Mix the images, where this is training."""
        own = ops.ones_like(inputs[:, 0, 0, :1])
        if not training:
            return inputs, ops.concatenate([own, ops.zeros_like(own)], axis=-1)
        smoothing = self.smoothing * ops.ones_like(own)
        if not (self.mixup or self.cutmix):
            return inputs, ops.concatenate([own, smoothing], axis=-1)
        kept = self._kept(inputs)
        mixed = kept * inputs + (1 - kept) * ops.roll(inputs, 1, axis=0)
        share = ops.reshape(ops.mean(kept, axis=(1, 2, 3)), (-1, 1))
        return mixed, ops.concatenate([share, smoothing], axis=-1)

    def _kept(self, images: Any) -> Any:
        """Return what share of each pixel is the image's own, `(n, height, width, 1)`; at least half on average."""
        draw = Draw(self.generator, ops.shape(images)[0])
        # One number decides: the lowest are blended, the next are cut, the others stay whole.
        chosen = draw.uniform(0, 1, 1, 1, 1)
        alpha = ops.cast(_MIXUP_ALPHA, "float32")
        blend = keras.random.beta(ops.shape(chosen), alpha, alpha, dtype="float32", seed=self.generator)
        cut = _outside(draw, *images.shape[1:3])
        blended = ops.maximum(blend, 1 - blend) * ops.ones_like(cut)
        return ops.where(
            chosen < self.mixup, blended, ops.where(chosen < self.mixup + self.cutmix, cut, ops.ones_like(cut))
        )


def _outside(draw: Draw, height: int, width: int) -> Any:
    """Return 0 within a rectangle of at most half the image and 1 outside, `(n, height, width, 1)`."""
    size = ops.sqrt(draw.uniform(0.02, 0.5, 1, 1, 1)) / 2  # half a side
    rows = ops.reshape(ops.arange(height, dtype="float32") + 0.5, (1, height, 1, 1)) / height
    columns = ops.reshape(ops.arange(width, dtype="float32") + 0.5, (1, 1, width, 1)) / width
    top, left = draw.uniform(0, 1, 1, 1, 1), draw.uniform(0, 1, 1, 1, 1)
    within = ops.logical_and(ops.abs(rows - top) < size, ops.abs(columns - left) < size)
    return 1 - ops.cast(within, "float32")
