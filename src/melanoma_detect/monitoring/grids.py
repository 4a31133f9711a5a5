"""Fixed grids of the numbers that are watched: a sketch counts images in their bins.

A number is replaced by the middle of its bin. Ranks of such numbers among each other are as valid as those of the numbers
themselves, since ties are broken at random; only differences within a bin are lost.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from melanoma_detect.utils.arrays import Float64Array

PROJECTIONS = 16  # features that a sketch holds: random directions of the detector's features
FEATURES = tuple(f"feature {number}" for number in range(1, PROJECTIONS + 1))


@dataclass(frozen=True)
class Grid:
    """Bins of equal width.

    Attributes:
        low: Where the first one begins; smaller numbers are in it too.
        high: Where the last one ends; larger numbers are in it too.
        bins: How many there are.
        odds: Whether the numbers are probabilities, whose natural log-odds the bins divide.

    Examples:
        >>> Grid(0.0, 1.0, 4).round_values([0.1, 0.3, 2.0]).tolist()
        [0.125, 0.375, 0.875]
    """

    low: float
    high: float
    bins: int
    odds: bool = False

    def find(self, values: ArrayLike) -> NDArray[np.int64]:
        """Return the bin of each number.

        Args:
            values: `(n,)`, finite.

        Returns:
            `(n,)`, from 0.
        """
        numbers = np.asarray(values, np.float64)
        if self.odds:
            with np.errstate(divide="ignore"):
                numbers = np.log(numbers) - np.log1p(-numbers)
        share = np.clip((numbers - self.low) / (self.high - self.low), 0, 1)
        return np.minimum((share * self.bins).astype(np.int64), self.bins - 1)

    def middles(self, found: ArrayLike) -> Float64Array:
        """Return the middle of bins.

        Args:
            found: `(n,)`, from `find`.

        Returns:
            `(n,)`.
        """
        middle = self.low + (np.asarray(found, np.float64) + 0.5) * (self.high - self.low) / self.bins
        return np.asarray(1 / (1 + np.exp(-middle)) if self.odds else middle)

    def round_values(self, values: ArrayLike) -> Float64Array:
        """Return the middle of the bin of each number.

        Args:
            values: `(n,)`, finite.

        Returns:
            `(n,)`.
        """
        return self.middles(self.find(values))


# Bins are far narrower than the numbers of a day spread; of probabilities 2 % of their odds.
GRIDS: dict[str, Grid] = {
    "melanoma": Grid(-14.0, 14.0, 1400, odds=True),
    "malignant": Grid(-14.0, 14.0, 1400, odds=True),
    "distance": Grid(0.0, 16.0, 800),
    "red": Grid(-3.0, 3.0, 600),
    "blue": Grid(-3.0, 3.0, 600),
    "brightness": Grid(0.0, 1.0, 400),
    **dict.fromkeys(FEATURES, Grid(-10.0, 10.0, 200)),
}
