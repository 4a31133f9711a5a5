"""Out-of-distribution scores: how unlike the training images an image is, judged by its features.

Features are scaled to length 1, and measured in two ways:

- How far they lie from those of the training images: the Mahalanobis distance along their principal components (after Lee et
  al. 2018, arXiv:1807.03888), combined with the length of the residual that the components do not explain (after Wang et al.
  2022, "ViM", arXiv:2203.10807), each relative to the training images.
- How far they lie towards examples of outliers, which show no skin: the position along the direction that tells them from the
  training images, which is Fisher's linear discriminant with a shrunk covariance (Friedman 1989, doi
  10.1080/01621459.1989.10478752). Learning from examples is the idea of Hendrycks et al. 2019 ("Outlier Exposure",
  arXiv:1812.04606). It finds photographs of things that the distance misses, because the network never learnt to tell things
  apart, and it depends less on the hospital.

The score is the larger of the two. NumPy only.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.errors import DetectorError
from melanoma_detect.utils.arrays import Float32Array, Float64Array

_MAX_COMPONENTS = 64  # keeps the projection far cheaper than the model
_EXPLAINED = 0.95  # share of the variance that the components explain; the residual measures the rest
_EPSILON = 1e-6  # keeps features of length 0 and variances of 0 from dividing by zero
_SHRINKAGE = 0.1  # added to each variance, as a share of their mean: there are more features than examples of outliers
# The score of the mean of the outliers, where the distance of a training image is about 1. Chosen on everyday images, skin
# without a lesion, and text over a lesion: lower, the distance decides and misses photographs; higher, the distance is unused.
_OUTLIER_SCORE = 5.0


class OutlierDirection(NamedTuple):
    """The direction in feature space that tells outliers from training images.

    Attributes:
        weights: The direction, for features at length 1, float32 `(d,)`.
        bias: What is added, so that the mean of the training images is at 0.
    """

    weights: Float32Array
    bias: float

    @classmethod
    def fit(cls, features: Float32Array, outliers: Float32Array) -> "OutlierDirection":
        """Fit the direction.

        Args:
            features: `(n, d)`, of training images.
            outliers: `(m, d)`, of examples of images that are none.

        Returns:
            The direction, scaled so that the mean of the outliers is at 5.

        Examples:
            >>> rng = np.random.default_rng(1)
            >>> skin, things = rng.normal(size=(200, 8)) + 2, rng.normal(size=(50, 8)) + [4, 0, 2, 2, 2, 2, 2, 2]
            >>> direction = OutlierDirection.fit(skin.astype(np.float32), things.astype(np.float32))
            >>> bool(direction.position(things.astype(np.float32)).mean() > 4)
            True
        """
        inside, outside = _unit(features).astype(np.float64), _unit(outliers).astype(np.float64)
        centre, shift = inside.mean(axis=0), outside.mean(axis=0) - inside.mean(axis=0)
        covariance = (_covariance(inside) + _covariance(outside)) / 2  # each counts as much, however many there are
        ridge = _SHRINKAGE * np.trace(covariance) / len(covariance) + _EPSILON**2
        weights = np.linalg.solve(covariance + ridge * np.eye(len(covariance)), shift)
        weights *= _OUTLIER_SCORE / max(float(weights @ shift), _EPSILON)
        return cls(weights.astype(np.float32), -float(centre @ weights))

    def position(self, features: Float32Array) -> Float64Array:
        """Return how far images lie towards outliers.

        Args:
            features: `(n, d)`.

        Returns:
            `(n,)`: 0 for the mean of the training images, 5 for that of the outliers; may be negative.

        Examples:
            >>> OutlierDirection(np.array([6, 0], np.float32), 0.0).position(np.array([[2, 0], [0, 1]], np.float32)).tolist()
            [6.0, 0.0]
        """
        return np.asarray(_unit(features) @ self.weights + self.bias, np.float64)


@dataclass(frozen=True, eq=False)
class FeatureSpace:
    """The distribution of the features of the training images.

    Attributes:
        mean: The mean of the features at length 1, float32 `(d,)`.
        directions: The principal components, each divided by its standard deviation, float32 `(d, k)`.
        residual: The root mean square length of the residuals.
        outliers: The direction of outliers; None where there were no examples of them, and the score is the distance alone.
    """

    mean: Float32Array
    directions: Float32Array
    residual: float
    outliers: OutlierDirection | None = None

    @classmethod
    def fit(cls, features: Float32Array, outliers: Float32Array | None = None) -> "FeatureSpace":
        """Fit the distribution of features.

        Args:
            features: `(n, d)`, of training images.
            outliers: `(m, d)`, of examples of images that show no skin; None, or no example, to measure the distance alone.

        Returns:
            Their distribution.

        Raises:
            DetectorError: A feature is no finite number.

        Examples:
            >>> space = FeatureSpace.fit(np.random.default_rng(1).normal(size=(200, 8)).astype(np.float32))
            >>> space.mean.shape
            (8,)
        """
        for of in (features, *([] if outliers is None else [outliers])):
            if without := int((~np.isfinite(of).all(axis=1)).sum()):
                raise DetectorError(
                    f"the model's features are no numbers for {without} of {len(of)} images; look for a logarithm, a root or a "
                    "division in its layers, or lower the learning rate"
                )
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
        direction = OutlierDirection.fit(features, outliers) if outliers is not None and len(outliers) else None
        return cls(mean.astype(np.float32), scaled.astype(np.float32), residual, direction)

    def distance(self, features: Float32Array) -> NDArray[np.float64]:
        """Return the out-of-distribution score of images.

        Args:
            features: `(n, d)`.

        Returns:
            `(n,)`, 0 and higher; about 1 for training images; nan where a feature is no finite number.

        Examples:
            >>> features = np.random.default_rng(1).normal(size=(500, 8)).astype(np.float32)
            >>> bool(0.5 < FeatureSpace.fit(features).distance(features).mean() < 1.2)
            True
        """
        with np.errstate(invalid="ignore", over="ignore"):
            return self._distance(features)

    def _distance(self, features: Float32Array) -> NDArray[np.float64]:
        centred = _unit(features) - self.mean
        whitened = centred @ self.directions
        mahalanobis = np.einsum("nk,nk->n", whitened, whitened, dtype=np.float64) / whitened.shape[1]
        projected = whitened / self._lengths
        # By Pythagoras: the residual's squared length without computing the residual, which is `d` long.
        residual = np.einsum("nd,nd->n", centred, centred, dtype=np.float64) - np.einsum(
            "nk,nk->n", projected, projected
        )
        distance = np.asarray(np.sqrt((mahalanobis + np.maximum(residual, 0) / self.residual**2) / 2))
        return distance if self.outliers is None else np.maximum(distance, self.outliers.position(features))

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the arrays that the detector's file holds.

        Returns:
            Arrays by name; `outlier_weights` and `outlier_bias` only where there is a direction of outliers.

        Examples:
            >>> sorted(FeatureSpace(np.zeros(2, np.float32), np.eye(2, dtype=np.float32), 1.0).to_arrays())
            ['directions', 'mean', 'residual']
        """
        arrays: dict[str, NDArray[np.generic]] = {
            "mean": self.mean,
            "directions": self.directions,
            "residual": np.array(self.residual, np.float64),
        }
        if self.outliers is not None:
            arrays["outlier_weights"] = self.outliers.weights
            arrays["outlier_bias"] = np.array(self.outliers.bias, np.float64)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "FeatureSpace":
        """Return the feature space that `to_arrays` described.

        Args:
            arrays: Arrays by name; others among them are left alone.

        Returns:
            The feature space.

        Raises:
            KeyError: An array is missing.

        Examples:
            >>> space = FeatureSpace(np.zeros(2, np.float32), np.eye(2, dtype=np.float32), 1.0)
            >>> FeatureSpace.from_arrays(space.to_arrays()).residual
            1.0
        """
        direction = None
        if "outlier_weights" in arrays:  # files of earlier versions have none
            direction = OutlierDirection(arrays["outlier_weights"], float(arrays["outlier_bias"]))
        return cls(arrays["mean"], arrays["directions"], float(arrays["residual"]), direction)

    @functools.cached_property
    def _lengths(self) -> Float32Array:
        return np.asarray(np.linalg.norm(self.directions, axis=0), np.float32)


def _covariance(features: Float64Array) -> Float64Array:
    centred = features - features.mean(axis=0)
    return np.asarray(centred.T @ centred / len(features))


def _unit(features: Float32Array) -> Float32Array:
    length = np.sqrt(np.einsum("nd,nd->n", features, features))[:, None]
    unit: Float32Array = (features / np.maximum(length, _EPSILON)).astype(np.float32, copy=False)
    return unit
