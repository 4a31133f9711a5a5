"""Out-of-distribution scores: how far the features of an image lie from those of the training images.

Features are scaled to length 1 and projected on their principal components. The score combines the Mahalanobis distance along
the components (after Lee et al. 2018, arXiv:1807.03888) with the length of the residual that they do not explain (after Wang et
al. 2022, "ViM", arXiv:2203.10807), each relative to the training images. NumPy only.
"""

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.utils.arrays import Float32Array

_MAX_COMPONENTS = 64  # keeps the projection far cheaper than the model
_EXPLAINED = 0.95  # share of the variance that the components explain; the residual measures the rest
_EPSILON = 1e-6  # keeps features of length 0 and variances of 0 from dividing by zero


@dataclass(frozen=True, eq=False)
class FeatureSpace:
    """The distribution of the features of the training images.

    Attributes:
        mean: The mean of the features at length 1, float32 `(d,)`.
        directions: The principal components, each divided by its standard deviation, float32 `(d, k)`.
        residual: The root mean square length of the residuals.
    """

    mean: Float32Array
    directions: Float32Array
    residual: float

    @classmethod
    def fit(cls, features: Float32Array) -> "FeatureSpace":
        """Fit the distribution of features.

        Args:
            features: `(n, d)`, of training images.

        Returns:
            Their distribution.

        Examples:
            >>> space = FeatureSpace.fit(np.random.default_rng(1).normal(size=(200, 8)).astype(np.float32))
            >>> space.mean.shape
            (8,)
        """
        unit = _unit(features).astype(np.float64)
        mean = unit.mean(axis=0)
        centred = unit - mean
        variance, axes = np.linalg.eigh(centred.T @ centred / max(len(unit) - 1, 1))
        variance, axes = np.maximum(variance[::-1], 0), axes[:, ::-1]
        explained = np.cumsum(variance) / max(variance.sum(), _EPSILON)
        # A variance needs at least four images: with fewer, training images would lie nearer than others of their kind.
        count = min(_MAX_COMPONENTS, int(np.searchsorted(explained, _EXPLAINED)) + 1, max(len(unit) // 4, 1))
        residuals = centred - centred @ axes[:, :count] @ axes[:, :count].T
        # Where the components explain everything, residuals are rounding errors, and their own scale means nothing.
        floor = 1e-3 * np.sqrt(variance.sum()) + _EPSILON
        residual = max(float(np.sqrt(np.square(residuals).sum(axis=1).mean())), float(floor))
        scaled = axes[:, :count] / np.sqrt(np.maximum(variance[:count], _EPSILON**2))
        return cls(mean.astype(np.float32), scaled.astype(np.float32), residual)

    def distance(self, features: Float32Array) -> NDArray[np.float64]:
        """Return the out-of-distribution score of images.

        Args:
            features: `(n, d)`.

        Returns:
            `(n,)`, 0 and higher; about 1 for training images.

        Examples:
            >>> features = np.random.default_rng(1).normal(size=(500, 8)).astype(np.float32)
            >>> bool(0.5 < FeatureSpace.fit(features).distance(features).mean() < 1.2)
            True
        """
        centred = _unit(features) - self.mean
        whitened = centred @ self.directions
        mahalanobis = np.einsum("nk,nk->n", whitened, whitened, dtype=np.float64) / whitened.shape[1]
        projected = whitened / self._lengths
        # By Pythagoras: the residual's squared length without computing the residual, which is `d` long.
        residual = np.einsum("nd,nd->n", centred, centred, dtype=np.float64) - np.einsum(
            "nk,nk->n", projected, projected
        )
        return np.asarray(np.sqrt((mahalanobis + np.maximum(residual, 0) / self.residual**2) / 2))

    @functools.cached_property
    def _lengths(self) -> Float32Array:
        return np.asarray(np.linalg.norm(self.directions, axis=0), np.float32)


def _unit(features: Float32Array) -> Float32Array:
    length = np.sqrt(np.einsum("nd,nd->n", features, features))[:, None]
    unit: Float32Array = (features / np.maximum(length, _EPSILON)).astype(np.float32, copy=False)
    return unit
