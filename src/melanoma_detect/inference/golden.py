"""Golden images: procedural lesions with the probabilities that a detector must give for them on every machine.

They are run whenever a detector is loaded. A damaged file, a change of ONNX Runtime's results or of the golden images' decoding
shows there, before the first prediction.
"""

import io
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from melanoma_detect.errors import DetectorError
from melanoma_detect.images.quiet_decoders import quiet_decoders
from melanoma_detect.images.reader import Pixels
from melanoma_detect.inference.prediction import softmax
from melanoma_detect.inference.runtime import Runtime

PROBABILITIES = "golden/answers.json"
IMAGES = ("golden/1.png", "golden/2.png")
_LESIONS = (("melanoma", 11), ("nevus", 12))  # diagnosis and seed of each image
_TOLERANCE = 2e-3  # in probability: rounding differs between processors, and another model differs by far more
_MIN_SIZE = 32  # in pixels: smaller lesions cannot be drawn


def make_golden_images(runtime: Runtime, size: tuple[int, int]) -> dict[str, bytes]:
    """Draw the golden images and record the probabilities of a model for them.

    Args:
        runtime: The model.
        size: `(height, width)` of the model's input in pixels.

    Returns:
        The content of each member of the detector's file, by name.

    Examples:
        >>> sorted(make_golden_images(detector.predictor.runtime, (32, 32)))
        ['golden/1.png', 'golden/2.png', 'golden/answers.json']
    """
    pixels = _draw(size)
    probabilities = softmax(runtime.run(pixels).logits).round(6).tolist()
    images = {name: _png(image) for name, image in zip(IMAGES, pixels, strict=True)}
    return images | {PROBABILITIES: json.dumps({"probabilities": probabilities}).encode()}


def check_golden_images(
    file: Path,
    members: Mapping[str, bytes],
    runtime: Runtime,
    *,
    size: tuple[int, int] | None = None,
    classes: int | None = None,
    features: int | None = None,
) -> None:
    """Raise DetectorError unless a model gives the recorded probabilities for its golden images.

    Args:
        file: The detector's file, for the message.
        members: The content of the members, by name.
        runtime: The model.
        size: `(height, width)` of the detector's input in pixels, which the golden images must have; None not to check it.
        classes: How many classes the detector has; None not to check it.
        features: How many features the detector's feature space and classifier of image types are made for; None where it
            has neither.

    Raises:
        DetectorError: A probability differs by more than 0.002, or the model takes images of another size or has another
            number of outputs.

    Examples:
        >>> runtime = detector.predictor.runtime
        >>> check_golden_images(Path("mine.detector"), make_golden_images(runtime, (32, 32)), runtime)
    """
    pixels = _read_images(file, members, size)
    expected = np.array(json.loads(members[PROBABILITIES])["probabilities"])
    try:
        outputs = runtime.run(pixels)
    except Exception as error:  # ONNX Runtime's errors have no common base, and Keras's are those of the backend
        raise DetectorError(
            f"{file}: the model cannot be run on images of {pixels.shape[1]}×{pixels.shape[2]} pixels ({error}): the file is "
            "damaged, or parts of several detectors are mixed; save the detector again"
        ) from error
    for name, array, expected_width in (("class", outputs.logits, classes), ("feature", outputs.features, features)):
        if expected_width is not None and array.shape != (len(pixels), expected_width):
            raise DetectorError(
                f"{file}: the model gives {name} outputs of shape {array.shape[1:]}, but the rest of the file is for "
                f"{expected_width}: parts of several detectors are mixed; save the detector again"
            )
    probabilities = softmax(outputs.logits)
    difference = np.abs(probabilities - expected).max() if probabilities.shape == expected.shape else np.inf
    if not difference <= _TOLERANCE:  # true for nan as well
        raise DetectorError(
            f"{file}: on this machine the model's probabilities for its golden images differ by {difference:.2g} from those "
            f"where it was saved, expected at most {_TOLERANCE:g}; update onnxruntime, or save the detector again"
        )


def _read_images(file: Path, members: Mapping[str, bytes], size: tuple[int, int] | None) -> Pixels:
    """Return the golden images; before they are decoded, their size must be that of the detector's input."""
    pixels = []
    for name in IMAGES:
        try:
            with quiet_decoders():
                image = Image.open(io.BytesIO(members[name]), formats=("PNG",))
                if size is None or (image.height, image.width) == size:
                    pixels.append(np.asarray(image.convert("RGB")))
        except Exception as error:  # Pillow raises exceptions of many kinds on damaged bytes and on huge images
            raise DetectorError(f"{file}: its golden images are damaged ({error}); save the detector again") from error
        if size is not None and (image.height, image.width) != size:
            raise DetectorError(
                f"{file}: the golden images have {image.height}×{image.width} pixels, but the rest of the file is for "
                f"{size[0]}×{size[1]}: parts of several detectors are mixed; save the detector again"
            )
    return np.stack(pixels)


def _draw(size: tuple[int, int]) -> Pixels:
    from melanoma_detect.data.synthetic import draw_lesion  # noqa: PLC0415 - loading a detector draws nothing

    drawn_size = max(*size, _MIN_SIZE)
    lesions = [draw_lesion(diagnosis, seed=seed, size=drawn_size).pixels for diagnosis, seed in _LESIONS]
    return np.stack([np.asarray(Image.fromarray(lesion).resize(size[::-1])) for lesion in lesions])


def _png(pixels: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
