"""What a detector is recognised by when a run goes on."""

import json
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any, cast

import numpy as np

from melanoma_detect.detector import Detector
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.preprocessing import Look


def identity(detector: Detector) -> dict[str, Any]:
    """Return what a detector is recognised by: all that its card says, how it is used, and its answers to three pictures.

    Args:
        detector: The detector.

    Returns:
        `card`, a digest, and `answers`, probabilities. The same detector answers nearly the same
        wherever it runs, not bit for bit.

    Examples:
        >>> sorted(identity(detector))
        ['answers', 'card']
    """
    # The same model at another operating point decides otherwise: rows of both must not stand in one table.
    card = json.dumps(asdict(replace(detector.card, settings=detector.settings)), default=_plain, sort_keys=True)
    height, width = detector.image_size
    noise = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)
    shades = np.broadcast_to(np.linspace(0, 255, width, dtype=np.uint8)[None, None, :, None], noise.shape)
    pictures = cast("Pixels", np.concatenate([noise, shades, 255 - shades]))
    answers = detector.answer([Look(pixels, height, width) for pixels in pictures], ["noise", "light", "dark"])
    return {
        "card": sha256(card.encode()).hexdigest(),
        "answers": [value for answer in answers for value in answer.probabilities.values()],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else repr(value)
