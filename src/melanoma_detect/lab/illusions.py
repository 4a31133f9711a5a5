"""Mistakes that no split prevents: what gives the class away, and figures that flatter."""

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.images.reader import Pixels
from melanoma_detect.lab.leaks import SPLIT
from melanoma_detect.lab.samples import SIDE, Samples, divide
from melanoma_detect.lab.trials import Outcome, Trial, is_melanoma, rates

CONFOUNDED = 0.95  # of the melanomas come from one clinic, and of the other lesions from the other
MELANOMAS = 0.02  # of the lesions that a screening sees
SURE = 0.6  # of the images, the surest, are kept by `drop_unsure`
_ALERT = 0.5  # the probability from which `accuracy_alone` alerts: the most probable answer
_TINT = (1.06, 1.0, 0.92)  # of the camera of one clinic, by channel


def source_shortcut(trial: Trial) -> Outcome:
    """Take melanomas from one clinic and the rest from another: the camera gives the diagnosis away.

    The camera of one clinic darkens the corners and sees colours warmer. In the study, 95 % of the melanomas come from it and
    5 % of the rest; the untouched lesions, and all of the honest study, were photographed with either camera by chance.

    Args:
        trial: What to work with.

    Returns:
        Areas under the ROC curve for melanoma.
    """
    images = trial.world.development.first_views()
    chance = np.full(len(images), 0.5)
    confounded = np.where(is_melanoma(images), CONFOUNDED, 1 - CONFOUNDED)
    fresh = _photograph(trial.untouched, np.full(len(trial.untouched), 0.5), trial.rng)
    figures = []
    for shares in (confounded, chance):
        study = _photograph(images, shares, trial.rng)
        train, test = divide(study, study.lesions, SPLIT, trial.rng)
        model = trial.train_melanoma(train)
        figures += [model.auc(test), model.auc(fresh)]
    return Outcome(*figures)


def accuracy_alone(trial: Trial) -> Outcome:
    """Report accuracy where melanomas are rare: a model that never alerts is right nearly always.

    Of what the study and the untouched lesions hold, accuracy is weighted to 2 % melanomas, as in screening.

    Args:
        trial: What to work with.

    Returns:
        The accuracy at 2 % melanomas as what is claimed, and balanced accuracies.
    """
    train, test = trial.split_by_lesion(SPLIT)
    model = trial.train_melanoma(train)
    sensitivity, specificity = rates(model.scores(test) >= _ALERT, is_melanoma(test))
    true = sum(rates(model.scores(trial.untouched) >= _ALERT, is_melanoma(trial.untouched))) / 2
    claimed = MELANOMAS * sensitivity + (1 - MELANOMAS) * specificity
    return Outcome(claimed, true, (sensitivity + specificity) / 2, true)


def drop_unsure(trial: Trial) -> Outcome:
    """Leave out the images that the model is unsure of, and report the rest as if it were all.

    Args:
        trial: What to work with.

    Returns:
        Accuracies.
    """
    train, test = trial.split_by_lesion(SPLIT)
    model = trial.train(train)
    sureness = model.classifier.predict_proba(test.pixels).max(axis=1)
    kept = test.take(np.argsort(-sureness, kind="stable")[: round(SURE * len(test))])
    true = model.accuracy(trial.untouched)
    return Outcome(model.accuracy(kept), true, model.accuracy(test), true)


def _photograph(samples: Samples, shares: NDArray[np.float64], rng: np.random.Generator) -> Samples:
    """Return the images, each with this probability by the camera of the first clinic."""
    first = rng.random(len(samples)) < shares
    return samples.with_pixels(np.where(first[:, None, None, None], _first_camera(samples.pixels), samples.pixels))


def _first_camera(pixels: Pixels) -> Pixels:
    y, x = (np.mgrid[0:SIDE, 0:SIDE] + 0.5) / SIDE * 2 - 1
    shade = np.clip(1.9 - 1.1 * np.hypot(x, y), 0.4, 1)  # dark corners, as a dermatoscope's tube leaves them
    darkened: Pixels = np.clip(pixels * shade[..., None] * np.array(_TINT), 0, 255).astype(np.uint8)
    return darkened
