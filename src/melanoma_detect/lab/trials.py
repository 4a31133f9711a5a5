"""One trial of an experiment: what a procedure works with, and the four figures that it returns."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from melanoma_detect.errors import DatasetError
from melanoma_detect.lab.learners import Classifier, Learner
from melanoma_detect.lab.samples import Samples, World, divide
from melanoma_detect.taxonomy import MELANOMA, positions
from melanoma_detect.utils.arrays import Float64Array


class Outcome(NamedTuple):
    """The four figures of a trial, 0 to 1 each.

    Attributes:
        claimed: What a study with the mistake reports.
        true: What the same model does on untouched lesions.
        honest: What a study without the mistake reports.
        honest_true: What that study's model does on untouched lesions.
    """

    claimed: float
    true: float
    honest: float
    honest_true: float


@dataclass(frozen=True, eq=False)
class Trial:
    """What a procedure works with.

    Attributes:
        world: The study's images and the untouched ones.
        learner: Makes the classifiers.
        rng: What divisions are drawn from.
        seed: Of the classifiers.
    """

    world: World
    learner: Learner
    rng: np.random.Generator
    seed: int

    @property
    def untouched(self) -> Samples:
        """One image of each untouched lesion."""
        return self.world.untouched.first_views()

    def split_by_lesion(self, shares: tuple[float, ...]) -> tuple[Samples, ...]:
        """Divide one image of each of the study's lesions at random.

        Args:
            shares: See `samples.divide`.

        Returns:
            One part for each share.
        """
        images = self.world.development.first_views()
        return divide(images, images.lesions, shares, self.rng)

    def train(self, samples: Samples) -> "Trained":
        """Train a classifier to tell all diagnoses apart.

        Args:
            samples: The training images.

        Returns:
            The trained classifier.
        """
        return self._fit(samples.pixels, samples.labels)

    def train_melanoma(self, samples: Samples) -> "Trained":
        """Train a classifier to tell melanomas from everything else.

        Args:
            samples: The training images.

        Returns:
            The trained classifier; its label 1 is melanoma.
        """
        return self._fit(samples.pixels, is_melanoma(samples).astype(np.int64))

    def _fit(self, pixels: np.ndarray, labels: NDArray[np.int64]) -> "Trained":
        classifier = self.learner(self.seed)
        classifier.fit(pixels, labels)
        return Trained(classifier, np.unique(labels))


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained classifier.

    Attributes:
        classifier: The classifier.
        labels: What its columns mean.
    """

    classifier: Classifier
    labels: NDArray[np.int64]

    def accuracy(self, samples: Samples) -> float:
        """Return the share of images whose diagnosis is right.

        Args:
            samples: The images.

        Returns:
            0 to 1.
        """
        predicted = self.labels[self.classifier.predict_proba(samples.pixels).argmax(axis=1)]
        return float((predicted == samples.labels).mean())

    def scores(self, samples: Samples) -> Float64Array:
        """Return the probability of melanoma, of a classifier that was trained on it.

        Args:
            samples: The images.

        Returns:
            `(n,)`.
        """
        return np.asarray(self.classifier.predict_proba(samples.pixels)[:, 1], np.float64)

    def auc(self, samples: Samples) -> float:
        """Return the area under the ROC curve for melanoma.

        Args:
            samples: The images.

        Returns:
            0 to 1.
        """
        return float(roc_auc_score(is_melanoma(samples), self.scores(samples)))


def is_melanoma(samples: Samples) -> NDArray[np.bool_]:
    """Return which images show a melanoma.

    Args:
        samples: The images.

    Returns:
        `(n,)`.

    Raises:
        DatasetError: None of the classes is melanoma, or all are.

    Examples:
        >>> drawn = Samples(np.zeros((2, 32, 32, 3), np.uint8), np.array([0, 1]), np.array([7, 8]), ("melanoma", "nevus"))
        >>> is_melanoma(drawn)
        array([ True, False])
    """
    melanomas = positions(samples.classes, code=MELANOMA)
    if len(melanomas) in (0, len(samples.classes)):
        raise DatasetError(
            f"this mistake is about melanoma, and the classes are {', '.join(samples.classes)}: give data with melanomas and "
            "another class, ten lesions of each or more"
        )
    return np.isin(samples.labels, melanomas)


def rates(alerts: NDArray[np.bool_], melanomas: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the sensitivity and the specificity of alerts.

    Args:
        alerts: Which images raise an alert, `(n,)`.
        melanomas: Which images show a melanoma, `(n,)`.

    Returns:
        Both, 0 to 1.

    Examples:
        >>> rates(np.array([True, False, True]), np.array([True, True, False]))
        (0.5, 0.0)
    """
    return float(alerts[melanomas].mean()), float((~alerts[~melanomas]).mean())
