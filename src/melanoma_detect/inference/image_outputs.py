"""Features and calibrated probabilities of many images, batch by batch: what searches and audits compare images by."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from melanoma_detect.errors import ImageError
from melanoma_detect.images.reader import ImageLike, Pixels, read_pixels
from melanoma_detect.inference.decision_rules import DecisionRules
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.runtime import ModelOutputs, run_batched
from melanoma_detect.inference.test_time_augmentation import run_with_views
from melanoma_detect.utils.arrays import Float32Array, Float64Array
from melanoma_detect.utils.progress import stage

_CHUNK = 256  # decoded images that are held in memory at once


class ImageOutputs(NamedTuple):
    """What a model gives for images.

    Attributes:
        features: float32 `(n, d)`: the output of the layer before the last one.
        probabilities: float64 `(n, classes)`, calibrated; rows sum to 1.
        problems: Why an image could not be read, `(n,)`; empty where it could. The rows of an image that could not are nan.
    """

    features: Float32Array
    probabilities: Float64Array
    problems: tuple[str, ...]


def run_on_images(model: Predictor, images: Sequence[ImageLike], *, skip_unreadable: bool = False) -> ImageOutputs:
    """Return the features and the calibrated probabilities of images.

    Images are read and run in batches, so that any number of them takes little memory. With the model's views (see
    `Predictor.at`) features are the mean over the views.

    Args:
        model: A detector's predictor.
        images: What `Predictor.predict` takes; of records their `image`.
        skip_unreadable: Give nan and the problem for an image that cannot be read, rather than raise.

    Returns:
        The outputs, in the order of the images. For no images `features` is `(0, 1)`.

    Raises:
        ImageError: An image cannot be read; the message names it.

    Examples:
        >>> outputs = run_on_images(predictor, [record.image for record in data.test.records])
        >>> len(outputs.features) == len(outputs.probabilities) == len(data.test)
        True
    """
    rules = DecisionRules.of(model.config, model.settings, model.files.image_types)
    parts = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        starts = range(0, len(images), _CHUNK)
        for start in stage(starts, "running the model", len(images), each=_CHUNK):
            read = list(pool.map(lambda image: _read(image, model), images[start : start + _CHUNK]))
            if not skip_unreadable:
                for result in read:
                    if isinstance(result, ImageError):
                        raise result
            parts.append(_run(model, rules, read))
    if not parts:
        return ImageOutputs(np.empty((0, 1), np.float32), np.empty((0, len(model.classes))), ())
    return _join(parts, len(model.classes))


def _read(image: ImageLike, model: Predictor) -> Pixels | ImageError:
    try:
        return read_pixels(image, model.image_size, model.config.resize)
    except ImageError as error:
        return error


def _run(model: Predictor, rules: DecisionRules, read: Sequence[Pixels | ImageError]) -> ImageOutputs:
    """Return the outputs of a chunk; one without a readable image has features of no width."""
    problems = tuple(str(result) if isinstance(result, ImageError) else "" for result in read)
    pixels = [result for result in read if not isinstance(result, ImageError)]
    probabilities = np.full((len(read), len(model.classes)), np.nan)
    if not pixels:
        return ImageOutputs(np.empty((len(read), 0), np.float32), probabilities, problems)

    def run(batch: Pixels) -> ModelOutputs:
        return run_with_views(model.runtime, batch, model.settings.views)

    outputs = run_batched(run, np.stack(pixels))
    rows = [row for row, problem in enumerate(problems) if not problem]
    features = np.full((len(read), outputs.features.shape[1]), np.nan, np.float32)
    features[rows] = outputs.features
    probabilities[rows] = rules.probabilities(outputs, model.classes)
    return ImageOutputs(features, probabilities, problems)


def _join(parts: Sequence[ImageOutputs], classes: int) -> ImageOutputs:
    width = max(part.features.shape[1] for part in parts) or 1
    features = [
        part.features if part.features.shape[1] else np.full((len(part.features), width), np.nan, np.float32)
        for part in parts
    ]
    return ImageOutputs(
        np.concatenate(features),
        np.concatenate([part.probabilities for part in parts]).reshape(-1, classes),
        tuple(problem for part in parts for problem in part.problems),
    )
