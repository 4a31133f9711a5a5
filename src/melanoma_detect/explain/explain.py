"""Where a detector looked: heat over an image, by hiding its parts or by the model's own gradients."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from melanoma_detect import taxonomy
from melanoma_detect.errors import DetectorError, ModelError, OutputError
from melanoma_detect.explain.occlusion import occlude
from melanoma_detect.explain.overlay import enlarged, overlaid, sheet
from melanoma_detect.images.reader import ImageLike, Pixels, fit, load, name_of, needed
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.utils.files import whole_file

Method: TypeAlias = Literal["auto", "occlusion", "grad-cam"]

CAVEAT = "A map shows what the model is sensitive to: it is no proof of why, nor that the answer is right."
_METHODS = ("auto", "occlusion", "grad-cam")
_SHOWN = 420  # the longer side of the image that heat is laid over, in pixels
_EDGE = 1 / 8  # of each side: the margin, where rulers, corners and vignettes lie rather than lesions


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Which parts of an image speak for a diagnosis.

    Attributes:
        heat: float32 `(height, width)` at the model's size, 0 to 1: the evidence for the diagnosis at each place, as a share of
            the largest. Places that speak against it, or say nothing, are 0; where no place speaks for it, all are.
        method: `"occlusion"` or `"grad-cam"`.
        diagnosis: What is explained: a class, `"melanoma"` or `"malignant"`.
        probability: What the detector gives it, 0 to 1.
        hidden: The least it gives with one part of the image hidden; None for Grad-CAM, which hides nothing.
        source: What the image was called.
        image: uint8 `(height, width, 3)`: the image in its own shape, 420 pixels at the longer side.
        reason: Why the detector does not judge this image; empty where it does.

    Examples:
        >>> explanation = detector.explain(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg", method="occlusion")
        >>> explanation.heat.shape, float(explanation.heat.max())
        ((32, 32), 1.0)
    """

    heat: NDArray[np.float32]
    method: str
    diagnosis: str
    probability: float
    hidden: float | None
    source: str
    image: Pixels
    reason: str = ""

    def share(self, mask: NDArray[np.bool_]) -> float:
        """Return how much of the evidence lies on a part of the image.

        Args:
            mask: bool `(height, width)`, of the heat's size.

        Returns:
            A share, 0 to 1; 0 where there is no evidence.

        Examples:
            >>> explanation = detector.explain(draw_lesion("melanoma", seed=1).pixels, method="occlusion")
            >>> explanation.share(np.ones((32, 32), bool))
            1.0
        """
        total = float(self.heat.sum())
        return float(self.heat[mask].sum()) / total if total else 0.0

    def overlay(self) -> Image.Image:
        """Return the heat over the image: yellow where most speaks for the diagnosis, grey where nothing does.

        Returns:
            A PIL image in mode RGB, of the size of `image`.

        Examples:
            >>> detector.explain(draw_lesion("melanoma", seed=1).pixels, method="occlusion").overlay().size
            (420, 420)
        """
        return overlaid(self.image, self.heat)

    def save(self, path: "str | os.PathLike[str]") -> None:
        """Write a sheet with the image, the overlay, its scale and what this explanation says.

        Args:
            path: Where to; its suffix (`.png`, `.jpg`, ...) decides the format.

        Raises:
            OutputError: The place cannot be written, or no image format has that suffix.

        Examples:
            >>> detector.explain(draw_lesion("melanoma", seed=1).pixels, method="occlusion").save("overlay.png")
        """
        place = Path(path)
        kind = Image.registered_extensions().get(place.suffix.lower())
        if kind not in Image.SAVE:
            raise OutputError(
                f"{place}: no image is written with the suffix {place.suffix!r}; expected .png, .jpg or .webp"
            )
        with whole_file(place) as partial:
            sheet(self.image, self.heat, str(self)).save(partial, kind)

    def __repr__(self) -> str:
        return f"<Explanation of {self.diagnosis} {self.probability:.1%} in {self.source}, by {self.method}>"

    def __str__(self) -> str:
        said = f"{self.source}: what speaks for {self.diagnosis} ({self.probability:.1%}), by {self.method}. "
        if self.reason:
            said = f"REFER: the detector does not judge this image: {self.reason}. {said}"
        if not self.heat.any():
            return f"{said}No part of the image does, by this method. {CAVEAT}"
        said += f"Half of the evidence lies on {_half(self.heat):.0%} of the image, {_where(self.heat)}; "
        margin = _margin(self.heat.shape)
        said += f"{self.share(margin):.0%} lies on the margin, which is {margin.mean():.0%} of it. "
        if self.hidden is not None:
            said += f"Hiding the part that matters most takes {self.diagnosis} to {self.hidden:.1%}. "
        return said + CAVEAT


def explain(
    predictor: Predictor, photo: ImageLike, *, diagnosis: str | None = None, method: Method = "auto"
) -> Explanation:
    """Say which parts of an image speak for a diagnosis; see `Detector.explain`.

    Args:
        predictor: The detector.
        photo: What `Detector.predict` takes.
        diagnosis: What to explain; None for the most probable class.
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
    image = load(photo, needed(predictor.image_size, predictor.config.resize))
    pixels = fit(image, predictor.image_size, predictor.config.resize)
    judged = predictor.predict_batch(pixels[None], np.array([min(image.size)]))
    row = judged.probabilities[0]
    named = predictor.classes[int(row.argmax())] if diagnosis is None else diagnosis
    wanted = positions(named, predictor.classes)
    evidence = None if method == "occlusion" else _by_gradient(predictor, pixels, wanted, must=method == "grad-cam")
    hidden = None
    if evidence is None:
        evidence, _, hidden = occlude(predictor.probabilities, pixels, wanted)
    return Explanation(
        heat=normalised(evidence, predictor.image_size),
        method="occlusion" if hidden is not None else "grad-cam",
        diagnosis=named,
        probability=float(row[list(wanted)].sum()),
        hidden=hidden,
        source=name_of(photo),
        image=_shown(image, predictor),
        reason=judged.reasons[0],
    )


def positions(diagnosis: str, classes: tuple[str, ...]) -> tuple[int, ...]:
    """Return which of a detector's classes a diagnosis means.

    Args:
        diagnosis: A class, a name, code or alias of the taxonomy, or `"malignant"`.
        classes: Class names, in the order of the model's outputs.

    Returns:
        Positions, at least one and not all of them.

    Raises:
        DetectorError: No class means it, or all of them do.

    Examples:
        >>> positions("MEL", ("nevus", "melanoma"))
        (1,)
    """
    known = taxonomy.find(diagnosis)
    if diagnosis in classes:
        found: tuple[int, ...] = (classes.index(diagnosis),)
    elif diagnosis == "malignant":
        found = taxonomy.positions(classes, malignant=True)
    else:
        found = taxonomy.positions(classes, code=known.code) if known else ()
    if not found:
        raise DetectorError(
            f"diagnosis={diagnosis!r}: the detector has no such class; expected 'malignant' or one of {', '.join(classes)}"
        )
    if len(found) == len(classes):
        raise DetectorError(f"diagnosis={diagnosis!r}: every class of the detector is; there is nothing to tell apart")
    return found


def normalised(evidence: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Turn evidence into heat: what speaks against becomes 0, the largest 1.

    Args:
        evidence: float32 of any size; positive where the image speaks for the diagnosis.
        size: `(height, width)` of the heat.

    Returns:
        float32 `(height, width)`, 0 to 1; zeros where nothing is positive.

    Examples:
        >>> normalised(np.array([[-1.0, 2.0]], np.float32), (1, 2)).tolist()
        [[0.0, 1.0]]
    """
    positive = np.maximum(evidence, 0)
    if not positive.max() > 0:  # nan too
        return np.zeros(size, np.float32)
    heat = enlarged(positive / positive.max(), size)
    return np.asarray(heat / heat.max(), np.float32)


def _by_gradient(
    predictor: Predictor, pixels: Pixels, wanted: Sequence[int], *, must: bool
) -> NDArray[np.float32] | None:
    """Return Grad-CAM's evidence; None where the detector has nothing to compute it from, unless it must."""
    try:
        model = predictor.keras_model()
        from melanoma_detect.explain.grad_cam import grad_cam  # noqa: PLC0415 - imports Keras

        return grad_cam(model, pixels, wanted)
    except (DetectorError, ModelError) as error:
        if must:
            raise DetectorError(f"method='grad-cam': {error}") from error
        return None


def _shown(image: Image.Image, predictor: Predictor) -> Pixels:
    """Return the part of the image that the model saw, in its own shape, at a size that a person can read."""
    resize = predictor.config.resize
    height, width = (image.height, image.width) if resize == "squash" else predictor.image_size
    scale = _SHOWN / max(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    if resize == "squash":
        return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BICUBIC))
    return fit(image, size, resize)


def _half(heat: NDArray[np.float32]) -> float:
    """Return the smallest share of the image that holds half of the heat."""
    ordered = np.cumsum(np.sort(heat, axis=None)[::-1])
    return float(np.searchsorted(ordered, ordered[-1] / 2) + 1) / heat.size


def _where(heat: NDArray[np.float32]) -> str:
    """Name where the hottest place lies: one of the nine parts of the image."""
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    down = ("upper", "", "lower")[int(3 * row) // heat.shape[0]]
    across = ("left", "", "right")[int(3 * column) // heat.shape[1]]
    return (
        f"the hottest in its {' '.join(filter(None, (down, across)))} part"
        if down or across
        else "the hottest in its middle"
    )


def _margin(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    rows, columns = (max(1, round(side * _EDGE)) for side in shape)
    margin = np.ones(shape, np.bool_)
    margin[rows:-rows, columns:-columns] = False
    return margin
