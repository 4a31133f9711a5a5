"""The thresholds of a local calibration: prediction sets and the abstention distance, by the ranks of local lesions."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.operating_points import lesions_needed
from melanoma_detect.training.calibrate import ACCEPTED, COVERAGES, CalibrationInputs, fit_conformal_threshold
from melanoma_detect.training.local_fit import LocalImages, fit_local, lowest_of_lesions
from melanoma_detect.utils.arrays import Float64Array

FOLDS = 10


class Fold(NamedTuple):
    """One fold of a cross-validation.

    Attributes:
        rows: Which images it holds, bool `(n,)`.
        calibration: What was fitted on all the others.
    """

    rows: NDArray[np.bool_]
    calibration: Calibration


def assign_folds(groups: NDArray[np.str_], *, seed: int) -> NDArray[np.int64]:
    """Deal lesions into folds.

    Args:
        groups: The lesion of each image, `(n,)`.
        seed: Of the order in which they are dealt.

    Returns:
        The fold of each image, 0 to 9; images of one lesion are in one fold.

    Examples:
        >>> folds = assign_folds(np.array(["a", "a", "b", "c"]), seed=1)
        >>> folds[0] == folds[1], len(set(folds.tolist()))
        (np.True_, 3)
    """
    names, index = np.unique(groups, return_inverse=True)
    return np.asarray(np.random.default_rng(seed).permutation(len(names))[index] % FOLDS, np.int64)


def cross_validate(
    calibration: Calibration,
    inputs: CalibrationInputs,
    images: LocalImages,
    folds: NDArray[np.int64],
) -> list[Fold]:
    """Fit the local calibration once for each fold, on the images of the others.

    Args:
        calibration: The original calibration.
        inputs: The model's outputs.
        images: The labels and lesions.
        folds: The fold of each image, `(n,)`.

    Returns:
        The folds. Prediction sets are as in the original calibration.

    Examples:
        >>> from melanoma_detect.training.calibrate import collect_calibration_inputs
        >>> split = data.validation
        >>> inputs = collect_calibration_inputs(predictor.runtime, split.pixels((32, 32)), None)[1]
        >>> images = LocalImages(split.targets[split.labels], np.array(split.groups), split.classes)
        >>> folds = cross_validate(predictor.config.calibration(1), inputs, images, assign_folds(images.groups, seed=1))
        >>> sum(int(fold.rows.sum()) for fold in folds) == len(split)
        True
    """
    found = []
    for fold in np.unique(folds).tolist():
        rows = folds == fold
        found.append(Fold(rows, fit_calibration(calibration, inputs.select(~rows), images.select(~rows))))
    return found


def localize_calibration(
    calibration: Calibration,
    inputs: CalibrationInputs,
    images: LocalImages,
    validated: Sequence[Fold],
) -> Calibration:
    """Return a calibration with everything that local images support.

    Args:
        calibration: The original one.
        inputs: The model's outputs.
        images: The labels and lesions.
        validated: From `cross_validate`: prediction sets are set on probabilities that their images had no part in.

    Returns:
        The local calibration. Prediction sets of a coverage that takes more lesions hold every diagnosis: the original
        threshold is for another scale of probabilities, and promises nothing on it.

    Examples:
        >>> from melanoma_detect.training.calibrate import collect_calibration_inputs
        >>> split = data.validation
        >>> inputs = collect_calibration_inputs(predictor.runtime, split.pixels((32, 32)), None)[1]
        >>> images = LocalImages(split.targets[split.labels], np.array(split.groups), split.classes)
        >>> old = predictor.config.calibration(1)
        >>> folds = cross_validate(old, inputs, images, assign_folds(images.groups, seed=1))
        >>> localize_calibration(old, inputs, images, folds).local is not None
        True
    """
    probabilities = validated_probabilities(inputs, images, validated)
    fine = images.targets.sum(axis=1) == 1  # a label of several classes has no single true probability
    rows, labels = probabilities[fine], images.targets[fine].argmax(axis=1)
    lowest = lowest_of_lesions(rows[np.arange(len(rows)), labels], images.groups[fine])
    coverages = sorted(calibration.conformal_thresholds or COVERAGES)
    thresholds = {coverage: fit_conformal_threshold(rows[lowest], labels[lowest], coverage) for coverage in coverages}
    return replace(fit_calibration(calibration, inputs, images), conformal_thresholds=thresholds)


def validated_probabilities(inputs: CalibrationInputs, images: LocalImages, validated: Sequence[Fold]) -> Float64Array:
    """Return the probabilities that each image gets from the calibration of its fold.

    Args:
        inputs: The model's outputs.
        images: The labels and lesions.
        validated: From `cross_validate`.

    Returns:
        `(n, classes)`.
    """
    probabilities = np.empty(inputs.logits.shape)
    for fold in validated:
        probabilities[fold.rows] = fold.calibration.probabilities(inputs.logits[fold.rows], images.classes)
    return probabilities


def distance_rank(lesions: int) -> int:
    """Return the rank of the distance within which a new lesion lies with a probability of 95 % or more.

    Args:
        lesions: The number of local lesions.

    Returns:
        The rank, 1 for the nearest; 0 where the lesions are too few.

    Examples:
        >>> distance_rank(100), distance_rank(18)
        (96, 0)
    """
    return int(np.ceil(ACCEPTED * (lesions + 1) - 1e-9)) if lesions >= lesions_needed(ACCEPTED) else 0


def fit_calibration(calibration: Calibration, inputs: CalibrationInputs, images: LocalImages) -> Calibration:
    """Fit a local calibration with its operating points and its abstention distance.

    Args:
        calibration: The original one; if it has a local calibration, the new one is applied after that.
        inputs: The model's outputs.
        images: The labels and lesions.

    Returns:
        The local calibration; its prediction sets are still those of the original one.

    Examples:
        >>> from melanoma_detect.training.calibrate import collect_calibration_inputs
        >>> split = data.validation
        >>> inputs = collect_calibration_inputs(predictor.runtime, split.pixels((32, 32)), None)[1]
        >>> images = LocalImages(split.targets[split.labels], np.array(split.groups), split.classes)
        >>> fit_calibration(predictor.config.calibration(1), inputs, images).local is not None
        True
    """
    local = fit_local(calibration.probabilities(inputs.logits, images.classes), images)
    return replace(
        calibration,
        local=replace(local, first=calibration.local),
        ood_threshold=_distance_threshold(calibration, inputs.distances, images),
    )


def _distance_threshold(calibration: Calibration, distances: Float64Array, images: LocalImages) -> float:
    lesions = len(set(images.groups.tolist()))
    rank = distance_rank(lesions)
    if not len(distances) or not rank:
        return calibration.ood_threshold
    # Its sample size is the number of lesions: each may show several images, and each image several views.
    return float(np.quantile(distances, rank / lesions, method="inverted_cdf"))
