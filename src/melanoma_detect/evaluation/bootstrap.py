"""Cluster bootstrap: 95 % confidence intervals that count lesions, not images.

Several images of one lesion are not independent, so whole groups (lesions, patients, duplicates) are drawn with replacement:
the cluster bootstrap of Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8, with percentile
intervals.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from melanoma_detect.utils.arrays import Float64Array

REPLICATES = 2000  # from seed to seed, the ends of an interval then vary by about 6 % of the standard error
_MAX_WEIGHTS = 4_000_000  # numbers drawn at once (32 MB): memory does not grow with the number of images


class Figure(NamedTuple):
    """The value of a metric with its 95 % confidence interval.

    Attributes:
        value: The metric on all images; nan if it is not defined.
        low: The lower end of the interval.
        high: The upper end of the interval.
        lesions: The number of independent lesions that it rests on.
    """

    value: float
    low: float
    high: float
    lesions: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]" if np.isfinite(self.value) else "–"


def draw_replicates(groups: Sequence[str], *, seed: int, count: int = REPLICATES) -> Iterator[Float64Array]:
    """Draw bootstrap replicates, as weights: how often each image occurs in each replicate.

    Args:
        groups: The group of each image, `(n,)`.
        seed: Seed of the draws.
        count: The number of replicates.

    Yields:
        Chunks of weights, `(replicates, n)`: whole numbers, equal for all images of a group.

    Examples:
        >>> [weights.shape for weights in draw_replicates(["a", "a", "b"], seed=1, count=5)]
        [(5, 3)]
    """
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    rng = np.random.default_rng(seed)
    chunk = max(1, _MAX_WEIGHTS // len(index))
    for start in range(0, count, chunk):
        drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=min(chunk, count - start))
        yield drawn[:, index].astype(np.float64)


def compute_figures(
    metrics: Callable[[Float64Array], dict[str, Float64Array]],
    groups: Sequence[str],
    lesions: dict[str, int],
    *,
    seed: int,
    biased: Collection[str] = (),
) -> dict[str, Figure]:
    """Compute metrics with their 95 % confidence intervals.

    If every image counts for or against (a value of 0 or 1), all replicates are alike and the percentile interval would have
    no width; the exact interval of Clopper and Pearson over the lesions is given instead (Biometrika 26, 1934).

    Chance alone makes some metrics larger, such as a calibration error, and resampling adds about as much again. Their interval
    is the basic bootstrap's (Davison and Hinkley, section 5.2), which takes that bias off: the percentiles reflected at the
    value, and widened if necessary to contain it.

    Args:
        metrics: A function from weights `(replicates, n)` to named metrics `(replicates,)`, each from 0 to 1, or nan.
        groups: The group of each image, `(n,)`.
        lesions: The number of independent lesions that each metric rests on.
        seed: Seed of the draws.
        biased: The names of metrics that chance makes larger.

    Returns:
        A figure for each metric.

    Examples:
        >>> correct = np.array([1.0, 1.0, 0.0])
        >>> accuracy = lambda weights: {"accuracy": weights @ correct / weights.sum(axis=1)}
        >>> round(compute_figures(accuracy, ["a", "b", "c"], {"accuracy": 3}, seed=1)["accuracy"].value, 2)
        0.67
    """
    values = metrics(np.ones((1, len(groups))))
    replicates = [metrics(weights) for weights in draw_replicates(groups, seed=seed)]
    return {
        name: _figure(
            float(value[0]), np.concatenate([chunk[name] for chunk in replicates]), lesions[name], biased=name in biased
        )
        for name, value in values.items()
    }


def _figure(value: float, replicates: Float64Array, lesions: int, *, biased: bool) -> Figure:
    # A replicate without, for example, any melanoma has no sensitivity: nan, and left out.
    defined = replicates[np.isfinite(replicates)]
    if not np.isfinite(value) or not defined.size:
        return Figure(float("nan"), float("nan"), float("nan"), lesions)
    if value in (0.0, 1.0):
        width = 1 - 0.025 ** (1 / max(lesions, 1))  # Clopper and Pearson for 0 or n of n
        return Figure(value, 0.0, width, lesions) if value == 0 else Figure(value, 1 - width, 1.0, lesions)
    low, high = map(float, np.percentile(defined, (2.5, 97.5)))
    if biased:
        low, high = max(0.0, min(value, 2 * value - high)), max(value, 2 * value - low)
    return Figure(value, low, high, lesions)
