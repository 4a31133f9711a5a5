"""Explanations of a prediction: a heat map over the image, by occlusion or Grad-CAM, with its description."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from melanoma_detect import taxonomy
from melanoma_detect.errors import DetectorError, ModelError, OutputError
from melanoma_detect.explain.occlusion import occlude
from melanoma_detect.explain.overlay import draw_overlay, draw_sheet, resize_heat
from melanoma_detect.images.reader import ImageLike, Pixels, load_rgb, min_decode_size, resize_image, source_name
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.utils.arrays import Float32Array
from melanoma_detect.utils.deprecation import warn_renamed
from melanoma_detect.utils.files import atomic_file
from melanoma_detect.utils.outputs import check_output

Method: TypeAlias = Literal["auto", "occlusion", "grad-cam"]

CAVEAT = "A heat map shows what the model is sensitive to; it proves neither why, nor that the prediction is right."
_METHODS = ("auto", "occlusion", "grad-cam")
_DISPLAY_SIZE = 420  # the longer side of the image under the heat map, in pixels: large enough to read on a screen
_MARGIN = 1 / 8  # of each side: where rulers, dark corners and vignettes lie rather than lesions


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Which parts of an image are evidence for a diagnosis.

    Attributes:
        heat: float32 `(height, width)` at the model's size, 0 to 1: the evidence for the diagnosis at each pixel, relative to
            the largest; 0 for evidence against it, and everywhere if nothing is evidence for it.
        method: `"occlusion"` or `"grad-cam"`.
        diagnosis: The explained diagnosis: a class, `"melanoma"` or `"malignant"`.
        probability: The detector's probability of the diagnosis, 0 to 1.
        hidden: The lowest probability with one part of the image hidden; None for Grad-CAM, which hides nothing.
        source: The image's path or name.
        image: uint8 `(height, width, 3)`: the image in its own shape, with a longer side of 420 pixels.
        reason: Why the detector refers this image; empty where it does not.
        abstained: Whether it is referred because the detector abstains from it.

    Examples:
        >>> explanation = detector.explain(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg", method="occlusion")
        >>> explanation.heat.shape, float(explanation.heat.max())
        ((32, 32), 1.0)
    """

    heat: Float32Array
    method: str
    diagnosis: str
    probability: float
    hidden: float | None
    source: str
    image: Pixels
    reason: str = ""
    abstained: bool = True

    @property
    def picture(self) -> Pixels:
        """Deprecated: use `image`."""
        warn_renamed("Explanation.picture", "Explanation.image")
        return self.image

    def share(self, mask: NDArray[np.bool_]) -> float:
        """Return the share of the evidence that lies on a part of the image.

        Args:
            mask: The part, bool `(height, width)`, of the size of `heat`.

        Returns:
            0 to 1; 0 if there is no evidence.

        Examples:
            >>> explanation = detector.explain(draw_lesion("melanoma", seed=1).pixels, method="occlusion")
            >>> explanation.share(np.ones((32, 32), bool))
            1.0
        """
        total = float(self.heat.sum())
        return float(self.heat[mask].sum()) / total if total else 0.0

    def overlay(self) -> Image.Image:
        """Draw the heat map over the image: yellow for the most evidence, grey for none.

        Returns:
            A PIL image in mode RGB, of the size of `image`.

        Examples:
            >>> detector.explain(draw_lesion("melanoma", seed=1).pixels, method="occlusion").overlay().size
            (420, 420)
        """
        return draw_overlay(self.image, self.heat)

    def save(self, path: "str | os.PathLike[str]", *, overwrite: bool = False) -> None:
        """Write one image file with the image, the overlay, its scale and the text of this explanation.

        Args:
            path: The file to write; its suffix (`.png`, `.jpg`, ...) decides the format.
            overwrite: Replace a file that is there. The explained image itself is never replaced.

        Raises:
            OutputError: The file exists, is the explained image, cannot be written, or no image format has that suffix.

        Examples:
            >>> detector.explain(draw_lesion("melanoma", seed=1).pixels, method="occlusion").save("overlay.png")
        """
        file = check_image_output(path, overwrite=overwrite, inputs=[self.source])
        with atomic_file(file, overwrite=overwrite) as partial:
            sheet = draw_sheet(self.image, self.heat, str(self))
            sheet.save(partial, Image.registered_extensions()[file.suffix.lower()])

    def __repr__(self) -> str:
        return f"<Explanation of {self.diagnosis} {self.probability:.1%} in {self.source}, by {self.method}>"

    def __str__(self) -> str:
        text = f"{self.source}: evidence for {self.diagnosis} ({self.probability:.1%}), by {self.method}. "
        if self.reason:
            text = f"REFER: {'the detector abstains from this image: ' * self.abstained}{self.reason}. {text}"
        if not self.heat.any():
            return f"{text}No part of the image is evidence for it, by this method. {CAVEAT}"
        text += f"Half of the evidence lies on {_smallest_half(self.heat):.0%} of the image, {_describe_maximum(self.heat)}; "
        margin = _margin(self.heat.shape)
        text += f"{self.share(margin):.0%} lies on the margin, which is {margin.mean():.0%} of it. "
        if self.hidden is not None:
            text += f"Hiding the part that matters most lowers {self.diagnosis} to {self.hidden:.1%}. "
        return text + CAVEAT


def check_image_output(
    path: "str | os.PathLike[str]", *, overwrite: bool, inputs: "Iterable[str | os.PathLike[str]]" = ()
) -> Path:
    """Raise OutputError unless an image can be written to a path; see `check_output`.

    Args:
        path: The file to write.
        overwrite: Whether a file that is there may be replaced.
        inputs: Files that are never overwritten.

    Returns:
        The path, with `~` expanded.

    Raises:
        OutputError: No image format has its suffix, the file exists or is an input, or it cannot be written.

    Examples:
        >>> check_image_output("overlay.png", overwrite=False).name
        'overlay.png'
    """
    suffix = Path(path).suffix
    if Image.registered_extensions().get(suffix.lower()) not in Image.SAVE:
        raise OutputError(f"{path}: no image format has the suffix {suffix!r}; expected .png, .jpg or .webp")
    return check_output(path, overwrite=overwrite, inputs=inputs)


def explain(
    predictor: Predictor, image: ImageLike, *, diagnosis: str | None = None, method: Method = "auto"
) -> Explanation:
    """Explain which parts of an image are evidence for a diagnosis; see `Detector.explain`.

    Args:
        predictor: The detector.
        image: One image, as `Detector.predict` takes it.
        diagnosis: The diagnosis to explain; None for the most probable class.
        method: `"auto"`, `"occlusion"` or `"grad-cam"`.

    Returns:
        The explanation.

    Raises:
        DetectorError: The detector does not know the diagnosis, or has no Keras model for Grad-CAM.
        ImageError: The image cannot be read.

    Examples:
        >>> explain(predictor, draw_lesion("nevus", seed=1).pixels, diagnosis="nevus", method="occlusion").method
        'occlusion'
    """
    if method not in _METHODS:
        raise DetectorError(f"method={method!r}; expected one of {', '.join(map(repr, _METHODS))}")
    loaded = load_rgb(image, min_decode_size(predictor.image_size, predictor.config.resize))
    pixels = resize_image(loaded, predictor.image_size, predictor.config.resize)
    prediction = predictor.predict_batch(pixels[None], np.array([min(loaded.size)]))
    if predictor.image_types:  # hiding a part of the image must not change its type, and with that the calibration
        predictor = predictor.at(image_type=prediction.image_types[0] or None)
    probabilities = prediction.probabilities[0]
    label = predictor.classes[int(probabilities.argmax())] if diagnosis is None else diagnosis
    indices = class_indices(label, predictor.classes)
    hidden = None
    evidence = None if method == "occlusion" else _grad_cam(predictor, pixels, indices, required=method == "grad-cam")
    if evidence is None:
        evidence, _, hidden = occlude(predictor.probabilities, pixels, indices)
    return Explanation(
        heat=normalize_heat(evidence, predictor.image_size),
        method="occlusion" if hidden is not None else "grad-cam",
        diagnosis=label,
        probability=float(probabilities[list(indices)].sum()),
        hidden=hidden,
        source=source_name(image),
        image=_display_image(loaded, predictor),
        reason=prediction.reason(0, predictor.classes),
        abstained=bool(prediction.abstained[0]),
    )


def class_indices(diagnosis: str, classes: tuple[str, ...]) -> tuple[int, ...]:
    """Return the indices of the classes that a diagnosis covers.

    Args:
        diagnosis: A class, a name, code or alias of the taxonomy, or `"malignant"`.
        classes: Class names, in the order of the model's outputs.

    Returns:
        The indices: at least one, and not all of them.

    Raises:
        DetectorError: The diagnosis covers no class, or every one.

    Examples:
        >>> class_indices("MEL", ("nevus", "melanoma"))
        (1,)
    """
    known = taxonomy.find(diagnosis)
    if diagnosis in classes:
        indices: tuple[int, ...] = (classes.index(diagnosis),)
    elif diagnosis == "malignant":
        indices = taxonomy.positions(classes, malignant=True)
    else:
        indices = taxonomy.positions(classes, code=known.code) if known else ()
    if not indices:
        raise DetectorError(
            f"diagnosis={diagnosis!r}: the detector has no such class; expected 'malignant' or one of {', '.join(classes)}"
        )
    if len(indices) == len(classes):
        raise DetectorError(
            f"diagnosis={diagnosis!r}: covers every class of the detector; expected one that covers only some of them"
        )
    return indices


def normalize_heat(evidence: Float32Array, size: tuple[int, int]) -> Float32Array:
    """Scale evidence to a heat map: 0 for evidence against the diagnosis, 1 for the most evidence for it.

    Args:
        evidence: float32 `(rows, columns)` of any size; positive for evidence for the diagnosis.
        size: `(height, width)` of the heat map.

    Returns:
        float32 `(height, width)`, 0 to 1; zeros if no evidence is positive.

    Examples:
        >>> normalize_heat(np.array([[-1.0, 2.0]], np.float32), (1, 2)).tolist()
        [[0.0, 1.0]]
    """
    positive = np.maximum(evidence, 0)
    if not positive.max() > 0:  # true for nan as well
        return np.zeros(size, np.float32)
    heat = resize_heat(positive / positive.max(), size)
    return np.asarray(heat / heat.max(), np.float32)


def _grad_cam(predictor: Predictor, pixels: Pixels, indices: Sequence[int], *, required: bool) -> Float32Array | None:
    """Return the evidence by Grad-CAM; None, or an error if required, where the model does not allow it."""
    try:
        model = predictor.keras_model()
        from melanoma_detect.explain.grad_cam import grad_cam  # noqa: PLC0415 - imports Keras

        return grad_cam(model, pixels, indices)
    except (DetectorError, ModelError) as error:
        if required:
            raise DetectorError(f"method='grad-cam': {error}") from error
        return None


def _display_image(image: Image.Image, predictor: Predictor) -> Pixels:
    """Return the part of the image that the model saw, in its own shape, at a size for the screen."""
    resize = predictor.config.resize
    height, width = (image.height, image.width) if resize == "squash" else predictor.image_size
    scale = _DISPLAY_SIZE / max(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    if resize == "squash":
        return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BICUBIC))
    return resize_image(image, size, resize)


def _smallest_half(heat: Float32Array) -> float:
    """Return the smallest share of the image that holds half of the evidence."""
    cumulative = np.cumsum(np.sort(heat, axis=None)[::-1])
    return float(np.searchsorted(cumulative, cumulative[-1] / 2) + 1) / heat.size


def _describe_maximum(heat: Float32Array) -> str:
    """Name the part of the image, one of nine, where the heat is highest."""
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    vertical = ("upper", "", "lower")[int(3 * row) // heat.shape[0]]
    horizontal = ("left", "", "right")[int(3 * column) // heat.shape[1]]
    part = " ".join(filter(None, (vertical, horizontal)))
    return f"the strongest in its {part} part" if part else "the strongest in its middle"


def _margin(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    rows, columns = (max(1, round(side * _MARGIN)) for side in shape)
    margin = np.ones(shape, np.bool_)
    margin[rows:-rows, columns:-columns] = False
    return margin
