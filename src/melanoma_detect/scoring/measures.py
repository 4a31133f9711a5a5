"""What a sketch counts of an image beside its row: numbers that are watched, its day and its camera.

They stand in further cells of the row while it is saved and sent, and are taken off before the table is written. So a resumed
run, and one on a cluster, counts each image once.
"""

import datetime as dt
from collections.abc import Sequence

import numpy as np

from melanoma_detect.images.capture import Capture
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.batch_prediction import BatchPrediction
from melanoma_detect.inference.out_of_distribution import FeatureSpace
from melanoma_detect.monitoring.grids import FEATURES, PROJECTIONS
from melanoma_detect.utils.arrays import Float32Array, Float64Array

NUMBERS = ("distance", "red", "blue", "brightness", *FEATURES)
MEASURES = ("day", "camera", *NUMBERS)  # the further cells of a row
_SEED = 20_261_127  # of the projection: all sketches of a detector must have the same
_DIGITS = 7


def measured_cells(
    pixels: Pixels, batch: BatchPrediction, space: FeatureSpace | None, captures: Sequence[Capture]
) -> list[list[str]]:
    """Return the further cells of images that could be read.

    Args:
        pixels: uint8 `(n, height, width, 3)` at the detector's image size.
        batch: Their predictions.
        space: Where the features of training images lie; None where that was not measured.
        captures: When and with which camera they were taken.

    Returns:
        One text for each of `MEASURES`, `(n,)`; empty for a number that is not known.

    Examples:
        >>> pixels = np.full((1, 32, 32, 3), 100, np.uint8)
        >>> [cells] = measured_cells(pixels, detector.predictor.predict_batch(pixels), None, [Capture("2026-11-27", "A")])
        >>> cells[:2], len(cells) == len(MEASURES)
        (['2026-11-27', 'A'], True)
    """
    distance = batch.distance[:, None] if space is not None else np.full((len(pixels), 1), np.nan)
    numbers = np.concatenate([distance, colours(pixels), project(batch.features, space, len(pixels))], axis=1)
    return [
        [*_capture_cells(capture), *(f"{value:.{_DIGITS}g}" if np.isfinite(value) else "" for value in row)]
        for capture, row in zip(captures, numbers.tolist(), strict=True)
    ]


def unmeasured_cells() -> list[str]:
    """Return the further cells of an image that could not be read.

    Returns:
        One text for each of `MEASURES`: the day of scoring, and empty ones.

    Examples:
        >>> unmeasured_cells()[1:3]
        ['', '']
    """
    return [*_capture_cells(Capture()), *[""] * len(NUMBERS)]


def colours(pixels: Pixels) -> Float64Array:
    """Return the colour of images: it moves with lamp, white balance and exposure, which scores may not show for long.

    Args:
        pixels: uint8 `(n, height, width, 3)`.

    Returns:
        `(n, 3)`: the natural logarithm of the mean red over the mean green, of blue over green, and the mean of all, 0 to 1.

    Examples:
        >>> colours(np.full((1, 4, 4, 3), 51, np.uint8)).round(3).tolist()
        [[0.0, 0.0, 0.2]]
    """
    mean = pixels.mean(axis=(1, 2), dtype=np.float64)
    red, green, blue = np.log(mean + 1).T  # of a black image too
    return np.stack([red - green, blue - green, mean.mean(axis=1) / 255], axis=1)


def project(features: Float32Array | None, space: FeatureSpace | None, count: int) -> Float64Array:
    """Return random projections of features: of any two distributions that differ in mean, nearly all show it.

    Args:
        features: `(n, d)`; None where they are not known.
        space: Where the features of training images lie; the projections then have about the variance 1 for these. None to take
            the features as they are, at length 1.
        count: `n`.

    Returns:
        `(n, 16)`: the projections of Johnson and Lindenstrauss (1984), Gaussian, the same for all images of a detector; nan
        where they are not known.

    Examples:
        >>> project(np.ones((2, 8), np.float32), None, 2).shape
        (2, 16)
    """
    if features is None or not count:
        return np.full((count, PROJECTIONS), np.nan)
    length = np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-6)
    unit = np.asarray(features / length, np.float64)
    known = (unit - space.mean) @ space.directions if space is not None else unit * np.sqrt(unit.shape[1])
    directions = np.random.default_rng(_SEED).normal(size=(known.shape[1], PROJECTIONS)) / np.sqrt(known.shape[1])
    return np.asarray(known @ directions)


def _capture_cells(capture: Capture) -> list[str]:
    today = dt.datetime.now().astimezone().date().isoformat()  # of scoring, where the image says no other
    return [capture.day or today, capture.camera]
