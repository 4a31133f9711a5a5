"""Occlusion sensitivity: hide one part of an image after the other, and see how the probability changes.

After Zeiler and Fergus 2014 (doi 10.1007/978-3-319-10590-1_53). A hidden part gets the colour of the skin around the lesion,
with soft edges: no model was trained on black squares, and its probabilities for one say little.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.runtime import iterate_batches
from melanoma_detect.utils.arrays import Float32Array, Float64Array

Predict = Callable[[Pixels], Float64Array]

# Windows across the image, coarse to fine: hiding a small part of a large structure changes little, hiding a large one says
# little about the position.
SCALES = (5, 10)
_SOFTNESS = 0.02  # of the longer side: the radius over which the edge of a hidden part fades
_MARGIN = 0.12  # of each side: the border whose pixels give the colour of the skin


class Occlusion(NamedTuple):
    """The effect of hiding parts of an image.

    Attributes:
        evidence: float32 `(height, width)`: how much the log-odds fall when this part of the image is hidden; negative where
            they rise.
        probability: The probability for the whole image, 0 to 1.
        hidden: The lowest probability with one part hidden.
    """

    evidence: Float32Array
    probability: float
    hidden: float


def occlude(predict: Predict, pixels: Pixels, indices: Sequence[int], *, scales: Sequence[int] = SCALES) -> Occlusion:
    """Measure how much each part of an image is evidence for some of the classes.

    For each scale, overlapping windows whose weights sum to 1 at every pixel cover the image. The evidence at a pixel is the
    mean over the scales of the fall in log-odds when its windows are hidden. Log-odds still change where a probability is
    already near 0 or 1.

    Args:
        predict: Returns probabilities `(n, classes)` for images, uint8 `(n, height, width, 3)`: `Predictor.probabilities`.
        pixels: uint8 `(height, width, 3)`, one image at the model's size.
        indices: The classes to explain, by index; several count as one.
        scales: How many windows fit side by side across the image, one number for each pass.

    Returns:
        The evidence and the probabilities.

    Examples:
        >>> effect = occlude(detector.predictor.probabilities, draw_lesion("melanoma", seed=1, size=32).pixels, [4])
        >>> effect.evidence.shape, effect.hidden < effect.probability
        ((32, 32), True)
    """
    whole = log_odds(predict(pixels[None]), indices)[0]
    skin = skin_colour(pixels)
    evidence = np.zeros(pixels.shape[:2])
    windows = [_windows(pixels.shape[:2], scale) for scale in scales]
    images = [_hide(pixels, skin, masks) for each in windows for masks in iterate_batches(each)]
    # In one call, whose batches a progress bar counts.
    falls = whole - log_odds(predict(np.concatenate(images)), indices)
    start = 0
    for masks in windows:
        evidence += np.tensordot(falls[start : start + len(masks)], masks, axes=1) / len(scales)
        start += len(masks)
    lowest = whole - falls.max(initial=0)
    return Occlusion(evidence.astype(np.float32), _sigmoid(whole), _sigmoid(lowest))


def log_odds(probabilities: Float64Array, indices: Sequence[int]) -> Float64Array:
    """Return the log-odds of some classes against all others.

    Args:
        probabilities: `(n, classes)`; rows sum to 1.
        indices: The classes; several count as one.

    Returns:
        `(n,)`: log(p / (1 − p)), in natural units.

    Examples:
        >>> log_odds(np.array([[0.5, 0.25, 0.25]]), [0])
        array([0.])
    """
    inside = np.isin(np.arange(probabilities.shape[1]), indices)
    shares = np.stack([probabilities[:, inside].sum(axis=1), probabilities[:, ~inside].sum(axis=1)])
    favour, against = np.log(np.maximum(shares, np.finfo(np.float64).tiny))
    return np.asarray(favour - against)


def skin_colour(pixels: Pixels) -> Float64Array:
    """Estimate the colour of the skin around a lesion: the median of the brighter half of the image's margin.

    Lesions, hair and the dark corners of a dermoscope are darker than skin, so the brighter half is mostly skin.

    Args:
        pixels: uint8 `(height, width, 3)`.

    Returns:
        Red, green and blue, `(3,)`, 0 to 255.

    Examples:
        >>> skin_colour(np.full((10, 10, 3), 200, np.uint8))
        array([200., 200., 200.])
    """
    height, width = pixels.shape[:2]
    rows, columns = max(1, round(_MARGIN * height)), max(1, round(_MARGIN * width))
    inside = np.zeros((height, width), np.bool_)
    inside[rows:-rows, columns:-columns] = True
    margin = pixels[~inside].astype(np.float64)
    brightness = margin.sum(axis=1)
    return np.asarray(np.median(margin[brightness >= np.median(brightness)], axis=0))


def hide_hottest(pixels: Pixels, heat: NDArray[np.floating], share: float) -> Pixels:
    """Hide the part of an image that has the most heat, under the colour of the skin and with soft edges.

    Args:
        pixels: uint8 `(height, width, 3)`.
        heat: `(height, width)`.
        share: The part's share of the image, over 0 and under 1.

    Returns:
        The image with that part hidden, of the same shape.

    Examples:
        >>> lesion = draw_lesion("melanoma", seed=1, size=64)
        >>> hidden = hide_hottest(lesion.pixels, lesion.mask.astype(float), 0.2)
        >>> (hidden != lesion.pixels).any(axis=2).mean() > 0.15
        np.True_
    """
    order = np.argsort(heat, axis=None, kind="stable")
    mask = np.zeros(heat.size, np.uint8)
    mask[order[len(order) - round(share * len(order)) :]] = 255
    soft = Image.fromarray(mask.reshape(heat.shape)).filter(ImageFilter.GaussianBlur(max(heat.shape) * _SOFTNESS))
    hidden: Pixels = _hide(pixels, skin_colour(pixels), np.asarray(soft)[None] / 255)[0]
    return hidden


def _windows(size: tuple[int, int], scale: int) -> Float64Array:
    """Return soft windows `(n, height, width)`, 0 to 1, that sum to 1 at every pixel."""
    rows, columns = (_bumps(length, scale) for length in size)
    return (rows[:, None, :, None] * columns[None, :, None, :]).reshape(-1, *size)


def _bumps(length: int, scale: int) -> Float64Array:
    """Return raised cosines `(scale + 1, length)` half a width apart."""
    step = length / scale
    distance = (np.arange(length) + 0.5 - step * np.arange(scale + 1)[:, None]) / step
    return np.asarray(np.where(np.abs(distance) < 1, 0.5 + 0.5 * np.cos(np.pi * distance), 0.0))


def _hide(pixels: Pixels, skin: Float64Array, masks: Float64Array) -> Pixels:
    opacity = masks[..., None]
    return np.asarray((pixels * (1 - opacity) + skin * opacity).round(), np.uint8)


def _sigmoid(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))
