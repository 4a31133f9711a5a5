"""Class activation maps: evidence for a diagnosis from the class maps of an ONNX model, with NumPy and ONNX Runtime only.

A network that averages its last feature maps and ends in linear layers computes each logit as the mean of a map plus a bias
(Zhou et al. 2016, doi 10.1109/CVPR.2016.319). The maps are an output of the ONNX model (`export.class_maps`), so that an
explanation costs as much as a prediction, and is exact: nothing is approximated between the map and the logit.

Which maps are added up depends on the question. A softmax compares classes, and a number added to every logit changes no
probability; so a map of one logit alone may show what speaks for every class. The evidence here is that for the log-odds of the
diagnosis: its own maps minus those of its rivals, weighted by `log_odds_weights`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.errors import DetectorError
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.runtime import OnnxRuntime
from melanoma_detect.inference.test_time_augmentation import make_views
from melanoma_detect.utils.arrays import Float32Array, Float64Array


def class_activation_map(predictor: Predictor, pixels: Pixels, indices: Sequence[int]) -> Float32Array:
    """Measure which parts of the model's last feature maps are evidence for some of the classes.

    Args:
        predictor: A detector whose ONNX model has class maps.
        pixels: uint8 `(height, width, 3)`, one image at the detector's size.
        indices: The classes to explain, by index; several count as one.

    Returns:
        float32 `(rows, columns)` at the size of the feature maps, in units of logits; negative for evidence against the
        classes.

    Raises:
        DetectorError: The detector has no class maps.

    Examples:
        >>> default = md.Detector.load()
        >>> class_activation_map(default.predictor, draw_lesion("melanoma", seed=1, size=224).pixels, [3]).shape
        (7, 7)
    """
    maps = class_maps(predictor, pixels[None])
    weights = log_odds_weights(predictor.probabilities(pixels[None]), indices)
    return np.asarray(maps[0] @ weights[0], np.float32)


def class_maps(predictor: Predictor, pixels: Pixels) -> Float32Array:
    """Return what speaks for each class at each position of images, averaged over the detector's views of them.

    Args:
        predictor: A detector whose ONNX model has class maps.
        pixels: uint8 `(n, height, width, 3)` at the detector's size.

    Returns:
        float32 `(n, rows, columns, classes)`: the mean of a class's map, plus a number that is the same for every image, is its
        logit.

    Raises:
        DetectorError: The detector has no class maps.

    Examples:
        >>> class_maps(md.Detector.load().predictor, np.zeros((2, 224, 224, 3), np.uint8)).shape
        (2, 7, 7, 9)
    """
    runtime = check_class_maps(predictor)
    views = make_views(pixels, predictor.settings.views)
    found = [undo_view(runtime.class_maps(np.ascontiguousarray(view)), number) for number, view in enumerate(views)]
    mean: Float32Array = np.mean(found, axis=0, dtype=np.float32)
    return mean


def check_class_maps(predictor: Predictor) -> OnnxRuntime:
    """Raise DetectorError unless a detector has class maps.

    Args:
        predictor: The detector.

    Returns:
        Its runtime, which has them.

    Raises:
        DetectorError: It has none.

    Examples:
        >>> check_class_maps(predictor)
        Traceback (most recent call last):
        melanoma_detect.errors.DetectorError: the detector (cnn: 9 classes at 32×32) has no class maps...
    """
    runtime = predictor.runtime
    if isinstance(runtime, OnnxRuntime) and runtime.has_class_maps:
        return runtime
    raise DetectorError(
        f"the detector ({predictor.description}) has no class maps: they need an ONNX model that ends in linear layers over "
        "averaged feature maps, exported by a version that writes them"
    )


def undo_view(maps: NDArray[np.float32], number: int) -> NDArray[np.float32]:
    """Turn maps of a mirrored or rotated view back, so that they lie over the image itself.

    Args:
        maps: `(n, rows, columns, ...)`.
        number: Which of the views of `make_views`, from 0.

    Returns:
        A view of the maps.

    Examples:
        >>> image = np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3)
        >>> all((undo_view(view, number) == image).all() for number, view in enumerate(make_views(image, 8)))
        True
    """
    upright = maps.swapaxes(1, 2) if number >= 4 else maps  # transposed after it was mirrored
    return (upright, upright[:, :, ::-1], upright[:, ::-1], upright[:, ::-1, ::-1])[number % 4]


def log_odds_weights(probabilities: Float64Array, indices: Sequence[int]) -> Float64Array:
    """Return how much each class's map counts as evidence for some of the classes.

    They are the gradient of the log-odds log(p / (1 − p)) of the classes together with respect to the logits, under a softmax:
    each of the classes counts by its share of their probability, each other class by minus its share of the rest. Their sum is
    0.

    Args:
        probabilities: `(n, classes)`; rows sum to 1.
        indices: The classes; several count as one.

    Returns:
        `(n, classes)`, -1 to 1.

    Examples:
        >>> log_odds_weights(np.array([[0.5, 0.1, 0.4]]), [0, 1]).round(2)
        array([[ 0.83,  0.17, -1.  ]])
    """
    inside = np.isin(np.arange(probabilities.shape[1]), indices)
    weights = np.empty_like(probabilities)
    for columns, sign in ((inside, 1), (~inside, -1)):
        shares = np.maximum(probabilities[:, columns], np.finfo(np.float64).tiny)  # even shares where all underflow
        weights[:, columns] = sign * shares / shares.sum(axis=1, keepdims=True)
    return weights
