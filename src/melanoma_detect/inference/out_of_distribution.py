"""What is unlike all that the model was trained on, by the model's own features.

Features are brought to length 1 and described by their main directions (principal components). How far an image lies off is
its Mahalanobis distance along those directions and the length of what they leave over, each on the scale of the training
images (after Lee et al. 2018, arXiv:1807.03888, and Wang et al. 2022, "ViM", arXiv:2203.10807). NumPy only.
"""

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.utils.arrays import Float32Array

_DIRECTIONS = 64
_SHARE = 0.95  # of the variance that the directions explain
_LEAST = 1e-6


@dataclass(frozen=True, eq=False)
class FeatureSpace:
    """Where the features of training images lie.

    Attributes:
        mean: float32 `(d,)`.
        directions: The main directions, each divided by its standard deviation, float32 `(d, k)`.
        residual: The root mean square length of what the directions leave over.
    """

    mean: Float32Array
    directions: Float32Array
    residual: float

    @classmethod
    def of(cls, features: Float32Array) -> "FeatureSpace":
        """Describe features.

        Args:
            features: `(n, d)`, of training images.

        Returns:
            Where they lie.

        Examples:
            >>> space = FeatureSpace.of(np.random.default_rng(1).normal(size=(200, 8)).astype(np.float32))
            >>> space.mean.shape
            (8,)
        """
        unit = _unit(features).astype(np.float64)
        mean = unit.mean(axis=0)
        centred = unit - mean
        variance, axes = np.linalg.eigh(centred.T @ centred / max(len(unit) - 1, 1))
        variance, axes = np.maximum(variance[::-1], 0), axes[:, ::-1]
        explained = np.cumsum(variance) / max(variance.sum(), _LEAST)
        count = min(_DIRECTIONS, int(np.searchsorted(explained, _SHARE)) + 1, max(len(unit) // 4, 1))
        left = centred - centred @ axes[:, :count] @ axes[:, :count].T
        # Where the directions explain all there is, what is left is rounding, and must not be measured by itself.
        least = 1e-3 * np.sqrt(variance.sum()) + _LEAST
        residual = max(float(np.sqrt(np.square(left).sum(axis=1).mean())), float(least))
        scaled = axes[:, :count] / np.sqrt(np.maximum(variance[:count], _LEAST**2))
        return cls(mean.astype(np.float32), scaled.astype(np.float32), residual)

    def distance(self, features: Float32Array) -> NDArray[np.float64]:
        """Say how far images lie from the training images.

        Args:
            features: `(n, d)`.

        Returns:
            `(n,)`, 0 and more; about 1 for training images.

        Examples:
            >>> seen = np.random.default_rng(1).normal(size=(500, 8)).astype(np.float32)
            >>> bool(0.5 < FeatureSpace.of(seen).distance(seen).mean() < 1.2)
            True
        """
        centred = _unit(features) - self.mean
        along = centred @ self.directions
        mahalanobis = np.einsum("nk,nk->n", along, along, dtype=np.float64) / along.shape[1]
        inside = along / self._lengths
        left = np.einsum("nd,nd->n", centred, centred, dtype=np.float64) - np.einsum("nk,nk->n", inside, inside)
        return np.asarray(np.sqrt((mahalanobis + np.maximum(left, 0) / self.residual**2) / 2))

    @functools.cached_property
    def _lengths(self) -> Float32Array:
        return np.asarray(np.linalg.norm(self.directions, axis=0), np.float32)


def _unit(features: Float32Array) -> Float32Array:
    length = np.sqrt(np.einsum("nd,nd->n", features, features))[:, None]
    unit: Float32Array = (features / np.maximum(length, _LEAST)).astype(np.float32, copy=False)
    return unit
