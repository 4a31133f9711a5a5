"""Intervals that know that two images of one lesion are not two lesions.

Whole groups (lesions, patients, copies) are drawn with replacement: the cluster bootstrap (Davison and Hinkley, Bootstrap
Methods and their Application, 1997, section 3.8), percentile intervals.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from melanoma_detect.utils.arrays import Float64Array

REPLICATES = 2000
_CELLS = 4_000_000  # how many weights are held at once: memory stays flat however many images there are


class Figure(NamedTuple):
    """A figure with its 95 % interval.

    Attributes:
        value: The figure on all images; nan where it is not defined.
        low: The interval's lower end.
        high: The interval's upper end.
        lesions: How many independent lesions it rests on.
    """

    value: float
    low: float
    high: float
    lesions: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]" if np.isfinite(self.value) else "–"


def replicates(groups: Sequence[str], *, seed: int, count: int = REPLICATES) -> Iterator[Float64Array]:
    """Draw how often each image counts in each replicate.

    Args:
        groups: The group of each image, `(n,)`.
        seed: Where the draws come from.
        count: How many replicates.

    Yields:
        Weights `(some, n)`: whole numbers, the same for all images of a group.

    Examples:
        >>> [weights.shape for weights in replicates(["a", "a", "b"], seed=1, count=5)]
        [(5, 3)]
    """
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    rng = np.random.default_rng(seed)
    step = max(1, _CELLS // len(index))
    for at in range(0, count, step):
        drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=min(step, count - at))
        yield drawn[:, index].astype(np.float64)


def figures(
    statistics: Callable[[Float64Array], dict[str, Float64Array]],
    groups: Sequence[str],
    counts: dict[str, int],
    *,
    seed: int,
    mirrored: Collection[str] = (),
) -> dict[str, Figure]:
    """Compute figures and their intervals.

    Where every image counts for or against (a figure of 0 or 1), resampling sees no doubt at all; the exact interval of
    Clopper and Pearson over the lesions is given instead (Biometrika 26, 1934).

    A figure that chance alone makes larger, as a calibration error, is made larger by resampling once more, by about as much.
    Its interval is the basic bootstrap's (Davison and Hinkley, section 5.2), which takes that off: the percentiles mirrored at
    the figure, drawn out where that is needed to hold the figure.

    Args:
        statistics: From weights `(some, n)` to named figures `(some,)`, each from 0 to 1, or nan.
        groups: The group of each image, `(n,)`.
        counts: How many independent lesions each figure rests on.
        seed: Where the draws come from.
        mirrored: The names of figures that chance makes larger.

    Returns:
        For each name, the figure.

    Examples:
        >>> right = np.array([1.0, 1.0, 0.0])
        >>> share = lambda weights: {"share": weights @ right / weights.sum(axis=1)}
        >>> round(figures(share, ["a", "b", "c"], {"share": 3}, seed=1)["share"].value, 2)
        0.67
    """
    points = statistics(np.ones((1, len(groups))))
    drawn = [statistics(weights) for weights in replicates(groups, seed=seed)]
    return {
        name: _figure(
            float(value[0]), np.concatenate([chunk[name] for chunk in drawn]), counts[name], mirror=name in mirrored
        )
        for name, value in points.items()
    }


def _figure(value: float, drawn: Float64Array, count: int, *, mirror: bool) -> Figure:
    kept = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not kept.size:
        return Figure(float("nan"), float("nan"), float("nan"), count)
    if value in (0.0, 1.0):
        doubt = 1 - 0.025 ** (1 / max(count, 1))
        return Figure(value, 0.0, doubt, count) if value == 0 else Figure(value, 1 - doubt, 1.0, count)
    low, high = map(float, np.percentile(kept, (2.5, 97.5)))
    if mirror:
        low, high = max(0.0, min(value, 2 * value - high)), max(value, 2 * value - low)
    return Figure(value, low, high, count)
