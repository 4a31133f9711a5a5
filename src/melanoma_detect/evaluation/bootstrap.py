"""Cluster bootstrap: 95 % confidence intervals that count lesions, not images.

Several images of one lesion are not independent, so whole groups (lesions, patients, duplicates) are drawn with replacement:
the cluster bootstrap of Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8, with percentile
intervals.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import numpy as np

from melanoma_detect.utils.arrays import Float64Array

REPLICATES = 2000  # from seed to seed, the ends of an interval then vary by about 6 % of the standard error
_MAX_WEIGHTS = 4_000_000  # numbers drawn at once (32 MB): memory does not grow with the number of images
_NO_MAXIMA: Mapping[str, float] = MappingProxyType({})
_LEVELS = (2.5, 97.5)  # percentiles of a 95 % interval

# A function from weights (replicates, n) to named metrics (replicates,).
Metrics: TypeAlias = Callable[[Float64Array], dict[str, Float64Array]]


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
        if not np.isfinite(self.value):
            return "–"
        value, low, high = (round(number, 3) + 0.0 for number in self[:3])  # 0.0: no "-0.000"
        return f"{value:.3f} [{low:.3f}, {high:.3f}]"


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


def compute_replicates(metrics: Metrics, groups: Sequence[str], *, seed: int) -> dict[str, Float64Array]:
    """Compute metrics on every bootstrap replicate.

    Args:
        metrics: A function from weights `(replicates, n)` to named metrics `(replicates,)`.
        groups: The group of each image, `(n,)`.
        seed: Seed of the draws. Two sets of metrics with the same groups and seed are computed on the same replicates.

    Returns:
        For each metric its values, `(2000,)`; nan where a replicate does not define it.

    Examples:
        >>> mean = lambda weights: {"mean": weights @ np.array([0.0, 1.0]) / 2}
        >>> compute_replicates(mean, ["a", "b"], seed=1)["mean"].shape
        (2000,)
    """
    chunks = [metrics(weights) for weights in draw_replicates(groups, seed=seed)]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def compute_signed_figures(metrics: Metrics, groups: Sequence[str], lesions: int, *, seed: int) -> dict[str, Figure]:
    """Compute metrics that may be negative, such as a net benefit, with 95 % percentile intervals.

    Args:
        metrics: A function from weights `(replicates, n)` to named metrics `(replicates,)`, or nan.
        groups: The group of each image, `(n,)`.
        lesions: The number of independent lesions that they rest on.
        seed: Seed of the draws.

    Returns:
        A figure for each metric.

    Examples:
        >>> mean = lambda weights: {"mean": weights @ np.array([-1.0, -0.5]) / 2}
        >>> print(compute_signed_figures(mean, ["a", "b"], 2, seed=1)["mean"])
        -0.750 [-1.000, -0.500]
    """
    values = metrics(np.ones((1, len(groups))))
    replicates = compute_replicates(metrics, groups, seed=seed)
    return {name: percentile_figure(float(value[0]), replicates[name], lesions) for name, value in values.items()}


def percentile_figure(value: float, replicates: Float64Array, lesions: int) -> Figure:
    """Return a value with the 95 % percentile interval of its replicates.

    Args:
        value: The metric on all images.
        replicates: The metric on each replicate; nan where it is not defined.
        lesions: The number of independent lesions that it rests on.

    Returns:
        The figure; nan if the value, or every replicate, is.

    Examples:
        >>> print(percentile_figure(0.5, np.array([0.4, 0.5, 0.6]), 3))
        0.500 [0.405, 0.595]
    """
    defined = replicates[np.isfinite(replicates)]
    if not np.isfinite(value) or not defined.size:
        return Figure(float("nan"), float("nan"), float("nan"), lesions)
    low, high = map(float, np.percentile(defined, _LEVELS))
    return Figure(value, low, high, lesions)


def compute_figures(
    metrics: Metrics,
    groups: Sequence[str],
    lesions: dict[str, int],
    *,
    seed: int,
    biased: Collection[str] = (),
    maxima: Mapping[str, float] = _NO_MAXIMA,
) -> dict[str, Figure]:
    """Compute metrics with their 95 % confidence intervals.

    If every image counts for or against (a value of 0, or the highest one), all replicates are alike and the percentile
    interval would have no width; the exact interval of Clopper and Pearson over the lesions is given instead (Biometrika 26,
    1934).

    Chance alone makes some metrics larger, such as a calibration error, and resampling adds about as much again. Their interval
    is the basic bootstrap's (Davison and Hinkley, section 5.2), which takes that bias off: the percentiles reflected at the
    value, and widened if necessary to contain it.

    Args:
        metrics: A function from weights `(replicates, n)` to named metrics `(replicates,)`, each from 0 to its highest
            value, or nan.
        groups: The group of each image, `(n,)`.
        lesions: The number of independent lesions that each metric rests on.
        seed: Seed of the draws.
        biased: The names of metrics that chance makes larger.
        maxima: The highest value of metrics for which it is not 1.

    Returns:
        A figure for each metric.

    Examples:
        >>> correct = np.array([1.0, 1.0, 0.0])
        >>> accuracy = lambda weights: {"accuracy": weights @ correct / weights.sum(axis=1)}
        >>> round(compute_figures(accuracy, ["a", "b", "c"], {"accuracy": 3}, seed=1)["accuracy"].value, 2)
        0.67
    """
    values = metrics(np.ones((1, len(groups))))
    replicates = compute_replicates(metrics, groups, seed=seed)
    return {
        name: _figure(
            float(value[0]), replicates[name], lesions[name], biased=name in biased, maximum=maxima.get(name, 1.0)
        )
        for name, value in values.items()
    }


def _figure(value: float, replicates: Float64Array, lesions: int, *, biased: bool, maximum: float) -> Figure:
    # A replicate without, for example, any melanoma has no sensitivity: nan, and left out.
    figure = percentile_figure(value, replicates, lesions)
    if not np.isfinite(figure.value):
        return figure
    width = maximum * (1 - 0.025 ** (1 / max(lesions, 1)))  # Clopper and Pearson for 0 or n of n
    if value == 0:
        return Figure(0.0, 0.0, width, lesions)
    if np.isclose(value, maximum, rtol=0, atol=1e-12):
        return Figure(maximum, maximum - width, maximum, lesions)
    if biased:
        low, high = max(0.0, min(value, 2 * value - figure.high)), max(value, 2 * value - figure.low)
        return Figure(value, low, high, lesions)
    return figure
