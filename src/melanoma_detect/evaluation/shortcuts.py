"""Test for shortcuts: whether a detector recognises melanomas by something other than the lesion.

A collection may show its melanomas in another frame, in other light or at another size than the rest, and a network learns
such a difference (Bissoto, Fornaciali, Valle and Avila 2019, arXiv:1904.08818). Here the lesion is covered, shuffled or
blurred and the detector is run again: what it still recognises, it does not recognise by the lesion.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from melanoma_detect.evaluation.answers import is_melanoma
from melanoma_detect.evaluation.bootstrap import Figure, compute_figures
from melanoma_detect.evaluation.ranking import weighted_auc
from melanoma_detect.evaluation.subgroups import MIN_LESIONS
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.prediction import melanoma_scores
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.runtime import iterate_batches
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.deprecation import warn_renamed
from melanoma_detect.utils.probability_arrays import check_probabilities

# A lesion that reaches beyond the cover still shows a little, so an AUC somewhat over chance (0.5) proves nothing.
MAX_AUC = 0.7
_COVERED = 0.7  # share of the image's area, as in Bissoto et al. 2019
_BLUR = 1 / 24  # of the image's side: wider than a pigment network's meshes, narrower than a lesion
_CHUNK = 256  # images altered at once


@dataclass(frozen=True)
class Shortcuts:
    """The melanoma ROC AUC of a detector on altered images.

    Attributes:
        original: On the images as they are.
        background: With the lesion covered.
        colours: With all pixels shuffled: colours without shapes.
        blurred: Blurred: the coarse layout of colours without details.
    """

    original: Figure
    background: Figure
    colours: Figure
    blurred: Figure

    @property
    def detected(self) -> bool:
        """Whether the background alone reveals melanomas: the lower bound of its AUC is over 0.7."""
        return bool(self.background.low > MAX_AUC)

    @property
    def summary(self) -> str:
        """The conclusion from the background's AUC, as a sentence."""
        auc = self.background
        if not np.isfinite(auc.value):
            return "No test for shortcuts: it needs images of melanomas and of other lesions."
        few = (
            f" (on {auc.lesions} lesions of the rarer side only: too few to be certain)"
            if auc.lesions < MIN_LESIONS
            else ""
        )
        if self.detected:
            return (
                f"SHORTCUT DETECTED: with the lesion covered, the melanoma ROC AUC is still {auc}{few}. Frame, light or source "
                "of these images reveal the class; expect worse results on images from elsewhere."
            )
        return (
            f"No shortcut detected: with the lesion covered, the melanoma ROC AUC is {auc}, and its lower bound is not over "
            f"{MAX_AUC}{few}."
        )

    @property
    def taken(self) -> bool:
        """Deprecated: use `detected`."""
        warn_renamed("Shortcuts.taken", "Shortcuts.detected")
        return self.detected

    @property
    def verdict(self) -> str:
        """Deprecated: use `summary`."""
        warn_renamed("Shortcuts.verdict", "Shortcuts.summary")
        return self.summary

    def __str__(self) -> str:
        rows = (
            ("original", self.original),
            ("background only", self.background),
            ("colours only", self.colours),
            ("blurred", self.blurred),
        )
        table = [f"{'  ' + title:<28}{figure}" for title, figure in rows]
        return "\n".join(["Melanoma ROC AUC on altered images:", *table, self.summary])


def measure_shortcuts(
    predictor: Predictor, pixels: Pixels, labels: NDArray[np.int64], groups: Sequence[str], *, seed: int = 123
) -> Shortcuts:
    """Run a detector on images without their lesions; see `Detector.evaluate`.

    Args:
        predictor: The detector.
        pixels: uint8 `(n, height, width, 3)` at the detector's image size.
        labels: The true classes as positions in the detector's classes, `(n,)`.
        groups: The lesion of each image, `(n,)`.
        seed: Seed of the shuffling and of the bootstrap.

    Returns:
        The AUCs with their intervals.

    Examples:
        >>> test = data.test
        >>> result = measure_shortcuts(predictor, test.pixels(), test.labels, test.groups)
        >>> result.background.lesions == result.original.lesions
        True
    """
    order = np.random.default_rng(seed).permutation(pixels.shape[1] * pixels.shape[2])
    alterations: dict[str, Callable[[Pixels], Pixels]] = {
        "background": background_only,
        "colours": lambda batch: colours_only(batch, order),
        "blurred": blurred,
    }
    scores = _scores(predictor, pixels, alterations)
    positive, lesion_of = is_melanoma(labels, predictor.classes), np.asarray(groups)
    lesions = min(len(np.unique(lesion_of[side])) for side in (positive, ~positive))

    def aucs(weights: Float64Array) -> dict[str, Float64Array]:
        return {name: weighted_auc(altered, positive, weights) for name, altered in scores.items()}

    return Shortcuts(**compute_figures(aucs, groups, dict.fromkeys(scores, lesions), seed=seed))


def background_only(pixels: Pixels) -> Pixels:
    """Cover the middle of images, 70 % of their area, with the median colour of what surrounds it.

    The cover is the same for all images: one that followed the lesion would reveal its size and shape.

    Args:
        pixels: uint8 `(n, height, width, 3)`.

    Returns:
        uint8 of the same shape.

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


def colours_only(pixels: Pixels, order: NDArray[np.int64]) -> Pixels:
    """Shuffle the pixels of images: their colours stay, their positions do not.

    Args:
        pixels: uint8 `(n, height, width, 3)`.
        order: The new order of the pixels, `(height × width,)`.

    Returns:
        uint8 of the same shape.

    Examples:
        >>> colours_only(np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3), np.array([3, 2, 1, 0]))[0, 0, 0]
        array([ 9, 10, 11], dtype=uint8)
    """
    return pixels.reshape(len(pixels), -1, 3)[:, order].reshape(pixels.shape)


def blurred(pixels: Pixels) -> Pixels:
    """Blur images so much that no pigment network, dot or vessel is left, only a coarse layout of colours.

    Args:
        pixels: uint8 `(n, height, width, 3)`.

    Returns:
        uint8 of the same shape.

    Examples:
        >>> sharp = draw_lesion("nevus", seed=1).pixels[None]
        >>> bool(blurred(sharp).std() < sharp.std())
        True
    """
    filters = ImageFilter.GaussianBlur(min(pixels.shape[1:3]) * _BLUR)
    return np.stack([np.asarray(Image.fromarray(image).filter(filters)) for image in pixels])


def _scores(
    predictor: Predictor, pixels: Pixels, alterations: Mapping[str, Callable[[Pixels], Pixels]]
) -> dict[str, Float64Array]:
    """Return the melanoma scores of the images as they are ("original") and of each alteration.

    They are computed chunk by chunk: memory does not grow with the number of images.
    """
    parts: dict[str, list[Float64Array]] = {name: [] for name in ("original", *alterations)}
    for chunk in iterate_batches(pixels, _CHUNK):
        batch = np.asarray(chunk)
        original = predictor.predict_batch(batch)
        parts["original"].append(original.probabilities)
        for name, alter in alterations.items():
            parts[name].append(_probabilities(predictor, alter(batch), np.array(original.image_types, np.str_)))
    classes = predictor.classes
    return {
        # An altered image may have no numbers where the image itself has some.
        name: melanoma_scores(check_probabilities(np.concatenate(own), classes), classes)
        for name, own in parts.items()
    }


def _probabilities(predictor: Predictor, altered: Pixels, types: NDArray[np.str_]) -> Float64Array:
    """Return the probabilities of altered images, each calibrated as the type of its original.

    Altering an image must not change its type, and with that the calibration: scores of two calibrations are not one ranking.
    """
    if not predictor.image_types:
        return predictor.probabilities(altered)
    probabilities = np.empty((len(altered), len(predictor.classes)))
    for image_type in predictor.image_types:
        if (own := types == image_type).any():
            probabilities[own] = predictor.at(image_type=image_type).probabilities(altered[own])
    return probabilities
