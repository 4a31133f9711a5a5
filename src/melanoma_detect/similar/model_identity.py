"""Which model made an index: what it answers to three drawn patterns, since features of two models do not compare."""

import weakref
from typing import Any, NamedTuple, cast

import numpy as np

from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.test_time_augmentation import run_with_views
from melanoma_detect.utils.arrays import Float32Array

_SAME = 1e-3  # of the length of the answers: another machine or runtime changes less, another model far more


class ModelIdentity(NamedTuple):
    """What tells one model's features from another's.

    Attributes:
        detector: The detector's description, for messages.
        image_size: `(height, width)` in pixels that images are read at.
        resize: How an image of another shape is brought to that size.
        views: Over how many views features are averaged.
        answers: float32 `(3, d)`: the features of three patterns.
    """

    detector: str
    image_size: tuple[int, int]
    resize: str
    views: int
    answers: Float32Array

    def difference(self, other: "ModelIdentity") -> str:
        """Return how another model differs, in a few words.

        Args:
            other: The other model's identity.

        Returns:
            The difference; empty for the same model, also on another machine.

        Examples:
            >>> identity = identify_model(predictor)
            >>> identity.difference(identity)
            ''
        """
        for name in ("image_size", "resize", "views"):
            mine, others = getattr(self, name), getattr(other, name)
            if mine != others:
                return f"{name}={mine!r}, not {others!r}"
        if self.answers.shape != other.answers.shape:
            return f"{self.answers.shape[1]} features, not {other.answers.shape[1]}"
        # A file may hold any finite numbers, whose squares are too large for 32 bits.
        mine, others = self.answers.astype(np.float64), other.answers.astype(np.float64)
        is_same = np.linalg.norm(mine - others) <= _SAME * np.linalg.norm(mine)
        return "" if is_same else "other features of the same image"


_known: "weakref.WeakKeyDictionary[Any, dict[int, Float32Array]]" = weakref.WeakKeyDictionary()


def identify_model(predictor: Predictor) -> ModelIdentity:
    """Return the identity of a detector's model. Its threshold and calibration do not change features, and do not count.

    Args:
        predictor: The detector's predictor.

    Returns:
        The identity.

    Examples:
        >>> identify_model(predictor).answers.shape
        (3, 128)
    """
    views = predictor.settings.views
    answers = _known.setdefault(predictor.runtime, {})
    if views not in answers:
        answers[views] = run_with_views(predictor.runtime, _patterns(*predictor.image_size), views).features
    return ModelIdentity(predictor.description, predictor.image_size, predictor.config.resize, views, answers[views])


def _patterns(height: int, width: int) -> Pixels:
    noise = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)
    gradient = np.broadcast_to(np.linspace(0, 255, width, dtype=np.uint8)[None, None, :, None], noise.shape)
    return cast("Pixels", np.concatenate([noise, gradient, 255 - gradient]))
