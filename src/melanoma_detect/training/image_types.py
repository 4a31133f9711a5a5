"""Image types in training: a classifier of dermoscopy and clinical photographs, and a calibration for each of the two."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from melanoma_detect.data.record import Record
from melanoma_detect.data.split import Split
from melanoma_detect.errors import DataWarning, DetectorError
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.image_types import (
    IMAGE_TYPES,
    TYPE_PLURALS,
    ImageType,
    ImageTypeClassifier,
    recorded_type,
)
from melanoma_detect.inference.out_of_distribution import FeatureSpace
from melanoma_detect.inference.runtime import Runtime, run_batched
from melanoma_detect.training.calibrate import CalibrationInputs, Labelled, calibrate, collect_calibration_inputs
from melanoma_detect.training.finite_outputs import check_outputs
from melanoma_detect.utils.arrays import Float32Array
from melanoma_detect.utils.user_warning import warn_user

MIN_TRAINING = 50  # images of each type in training, for a classifier
MIN_VALIDATION = 20  # images of a type in validation, for a calibration of its own
_MAX_TRAINING = 2000  # images of each type that the classifier is fitted on, so that fitting takes seconds
_PENALTY = 0.03  # of the squared weights, which are as many as the features: more than the images of a small set
_EPSILON = 1e-6  # keeps features that never vary from dividing by zero


class FittedCalibrations(NamedTuple):
    """What was fitted on validation images for each type of image.

    Attributes:
        calibrations: By the number of views: on dermoscopy, or on all images where types are not told apart.
        clinical: On clinical photographs, by the number of views; empty where types are not told apart.
        image_types: Tells the types apart; None where they are not told apart.
        referred_types: The types of which validation shows too few images for a calibration.
    """

    calibrations: Mapping[int, Calibration]
    clinical: Mapping[int, Calibration] = {}
    image_types: ImageTypeClassifier | None = None
    referred_types: tuple[ImageType, ...] = ()


def recorded_types(records: Iterable[Record]) -> NDArray[np.str_]:
    """Return the type of each image that its row of the data set's table gives in the column `image_type`.

    Args:
        records: The images.

    Returns:
        `"dermoscopy"`, `"clinical"`, or empty where it is not recorded, `(n,)`.

    Examples:
        >>> recorded_types(data.test)[:2].tolist()
        ['', '']
    """
    types = [recorded_type(record.metadata) for record in records]
    return np.array(types, dtype=f"<U{max(map(len, IMAGE_TYPES))}")


def fit_image_types(features: Float32Array, is_clinical: NDArray[np.bool_]) -> ImageTypeClassifier:
    """Fit a classifier of clinical photographs and dermoscopy, both taken as equally frequent.

    Args:
        features: The model's features of training images, `(n, d)`.
        is_clinical: Which of them are clinical photographs, `(n,)`.

    Returns:
        The classifier.

    Raises:
        DetectorError: All images are of one type.

    Examples:
        >>> features = np.random.default_rng(1).normal(size=(200, 8)).astype(np.float32)
        >>> classifier = fit_image_types(features, features[:, 0] > 0)
        >>> bool(np.mean((classifier.types(features) == "clinical") == (features[:, 0] > 0)) > 0.9)
        True
    """
    if len(set(is_clinical.tolist())) < 2:
        raise DetectorError(f"the {len(features)} images are of one type; expected dermoscopy and clinical photographs")
    lengths = np.maximum(np.linalg.norm(features, axis=1, keepdims=True), _EPSILON)
    unit = (features / lengths).astype(np.float64)
    mean, scale = unit.mean(axis=0), np.maximum(unit.std(axis=0), _EPSILON)
    # Balanced: how frequent photographs are among the images of a clinic is not known.
    model = LogisticRegression(C=1 / (_PENALTY * len(features)), class_weight="balanced", max_iter=1000)
    model.fit((unit - mean) / scale, is_clinical)
    weights = model.coef_[0] / scale
    return ImageTypeClassifier(weights.astype(np.float32), float(model.intercept_[0] - weights @ mean))


def fit_classifier(
    runtime: Runtime, pixels: Pixels, types: NDArray[np.str_], *, seed: int
) -> ImageTypeClassifier | None:
    """Fit the classifier of image types on training images.

    Args:
        runtime: The model.
        pixels: Training images, uint8 `(n, height, width, 3)`.
        types: The recorded type of each, `(n,)`.
        seed: Of the sample that is drawn where there are very many images.

    Returns:
        The classifier; None with fewer than 50 images of either type.

    Warns:
        DataWarning: There are images of both types, but fewer than 50 of one.

    Examples:
        >>> pixels = data.train.pixels((32, 32))
        >>> fit_classifier(predictor.runtime, pixels, recorded_types(data.train), seed=1) is None
        True
    """
    rows = _sample_of_each_type(types, seed)
    return None if rows is None else _fit_classifier(runtime, pixels[rows], types[rows])


def fit_classifier_of_split(
    runtime: Runtime, training: Split, size: tuple[int, int], *, seed: int
) -> ImageTypeClassifier | None:
    """Fit the classifier of image types on a training split, with as many images of the rarer type as it has.

    Args:
        runtime: The model.
        training: The training images; augmented copies made by `balance` are left out.
        size: `(height, width)` of the model's input in pixels.
        seed: Of the sample of at most 2,000 images of each type that is drawn.

    Returns:
        The classifier; None with fewer than 50 images of either type.

    Warns:
        DataWarning: There are images of both types, but fewer than 50 of one.

    Examples:
        >>> fit_classifier_of_split(predictor.runtime, data.train, (32, 32), seed=1) is None
        True
    """
    copies = np.array([record.parent is not None for record in training], dtype=np.bool_)
    types = np.where(copies, "", recorded_types(training))
    rows = _sample_of_each_type(types, seed)
    return None if rows is None else _fit_classifier(runtime, _select(training, rows).pixels(size), types[rows])


def calibrate_by_type(
    runtime: Runtime,
    space: FeatureSpace | None,
    classifier: ImageTypeClassifier | None,
    validation: Split,
    pixels: Pixels,
) -> FittedCalibrations:
    """Fit a calibration for each type of image on validation images.

    Args:
        runtime: The model.
        space: The feature space of the training images, or None.
        classifier: Tells the types apart; None for one calibration of all images.
        validation: The validation images; each counts as of the type that the classifier recognises.
        pixels: Their pixels, uint8 `(n, height, width, 3)`.

    Returns:
        The calibrations; one for all images, without the classifier, where validation shows too few of both types.

    Warns:
        DataWarning: Validation shows fewer than 20 images of a type: all images of that type are then referred, or, where it
            shows too few of both, the types are not told apart.

    Examples:
        >>> pixels = data.validation.pixels()
        >>> calibrate_by_type(predictor.runtime, None, None, data.validation, pixels).clinical
        {}
    """
    inputs = collect_calibration_inputs(runtime, pixels, space, classifier)
    check_outputs(inputs, validation.records, "validation image")
    few = _types_with_few_images(inputs)
    if classifier is None or len(few) == len(IMAGE_TYPES):
        return FittedCalibrations(_calibrate(inputs, validation))
    fitted = {
        # Of a type with too few images, the other's calibration stands for it; a referred image gets probabilities too.
        name: _calibrate(inputs, validation, IMAGE_TYPES if name in few else (name,))
        for name in IMAGE_TYPES
        if name == "dermoscopy" or name not in few
    }
    return FittedCalibrations(fitted["dermoscopy"], fitted.get("clinical", {}), classifier, few)


def _sample_of_each_type(types: NDArray[np.str_], seed: int) -> NDArray[np.int64] | None:
    """Return the rows of the images that a classifier is fitted on; None where there are too few of a type."""
    random = np.random.default_rng(seed)
    rows = [random.permutation(np.flatnonzero(types == name))[:_MAX_TRAINING] for name in IMAGE_TYPES]
    counts = [len(own) for own in rows]
    if min(counts) >= MIN_TRAINING:
        return np.sort(np.concatenate(rows))
    if min(counts):
        found = " and ".join(f"{count} {TYPE_PLURALS[name]}" for name, count in zip(IMAGE_TYPES, counts, strict=True))
        warn_user(
            f"the training images show {found}, too few of one type to tell them apart (expected at least {MIN_TRAINING} of "
            "each): the detector judges both alike; add images of the rarer type, or leave it out",
            DataWarning,
        )
    return None


def _fit_classifier(runtime: Runtime, pixels: Pixels, types: NDArray[np.str_]) -> ImageTypeClassifier:
    return fit_image_types(run_batched(runtime.run, pixels).features, types == "clinical")


def _types_with_few_images(inputs: Mapping[int, CalibrationInputs]) -> tuple[ImageType, ...]:
    """Return the types of which validation shows too few images, with any number of views, and warn of them."""
    recognised = [views.image_types for views in inputs.values() if views.image_types is not None]
    if not recognised:
        return ()
    counts = {name: min(int((types == name).sum()) for types in recognised) for name in IMAGE_TYPES}
    few = tuple(name for name in IMAGE_TYPES if counts[name] < MIN_VALIDATION)
    consequence = "the detector refers every one" if len(few) == 1 else "the detector does not tell the types apart"
    if few:
        found = " and ".join(f"{counts[name]} {TYPE_PLURALS[name]}" for name in few)
        warn_user(
            f"validation shows {found}, too few to calibrate them (expected at least {MIN_VALIDATION}): {consequence}",
            DataWarning,
        )
    return few


def _calibrate(
    inputs: Mapping[int, CalibrationInputs], validation: Split, types: Sequence[ImageType] | None = None
) -> dict[int, Calibration]:
    """Fit a calibration for each number of views, on the images that are recognised as one of the types with as many views.

    As recognised, not as recorded: what is set on these images must hold for images as they are judged in use, those of the
    other type that are mistaken for this one among them.
    """
    labelled = Labelled(
        validation.targets[validation.labels],
        validation.groups,
        validation.classes,
        [record.source for record in validation.records],
    )
    calibrations: dict[int, Calibration] = {}
    for count, views in inputs.items():
        chosen = np.ones(len(views.logits), bool)
        if types is not None and views.image_types is not None:
            chosen = np.isin(views.image_types, types)
        own = labelled.select(chosen)
        calibrations |= calibrate(
            {count: views.select(chosen)}, own.targets, own.groups, own.classes, sources=own.sources
        )
    return calibrations


def _select(split: Split, rows: NDArray[np.int64]) -> Split:
    return replace(split, records=tuple(split.records[row] for row in rows.tolist()))
