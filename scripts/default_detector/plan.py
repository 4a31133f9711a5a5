"""What a training is made of: the network, the sizes of its images, its rate, and how often each image is drawn."""

from typing import NamedTuple

import numpy as np
from packed import Pack

VAGUE_CLASSES, VAGUE_WEIGHT = 2, 0.4  # labels of more classes than two ("benign") are drawn less often
SOURCE_POWER = 0.35  # of a source's weight, by which it is divided: 0 for the pool's own shares, 1 for equal ones


class Plan(NamedTuple):
    """A whole training.

    Attributes:
        network: "lite0", "lite1" or "lite2".
        sides: The side of the images in pixels for each epoch.
        rate: The learning rate of the body at its highest.
        batch: Images in a batch.
        frozen: The number of stages that keep ImageNet's weights, with the stem.
        kernel_every: The large depthwise kernels learn every so many steps.
        source_power: See `SOURCE_POWER`.
    """

    network: str
    sides: tuple[int, ...]
    rate: float
    batch: int
    frozen: int = 0
    kernel_every: int = 1
    source_power: float = SOURCE_POWER


CPU = Plan("lite0", (128,) * 4 + (160,) * 3 + (192,) * 3 + (224,) * 2, 8e-4, 64, frozen=2, kernel_every=4)
GPU = Plan("lite2", (160,) * 8 + (192,) * 8 + (224,) * 14, 1.2e-3, 256)


def sample_weights(pack: Pack, rows: np.ndarray, source_power: float) -> tuple[np.ndarray, np.ndarray]:
    """Return how often each image is drawn, and the resulting share of each class; both sum to 1.

    Classes come by the square root of their frequency; then each source's weight is divided by a power of itself.
    """
    covered, sources = pack.targets[rows], pack.sources[rows]
    shares = covered / covered.sum(axis=1, keepdims=True)
    frequency = np.maximum(shares.mean(axis=0), 1e-9)
    weights = (shares * (np.sqrt(frequency) / np.sqrt(frequency).sum() / frequency)).sum(axis=1)
    for source in np.unique(sources):
        weights[sources == source] *= weights[sources == source].sum() ** -source_power
    weights[covered.sum(axis=1) > VAGUE_CLASSES] *= VAGUE_WEIGHT
    weights /= weights.sum()
    return weights, np.maximum((shares * weights[:, None]).sum(axis=0), 1e-9)
