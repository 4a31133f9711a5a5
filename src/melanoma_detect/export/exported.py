"""What an export returns, and the names of formats; nothing here needs Keras or ONNX's own package."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from melanoma_detect.printable import printable
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.deprecation import warn_renamed

Precision: TypeAlias = Literal["float32", "int8"]
ExportFormat: TypeAlias = Literal["onnx", "litert", "saved_model", "page"]


@dataclass(frozen=True)
class Exported:
    """An exported model, and how its outputs compare with the detector's.

    Attributes:
        path: The file or folder.
        format: `"onnx"`, `"litert"`, `"saved_model"` or `"page"`.
        precision: `"float32"` or `"int8"`.
        size: In bytes.
        max_difference: The largest difference in probability from the detector, 0 to 1; nan for a page, which compares golden
            images by itself whenever it opens.
        images: How many images were compared.
        before: The detector's balanced accuracy on those images; None where they have no labels, or in float32.
        after: That of the exported model.

    Examples:
        >>> print(detector.export("onnx", "mine.onnx"))
        mine.onnx: ... as ONNX in float32. On 18 images its probabilities ...
    """

    path: Path
    format: ExportFormat
    precision: Precision
    size: int
    max_difference: float
    images: int
    before: float | None = None
    after: float | None = None

    @property
    def loss(self) -> float | None:
        """How much balanced accuracy fell, -1 to 1; None where it was not measured."""
        return None if self.before is None or self.after is None else self.before - self.after

    @property
    def pictures(self) -> int:
        """Deprecated: use `images`."""
        warn_renamed("Exported.pictures", "Exported.images")
        return self.images

    @property
    def parity(self) -> float:
        """Deprecated: use `max_difference`."""
        warn_renamed("Exported.parity", "Exported.max_difference")
        return self.max_difference

    def __str__(self) -> str:
        if self.format == "page":
            return (
                f"{printable(self.path)}: {self.size / 1e6:.2f} MB as a page for browsers, which compares golden images with "
                "the detector whenever it opens."
            )
        names = {"onnx": "ONNX", "litert": "LiteRT", "saved_model": "a SavedModel"}
        exact = "are the detector's, to the last digit"
        difference = (
            f"differ from the detector's by at most {self.max_difference:.1g}" if self.max_difference else exact
        )
        text = (
            f"{printable(self.path)}: {self.size / 1e6:.2f} MB as {names[self.format]} in {self.precision}. On "
            f"{count_noun(self.images, 'image')} its probabilities {difference}."
        )
        if self.before is None or self.after is None:
            return text
        return (
            f"{text} Balanced accuracy {self.before:.1%} before, {self.after:.1%} after: a difference of "
            f"{100 * (self.after - self.before):+.1f} points."
        )
