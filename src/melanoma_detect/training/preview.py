"""What augmentation makes of an image."""

import numpy as np

from melanoma_detect.images.reader import Pixels
from melanoma_detect.training.augmentation import augmentation_layers
from melanoma_detect.training.recipes import Augmentation
from melanoma_detect.utils.random import seeded


def augmented(pixels: Pixels, augmentation: Augmentation, count: int, *, seed: int = 123) -> Pixels:
    """Change one image at random, as training does.

    Args:
        pixels: uint8 `(height, width, 3)`.
        augmentation: The random changes.
        count: How many times.
        seed: Where the changes come from.

    Returns:
        uint8 `(count, height, width, 3)`.

    Examples:
        >>> augmented(draw_lesion("nevus", seed=1).pixels, Augmentation(), count=2).shape
        (2, 180, 180, 3)
    """
    x = np.repeat(pixels[None], count, axis=0).astype(np.float32)
    with seeded(seed):
        for layer in augmentation_layers(augmentation):
            x = layer(x, training=True)
    return np.clip(np.asarray(x), 0, 255).astype(np.uint8)
