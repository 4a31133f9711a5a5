"""Sketches: what is watched of scored images, by day and camera, without an image or a name.

A sketch is a few counts and sums, so that sketches of parts make that of the whole: of the numbers that are watched a
histogram on a fixed grid (`GRIDS`), and of the features count, sum and sum of products.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.monitoring.grids import GRIDS, PROJECTIONS
from melanoma_detect.monitoring.samples import Samples, Statistic
from melanoma_detect.utils.arrays import Float64Array

PRODUCTS = PROJECTIONS * (PROJECTIONS + 1) // 2
_TRIANGLE = np.tril_indices(PROJECTIONS)
_NAMED = 16  # reasons of abstentions that are counted by themselves in a cell
OTHERS = "others"
MOST_TESTED = 2_000_000  # numbers of a sketch, which take some seconds: a file of a few bins may stand for any number


@dataclass
class Moments:
    """The mean and the covariance of the features of images, as sums.

    Attributes:
        count: Images.
        sums: Of each feature, `(16,)`.
        products: Of each pair of features, `(136,)`: the lower triangle, row by row.
    """

    count: int = 0
    sums: Float64Array = field(default_factory=lambda: np.zeros(PROJECTIONS))
    products: Float64Array = field(default_factory=lambda: np.zeros(PRODUCTS))

    def add(self, features: Float64Array) -> None:
        """Add images.

        Args:
            features: `(n, 16)`, finite.
        """
        self.count += len(features)
        self.sums = self.sums + features.sum(axis=0)
        self.products = self.products + (features.T @ features)[_TRIANGLE]

    def merge(self, other: "Moments") -> None:
        """Add other images.

        Args:
            other: Their sums.
        """
        self.count += other.count
        self.sums = self.sums + other.sums
        self.products = self.products + other.products

    @property
    def mean(self) -> Float64Array:
        """The mean of each feature, `(16,)`; 0 without images."""
        return self.sums / max(self.count, 1)

    @property
    def covariance(self) -> Float64Array:
        """The covariance of the features, `(16, 16)`; 0 for fewer than two images."""
        full = np.zeros((PROJECTIONS, PROJECTIONS))
        full[_TRIANGLE] = self.products
        full = full + np.tril(full, -1).T
        centred = full - np.outer(self.sums, self.sums) / max(self.count, 1)
        return centred / (self.count - 1) if self.count > 1 else np.zeros_like(full)


@dataclass
class Cell:
    """The images of one day and one camera.

    Attributes:
        images: How many, unreadable ones among them.
        unreadable: How many could not be read.
        alerts: How many raised an alert.
        refers: How many are referred to a person.
        abstained: From how many readable ones the detector abstained.
        reasons: How often it did for which reason; after 16 different ones, further ones are `"others"`.
        histograms: By number that is watched, how many images are in which bin.
        moments: Of their features.
    """

    images: int = 0
    unreadable: int = 0
    alerts: int = 0
    refers: int = 0
    abstained: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    histograms: dict[Statistic, Counter[int]] = field(default_factory=dict)
    moments: Moments = field(default_factory=Moments)

    def add_values(self, statistic: Statistic, values: ArrayLike) -> None:
        """Count a number of images.

        Args:
            statistic: Which one.
            values: Of each image, `(n,)`, finite.
        """
        self.histograms.setdefault(statistic, Counter()).update(GRIDS[statistic.name].find(values).tolist())

    def add_reason(self, reason: str) -> None:
        """Count an abstention.

        Args:
            reason: Why.
        """
        self.abstained += 1
        self.reasons[reason if reason in self.reasons or len(self.reasons) < _NAMED else OTHERS] += 1

    def merge(self, other: "Cell") -> None:
        """Add other images.

        Args:
            other: What is known of them.
        """
        for name in ("images", "unreadable", "alerts", "refers", "abstained"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for reason, count in other.reasons.items():
            self.reasons[reason if reason in self.reasons or len(self.reasons) < _NAMED else OTHERS] += count
        for statistic, counts in other.histograms.items():
            self.histograms.setdefault(statistic, Counter()).update(counts)
        self.moments.merge(other.moments)

    def samples(self, period: str, source: str, part: "RandomPart | None" = None) -> Samples:
        """Return the images as score tables would give them, each number the middle of its bin.

        Args:
            period: The day.
            source: The camera.
            part: Which of the numbers; None for all.

        Returns:
            The numbers that are watched; the counts are of all images.
        """
        judged = self.images - self.unreadable
        counted = {name: (GRIDS[name.name].middles(sorted(counts)), counts) for name, counts in self.histograms.items()}
        values = {
            name: np.repeat(middles, _chosen([counts[own] for own in sorted(counts)], part))
            for name, (middles, counts) in sorted(counted.items(), key=lambda pair: pair[0])
        }
        values[Statistic("abstained")] = np.repeat([1.0, 0.0], _chosen([self.abstained, judged - self.abstained], part))
        counts = (self.images, self.unreadable, self.alerts, self.refers, self.abstained)
        return Samples(period, source, *counts, values=values)


@dataclass
class Sketch:
    """What is watched of scored images.

    Attributes:
        detector: A digest of the model and its features: sketches of other detectors cannot be compared with it.
        marks: Of each table that the images stand in, a number that tables of the same rows share (`score_tables.row_mark`).
        cells: By day and camera; that of an unknown camera is empty.

    Examples:
        >>> sketch = Sketch("0" * 64, (1,))
        >>> sketch.cell("2026-11-27", "Canon EOS 80D").images
        0
    """

    detector: str
    marks: tuple[int, ...] = ()
    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)

    @property
    def images(self) -> int:
        """How many images it is of."""
        return sum(cell.images for cell in self.cells.values())

    def cell(self, day: str, camera: str) -> Cell:
        """Return the cell of a day and a camera, which is made if there is none.

        Args:
            day: Such as `2026-11-27`.
            camera: Its name.

        Returns:
            The cell.
        """
        return self.cells.setdefault((day, camera), Cell())

    def moments(self) -> Moments:
        """Return the mean and covariance of the features of all images.

        Returns:
            Their sums.
        """
        total = Moments()
        for cell in self.cells.values():
            total.merge(cell.moments)
        return total

    def samples(self, *, by_camera: bool = False) -> list[Samples]:
        """Return the images by day, in the order of time; of over two million numbers a random part.

        Args:
            by_camera: Whether cameras are told apart.

        Returns:
            One of each day and source.

        Examples:
            >>> Sketch("0" * 64, cells={("2026-11-27", "A"): Cell(images=2)}).samples(by_camera=True)[0].source
            'A'
        """
        numbers = sum(counts.total() for cell in self.cells.values() for counts in cell.histograms.values())
        share = MOST_TESTED / max(numbers + self.images, 1)
        part = RandomPart(share, np.random.default_rng(0)) if share < 1 else None
        return [
            cell.samples(day, (camera or "unknown camera") if by_camera else "", part)
            for (day, camera), cell in sorted(self.cells.items(), key=lambda pair: pair[0])
        ]


class RandomPart(NamedTuple):
    """A random part of numbers.

    Which images it is of does not depend on their values, so that they are as exchangeable as all of them.

    Attributes:
        share: The probability of each number, over 0 and under 1.
        rng: One for all cells of a sketch: the same draw in each would be no chance.
    """

    share: float
    rng: np.random.Generator


def _chosen(counts: Sequence[int], part: RandomPart | None) -> Sequence[int]:
    """Return how many of each count are in a part."""
    return counts if part is None else part.rng.binomial(counts, part.share).tolist()


def merge_sketches(sketches: Iterable[Sketch]) -> Sketch:
    """Return sketches of several sets of images as one.

    Args:
        sketches: At least one, of the same detector.

    Returns:
        What is known of all images.

    Raises:
        ValueError: They are of different detectors, or there is none.

    Examples:
        >>> one = Sketch("0" * 64, (1,), {("2026-11-27", ""): Cell(images=2)})
        >>> merge_sketches([one, one]).images
        4
    """
    listed: Sequence[Sketch] = list(sketches)
    if len({sketch.detector for sketch in listed}) != 1:
        raise ValueError("sketches of different detectors, or none; expected those of one detector")
    merged = Sketch(listed[0].detector)
    for sketch in listed:
        merged.marks += sketch.marks
        for place, cell in sketch.cells.items():
            merged.cell(*place).merge(cell)
    return merged


def detector_digest(predictor: Predictor) -> str:
    """Return what sketches that may be compared have in common: the model's calibration and feature space, not its settings.

    Args:
        predictor: The detector's predictor.

    Returns:
        64 hexadecimal digits.

    Examples:
        >>> detector_digest(predictor) == detector_digest(predictor.at(target="malignant"))
        True
    """
    config = predictor.saved_config.to_dict()
    del config["settings"]
    found = sha256(json.dumps(config, sort_keys=True).encode())
    space = predictor.files.feature_space
    for name, array in sorted((space.to_arrays() if space else {}).items()):
        found.update(name.encode() + np.ascontiguousarray(array).tobytes())
    found.update(str(predictor.settings.views).encode())
    return found.hexdigest()
