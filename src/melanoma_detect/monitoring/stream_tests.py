"""The sequential tests of a stream: one for each number that is watched, of all images and of each source."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from melanoma_detect.monitoring.betting import BettingProcess
from melanoma_detect.monitoring.conformal import ConformalRanks
from melanoma_detect.monitoring.grids import FEATURES
from melanoma_detect.monitoring.samples import Samples, Statistic
from melanoma_detect.utils.arrays import Float64Array

# What is watched, and its part of the false-alarm probability: within a group all numbers have the same. Colours come by
# themselves since they show a lamp, a camera and a white balance long before the scores do.
GROUPS = (
    (frozenset({"melanoma", "malignant", "abstained"}), 0.5),
    (frozenset({"distance", "red", "blue", "brightness"}), 0.25),
    (frozenset(FEATURES), 0.25),
)
_RECENT = 4  # periods up to an alarm whose ranks say in which direction values have changed
_CLEAR = 2.0  # standard errors of the mean rank from 1/2


@dataclass(frozen=True)
class StreamTest:
    """The test of one number, of all images or of one source.

    Attributes:
        statistic: The number that is watched.
        source: The source; empty for all images.
        level: The evidence that raises an alarm: 1 divided by this test's part of the false-alarm probability.
        evidence: After each period.
        mean_ranks: The mean rank of the values of each period among those before them, 0 to 1; nan for a period without values.
        images: How many values each period had.
        alarm: The position of the period that raised the alarm; None for none.
    """

    statistic: Statistic
    source: str
    level: float
    evidence: tuple[float, ...]
    mean_ranks: tuple[float, ...]
    images: tuple[int, ...]
    alarm: int | None

    @property
    def strength(self) -> float:
        """The highest evidence as a share of what raises an alarm: 1 or more where it has."""
        return max(self.evidence, default=1.0) / self.level

    @property
    def direction(self) -> str:
        """`"higher"` or `"lower"` than in the reference, or `"spread differently"`, up to the alarm or the last period."""
        end = len(self.images) if self.alarm is None else self.alarm + 1
        recent = slice(max(0, end - _RECENT), end)
        images, ranks = np.array(self.images[recent]), np.array(self.mean_ranks[recent])
        total = images.sum()
        if not total:
            return "spread differently"
        mean = np.nansum(images * ranks) / total
        if abs(mean - 0.5) < _CLEAR / np.sqrt(12 * total):
            return "spread differently"
        return "higher" if mean > 0.5 else "lower"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values by name."""
        return {
            **vars(self),
            "statistic": self.statistic.name,
            "image_type": self.statistic.image_type,
            "strength": self.strength,
            "direction": self.direction,
        }


def run_tests(
    blocks: Sequence[Samples],
    periods: Sequence[str],
    reference: Mapping[Statistic, Float64Array],
    *,
    alpha: float,
    seed: int = 0,
) -> tuple[StreamTest, ...]:
    """Test whether a stream looks like its reference.

    The false-alarm probability is divided among the tests, which together raise a false alarm with probability `alpha` at
    most, ever: half of it for scores and abstentions, a quarter for distance and colours, a quarter for the features, if
    there are all of these. Where there are several sources, half of it is for all images, and half for the sources: `1 / (s
    (s + 1))` of that for the s-th to appear, so that a source that appears later changes no earlier result. Martingales of
    different numbers have different histories, and their mean need not be one (Choe and Ramdas 2024, arXiv:2402.09698):
    hence no mean of them.

    Args:
        blocks: The stream, one block of each period and source.
        periods: The names of its periods, in the order of time.
        reference: By statistic, `(m,)`.
        alpha: Over 0 and under 1.
        seed: Of random order and ties.

    Returns:
        The tests of all images first.

    Examples:
        >>> rng, statistic = np.random.default_rng(1), Statistic("melanoma")
        >>> blocks = [Samples(day, values={statistic: rng.uniform(0.2, 1, 50)}) for day in ("monday", "tuesday", "wednesday")]
        >>> periods = [block.period for block in blocks]
        >>> [test] = run_tests(blocks, periods, {statistic: rng.uniform(size=500)}, alpha=0.05)
        >>> periods[test.alarm], test.direction
        ('monday', 'higher')
    """
    sources = list(dict.fromkeys(block.source for block in _in_order(blocks, periods)))
    several = len(sources) > 1
    share, weights = alpha / (2 if several else 1), divide_alpha(reference)
    watched = [("", list(blocks), 1 / share)]
    for position, source in enumerate(sources if several else [], start=1):
        own = [block for block in blocks if block.source == source]
        watched.append((source, own, position * (position + 1) / share))
    tests = []
    for position, (source, own, own_level) in enumerate(watched):
        for number, (statistic, values) in enumerate(reference.items()):
            ranks = ConformalRanks(values, seed=(seed, position, number))
            level = own_level / weights[statistic]
            tests.append(_run(statistic, source, level, _values(own, periods, statistic), ranks))
    return tuple(tests)


def divide_alpha(statistics: Iterable[Statistic]) -> dict[Statistic, float]:
    """Return the part of the false-alarm probability that the test of each number gets.

    Args:
        statistics: What is watched.

    Returns:
        By statistic, over 0; the parts sum to 1.

    Examples:
        >>> weights = divide_alpha([Statistic("melanoma"), Statistic("malignant"), Statistic("red")])
        >>> [round(weight, 3) for weight in weights.values()]
        [0.333, 0.333, 0.333]
    """
    listed = list(statistics)
    parts: dict[Statistic, float] = {}
    for names, weight in GROUPS:
        own = [statistic for statistic in listed if statistic.name in names]
        parts |= {statistic: weight / len(own) for statistic in own}
    total = sum(parts.values())
    return {statistic: parts[statistic] / total for statistic in listed}


def _in_order(blocks: Sequence[Samples], periods: Sequence[str]) -> list[Samples]:
    places = {period: place for place, period in enumerate(periods)}
    return sorted(blocks, key=lambda block: (places[block.period], block.source))


def _values(blocks: Sequence[Samples], periods: Sequence[str], statistic: Statistic) -> list[Float64Array]:
    """Return the values of each period."""
    found: dict[str, list[Float64Array]] = {period: [np.empty(0)] for period in periods}
    for block in blocks:
        if statistic in block.values:
            found[block.period].append(block.values[statistic])
    return [np.concatenate(found[period]) for period in periods]


def _run(
    statistic: Statistic, source: str, level: float, values: Sequence[Float64Array], ranks: ConformalRanks
) -> StreamTest:
    process = BettingProcess()
    evidence, means = [], []
    for own in values:
        p_values = ranks.p_values(own)
        evidence.append(process.update(p_values))
        means.append(float(p_values.mean()) if len(p_values) else float("nan"))
    alarm = next((number for number, capital in enumerate(evidence) if capital >= level), None)
    counts = tuple(map(len, values))
    return StreamTest(statistic, source, level, tuple(evidence), tuple(means), counts, alarm)
