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

from melanoma_detect.data.outliers import draw_outliers
from melanoma_detect.data.split import Split
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.image_types import ImageTypeClassifier
from melanoma_detect.inference.operating_points import TARGETS, Target, ValidationScores
from melanoma_detect.inference.out_of_distribution import FeatureSpace
from melanoma_detect.inference.prediction import target_scores
from melanoma_detect.inference.runtime import Runtime, iterate_batches, run_batched
from melanoma_detect.inference.test_time_augmentation import VIEW_COUNTS, make_views
from melanoma_detect.training.target_sides import target_sides
from melanoma_detect.training.temperature_scaling import fit_bias, fit_temperature
from melanoma_detect.utils.arrays import Float32Array, Float64Array

COVERAGES = (0.8, 0.9, 0.95, 0.99)
ACCEPTED = 0.95  # the share of unseen skin images, rotated and mirrored ones included, that must not count as OOD
_MAX_FEATURE_IMAGES = 5000  # so that calibration takes no longer for larger datasets
_MIN_FEATURE_IMAGES = 10
_DRAWN_OUTLIERS = 120  # no more everyday photographs are declined with five times as many
_MIN_SOURCE_IMAGES = 60  # so that at least three lie beyond a source's 95 % quantile
_BATCH_SIZE = 64
_Z_95 = 1.645  # the normal distribution's 95 % quantile, one-sided


class CalibrationInputs(NamedTuple):
    """A model's outputs for images that it was not trained on, for one number of views.

    Attributes:
        logits: float32 `(n, classes)`.
        distances: The distance of each image from the training images in feature space, once for each view that may stand
            for it; empty if there is no feature space.
        image_types: The type of each image that is recognised with this number of views, `(n,)`; None where no classifier
            told them apart.
    """

    logits: Float32Array
    distances: Float64Array
    image_types: NDArray[np.str_] | None = None

    def select(self, chosen: NDArray[np.bool_]) -> "CalibrationInputs":
        """Return the outputs for the chosen images only.

        Args:
            chosen: Which images, `(n,)`.

        Returns:
            The outputs for as many images as are chosen.
        """
        # The distances of all views stand one after another, each for all images.
        of_view = np.tile(chosen, len(self.distances) // max(len(chosen), 1))
        types = None if self.image_types is None else self.image_types[chosen]
        return CalibrationInputs(self.logits[chosen], self.distances[of_view], types)


class Labelled(NamedTuple):
    """What is known of the images that a calibration is fitted on.

    Attributes:
        targets: The classes that the label of each image covers, `(n, classes)`.
        groups: The lesion of each image, `(n,)`.
        classes: Class names.
        sources: The source of each image, `(n,)`; None where all come from one.
    """

    targets: NDArray[np.bool_]
    groups: Sequence[str]
    classes: tuple[str, ...]
    sources: Sequence[str] | None = None

    def select(self, chosen: NDArray[np.bool_]) -> "Labelled":
        """Return what is known of the chosen images only.

        Args:
            chosen: Which images, `(n,)`.

        Returns:
            The same for as many images as are chosen.
        """
        rows = np.flatnonzero(chosen).tolist()
        sources = None if self.sources is None else [self.sources[row] for row in rows]
        return self._replace(targets=self.targets[chosen], groups=[self.groups[row] for row in rows], sources=sources)


def collect_calibration_inputs(
    runtime: Runtime, pixels: Pixels, space: FeatureSpace | None, classifier: ImageTypeClassifier | None = None
) -> dict[int, CalibrationInputs]:
    """Run a model on images, for each number of views.

    Args:
        runtime: The model.
        pixels: uint8 `(n, height, width, 3)`.
        space: The feature space of the training images, or None.
        classifier: Tells types of image apart, as it does in use: by the mean features of as many views; None for one type.

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
    return concatenate_calibration_inputs([_run_batch(runtime, batch, counts, space, classifier) for batch in batches])


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
    return {count: _concatenate([part[count] for part in parts]) for count in parts[0]}


def _concatenate(parts: Sequence[CalibrationInputs]) -> CalibrationInputs:
    # View by view, each for all images, as within each part: see `CalibrationInputs.select`.
    distances = [part.distances.reshape(-1, len(part.logits)) for part in parts]
    types = [part.image_types for part in parts if part.image_types is not None]
    return CalibrationInputs(
        np.concatenate([part.logits for part in parts]),
        np.concatenate(distances, axis=1).reshape(-1),
        np.concatenate(types) if types else None,
    )


def calibrate(
    inputs: Mapping[int, CalibrationInputs],
    targets: NDArray[np.bool_],
    groups: Sequence[str],
    classes: tuple[str, ...],
    *,
    bias: bool = False,
    sources: Sequence[str] | None = None,
    weights: Float64Array | None = None,
) -> dict[int, Calibration]:
    """Fit a calibration for each number of views.

    Args:
        inputs: From `collect_calibration_inputs`.
        targets: The classes that the label of each image covers, `(n, classes)`.
        groups: The lesion of each image, `(n,)`.
        classes: Class names.
        bias: Whether to fit a bias too, which corrects the logits of a model that was trained for equally frequent classes to
            the class frequencies of these images. It takes some hundreds of images, with every class among them.
        sources: The source of each image, such as its hospital, `(n,)`: operating points are then set so that each of them
            reaches the sensitivity, after shrinkage towards that of all; see `ValidationScores.operating_point`.
        weights: The weight of each image when temperature and bias are fitted, `(n,)`, such as from
            `temperature_scaling.source_weights`; None for equal weights.

    Returns:
        A calibration for each number of views.

    Examples:
        >>> split = data.validation
        >>> inputs = collect_calibration_inputs(detector.predictor.runtime, split.pixels(), None)
        >>> sorted(calibrate(inputs, split.targets[split.labels], split.groups, split.classes))
        [1, 4, 8]
    """
    labelled = Labelled(targets, groups, classes, sources)
    return {count: _fit_calibration(views, labelled, weights, bias=bias) for count, views in inputs.items()}


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


def fit_feature_space(runtime: Runtime, pixels: Pixels, outliers: Pixels | None = None) -> FeatureSpace | None:
    """Fit the feature space of training images, in which distances are measured.

    Args:
        runtime: The model.
        pixels: Training images, uint8 `(n, height, width, 3)`.
        outliers: Images that show no skin, such as everyday photographs, uint8 `(m, height, width, 3)`, as further examples
            of what must be declined; drawn ones are always among them (`data.outliers`).

    Returns:
        The feature space; None for fewer than ten images.

    Examples:
        >>> fit_feature_space(detector.predictor.runtime, data.train.pixels((32, 32))).mean.shape
        (128,)
    """
    if len(pixels) < _MIN_FEATURE_IMAGES:
        return None
    drawn = draw_outliers(_DRAWN_OUTLIERS, pixels.shape[1:3])
    examples = drawn if outliers is None else np.concatenate([drawn, outliers])
    features, outlier_features = (
        run_batched(runtime.run, images, _BATCH_SIZE).features for images in (pixels, examples)
    )
    return FeatureSpace.fit(features, outlier_features)


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


def fit_ood_threshold(distances: Float64Array, lesions: int, sources: Sequence[str] | None = None) -> float:
    """Fit the distance within which, with 95 % confidence, 95 % of unseen skin images lie, and 95 % of those of each source.

    Args:
        distances: The distances of validation images, `(n,)`, or those of each of their views, `(views * n,)`, view by view.
        lesions: The number of lesions that they show.
        sources: The source of each image, `(n,)`; those of fewer than 60 images do not decide. None for one source.

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
    pooled = float(np.quantile(distances, min(1.0, ACCEPTED + margin)))
    names, counts = np.unique(np.asarray([] if sources is None else sources, str), return_counts=True)
    if len(names) < 2:
        return pooled
    of_view = np.tile(np.asarray(sources, str), len(distances) // counts.sum())
    large = names[counts >= _MIN_SOURCE_IMAGES]
    return max([pooled, *(float(np.quantile(distances[of_view == name], ACCEPTED)) for name in large)])


def _run_batch(
    runtime: Runtime,
    pixels: Pixels,
    counts: Sequence[int],
    space: FeatureSpace | None,
    classifier: ImageTypeClassifier | None,
) -> dict[int, CalibrationInputs]:
    # Each view is run once: a smaller number of views is the mean over the first of them.
    outputs = [runtime.run(np.ascontiguousarray(view)) for view in make_views(pixels, max(counts))]
    logits, features = np.stack([view.logits for view in outputs]), np.stack([view.features for view in outputs])
    inputs = {}
    for count in counts:
        # A single view may be any of them, as images come in any orientation: each must be accepted.
        averaged = features[:count].mean(axis=0)
        compared = features.reshape(-1, features.shape[-1]) if count == 1 else averaged
        distances = space.distance(compared) if space else np.empty(0)
        types = None if classifier is None else classifier.types(averaged)
        inputs[count] = CalibrationInputs(logits[:count].mean(axis=0), distances, types)
    return inputs


def _fit_calibration(
    inputs: CalibrationInputs, labelled: Labelled, weights: Float64Array | None, *, bias: bool
) -> Calibration:
    targets, classes = labelled.targets, labelled.classes
    biases: tuple[float, ...] = ()
    if bias:
        temperature, biases = fit_bias(inputs.logits, targets, weights)
    else:
        temperature = fit_temperature(inputs.logits, targets, weights)
    probabilities = Calibration(temperature=temperature, bias=biases).probabilities(inputs.logits, classes)
    fine = targets.sum(axis=1) == 1  # a label of several classes has no single true probability
    labels = targets.argmax(axis=1)
    return Calibration(
        temperature=temperature,
        bias=biases,
        operating_scores=_operating_scores(probabilities, labelled),
        conformal_thresholds={
            coverage: fit_conformal_threshold(probabilities[fine], labels[fine], coverage) for coverage in COVERAGES
        },
        ood_threshold=fit_ood_threshold(inputs.distances, len(set(labelled.groups)), labelled.sources),
    )


def _operating_scores(probabilities: Float64Array, labelled: Labelled) -> dict[Target, ValidationScores]:
    """Return the scores of each target that has both positive and negative images."""
    scores: dict[Target, ValidationScores] = {}
    for target in TARGETS:
        shown, known = target_sides(labelled.targets, labelled.classes, target)
        chosen = labelled.select(known)
        own = ValidationScores.of(
            target_scores(probabilities[known], labelled.classes, target),
            shown[known],
            chosen.groups,
            target,
            chosen.sources,
        )
        if own.positives and own.negatives:
            scores[target] = own
    return scores
