"""Whether a detector looks at the lesion, or at something else that gives the class away.

A collection may show its melanomas in another frame, under another light or at another size than the rest, and a network
learns that as gladly as anything (Bissoto, Fornaciali, Valle and Avila 2019, arXiv:1904.08818). Here the lesion is taken away,
and the detector asked again: what it still knows, it does not know from the lesion.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from melanoma_detect.evaluation.bootstrap import Figure, figures
from melanoma_detect.evaluation.metrics import is_melanoma, weighted_auc
from melanoma_detect.evaluation.subgroups import ENOUGH
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.prediction import melanoma_scores
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.utils.arrays import Float64Array

LIMIT = 0.7
_COVERED = 0.7  # of the image's area, as in Bissoto et al. 2019
_BLUR = 1 / 24  # of the image's side
_AT_ONCE = 256


@dataclass(frozen=True)
class Shortcuts:
    """How well a detector tells melanomas from the rest on images that were altered: melanoma ROC AUCs.

    Attributes:
        original: On the images as they are.
        background: With the lesion covered.
        colours: With all pixels shuffled: colours without any shape.
        blurred: Blurred: the coarse layout of colours without any detail.
    """

    original: Figure
    background: Figure
    colours: Figure
    blurred: Figure

    @property
    def taken(self) -> bool:
        """Whether the background alone gives melanomas away: its AUC has a lower bound over 0.7."""
        return bool(self.background.low > LIMIT)

    @property
    def verdict(self) -> str:
        """What follows from the figures, in words."""
        found = self.background
        if not np.isfinite(found.value):
            return "No melanomas, or nothing else: whether it takes a shortcut cannot be told."
        few = (
            f" (on {found.lesions} lesions of the rarer side only: too few to be sure)"
            if found.lesions < ENOUGH
            else ""
        )
        if self.taken:
            return (
                f"IT TAKES A SHORTCUT: with the lesion covered it still tells melanomas from the rest, AUC {found}{few}. "
                "Frame, light or source of these images give the class away; expect worse figures on images from elsewhere."
            )
        return (
            f"No shortcut through the background is shown: with the lesion covered the AUC is {found}, and its lower bound is "
            f"not over {LIMIT}{few}."
        )

    def __str__(self) -> str:
        rows = (
            ("as they are", self.original),
            ("background only", self.background),
            ("colours only", self.colours),
            ("blurred", self.blurred),
        )
        table = [f"{'  ' + title:<28}{figure}" for title, figure in rows]
        return "\n".join(["Melanoma ROC AUC on altered images:", *table, self.verdict])


def shortcuts(
    predictor: Predictor, pixels: Pixels, labels: NDArray[np.int64], groups: Sequence[str], *, seed: int = 123
) -> Shortcuts:
    """Ask a detector about images without their lesions; see `Detector.evaluate`.

    Args:
        predictor: The detector.
        pixels: uint8 `(n, height, width, 3)` at the detector's image size.
        labels: The truth as positions in the detector's classes, `(n,)`.
        groups: The lesion of each image, `(n,)`.
        seed: Where the shuffling and the bootstrap's draws come from.

    Returns:
        The figures.

    Examples:
        >>> part = data.test
        >>> found = shortcuts(predictor, part.pixels(), part.labels, part.groups)
        >>> found.background.lesions == found.original.lesions
        True
    """
    shuffle = np.random.default_rng(seed).permutation(pixels.shape[1] * pixels.shape[2])
    alterations: dict[str, Callable[[Pixels], Pixels]] = {
        "original": lambda found: found,
        "background": background_only,
        "colours": lambda found: colours_only(found, shuffle),
        "blurred": blurred,
    }
    scores = {name: _scores(predictor, pixels, alter) for name, alter in alterations.items()}
    positive, named = is_melanoma(labels, predictor.classes), np.asarray(groups)
    lesions = min(len(np.unique(named[side])) for side in (positive, ~positive))

    def areas(weights: Float64Array) -> dict[str, Float64Array]:
        return {name: weighted_auc(found, positive, weights) for name, found in scores.items()}

    return Shortcuts(**figures(areas, groups, dict.fromkeys(scores, lesions), seed=seed))


def background_only(pixels: Pixels) -> Pixels:
    """Cover the middle of images, seven tenths of their area, with the colour of what surrounds it.

    The cover has one size for all: one that followed the lesion would tell its size and shape.

    Args:
        pixels: uint8 `(n, height, width, 3)`.

    Returns:
        The same shape; the colour is the median of each image's rim.

    Examples:
        >>> covered = background_only(draw_lesion("nevus", seed=1).pixels[None])
        >>> len(np.unique(covered[0, 40:140, 40:140].reshape(-1, 3), axis=0))
        1
    """
    height, width = pixels.shape[1:3]
    top, left = (round(side * (1 - _COVERED**0.5) / 2) for side in (height, width))
    inside = np.zeros((height, width), np.bool_)
    inside[top : height - top, left : width - left] = True
    covered = pixels.copy()
    covered[:, inside] = np.median(pixels[:, ~inside], axis=1, keepdims=True).astype(np.uint8)
    return covered


def colours_only(pixels: Pixels, shuffle: NDArray[np.int64]) -> Pixels:
    """Shuffle the pixels of images: their colours are left, and where they lay is not.

    Args:
        pixels: uint8 `(n, height, width, 3)`.
        shuffle: The new order of the pixels, `(height × width,)`.

    Returns:
        The same shape.

    Examples:
        >>> colours_only(np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3), np.array([3, 2, 1, 0]))[0, 0, 0]
        array([ 9, 10, 11], dtype=uint8)
    """
    return pixels.reshape(len(pixels), -1, 3)[:, shuffle].reshape(pixels.shape)


def blurred(pixels: Pixels) -> Pixels:
    """Blur images until no network, dot or vessel is left, only a coarse layout of colours.

    Args:
        pixels: uint8 `(n, height, width, 3)`.

    Returns:
        The same shape.

    Examples:
        >>> sharp = draw_lesion("nevus", seed=1).pixels[None]
        >>> bool(blurred(sharp).std() < sharp.std())
        True
    """
    filters = ImageFilter.GaussianBlur(min(pixels.shape[1:3]) * _BLUR)
    return np.stack([np.asarray(Image.fromarray(image).filter(filters)) for image in pixels])


def _scores(predictor: Predictor, pixels: Pixels, alter: Callable[[Pixels], Pixels]) -> Float64Array:
    """Alter and judge some images at a time: memory stays flat however many there are."""
    parts = [
        predictor.probabilities(alter(np.asarray(pixels[at : at + _AT_ONCE]))) for at in range(0, len(pixels), _AT_ONCE)
    ]
    return melanoma_scores(np.concatenate(parts), predictor.classes)
