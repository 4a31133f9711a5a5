"""How many labels are wrong, and how likely each is: a mixture of labels that fit the image, and others.

With probability `1 - rate` a label is drawn from the probabilities of its image, with probability `rate` it is any other one,
each as likely as the next: the contamination model of Tukey (1960), for labels. The "confident joint" of Northcutt et al. 2021
(doi 10.1613/jair.1.12125) counts the labels that contradict instead, and counts images that are merely hard with them.

The probabilities come from a regression that has learnt from the same labels, and is too sure or not sure enough. A temperature
(Guo et al. 2017, arXiv:1706.04599) is fitted together with the rate. Images that are plainly of one class tell them apart: at a
temperature that fits the others, they leave no room for labels that contradict.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.evaluation.bootstrap import draw_replicates
from melanoma_detect.utils.arrays import Float64Array

_TEMPERATURES = np.geomspace(0.4, 3, 30)
_RATES = np.concatenate([[1e-4], np.geomspace(1e-3, 0.5, 44)])
_REPLICATES = 300
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
        chances: The chance that each label is wrong, `(n,)`.
    """

    rate: float
    low: float
    high: float
    temperature: float
    chances: Float64Array

    def counts(self) -> dict[str, int]:
        """Return the estimated number of wrong labels with its interval.

        Returns:
            `value`, `low` and `high`, rounded to whole labels.

        Examples:
            >>> LabelNoise(0.05, 0.02, 0.08, 1.0, np.zeros(100)).counts()
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
    fitting = np.stack([_of_label(probabilities, labels, temperature) for temperature in _TEMPERATURES], axis=1)
    others = (1 - fitting) / (probabilities.shape[1] - 1)
    # (n, temperatures, rates)
    likelihood = np.log((1 - _RATES) * fitting[..., None] + _RATES * others[..., None] + _FLOOR)
    flat = likelihood.reshape(len(labels), -1)

    def best(weights: Float64Array) -> tuple[NDArray[Any], NDArray[Any]]:
        return np.unravel_index((weights @ flat).argmax(axis=1), likelihood.shape[1:])

    temperature, rate = (int(position[0]) for position in best(np.ones((1, len(labels)))))
    drawn = [best(weights)[1] for weights in draw_replicates(groups, seed=seed, count=_REPLICATES)]
    low, high = np.percentile(_RATES[np.concatenate(drawn)], _LEVELS)
    wrong = _RATES[rate] * others[:, temperature]
    chances = wrong / ((1 - _RATES[rate]) * fitting[:, temperature] + wrong)
    return LabelNoise(float(_RATES[rate]), float(low), float(high), float(_TEMPERATURES[temperature]), chances)


def _of_label(probabilities: Float64Array, labels: NDArray[np.intp], temperature: float) -> Float64Array:
    """Return the probability of each image's label at a temperature."""
    logits = np.log(np.maximum(probabilities, _FLOOR)) / temperature
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Float64Array = raised[np.arange(len(labels)), labels] / raised.sum(axis=1)
    return np.clip(shares, _FLOOR, 1 - _FLOOR)
