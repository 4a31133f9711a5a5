"""What a trained model's answers are worth, fitted on validation images that training did not learn from.

Temperature (Guo et al. 2017), the scores that operating points are read from, prediction sets (split conformal), and the
distance beyond which an image is like no training image. What is fitted here, `detection.calibration` applies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from melanoma_detect import taxonomy
from melanoma_detect.data.dataset import Split
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.operating_points import TARGETS, Target, ValidationScores
from melanoma_detect.inference.out_of_distribution import FeatureSpace
from melanoma_detect.inference.prediction import softmax
from melanoma_detect.inference.runtime import Runtime
from melanoma_detect.inference.test_time_augmentation import COUNTS, views_of
from melanoma_detect.utils.arrays import Float64Array

COVERAGES = (0.8, 0.9, 0.95, 0.99)
ACCEPTED = 0.95  # of skin images that nobody has seen, turned and mirrored ones too
_DESCRIBED = 5000  # training images that the feature space is taken from
_AT_ONCE = 64
_LEAST = 1e-12


class Answers(NamedTuple):
    """What a model said about images that it did not learn from, looked at in some number of views.

    Attributes:
        logits: float32 `(n, classes)`.
        distances: How far each image lies from the training images, once for each way that it may be looked at; empty where
            that is not known.
    """

    logits: NDArray[np.float32]
    distances: Float64Array


def answered(runtime: Runtime, pixels: Pixels, space: FeatureSpace | None) -> dict[int, Answers]:
    """Ask a model about images, in each number of views.

    Args:
        runtime: The model.
        pixels: uint8 `(n, height, width, 3)`.
        space: Where the features of training images lie; None where that was not measured.

    Returns:
        Its answers for 1, 4 and 8 views (1 and 4 where images are not square).

    Examples:
        >>> answered(detector.predictor.runtime, data.validation.pixels(), None)[4].logits.shape == (len(data.validation), 9)
        True
    """
    counts = [count for count in COUNTS if count < 8 or pixels.shape[1] == pixels.shape[2]]
    # Each view is run once; means over the first of them stand for fewer views.
    batches = [_batch(runtime, pixels[at : at + _AT_ONCE], counts, space) for at in range(0, len(pixels), _AT_ONCE)]
    return joined(batches)


def joined(parts: Sequence[Mapping[int, Answers]]) -> dict[int, Answers]:
    """Put answers to several sets of images into one, as those of the folds of a cross-validation.

    Args:
        parts: From `answered`, each for the same numbers of views.

    Returns:
        The answers to all images, in this order.

    Examples:
        >>> once = answered(detector.predictor.runtime, data.validation.pixels(), None)
        >>> len(joined([once, once])[1].logits) == 2 * len(data.validation)
        True
    """
    return {
        count: Answers(*(np.concatenate(values) for values in zip(*(part[count] for part in parts), strict=True)))
        for count in parts[0]
    }


def calibrate(
    answers: Mapping[int, Answers],
    targets: NDArray[np.bool_],
    groups: Sequence[str],
    classes: tuple[str, ...],
    *,
    bias: bool = False,
) -> dict[int, Calibration]:
    """Fit everything on a model's answers, for each number of views.

    Args:
        answers: From `answered`.
        targets: Which classes the label of each image covers, `(n, classes)`.
        groups: The lesion of each, `(n,)`.
        classes: Class names.
        bias: Also fit what brings the logits of a model that was trained for equally frequent classes back to the population
            of these images. It takes some hundreds of them, of every class.

    Returns:
        A calibration for each number of views.

    Examples:
        >>> part = data.validation
        >>> answers = answered(detector.predictor.runtime, part.pixels(), None)
        >>> sorted(calibrate(answers, part.targets[part.labels], part.groups, part.classes))
        [1, 4, 8]
    """
    return {count: _fitted(found, targets, groups, classes, bias=bias) for count, found in answers.items()}


def sampled(part: Split, *, seed: int) -> Split:
    """Choose the training images that stand for all: what is measured on them does not grow with the set.

    Args:
        part: The training split; copies made by `balance` are left out.
        seed: Which images are taken where there are very many.

    Returns:
        At most 5,000 of them.

    Examples:
        >>> len(sampled(data.train, seed=1)) == len(data.train)
        True
    """
    own = [at for at, record in enumerate(part.records) if record.parent is None]
    chosen = np.sort(np.random.default_rng(seed).permutation(own)[:_DESCRIBED]).astype(np.int64)
    return replace(part, records=tuple(part.records[at] for at in chosen.tolist()))


def describe_features(runtime: Runtime, pixels: Pixels) -> FeatureSpace | None:
    """Describe where the features of training images lie.

    Args:
        runtime: The model.
        pixels: uint8 `(n, height, width, 3)`, of training images.

    Returns:
        The description; None where there are fewer than ten images.

    Examples:
        >>> describe_features(detector.predictor.runtime, data.train.pixels((32, 32))).mean.shape
        (128,)
    """
    if len(pixels) < 10:
        return None
    parts = [runtime.run(pixels[at : at + _AT_ONCE]).features for at in range(0, len(pixels), _AT_ONCE)]
    return FeatureSpace.of(np.concatenate(parts))


def fit_temperature(logits: NDArray[np.float32], targets: NDArray[np.bool_]) -> float:
    """Find the number that logits must be divided by for the least cross-entropy (Guo et al. 2017, arXiv:1706.04599).

    Args:
        logits: `(n, classes)`.
        targets: Which classes the label of each image covers, `(n, classes)`.

    Returns:
        The temperature, 0.05 to 20; over 1 for a model that is too sure.

    Examples:
        >>> logits = np.array([[4.0, 0.0]] * 3 + [[0.0, 4.0]], np.float32)
        >>> round(fit_temperature(logits, np.array([[1, 0]] * 3 + [[1, 0]], dtype=bool)), 2)
        3.64
    """

    def loss(log_temperature: float) -> float:
        covered = (softmax(logits / np.exp(log_temperature)) * targets).sum(axis=1)
        return float(-np.log(np.maximum(covered, _LEAST)).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(found.x))


def fit_bias(logits: NDArray[np.float32], targets: NDArray[np.bool_]) -> tuple[float, tuple[float, ...]]:
    """Find a temperature and what to add to each logit for the least cross-entropy: bias-corrected temperature scaling.

    Args:
        logits: `(n, classes)`.
        targets: Which classes the label of each image covers, `(n, classes)`.

    Returns:
        The temperature, and one number a class, 0 in the mean (Alexandari, Kundaje and Shrikumar 2020, arXiv:1901.06852).

    Examples:
        >>> logits = np.array([[2.0, 0.0]] * 9 + [[0.0, 2.0]], np.float32)
        >>> temperature, bias = fit_bias(logits, np.array([[1, 0]] * 7 + [[0, 1]] * 2 + [[1, 0]], dtype=bool))
        >>> bias[0] > bias[1]
        True
    """

    def loss(values: Float64Array) -> float:
        # A weak pull towards none: a class that no image shows would go to minus infinity.
        covered = (softmax(logits / np.exp(values[0]) + values[1:]) * targets).sum(axis=1)
        return float(-np.log(np.maximum(covered, _LEAST)).mean() + 1e-4 * np.square(values).sum())

    found = minimize(loss, np.zeros(1 + logits.shape[1]), method="L-BFGS-B").x
    added = found[1:] - found[1:].mean()
    return float(np.exp(found[0])), tuple(added.tolist())


def fit_sets(probabilities: Float64Array, labels: NDArray[np.int64], coverage: float) -> float:
    """Find the probability that a diagnosis needs to be in the prediction set, by split conformal prediction.

    Sets of at least this probability hold the true diagnosis of the next image with the coverage, whatever the model, as long
    as it comes from where the validation images came from (Sadinle, Lei and Wasserman 2019).

    Args:
        probabilities: `(n, classes)`.
        labels: The true classes, `(n,)`.
        coverage: The share of sets that shall hold them, 0 to 1.

    Returns:
        The probability; 0, which takes every class in, where n is too small for this coverage.

    Examples:
        >>> fit_sets(np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]), np.array([0, 0, 1]), 0.5)
        0.8
    """
    true = np.sort(probabilities[np.arange(len(labels)), labels])
    misses = int(np.floor((len(true) + 1) * (1 - coverage) + 1e-9))
    return float(true[misses - 1]) if misses else 0.0


def farthest(distances: Float64Array, lesions: int) -> float:
    """Find the distance within which so many skin images lie that 95 % of unseen ones will, with 95 % confidence.

    Args:
        distances: Of validation images, `(n,)`.
        lesions: How many lesions they show.

    Returns:
        The distance.

    Examples:
        >>> round(farthest(np.linspace(0, 1, 1001), 1000), 3)
        0.961
    """
    if not len(distances):
        return float("inf")
    margin = 1.645 * np.sqrt(ACCEPTED * (1 - ACCEPTED) / max(lesions, 1))
    return float(np.quantile(distances, min(1.0, ACCEPTED + margin)))


def _batch(runtime: Runtime, pixels: Pixels, counts: Sequence[int], space: FeatureSpace | None) -> dict[int, Answers]:
    outputs = [runtime.run(np.ascontiguousarray(view)) for view in views_of(pixels, max(counts))]
    logits, features = np.stack([one.logits for one in outputs]), np.stack([one.features for one in outputs])
    found = {}
    for count in counts:
        # A single view may be any of them: each must be accepted.
        shown = features.reshape(-1, features.shape[-1]) if count == 1 else features[:count].mean(axis=0)
        distances = space.distance(shown) if space else np.empty(0)
        found[count] = Answers(logits[:count].mean(axis=0), distances)
    return found


def _fitted(
    seen: Answers,
    targets: NDArray[np.bool_],
    groups: Sequence[str],
    classes: tuple[str, ...],
    *,
    bias: bool,
) -> Calibration:
    temperature, added = fit_bias(seen.logits, targets) if bias else (fit_temperature(seen.logits, targets), ())
    probabilities = Calibration(temperature=temperature, bias=added).probabilities(seen.logits, classes)
    fine = targets.sum(axis=1) == 1
    labels = targets.argmax(axis=1)
    return Calibration(
        temperature=temperature,
        bias=added,
        scores=_scores(probabilities, targets, groups, classes),
        least={coverage: fit_sets(probabilities[fine], labels[fine], coverage) for coverage in COVERAGES},
        farthest=farthest(seen.distances, len(set(groups))),
    )


def _scores(
    probabilities: Float64Array, targets: NDArray[np.bool_], groups: Sequence[str], classes: tuple[str, ...]
) -> dict[Target, ValidationScores]:
    """Keep the scores of each target that some images show and others do not."""
    columns = {
        "melanoma": taxonomy.positions(classes, code=taxonomy.MELANOMA),
        "malignant": taxonomy.positions(classes, malignant=True),
    }
    found: dict[Target, ValidationScores] = {}
    for target in TARGETS:
        shown = np.isin(np.arange(len(classes)), columns[target])
        inside, outside = targets @ shown, targets @ ~shown
        sure = inside != outside  # a coarse label may cover both
        named = [group for group, kept in zip(groups, sure, strict=True) if kept]
        scores = ValidationScores.of(probabilities[sure][:, shown].sum(axis=1), inside[sure], named, target)
        if scores.positives and scores.negatives:
            found[target] = scores
    return found
