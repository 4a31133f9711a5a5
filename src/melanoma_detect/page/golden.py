"""Golden images of a page: drawn lesions with the outputs that the browser must give for them before the page may be used."""

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from melanoma_detect.data.synthetic import draw_lesion
from melanoma_detect.inference.prediction import softmax
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.runtime import Runtime, run_batched

_LESIONS = (("melanoma", 11), ("nevus", 12))  # diagnosis and seed of each image
# Times the model's input, and of another shape: decoding, resizing and cropping are replayed too.
_TALLER, _WIDER = 1.15, 1.4
_LEAST_SIDE = 80  # in pixels: a detector refuses smaller images


def golden_cases(predictor: Predictor, runtime: Runtime) -> list[dict[str, Any]]:
    """Draw the golden images and record what a detector gives for them.

    Args:
        predictor: The detector.
        runtime: Runs the model that the page holds.

    Returns:
        For each image: `png`, its file in base64; `probabilities`, the softmax of the logits; `calibrated`; `distance`, the
        out-of-distribution score, or None; and `pixels`, the mean of each channel as the model sees it.

    Examples:
        >>> [case["distance"] > 0 for case in golden_cases(predictor, predictor.runtime)]
        [True, True]
    """
    files = [_png(predictor.image_size, diagnosis, seed) for diagnosis, seed in _LESIONS]
    pixels = np.stack([predictor.preprocess(file).pixels for file in files])
    outputs = run_batched(runtime.run, pixels)
    space = predictor.files.feature_space
    distances = space.distance(outputs.features).tolist() if space else [None] * len(files)
    raw, calibrated = softmax(outputs.logits), predictor.probabilities(pixels)
    return [
        {
            "png": base64.b64encode(file).decode(),
            "probabilities": raw[row].round(6).tolist(),
            "calibrated": calibrated[row].round(6).tolist(),
            "distance": distances[row],
            "pixels": pixels[row].mean(axis=(0, 1)).round(3).tolist(),
        }
        for row, file in enumerate(files)
    ]


def _png(size: tuple[int, int], diagnosis: str, seed: int) -> bytes:
    height = max(round(_TALLER * size[0]), _LEAST_SIDE)
    width = max(round(_WIDER * size[1]), round(1.2 * height))
    lesion = Image.fromarray(draw_lesion(diagnosis, seed=seed, size=max(height, width)).pixels)
    file = io.BytesIO()
    lesion.resize((width, height)).save(file, "PNG", optimize=True)
    return file.getvalue()
