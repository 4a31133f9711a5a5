"""An explanation of a prediction: a heat map over the image, with the sentences that say what it shows and what it does not."""

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from melanoma_detect.explain.dicom_output import HasDicomCapture
from melanoma_detect.explain.image_output import save_image
from melanoma_detect.explain.overlay import draw_overlay
from melanoma_detect.explain.sheet import SheetText, draw_sheet
from melanoma_detect.explain.similar_sheet import add_similar
from melanoma_detect.images.reader import Pixels
from melanoma_detect.printable import printable
from melanoma_detect.similar.cases import SimilarCases
from melanoma_detect.utils.arrays import Float32Array
from melanoma_detect.utils.deprecation import warn_renamed
from melanoma_detect.utils.disclaimer import DISCLAIMER
from melanoma_detect.utils.notebook import notebook_view, show
from melanoma_detect.utils.probabilities import format_percent
from melanoma_detect.utils.upward_calls import call_upwards

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CAVEAT = "A heat map shows what the model is sensitive to; it proves neither why, nor that the prediction is right."
METHOD_NAMES = {"cam": "class activation map", "grad-cam": "Grad-CAM", "occlusion": "occlusion"}
HIDDEN_SHARE = 0.2  # of the image, that is hidden to check a map that was made without hiding anything
_MARGIN = 1 / 8  # of each side: where rulers, dark corners and vignettes lie rather than lesions
_NOTABLE = 1.1  # times its share of the image: more of the evidence on the margin than that is worth a look
_WHOLE = 0.995  # of the image: a model that saw more saw the whole, up to rounding
_SPREAD = 0.35  # of the image: evidence whose half needs more names no place (evenly spread, it needs 50 %)


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(HasDicomCapture):
    """Which parts of an image are evidence for a diagnosis.

    Attributes:
        heat: float32 `(height, width)` at the model's size, 0 to 1: the evidence for the diagnosis at each pixel, relative to
            the largest; 0 for evidence against it, and everywhere if nothing is evidence for it.
        method: `"cam"`, `"grad-cam"` or `"occlusion"`; `"none"` where the model gave no probabilities.
        diagnosis: The explained diagnosis: a class, `"melanoma"` or `"malignant"`; empty for none.
        probability: The detector's probability of the diagnosis, 0 to 1; nan where the model gave none.
        hidden: Its probability with the part that matters most hidden: by occlusion, the lowest with one part hidden; by the
            other methods, that with the fifth of the image hidden that has the most heat. None where it was not measured.
        source: The image's path or name.
        image: uint8 `(height, width, 3)`: the image in its own shape, with a longer side of 420 pixels.
        reason: Why the detector refers this image; empty where it does not.
        abstained: Whether it is referred because the detector abstains from it.
        predicted: The most probable class; empty where unknown.
        covers_predicted: Whether the explained diagnosis is the most probable class, or covers it.
        cells: `(rows, columns)` of the map before it was enlarged; None where unknown.
        share_for: Of all evidence in the image, for and against the diagnosis, the share that is for it, 0 to 1; None where
            unknown.
        seen: The share of the image that the model saw, over 0 to 1: less than 1 where its margins were cut off.
        similar: The labelled cases nearest to the image; None where none were asked for.

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
    predicted: str = ""
    covers_predicted: bool = True
    cells: tuple[int, int] | None = None
    share_for: float | None = None
    seen: float = 1.0
    similar: SimilarCases | None = None

    @property
    def picture(self) -> Pixels:
        """Deprecated: use `image`."""
        warn_renamed("Explanation.picture", "Explanation.image")
        return self.image

    @property
    def half(self) -> float:
        """The smallest share of the image that holds half of the evidence: 0 to 0.5, about 0.5 if it is spread evenly."""
        cumulative = np.cumsum(np.sort(self.heat, axis=None, kind="stable")[::-1], dtype=np.float64)
        return float(np.searchsorted(cumulative, cumulative[-1] / 2) + 1) / self.heat.size if cumulative[-1] else 0.0

    @property
    def margin(self) -> float:
        """The share of the evidence on the outer eighth of each side, where rulers and dark corners lie, 0 to 1."""
        return self.share(_margin(self.heat.shape))

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

    def sheet(self) -> Image.Image:
        """Draw the image, the overlay beside it, its scale and the sentences of this explanation.

        Returns:
            A PIL image in mode RGB, about 900 pixels wide.

        Examples:
            >>> detector.explain(draw_lesion("melanoma", seed=1).pixels, method="occlusion").sheet().width
            876
        """
        text = SheetText(
            title=self.title,
            overlay=f"Evidence, by {METHOD_NAMES.get(self.method, self.method)}",
            caption=self._text(PurePath(self.source).name or self.source),
            note=DISCLAIMER,
        )
        sheet = draw_sheet(self.image, self.heat, text)
        return sheet if self.similar is None else add_similar(sheet, self.similar)

    def plot(self) -> "Figure":
        """Draw the image, the overlay beside it, its scale and the sentences of this explanation.

        Returns:
            The Matplotlib figure.

        Examples:
            >>> explanation = detector.explain(draw_lesion("melanoma", seed=1).pixels, method="occlusion")
            >>> explanation.plot().savefig("explanation.png")
        """
        figure: Figure = call_upwards("melanoma_detect.report.prediction_plots", "explanation", self)
        return figure

    def show(self) -> None:
        """Show the explanation: in a notebook below the cell, elsewhere in the system's image viewer.

        Raises:
            OutputError: Outside a notebook: this machine has no program that shows images.
        """
        show(self, self.sheet, instead="explanation.save('explanation.png')")

    def save(self, path: "str | os.PathLike[str]", *, overwrite: bool = False) -> None:
        """Write one image file with the image, the overlay, its scale and the text of this explanation.

        Args:
            path: The file to write; its suffix (`.png`, `.jpg`, ...) decides the format.
            overwrite: Replace a file that is there. The explained image itself is never replaced, nor that of a similar case.

        Raises:
            OutputError: The file exists, is one of these images, cannot be written, or no image format has that suffix.

        Examples:
            >>> detector.explain(draw_lesion("melanoma", seed=1).pixels, method="occlusion").save("overlay.png")
        """
        cases = [case.record.path for case in self.similar or ()]
        save_image(self.sheet, path, overwrite=overwrite, inputs=[self.source, *cases])

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the arrays, and the figures of the sentences, as plain values for JSON.

        Returns:
            Values by name; `text` holds the sentences.

        Examples:
            >>> detector.explain(draw_lesion("melanoma", seed=1).pixels, method="occlusion").to_dict()["method"]
            'occlusion'
        """
        names = (
            "source",
            "diagnosis",
            "probability",
            "method",
            "hidden",
            "predicted",
            "covers_predicted",
            "share_for",
            "seen",
        )
        return {name: getattr(self, name) for name in names} | {
            "probability": self.probability if self._has_numbers else None,
            "cells": None if self.cells is None else list(self.cells),
            "evidence": bool(self.heat.any()),
            "half": self.half,
            "margin": self.margin,
            "reason": self.reason,
            "abstained": self.abstained,
            "text": str(self),
            "similar": None if self.similar is None else self.similar.to_dict(),
        }

    _repr_html_ = notebook_view

    def __repr__(self) -> str:
        share = format_percent(self.probability)
        return f"<Explanation of {self.diagnosis} {share} in {printable(self.source)}, by {self.method}>"

    def __str__(self) -> str:
        return self._text(self.source)

    def _text(self, source: str) -> str:
        refer, first, *others = self.sentences() if self.reason else ("", *self.sentences())
        return printable(" ".join([refer, f"{source}: {first[0].lower()}{first[1:]}", *others]).strip())

    def sentences(self) -> list[str]:
        """Return what the map shows and what it does not, sentence by sentence, without the image's name.

        Returns:
            Sentences; the first says why the image is referred, where it is.

        Examples:
            >>> detector.explain(draw_lesion("melanoma", seed=1).pixels, method="occlusion").sentences()[-1]
            'A heat map shows what the model is sensitive to; it proves neither why, nor that the prediction is right.'
        """
        return [*self._introduction(), *(self._description() if self.heat.any() else self._without_evidence()), CAVEAT]

    @property
    def title(self) -> str:
        """What the map shows, in a few words."""
        return f"Evidence for {self._name}, {format_percent(self.probability)}" if self._has_numbers else "No evidence"

    @property
    def _has_numbers(self) -> bool:
        return math.isfinite(self.probability)

    def _introduction(self) -> Iterable[str]:
        if self.reason:
            yield f"REFER: {'the detector abstains from this image: ' * self.abstained}{self.reason}."
        if self._has_numbers:
            yield f"Evidence for {self._name} ({format_percent(self.probability)}), by {METHOD_NAMES[self.method]}."
        if self.seen < _WHOLE:
            yield f"The model saw the middle {format_percent(self.seen, 0)} of the image, which is shown here."

    def _without_evidence(self) -> Iterable[str]:
        nothing = "No part of the image is evidence for it, by this method."
        yield nothing if self._has_numbers else "There is no evidence to show, for any diagnosis."

    def _description(self) -> Iterable[str]:
        if not self.covers_predicted:
            yield (
                f"The most probable diagnosis is {self.predicted}: the map shows what little speaks for {self._name}, and "
                "would look as strong if that were likely."
            )
        half, maximum = format_percent(self.half, 0), _describe_maximum(self.heat)
        yield f"Half of the evidence lies on {half} of the image, {maximum}{self._spread}."
        yield self._describe_margin()
        if self.share_for is not None and self.share_for < 0.5:
            yield f"{format_percent(1 - self.share_for, 0)} of all evidence, which is not shown, speaks against {self._name}."
        if self.hidden is not None:
            yield self._describe_hidden(self.hidden)
        if self.cells is not None:
            yield f"The map has {self.cells[0]} by {self.cells[1]} cells; the shapes between them are interpolated."

    @property
    def _name(self) -> str:
        return "a malignant diagnosis" if self.diagnosis == "malignant" else self.diagnosis

    @property
    def _spread(self) -> str:
        return "; so widely spread, it names no place" if self.half > _SPREAD else ""

    def _describe_margin(self) -> str:
        area = float(_margin(self.heat.shape).mean())
        text = (
            f"{format_percent(self.margin, 0)} of the evidence lies on the outer eighth of each side, which makes up "
            f"{format_percent(area, 0)} of the image"
        )
        return (
            f"{text}: more than chance would put there; look for a ruler or dark corners."
            if self.margin > _NOTABLE * area
            else f"{text}."
        )

    def _describe_hidden(self, hidden: float) -> str:
        if self.method == "occlusion":
            return f"Hiding the part that matters most lowers {self._name} to {format_percent(hidden)}."
        share, part = format_percent(hidden), f"Hiding the {HIDDEN_SHARE:.0%} of the image with the most heat"
        if hidden < self.probability:
            return f"{part} lowers {self._name} to {share}."
        return f"{part} does not lower {self._name} ({share}): do not rely on this map; compare with occlusion."


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
