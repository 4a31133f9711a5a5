"""Calibration of a trained model on validation images, which it was not trained on.

Fitted are a temperature (Guo et al. 2017), the scores that operating points are read from, the thresholds of prediction sets
(split conformal prediction), and the distance beyond which an image is out-of-distribution. `inference.calibration` applies
what is fitted here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from melanoma_detect import taxonomy
from melanoma_detect.data.split import Split
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.operating_points import TARGETS, Target, ValidationScores
from melanoma_detect.inference.out_of_distribution import FeatureSpace
from melanoma_detect.inference.prediction import softmax
from melanoma_detect.inference.runtime import Runtime, iterate_batches, run_batched
from melanoma_detect.inference.test_time_augmentation import VIEW_COUNTS, make_views
from melanoma_detect.utils.arrays import Float32Array, Float64Array

COVERAGES = (0.8, 0.9, 0.95, 0.99)
ACCEPTED = 0.95  # the share of unseen skin images, rotated and mirrored ones included, that must not count as OOD
_MAX_FEATURE_IMAGES = 5000  # so that calibration takes no longer for larger datasets
_MIN_FEATURE_IMAGES = 10
_BATCH_SIZE = 64
_EPSILON = 1e-12  # the smallest probability whose logarithm is taken
_BIAS_PENALTY = 1e-4  # without it the bias of a class that no image shows would go to minus infinity
_Z_95 = 1.645  # the normal distribution's 95 % quantile, one-sided


class CalibrationInputs(NamedTuple):
    """A model's outputs for images that it was not trained on, for one number of views.

    Attributes:
        logits: float32 `(n, classes)`.
        distances: The distance of each image from the training images in feature space, once for each view that may stand
            for it; empty if there is no feature space.
    """

    logits: Float32Array
    distances: Float64Array


def collect_calibration_inputs(
    runtime: Runtime, pixels: Pixels, space: FeatureSpace | None
) -> dict[int, CalibrationInputs]:
    """Run a model on images, for each number of views.

    Args:
        runtime: The model.
        pixels: uint8 `(n, height, width, 3)`.
        space: The feature space of the training images, or None.

    Returns:
        The model's outputs for 1, 4 and 8 views (1 and 4 if the images are not square).

    Examples:
        >>> inputs = collect_calibration_inputs(detector.predictor.runtime, data.validation.pixels(), None)
        >>> inputs[4].logits.shape == (len(data.validation), 9)
        True
    """
    # Eight views include rotations by 90 degrees, which need square images.
    counts = [count for count in VIEW_COUNTS if count < 8 or pixels.shape[1] == pixels.shape[2]]
    batches = iterate_batches(pixels, _BATCH_SIZE)
    return concatenate_calibration_inputs([_run_batch(runtime, batch, counts, space) for batch in batches])


def concatenate_calibration_inputs(
    parts: Sequence[Mapping[int, CalibrationInputs]],
) -> dict[int, CalibrationInputs]:
    """Concatenate the outputs for several sets of images, such as the folds of a cross-validation.

    Args:
        parts: From `collect_calibration_inputs`, each for the same numbers of views.

    Returns:
        The outputs for all images, in this order.

    Examples:
        >>> inputs = collect_calibration_inputs(detector.predictor.runtime, data.validation.pixels(), None)
        >>> len(concatenate_calibration_inputs([inputs, inputs])[1].logits) == 2 * len(data.validation)
        True
    """
    return {
        count: CalibrationInputs(
            *(np.concatenate(values) for values in zip(*(part[count] for part in parts), strict=True))
        )
        for count in parts[0]
    }


def calibrate(
    inputs: Mapping[int, CalibrationInputs],
    targets: NDArray[np.bool_],
    groups: Sequence[str],
    classes: tuple[str, ...],
    *,
    bias: bool = False,
) -> dict[int, Calibration]:
    """Fit a calibration for each number of views.

    Args:
        inputs: From `collect_calibration_inputs`.
        targets: The classes that the label of each image covers, `(n, classes)`.
        groups: The lesion of each image, `(n,)`.
        classes: Class names.
        bias: Whether to fit a bias too, which corrects the logits of a model that was trained for equally frequent classes to
            the class frequencies of these images. It takes some hundreds of images, with every class among them.

    Returns:
        A calibration for each number of views.

    Examples:
        >>> split = data.validation
        >>> inputs = collect_calibration_inputs(detector.predictor.runtime, split.pixels(), None)
        >>> sorted(calibrate(inputs, split.targets[split.labels], split.groups, split.classes))
        [1, 4, 8]
    """
    return {count: _fit_calibration(views, targets, groups, classes, bias=bias) for count, views in inputs.items()}


def sample_training_images(split: Split, *, seed: int) -> Split:
    """Sample the training images from which the feature space and the input limits are taken.

    Args:
        split: The training split; augmented copies made by `balance` are left out.
        seed: The seed of the sample.

    Returns:
        At most 5,000 of the images, so that the time this takes does not grow with the dataset.

    Examples:
        >>> len(sample_training_images(data.train, seed=1)) == len(data.train)
        True
    """
    originals = [index for index, record in enumerate(split.records) if record.parent is None]
    chosen = np.sort(np.random.default_rng(seed).permutation(originals)[:_MAX_FEATURE_IMAGES]).astype(np.int64)
    return replace(split, records=tuple(split.records[index] for index in chosen.tolist()))


def fit_feature_space(runtime: Runtime, pixels: Pixels) -> FeatureSpace | None:
    """Fit the feature space of training images, in which distances are measured.

    Args:
        runtime: The model.
        pixels: Training images, uint8 `(n, height, width, 3)`.

    Returns:
        The feature space; None for fewer than ten images.

    Examples:
        >>> fit_feature_space(detector.predictor.runtime, data.train.pixels((32, 32))).mean.shape
        (128,)
    """
    if len(pixels) < _MIN_FEATURE_IMAGES:
        return None
    return FeatureSpace.fit(run_batched(runtime.run, pixels, _BATCH_SIZE).features)


def fit_temperature(logits: Float32Array, targets: NDArray[np.bool_]) -> float:
    """Fit the temperature by which logits are divided, by the least cross-entropy (Guo et al. 2017, arXiv:1706.04599).

    Args:
        logits: `(n, classes)`.
        targets: The classes that the label of each image covers, `(n, classes)`.

    Returns:
        The temperature, 0.05 to 20; over 1 for an overconfident model.

    Examples:
        >>> logits = np.array([[4.0, 0.0]] * 3 + [[0.0, 4.0]], np.float32)
        >>> round(fit_temperature(logits, np.array([[1, 0]] * 3 + [[1, 0]], dtype=bool)), 2)
        3.64
    """

    def cross_entropy(log_temperature: float) -> float:
        covered = (softmax(logits / np.exp(log_temperature)) * targets).sum(axis=1)
        return float(-np.log(np.maximum(covered, _EPSILON)).mean())

    optimum = minimize_scalar(cross_entropy, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(optimum.x))


def fit_bias(logits: Float32Array, targets: NDArray[np.bool_]) -> tuple[float, tuple[float, ...]]:
    """Fit a temperature and a bias for each logit by the least cross-entropy: bias-corrected temperature scaling.

    Args:
        logits: `(n, classes)`.
        targets: The classes that the label of each image covers, `(n, classes)`.

    Returns:
        The temperature, and the bias of each class, with a mean of 0 (Alexandari, Kundaje and Shrikumar 2020,
        arXiv:1901.06852).

    Examples:
        >>> logits = np.array([[2.0, 0.0]] * 9 + [[0.0, 2.0]], np.float32)
        >>> temperature, bias = fit_bias(logits, np.array([[1, 0]] * 7 + [[0, 1]] * 2 + [[1, 0]], dtype=bool))
        >>> bias[0] > bias[1]
        True
    """

    def penalised_cross_entropy(values: Float64Array) -> float:
        covered = (softmax(logits / np.exp(values[0]) + values[1:]) * targets).sum(axis=1)
        return float(-np.log(np.maximum(covered, _EPSILON)).mean() + _BIAS_PENALTY * np.square(values).sum())

    optimum = minimize(penalised_cross_entropy, np.zeros(1 + logits.shape[1]), method="L-BFGS-B").x
    bias = optimum[1:] - optimum[1:].mean()  # softmax does not change with a constant
    return float(np.exp(optimum[0])), tuple(bias.tolist())


def fit_conformal_threshold(probabilities: Float64Array, labels: NDArray[np.int64], coverage: float) -> float:
    """Fit the probability from which a diagnosis is in the prediction set, by split conformal prediction.

    The sets of all diagnoses of at least this probability contain the true diagnosis of a new image with the given coverage,
    whatever the model, if the image comes from the same distribution as the validation images (Sadinle, Lei and Wasserman 2019,
    doi 10.1080/01621459.2017.1395341).

    Args:
        probabilities: `(n, classes)`.
        labels: The true classes, `(n,)`.
        coverage: The share of sets that must contain them, 0 to 1.

    Returns:
        The probability; 0, so that every class is in the set, if n is too small for this coverage.

    Examples:
        >>> fit_conformal_threshold(np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]), np.array([0, 0, 1]), 0.5)
        0.8
    """
    true = np.sort(probabilities[np.arange(len(labels)), labels])
    # n + 1: the new image is one more of the same distribution. 1e-9 absorbs the rounding of 1 - coverage.
    errors_allowed = int(np.floor((len(true) + 1) * (1 - coverage) + 1e-9))
    return float(true[errors_allowed - 1]) if errors_allowed else 0.0


def fit_ood_threshold(distances: Float64Array, lesions: int) -> float:
    """Fit the distance within which, with 95 % confidence, 95 % of unseen skin images lie.

    Args:
        distances: The distances of validation images, `(n,)`.
        lesions: The number of lesions that they show.

    Returns:
        The distance beyond which an image is out-of-distribution.

    Examples:
        >>> round(fit_ood_threshold(np.linspace(0, 1, 1001), 1000), 3)
        0.961
    """
    if not len(distances):
        return float("inf")
    # The upper confidence limit of the quantile's rank. Its sample size is the number of lesions, since images of one lesion
    # are alike.
    margin = _Z_95 * np.sqrt(ACCEPTED * (1 - ACCEPTED) / max(lesions, 1))
    return float(np.quantile(distances, min(1.0, ACCEPTED + margin)))


def _run_batch(
    runtime: Runtime, pixels: Pixels, counts: Sequence[int], space: FeatureSpace | None
) -> dict[int, CalibrationInputs]:
    # Each view is run once: a smaller number of views is the mean over the first of them.
    outputs = [runtime.run(np.ascontiguousarray(view)) for view in make_views(pixels, max(counts))]
    logits, features = np.stack([view.logits for view in outputs]), np.stack([view.features for view in outputs])
    inputs = {}
    for count in counts:
        # A single view may be any of them, as images come in any orientation: each must be accepted.
        compared = features.reshape(-1, features.shape[-1]) if count == 1 else features[:count].mean(axis=0)
        distances = space.distance(compared) if space else np.empty(0)
        inputs[count] = CalibrationInputs(logits[:count].mean(axis=0), distances)
    return inputs


def _fit_calibration(
    inputs: CalibrationInputs,
    targets: NDArray[np.bool_],
    groups: Sequence[str],
    classes: tuple[str, ...],
    *,
    bias: bool,
) -> Calibration:
    temperature, biases = fit_bias(inputs.logits, targets) if bias else (fit_temperature(inputs.logits, targets), ())
    probabilities = Calibration(temperature=temperature, bias=biases).probabilities(inputs.logits, classes)
    fine = targets.sum(axis=1) == 1  # a label of several classes has no single true probability
    labels = targets.argmax(axis=1)
    return Calibration(
        temperature=temperature,
        bias=biases,
        operating_scores=_operating_scores(probabilities, targets, groups, classes),
        conformal_thresholds={
            coverage: fit_conformal_threshold(probabilities[fine], labels[fine], coverage) for coverage in COVERAGES
        },
        ood_threshold=fit_ood_threshold(inputs.distances, len(set(groups))),
    )


def _operating_scores(
    probabilities: Float64Array, targets: NDArray[np.bool_], groups: Sequence[str], classes: tuple[str, ...]
) -> dict[Target, ValidationScores]:
    """Return the scores of each target that has both positive and negative images."""
    columns = {
        "melanoma": taxonomy.positions(classes, code=taxonomy.MELANOMA),
        "malignant": taxonomy.positions(classes, malignant=True),
    }
    scores: dict[Target, ValidationScores] = {}
    for target in TARGETS:
        in_target = np.isin(np.arange(len(classes)), columns[target])
        inside, outside = targets @ in_target, targets @ ~in_target
        known = inside != outside  # a coarse label may cover classes of both kinds
        known_groups = [group for group, use in zip(groups, known, strict=True) if use]
        target_scores = ValidationScores.of(
            probabilities[known][:, in_target].sum(axis=1), inside[known], known_groups, target
        )
        if target_scores.positives and target_scores.negatives:
            scores[target] = target_scores
    return scores
