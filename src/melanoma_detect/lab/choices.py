"""Mistakes of choice: a threshold or a model is chosen by the images that the figure is reported on."""

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.lab.samples import divide
from melanoma_detect.lab.trials import Outcome, Trial, is_melanoma, rates
from melanoma_detect.utils.arrays import Float64Array

SPLIT = (0.5, 0.25, 0.25)  # train, validation and test
SENSITIVITY = 0.9  # that the threshold of `threshold_on_training` is set for
CANDIDATES = 20  # models of which `select_on_test` reports the best
_SHARE = 0.5  # of the training lesions that a candidate is trained on


def threshold_on_test(trial: Trial) -> Outcome:
    """Choose the alert threshold that looks best on the test images, and report it there.

    Args:
        trial: What to work with.

    Returns:
        Balanced accuracies of the alert: the mean of sensitivity and specificity.
    """
    train, validation, test = trial.split_by_lesion(SPLIT)
    model = trial.train_melanoma(train)
    on_validation, on_test, truly = (
        (model.scores(part), is_melanoma(part)) for part in (validation, test, trial.untouched)
    )
    chosen, honest = best_threshold(*on_test), best_threshold(*on_validation)
    return Outcome(
        balanced_accuracy(*on_test, chosen),
        balanced_accuracy(*truly, chosen),
        balanced_accuracy(*on_test, honest),
        balanced_accuracy(*truly, honest),
    )


def threshold_on_training(trial: Trial) -> Outcome:
    """Set the threshold for a sensitivity of 90 % on the training images, and report the sensitivity reached there.

    Args:
        trial: What to work with.

    Returns:
        Sensitivities for melanoma.
    """
    train, validation, test = trial.split_by_lesion(SPLIT)
    model = trial.train_melanoma(train)
    train_scores, validation_scores = (model.scores(part)[is_melanoma(part)] for part in (train, validation))
    test_scores, true_scores = (model.scores(part)[is_melanoma(part)] for part in (test, trial.untouched))
    mistaken, honest = threshold_for(train_scores, SENSITIVITY), threshold_for(validation_scores, SENSITIVITY)
    return Outcome(
        float((train_scores >= mistaken).mean()),
        float((true_scores >= mistaken).mean()),
        float((test_scores >= honest).mean()),
        float((true_scores >= honest).mean()),
    )


def select_on_test(trial: Trial) -> Outcome:
    """Train twenty models, and report the test accuracy of the one that is best on the test images.

    Early stopping by the test images is the same mistake: each epoch is a candidate.

    Args:
        trial: What to work with.

    Returns:
        Accuracies.
    """
    train, validation, test = trial.split_by_lesion(SPLIT)
    models = [trial.train(divide(train, train.lesions, (_SHARE, 1 - _SHARE), trial.rng)[0]) for _ in range(CANDIDATES)]
    on_test, on_validation = ([model.accuracy(part) for model in models] for part in (test, validation))
    chosen, honest = int(np.argmax(on_test)), int(np.argmax(on_validation))
    untouched = trial.untouched
    return Outcome(
        on_test[chosen], models[chosen].accuracy(untouched), on_test[honest], models[honest].accuracy(untouched)
    )


def best_threshold(scores: Float64Array, melanomas: NDArray[np.bool_]) -> float:
    """Return the threshold with the highest balanced accuracy (Youden, Index for rating diagnostic tests, Cancer 3, 1950).

    Args:
        scores: Probabilities of melanoma, `(n,)`.
        melanomas: Which images show one, `(n,)`.

    Returns:
        The lowest of the best thresholds that are halfway between two scores.

    Examples:
        >>> best_threshold(np.array([0.1, 0.3, 0.9]), np.array([False, False, True]))
        0.6
    """
    values = np.unique(scores)
    candidates = np.concatenate([values[:1], (values[1:] + values[:-1]) / 2])
    return float(max(candidates, key=lambda threshold: balanced_accuracy(scores, melanomas, threshold)))


def balanced_accuracy(scores: Float64Array, melanomas: NDArray[np.bool_], threshold: float) -> float:
    """Return the mean of sensitivity and specificity at a threshold.

    Args:
        scores: Probabilities of melanoma, `(n,)`.
        melanomas: Which images show one, `(n,)`.
        threshold: From here on an image raises an alert.

    Returns:
        0 to 1.

    Examples:
        >>> balanced_accuracy(np.array([0.1, 0.9]), np.array([False, True]), 0.5)
        1.0
    """
    return sum(rates(scores >= threshold, melanomas)) / 2


def threshold_for(scores: Float64Array, sensitivity: float) -> float:
    """Return the highest threshold that a share of the melanomas reaches.

    Args:
        scores: Probabilities of melanoma of images that show one, `(n,)`.
        sensitivity: The share, 0 to 1.

    Returns:
        One of the scores.

    Examples:
        >>> threshold_for(np.array([0.2, 0.4, 0.6, 0.8]), 0.75)
        0.4
    """
    needed = int(np.ceil(sensitivity * len(scores)))
    return float(np.sort(scores)[len(scores) - needed])
