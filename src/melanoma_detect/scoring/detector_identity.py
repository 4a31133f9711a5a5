"""What a detector is recognised by when a run goes on."""

import json
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any, cast

import numpy as np

from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.preprocessing import ModelInput


def identity(predictor: Predictor) -> dict[str, Any]:
    """Return what a detector is recognised by: all that its card says, how it is used, and its answers to three images.

    Args:
        predictor: The detector.

    Returns:
        `card`, a digest, and `answers`, probabilities. The same detector answers nearly the same
        wherever it runs, not bit for bit.

    Examples:
        >>> sorted(identity(detector.predictor))
        ['answers', 'card']
    """
    # The same model at another operating point decides otherwise: rows of both must not stand in one table.
    card = json.dumps(asdict(replace(predictor.config, settings=predictor.settings)), default=_plain, sort_keys=True)
    height, width = predictor.image_size
    noise = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)
    shades = np.broadcast_to(np.linspace(0, 255, width, dtype=np.uint8)[None, None, :, None], noise.shape)
    images = cast("Pixels", np.concatenate([noise, shades, 255 - shades]))
    answers = predictor.predict_inputs(
        [ModelInput(pixels, height, width) for pixels in images], ["noise", "light", "dark"]
    )
    return {
        "card": sha256(card.encode()).hexdigest(),
        "answers": [value for answer in answers for value in answer.probabilities.values()],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else repr(value)
