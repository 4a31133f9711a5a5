"""How many labels are wrong, and how likely each is: a mixture of labels that fit the image, and others.

With probability `1 - rate` a label is drawn from the probabilities of its image, with probability `rate` it is any other one,
each as likely as the next: the contamination model of Tukey (1960), for labels. The "confident joint" of Northcutt et al. 2021
(doi 10.1613/jair.1.12125) counts the labels that contradict instead, and counts images that are merely hard with them.

The probabilities come from a regression that has learnt from the same labels, and is too sure or not sure enough. Two numbers
that calibrate them are fitted together with the rate: a temperature (Guo et al. 2017, arXiv:1706.04599), and a curvature, by
which classes that are far less probable than the first become rarer still. Without the second, planted errors were
underestimated: right labels contradict a sure answer less often than a softmax has it, and its tail hid the wrong ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.evaluation.bootstrap import draw_replicates
from melanoma_detect.utils.arrays import Float64Array

_TEMPERATURES = np.geomspace(0.4, 3, 24)
_CURVATURES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)
_RATES = np.concatenate([[1e-4], np.geomspace(1e-3, 0.5, 44)])
_REPLICATES = 200
_LEVELS = (2.5, 97.5)  # percentiles of a 95 % interval
_FLOOR = 1e-9  # of a probability


@dataclass(frozen=True)
class LabelNoise:
    """How many labels are wrong.

    Attributes:
        rate: The share of labels that are wrong, between 0 and 1.
        low: The lower end of its 95 % interval.
        high: The upper end.
        temperature: What the logarithms of the probabilities are divided by.
        curvature: How much faster than that they fall off, 0 or more.
        chances: The chance that each label is wrong, `(n,)`.
    """

    rate: float
    low: float
    high: float
    temperature: float
    curvature: float
    chances: Float64Array

    def counts(self) -> dict[str, int]:
        """Return the estimated number of wrong labels with its interval.

        Returns:
            `value`, `low` and `high`, rounded to whole labels.

        Examples:
            >>> LabelNoise(0.05, 0.02, 0.08, 1.0, 0.0, np.zeros(100)).counts()
            {'value': 5, 'low': 2, 'high': 8}
        """
        named = {"value": self.rate, "low": self.low, "high": self.high}
        return {name: round(share * len(self.chances)) for name, share in named.items()}


def fit_label_noise(
    probabilities: Float64Array, labels: NDArray[np.intp], groups: Sequence[str], *, seed: int = 123
) -> LabelNoise:
    """Estimate the share of wrong labels, by maximum likelihood.

    Args:
        probabilities: Of each image and class, `(n, classes)`, by a model that has not learnt from this image; rows sum to 1.
        labels: The position of each image's label among the classes, `(n,)`.
        groups: The lesion or patient of each image, `(n,)`: the bootstrap draws whole groups.
        seed: Of the bootstrap.

    Returns:
        The share with its interval, and the chance of each label.

    Examples:
        >>> rng = np.random.default_rng(1)
        >>> labels = rng.integers(0, 3, 300)
        >>> sure = np.where(np.eye(3)[labels] > 0, 0.98, 0.01)
        >>> labels[:15] = (labels[:15] + 1) % 3
        >>> noise = fit_label_noise(sure, labels, [str(number) for number in range(300)])
        >>> noise.low < 0.05 < noise.high, int((noise.chances > 0.5).sum())
        (True, 15)
    """
    weights = np.concatenate([np.ones((1, len(labels))), *draw_replicates(groups, seed=seed, count=_REPLICATES)])
    calibrations = list(product(_TEMPERATURES.tolist(), _CURVATURES))
    # (1 + replicates, calibrations, rates)
    likelihood = np.stack([weights @ _log_likelihood(probabilities, labels, *pair) for pair in calibrations], axis=1)
    best = likelihood.reshape(len(weights), -1).argmax(axis=1)
    chosen, rates = np.unravel_index(best, likelihood.shape[1:])
    temperature, curvature = calibrations[chosen[0]]
    rate, (low, high) = float(_RATES[rates[0]]), np.percentile(_RATES[rates[1:]], _LEVELS)
    fitting, others = _of_label(probabilities, labels, temperature, curvature)
    chances = rate * others / ((1 - rate) * fitting + rate * others)
    # A replicate may leave out what the estimate rests on.
    return LabelNoise(rate, float(min(low, rate)), float(max(high, rate)), temperature, curvature, chances)


def _log_likelihood(
    probabilities: Float64Array, labels: NDArray[np.intp], temperature: float, curvature: float
) -> Float64Array:
    """Return the logarithm of each label's likelihood at each rate, `(n, rates)`."""
    fitting, others = _of_label(probabilities, labels, temperature, curvature)
    return np.asarray(np.log((1 - _RATES) * fitting[:, None] + _RATES * others[:, None]))


def _of_label(
    probabilities: Float64Array, labels: NDArray[np.intp], temperature: float, curvature: float
) -> tuple[Float64Array, Float64Array]:
    """Return the likelihood of each label where it fits its image, and where it is any other one."""
    logits = np.log(np.maximum(probabilities, _FLOOR))
    fall = (logits - logits.max(axis=1, keepdims=True)) / temperature
    raised = np.exp(fall - curvature * fall**2)
    fitting = np.clip(raised[np.arange(len(labels)), labels] / raised.sum(axis=1), _FLOOR, 1 - _FLOOR)
    return fitting, (1 - fitting) / (probabilities.shape[1] - 1)
