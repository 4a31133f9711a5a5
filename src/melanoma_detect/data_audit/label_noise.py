"""How many labels are wrong, and how likely each is: a mixture of labels that fit the image, and others.

With probability `1 - rate` a label is drawn from the probabilities of its image, with probability `rate` it is any other one,
each as likely as the next: the contamination model of Tukey (1960), for labels. The "confident joint" of Northcutt et al. 2021
(doi 10.1613/jair.1.12125) counts the labels that contradict instead, and counts images that are merely hard with them.

The probabilities come from a model that is too sure or not sure enough. Two numbers
that calibrate them are fitted together with the rate: a temperature (Guo et al. 2017, arXiv:1706.04599), and a curvature, by
which classes that are far less probable than the first become rarer still. Without the second, planted errors were
underestimated: right labels contradict a sure answer less often than a softmax has it, and its tail hid the wrong ones. Nothing
is maximised: rate and chances are means over all rates and calibrations, by their likelihood, each rate as likely beforehand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.utils.arrays import Float64Array

_TEMPERATURES = np.geomspace(0.4, 3, 24)
_CURVATURES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)
_EDGES = np.concatenate([[0], np.geomspace(5e-4, 0.5, 60)])  # of the intervals of rates
_RATES, _WIDTHS = (_EDGES[1:] + _EDGES[:-1]) / 2, np.diff(_EDGES)
_ENDS = (0.025, 0.975)  # of a 95 % interval
_FLOOR = 1e-9  # of a probability
_NEGLIGIBLE = 1e-5  # share of a calibration in the posterior


@dataclass(frozen=True)
class LabelNoise:
    """How many labels are wrong.

    Attributes:
        rate: The share of labels that are wrong, between 0 and 1.
        low: The lower end of its 95 % (credible) interval.
        high: The upper end.
        chances: The chance that each label is wrong, `(n,)`.
    """

    rate: float
    low: float
    high: float
    chances: Float64Array


def fit_label_noise(probabilities: Float64Array, labels: NDArray[np.intp], groups: Sequence[str]) -> LabelNoise:
    """Estimate the share of wrong labels, and the chance of each.

    Args:
        probabilities: Of each image and class, `(n, classes)`, by a model that has not learnt from this image; rows sum to 1.
        labels: The position of each image's label among the classes, `(n,)`.
        groups: The lesion or patient of each image, `(n,)`: several images of one count as one.

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
    calibrations = list(product(_TEMPERATURES.tolist(), _CURVATURES))
    fitted = [_of_label(probabilities, labels, *pair) for pair in calibrations]
    independent = len(set(groups)) / len(labels)
    # (calibrations, rates)
    log = independent * np.array([np.log(_mix(*pair)).sum(axis=0) for pair in fitted])
    posterior = np.exp(log - log.max()) * _WIDTHS
    posterior /= posterior.sum()
    of_rates = posterior.sum(axis=0)
    low, high = np.interp(_ENDS, np.concatenate([[0], of_rates.cumsum()]), _EDGES)
    chances = np.zeros(len(labels))
    for (fitting, others), shares in zip(fitted, posterior, strict=True):
        if shares.sum() > _NEGLIGIBLE:
            chances += (_RATES * others[:, None] / _mix(fitting, others)) @ shares
    return LabelNoise(float(of_rates @ _RATES), float(low), float(high), chances)


def _mix(fitting: Float64Array, others: Float64Array) -> Float64Array:
    """Return the likelihood of each label at each rate, `(n, rates)`."""
    return np.asarray((1 - _RATES) * fitting[:, None] + _RATES * others[:, None])


def _of_label(
    probabilities: Float64Array, labels: NDArray[np.intp], temperature: float, curvature: float
) -> tuple[Float64Array, Float64Array]:
    """Return the likelihood of each label where it fits its image, and where it is any other one."""
    logits = np.log(np.maximum(probabilities, _FLOOR))
    fall = (logits - logits.max(axis=1, keepdims=True)) / temperature
    raised = np.exp(fall - curvature * fall**2)
    fitting = np.clip(raised[np.arange(len(labels)), labels] / raised.sum(axis=1), _FLOOR, 1 - _FLOOR)
    return fitting, (1 - fitting) / (probabilities.shape[1] - 1)
