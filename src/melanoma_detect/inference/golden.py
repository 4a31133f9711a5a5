"""Golden images: procedural lesions with the answers that a detector must give to them on every machine.

They are replayed whenever a detector is loaded: an ONNX Runtime that computes otherwise, a damaged file or another way of
resizing shows before the first patient does.
"""

import io
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from melanoma_detect.errors import DetectorError
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.prediction import softmax
from melanoma_detect.inference.runtime import Runtime

ANSWERS = "golden/answers.json"
IMAGES = ("golden/1.png", "golden/2.png")
_DRAWN = (("melanoma", 11), ("nevus", 12))
_TOLERANCE = 2e-3  # in probability: other processors round otherwise


def golden_members(runtime: Runtime, size: tuple[int, int]) -> dict[str, bytes]:
    """Draw the golden images and write down what a model says about them.

    Args:
        runtime: The model.
        size: `(height, width)` in pixels that it wants.

    Returns:
        The files, by their names in a detector's file.

    Examples:
        >>> sorted(golden_members(detector.predictor.runtime, (32, 32)))
        ['golden/1.png', 'golden/2.png', 'golden/answers.json']
    """
    pixels = _draw(size)
    answers = softmax(runtime.run(pixels).logits)
    files = {name: _png(image) for name, image in zip(IMAGES, pixels, strict=True)}
    return files | {ANSWERS: json.dumps({"probabilities": answers.round(6).tolist()}).encode()}


def replay(place: Path, members: Mapping[str, bytes], runtime: Runtime) -> None:
    """Run the golden images and compare.

    Args:
        place: The detector's file, for the message.
        members: The files, by their names.
        runtime: The model.

    Raises:
        DetectorError: The answers differ.

    Examples:
        >>> replay(Path("mine.detector"), golden_members(detector.predictor.runtime, (32, 32)), detector.predictor.runtime)
    """
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(members[name])).convert("RGB")) for name in IMAGES])
    expected = np.array(json.loads(members[ANSWERS])["probabilities"])
    found = softmax(runtime.run(pixels).logits)
    difference = np.abs(found - expected).max() if found.shape == expected.shape else np.inf
    if not difference <= _TOLERANCE:
        raise DetectorError(
            f"{place}: on this machine the model answers otherwise than where it was saved: its golden images differ by "
            f"{difference:.2g} in probability, expected at most {_TOLERANCE:g}; update onnxruntime, or save the detector again"
        )


def _draw(size: tuple[int, int]) -> Pixels:
    from melanoma_detect.data.synthetic import draw_lesion  # noqa: PLC0415 - who only loads a detector draws nothing

    side = max(*size, 32)
    drawn = [Image.fromarray(draw_lesion(diagnosis, seed=seed, size=side).pixels) for diagnosis, seed in _DRAWN]
    return np.stack([np.asarray(image.resize(size[::-1])) for image in drawn])


def _png(pixels: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
