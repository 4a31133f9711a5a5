"""What is watched of a stream: the numbers of its images, by period and source."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from melanoma_detect.utils.arrays import Float64Array


class Statistic(NamedTuple):
    """A number of each image that is watched.

    Attributes:
        name: `"melanoma"` and `"malignant"` (probabilities), `"abstained"` (1 or 0); of a sketch also `"distance"` from the
            training images, `"red"`, `"blue"` and `"brightness"` of the image, and `"feature 1"` and so on.
        image_type: `"dermoscopy"`, `"clinical"`, or empty where they are not told apart.
    """

    name: str
    image_type: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.image_type})" if self.image_type else self.name


@dataclass
class Samples:
    """The values of some images of one period and one source.

    Attributes:
        period: The day or week, or the table's name.
        source: The camera, clinic or folder; empty where sources are not told apart.
        images: How many images, unreadable ones among them.
        unreadable: How many could not be read.
        alerts: How many raised an alert.
        refers: How many are referred to a person.
        abstained: How many of those that could be read the detector abstained from.
        values: The numbers that are watched, in no particular order.
    """

    period: str
    source: str = ""
    images: int = 0
    unreadable: int = 0
    alerts: int = 0
    refers: int = 0
    abstained: int = 0
    values: dict[Statistic, Float64Array] = field(default_factory=dict)


def merge_samples(parts: Sequence[Samples]) -> Samples:
    """Return samples of one period and source as one.

    Args:
        parts: One or several; period and source are the first one's.

    Returns:
        Their images together.

    Examples:
        >>> merge_samples([Samples("monday", images=2), Samples("monday", images=3)]).images
        5
    """
    statistics = dict.fromkeys(name for part in parts for name in part.values)
    counts = {
        name: sum(getattr(part, name) for part in parts)
        for name in ("images", "unreadable", "alerts", "refers", "abstained")
    }
    values = {name: np.concatenate([part.values.get(name, np.empty(0)) for part in parts]) for name in statistics}
    return Samples(parts[0].period, parts[0].source, **counts, values=values)
