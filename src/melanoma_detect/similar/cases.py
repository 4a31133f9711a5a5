"""SimilarCases: the labelled images nearest to an image, with their distances, diagnoses and sources."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from melanoma_detect.data.record import Record
from melanoma_detect.inference.prediction_image import HasImage
from melanoma_detect.printable import printable
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.notebook import notebook_view, show
from melanoma_detect.utils.probabilities import format_percent
from melanoma_detect.utils.upward_calls import call_upwards

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL import Image

CAVEAT = "Similar means similar to the detector's model: it is no diagnosis, and labels may be wrong."


@dataclass(frozen=True)
class SimilarCase:
    """One labelled image that is similar to another.

    Attributes:
        record: The image: its id, path, label, group and source.
        distance: The cosine distance of the two images' features, 0 (the same) to 2.
    """

    record: Record
    distance: float

    @property
    def diagnosis(self) -> str:
        """Its label."""
        return self.record.label

    @property
    def source(self) -> str:
        """The folder, archive or table that it came from."""
        return self.record.source

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values.

        Returns:
            Values that `json` takes.

        Examples:
            >>> sorted(detector.similar(data.records[0], data)[0].to_dict())
            ['diagnosis', 'distance', 'group', 'id', 'path', 'source', 'split']
        """
        names = ("id", "group", "source", "split")
        values = {name: getattr(self.record, name) for name in names}
        return values | {"diagnosis": self.diagnosis, "distance": self.distance, "path": str(self.record.path)}


@dataclass(frozen=True, eq=False, repr=False)
class SimilarCases(HasImage):
    """The cases nearest to an image, the nearest first; no two of one lesion or patient, and none of the image's own.

    Attributes:
        source: The image's path or name.
        cases: The cases.
        asked: How many were asked for.
        images: How many images were searched.
        left_out: How many of them were left out, since they are the image itself, a copy of it, or show its lesion or patient.
        shares: By diagnosis, its share of all lesions that were searched, 0 to 1: what chance would give.
        reason: Why the detector abstains from the image, such as one that shows no skin: cases then mean little. Empty where it
            does not.

    Examples:
        >>> found = detector.similar(data.records[0], data, k=3)
        >>> len(found), found[0].distance <= found[1].distance
        (3, True)
    """

    source: str
    cases: tuple[SimilarCase, ...]
    asked: int
    images: int
    left_out: int
    shares: dict[str, float]
    reason: str = ""

    def __len__(self) -> int:
        return len(self.cases)

    def __iter__(self) -> Iterator[SimilarCase]:
        return iter(self.cases)

    def __getitem__(self, place: int) -> SimilarCase:
        return self.cases[place]

    @property
    def diagnoses(self) -> Counter[str]:
        """How many of the cases have each diagnosis."""
        return Counter(case.diagnosis for case in self.cases)

    def __repr__(self) -> str:
        return f"<SimilarCases: {self.summary}>"

    def __str__(self) -> str:
        names = [printable(case.diagnosis) for case in self.cases]
        width = max(map(len, names), default=0)
        lines = [
            f"{number:>3}  {name:<{width}}  {case.distance:.3f}  {printable(case.record.id)}{_of(case.source)}"
            for number, (name, case) in enumerate(zip(names, self.cases, strict=True), start=1)
        ]
        return "\n".join([f"{printable(self.source)}: {self.heading}", *lines, self.summary, *self.notes])

    @property
    def heading(self) -> str:
        """How many cases there are, and of how many images, in a line."""
        cases = count_noun(len(self), "similar case")
        asked = f" (asked for {self.asked}; there are no more)" if len(self) < self.asked else ""
        return f"{cases} of {count_noun(self.images, 'image')}, one of each lesion or patient, the nearest first{asked}"

    @property
    def summary(self) -> str:
        """The diagnoses of the cases beside their shares of all lesions, in a line."""
        found = [
            f"{count} {printable(name)} ({format_percent(self.shares.get(name, 0), 0)} of all lesions)"
            for name, count in self.diagnoses.most_common()
        ]
        return f"{', '.join(found) or 'none'}."

    @property
    def notes(self) -> list[str]:
        """What was left out, and what similarity does not mean, sentence by sentence."""
        own = f"Left out: {count_noun(self.left_out, 'image')} of this lesion or patient, copies of this image among them."
        unlike = f"The detector abstains from this image ({self.reason}): what is nearest to it may not be near."
        return [*([own] if self.left_out else []), *([unlike] if self.reason else []), CAVEAT]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values.

        Returns:
            Values that `json` takes.

        Examples:
            >>> sorted(detector.similar(data.records[0], data).to_dict())
            ['asked', 'cases', 'images', 'left_out', 'reason', 'shares', 'source', 'text']
        """
        return {
            "source": self.source,
            "asked": self.asked,
            "images": self.images,
            "left_out": self.left_out,
            "shares": self.shares,
            "reason": self.reason,
            "cases": [case.to_dict() for case in self.cases],
            "text": str(self),
        }

    def plot(self) -> "Figure":
        """Draw the image, and the cases beside it with their diagnoses and distances.

        Returns:
            The Matplotlib figure.

        Examples:
            >>> detector.similar(data.records[0], data, k=3).plot().savefig("similar.png")
        """
        figure: Figure = call_upwards("melanoma_detect.report.similar_plots", "similar", self)
        return figure

    def sheet(self) -> "Image.Image":
        """Draw the image, and the cases below it with their diagnoses and distances; without Matplotlib.

        Returns:
            A PIL image in mode RGB.

        Examples:
            >>> detector.similar(data.records[0], data, k=3).sheet().width
            876
        """
        sheet: Image.Image = call_upwards("melanoma_detect.explain.similar_sheet", "draw_similar", self)
        return sheet

    def save(self, path: "str | os.PathLike[str]", *, overwrite: bool = False) -> None:
        """Write an image file of `sheet`.

        Args:
            path: The file to write; its suffix (`.png`, `.jpg`, ...) decides the format.
            overwrite: Replace a file that is there. The images themselves are never replaced.

        Raises:
            OutputError: The file exists, is one of the images, cannot be written, or no image format has that suffix.

        Examples:
            >>> detector.similar(data.records[0], data, k=3).save("cases.png")
        """
        inputs = [self.source, *(case.record.path for case in self.cases)]
        call_upwards(
            "melanoma_detect.explain.similar_sheet", "save_similar", self, path, overwrite=overwrite, inputs=inputs
        )

    def show(self) -> None:
        """Show the cases: in a notebook below the cell, elsewhere in the system's image viewer.

        Raises:
            OutputError: Outside a notebook: this machine has no program that shows images.
        """
        show(self, self.sheet, instead="found.save('similar.png')")

    _repr_html_ = notebook_view


def _of(source: str) -> str:
    return f"  ({printable(Path(source).name or source)})" if source else ""
