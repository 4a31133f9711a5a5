"""The nearest of many vectors by cosine distance, with NumPy alone: every distance is computed, and nothing is missed."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.utils.arrays import Float32Array, Float64Array

_EXACT = 2000  # vectors up to which all features are kept
_DIRECTIONS = 256  # which hold 98 % of what features of lesions differ by, in a fifth of the memory
_SAMPLE = 20_000  # vectors, evenly spaced, that the directions are found by: more take minutes and change nothing
_BLOCK = 4096  # vectors that are cast to float64 at once


@dataclass(frozen=True, eq=False)
class Vectors:
    """Vectors of length 1, perhaps in fewer directions.

    Attributes:
        values: float32 `(n, m)`.
        directions: float32 `(d, m)`, orthonormal columns: the directions that are kept of d features; None for all.
    """

    values: Float32Array
    directions: Float32Array | None

    @property
    def width(self) -> int:
        """The number of features, d."""
        return int(self.values.shape[1] if self.directions is None else self.directions.shape[0])

    @cached_property
    def _squares(self) -> Float64Array:
        """The squared length of each vector: a search reads all values once, and not twice."""
        return np.asarray(np.einsum("ij,ij->i", self.values, self.values), np.float64)

    def distances(self, features: Float32Array) -> Float64Array:
        """Return the cosine distance of each vector to an image's features.

        Args:
            features: float32 `(d,)`, as a model gives them.

        Returns:
            float64 `(n,)`: 0 for the same direction, 1 for unrelated ones, at most 2.

        Examples:
            >>> vectors = reduce_features(np.eye(3, dtype=np.float32))
            >>> vectors.distances(np.array([2, 0, 0], np.float32)).tolist()
            [0.0, 1.0, 1.0]
        """
        query = _unit(features[None])[0]
        if self.directions is not None:
            query = query @ self.directions
        # Half of the squared distance of two vectors of length 1: 0 for the same image, also in fewer directions.
        squared = self._squares + float(query @ query) - 2 * (self.values @ query).astype(np.float64)
        return np.asarray(np.clip(squared / 2, 0, 2))


def reduce_features(features: Float32Array) -> Vectors:
    """Return features as vectors of length 1; of over 2,000 images in the 256 directions that hold most of them.

    Args:
        features: float32 `(n, d)`, as a model gives them.

    Returns:
        The vectors.

    Examples:
        >>> reduce_features(np.ones((2, 4), np.float32)).values[0].tolist()
        [0.5, 0.5, 0.5, 0.5]
    """
    units = _unit(features)
    if len(units) <= _EXACT or units.shape[1] <= _DIRECTIONS:
        return Vectors(units, None)
    moments = np.zeros((units.shape[1],) * 2)
    sample = units[:: -(-len(units) // _SAMPLE)]
    for start in range(0, len(sample), _BLOCK):
        block = sample[start : start + _BLOCK].astype(np.float64)
        moments += block.T @ block
    _, vectors = np.linalg.eigh(moments)
    directions = np.ascontiguousarray(vectors[:, : -_DIRECTIONS - 1 : -1], dtype=np.float32)
    return Vectors(units @ directions, directions)


def in_order(distances: Float64Array) -> NDArray[np.int64]:
    """Return the positions of distances, the smallest first; equal ones in their order.

    Args:
        distances: float64 `(n,)`.

    Returns:
        `(n,)`.

    Examples:
        >>> in_order(np.array([0.5, 0.1, 0.5])).tolist()
        [1, 0, 2]
    """
    return np.argsort(distances, kind="stable")


def _unit(features: Float32Array) -> Float32Array:
    lengths = np.linalg.norm(features.astype(np.float64), axis=1, keepdims=True)
    units: Float32Array = (features / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return units
