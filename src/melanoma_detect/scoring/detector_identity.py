"""The identity of a detector: decides whether an unfinished run was made by the same one."""

import json
from hashlib import sha256
from typing import Any, cast

import numpy as np

from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.preprocessing import ModelInput


def identify_detector(predictor: Predictor) -> dict[str, Any]:
    """Return what identifies a detector: a digest of its configuration, settings and image types, and three answers.

    The answers are numbers and not a digest, since the same model gives slightly different ones on other machines.

    Args:
        predictor: The detector's predictor.

    Returns:
        `card`, a SHA-256 digest; `answers`, the probabilities for three synthetic images; and `settings`, which a message
        names, as the digest holds them already.

    Examples:
        >>> sorted(identify_detector(detector.predictor))
        ['answers', 'card', 'settings']
    """
    # With the settings: rows that were decided at two operating points must not end up in one table.
    config = json.dumps(predictor.saved_config.to_dict(), sort_keys=True)
    classifier = predictor.files.image_types
    types = b"" if classifier is None else np.append(classifier.weights, classifier.bias).tobytes()
    height, width = predictor.image_size
    noise = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), np.uint8)
    gradient = np.broadcast_to(np.linspace(0, 255, width, dtype=np.uint8)[None, None, :, None], noise.shape)
    images = cast("Pixels", np.concatenate([noise, gradient, 255 - gradient]))
    predictions = predictor.predict_inputs(
        [ModelInput(pixels, height, width) for pixels in images], ["noise", "light", "dark"]
    )
    return {
        "card": sha256(config.encode() + types).hexdigest(),
        "answers": [value for prediction in predictions for value in prediction.probabilities.values()],
        "settings": predictor.saved_config.to_dict()["settings"],
    }
