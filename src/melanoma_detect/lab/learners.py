"""Learners that train in a fraction of a second, on simple descriptors of an image: colours and a coarse thumbnail.

They are no detectors. A mistake costs each of them something else, because each remembers its training images differently well.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from melanoma_detect.errors import ModelError
from melanoma_detect.images.reader import Pixels
from melanoma_detect.utils.arrays import Float32Array, Float64Array
from melanoma_detect.utils.suggest import did_you_mean

_BLOCKS = 8  # of the thumbnail, on each side
_TREES = 40


class Classifier(Protocol):
    """What an experiment trains."""

    def fit(self, pixels: Pixels, labels: NDArray[np.int64], /) -> Any:
        """Train on images `(n, 32, 32, 3)` and labels `(n,)`."""
        ...

    def predict_proba(self, pixels: Pixels, /) -> Float64Array:
        """Return probabilities `(n, labels trained on)`, columns in the order of the sorted labels."""
        ...


# From a seed to an untrained classifier.
Learner: TypeAlias = Callable[[int], Classifier]


def describe(pixels: Pixels) -> Float32Array:
    """Describe images by a thumbnail of 8×8 colours and the distribution of each colour channel.

    Args:
        pixels: uint8 `(n, 32, 32, 3)`.

    Returns:
        `(n, 288)`, from 0 to 1.

    Examples:
        >>> describe(np.full((1, 32, 32, 3), 255, np.uint8)).shape
        (1, 288)
    """
    scaled = pixels.astype(np.float32) / 255
    count, side = len(scaled), scaled.shape[1]
    block = side // _BLOCKS
    thumbnail = scaled.reshape(count, _BLOCKS, block, _BLOCKS, block, 3).mean((2, 4)).reshape(count, -1)
    quantiles = np.sort(scaled.reshape(count, -1, 3), axis=1)[:, side // 2 :: side].reshape(count, -1)
    return np.concatenate([thumbnail, quantiles], axis=1)


def _nearest(seed: int) -> Classifier:  # noqa: ARG001 - nothing about it is random
    # A tree: the search without one starts threads, which cost more than they bring for so few images.
    return _pipeline(KNeighborsClassifier(1, algorithm="kd_tree"))


def _forest(seed: int) -> Classifier:
    return _pipeline(ExtraTreesClassifier(_TREES, bootstrap=True, random_state=seed))


def _linear(seed: int) -> Classifier:  # noqa: ARG001
    return _pipeline(LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"))


def _pipeline(last: Any) -> Classifier:
    made: Classifier = make_pipeline(FunctionTransformer(describe), last)
    return made


LEARNERS: dict[str, Learner] = {"nearest": _nearest, "forest": _forest, "linear": _linear}


def find_learner(learner: str | Learner) -> tuple[str, Learner]:
    """Return a learner and its name.

    Args:
        learner: `"nearest"` (the most similar training image), `"forest"` (extremely randomised trees: Geurts and others, 2006,
            Machine Learning 63), `"linear"` (linear discriminant analysis with shrinkage), or a function from a seed to a
            classifier with `fit(pixels, labels)` and `predict_proba(pixels)`.

    Returns:
        Its name, and the function.

    Raises:
        ModelError: There is no learner of this name.

    Examples:
        >>> find_learner("forest")[0]
        'forest'
    """
    if callable(learner):
        return getattr(learner, "__name__", type(learner).__name__), learner
    if not isinstance(learner, str) or learner not in LEARNERS:
        raise ModelError(
            f"learner={learner!r}; {did_you_mean(str(learner), LEARNERS)}expected one of {', '.join(LEARNERS)}, or a function "
            "from a seed to a classifier"
        )
    return learner, LEARNERS[learner]
