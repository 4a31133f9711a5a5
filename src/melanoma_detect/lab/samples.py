"""Samples: small images with their labels and lesions, which an experiment divides without any guard against leaks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.images.reader import Pixels

SIDE = 32  # pixels of each side: large enough for colours and coarse structure, small enough for seconds

Indices = NDArray[np.intp] | NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Samples:
    """Labelled images and the lesions that they show. Unlike a `Dataset`, nothing here prevents a leak.

    Attributes:
        pixels: uint8 `(n, 32, 32, 3)`, RGB.
        labels: `(n,)`: positions in `classes`.
        lesions: `(n,)`: images with one number show one lesion, patient or duplicate.
        classes: The diagnoses.
    """

    pixels: Pixels
    labels: NDArray[np.int64]
    lesions: NDArray[np.int64]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: Indices) -> "Samples":
        """Return some of the images.

        Args:
            chosen: Their positions, or a mask `(n,)`.

        Returns:
            New samples.

        Examples:
            >>> drawn = Samples(np.zeros((2, 32, 32, 3), np.uint8), np.array([0, 1]), np.array([7, 8]), ("a", "b"))
            >>> drawn.take(np.array([1])).lesions
            array([8])
        """
        return Samples(self.pixels[chosen], self.labels[chosen], self.lesions[chosen], self.classes)

    def first_views(self) -> "Samples":
        """Return one image of each lesion, the first.

        Returns:
            New samples.

        Examples:
            >>> drawn = Samples(np.zeros((3, 32, 32, 3), np.uint8), np.array([0, 0, 1]), np.array([7, 7, 8]), ("a", "b"))
            >>> len(drawn.first_views())
            2
        """
        return self.take(np.sort(np.unique(self.lesions, return_index=True)[1]))

    def with_pixels(self, pixels: Pixels) -> "Samples":
        """Return the same labels and lesions with other images.

        Args:
            pixels: uint8 `(n, 32, 32, 3)`.

        Returns:
            New samples.

        Examples:
            >>> drawn = Samples(np.zeros((1, 32, 32, 3), np.uint8), np.array([0]), np.array([7]), ("a",))
            >>> int(drawn.with_pixels(drawn.pixels + np.uint8(9)).pixels.max())
            9
        """
        return Samples(pixels, self.labels, self.lesions, self.classes)


@dataclass(frozen=True, eq=False)
class World:
    """What one trial of an experiment has: images to develop with, and lesions that nobody touches before the end.

    Attributes:
        development: What the study has; it divides it into train, validation and test by itself.
        untouched: Images of other lesions; what a model is truly worth is measured here.
    """

    development: Samples
    untouched: Samples


def join(*parts: Samples) -> Samples:
    """Put samples of the same classes together.

    Args:
        *parts: The samples.

    Returns:
        All images, in order.

    Examples:
        >>> drawn = Samples(np.zeros((1, 32, 32, 3), np.uint8), np.array([0]), np.array([7]), ("a",))
        >>> len(join(drawn, drawn))
        2
    """
    return Samples(
        np.concatenate([part.pixels for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.lesions for part in parts]),
        parts[0].classes,
    )


def divide(
    samples: Samples, units: NDArray[np.int64], shares: tuple[float, ...], rng: np.random.Generator
) -> tuple[Samples, ...]:
    """Divide samples at random into parts, class by class, so that the images of one unit stay together.

    Args:
        samples: The images.
        units: `(n,)`: what stays together. The lesions for an honest division; a number of its own for each image for the
            mistaken one.
        shares: The share of the units of each class that goes into each part; they sum to 1.
        rng: What the division is drawn from.

    Returns:
        One part for each share, each with at least one unit of every class that has enough of them.

    Examples:
        >>> drawn = Samples(np.zeros((4, 32, 32, 3), np.uint8), np.zeros(4, int), np.array([1, 1, 2, 2]), ("a",))
        >>> train, test = divide(drawn, drawn.lesions, (0.5, 0.5), np.random.default_rng(1))
        >>> len(train), len(set(train.lesions) & set(test.lesions))
        (2, 0)
    """
    part_of = np.zeros(len(samples), np.int64)
    ends = np.cumsum(shares)[:-1]
    for label in np.unique(samples.labels):
        own = rng.permutation(np.unique(units[samples.labels == label]))
        for number, part in enumerate(np.split(own, np.round(ends * len(own)).astype(int))):
            part_of[np.isin(units, part) & (samples.labels == label)] = number
    return tuple(samples.take(part_of == number) for number in range(len(shares)))
