"""The sketch of a score table: counted from its rows while they are written."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from melanoma_detect.errors import OutputError
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.monitoring.grids import FEATURES
from melanoma_detect.monitoring.samples import Statistic
from melanoma_detect.monitoring.score_tables import row_mark
from melanoma_detect.monitoring.sketch import Cell, Sketch, detector_digest
from melanoma_detect.monitoring.sketch_file import MAX_BYTES, MAX_CELLS, SUFFIX, pack_sketch, read_sketch
from melanoma_detect.scoring.addresses import is_address, local_path
from melanoma_detect.scoring.arguments import Source
from melanoma_detect.scoring.measures import MEASURES, NUMBERS
from melanoma_detect.scoring.table import UNREADABLE, Row
from melanoma_detect.utils.files import atomic_file
from melanoma_detect.utils.outputs import check_output, exists_error
from melanoma_detect.utils.paths import path_text

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*\s*%?")  # in a reason: each value would be a reason of its own
_LONGEST = 120  # characters of a reason
_PART = 1024  # rows that are counted together: one by one takes seven times as long


class SketchBuilder:
    """Counts rows that `score` has saved, and takes their further cells off.

    Args:
        path: The sketch to write.
        names: The columns of the table.
        predictor: What scored the images.

    Examples:
        >>> builder = SketchBuilder(Path("a.sketch"), ("path", "melanoma"), detector.predictor)
        >>> builder.path.name
        'a.sketch'
    """

    def __init__(self, path: Path, names: Sequence[str], predictor: Predictor) -> None:
        self.path = path
        self._sketch = Sketch(detector_digest(predictor))
        self._mark = 0
        self._count = len(names)
        self._names = (*names, *MEASURES)

    def take(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield the rows of the table while they are counted.

        Args:
            rows: Rows with further cells.

        Yields:
            The rows without them.
        """
        left = iter(rows)
        while part := list(islice(left, _PART)):
            self._add(part)
            for row in part:
                yield row[: self._count]

    def write(self, *, overwrite: bool) -> None:
        """Write the sketch.

        Args:
            overwrite: Replace a file that is there. One of the same images is replaced in any case: an interrupted run made it.

        Raises:
            OutputError: It exists, or cannot be written.
        """
        sketch = limit_cells(self._sketch, MAX_CELLS)
        sketch.marks = (self._mark,)
        if self.path.exists() and not overwrite and read_sketch(self.path).marks != sketch.marks:
            raise exists_error(self.path)
        with atomic_file(self.path, overwrite=True) as partial:
            partial.write_bytes(pack_sketch(sketch))

    def _add(self, rows: Iterable[Row]) -> None:
        places: dict[tuple[str, str], list[dict[str, str]]] = {}
        for row in rows:
            image = dict(zip(self._names, row, strict=True))
            self._mark = (self._mark + row_mark(image["path"], image["melanoma"], image["malignant"])) % 2**64
            places.setdefault((image["day"], image["camera"]), []).append(image)
        for place, images in places.items():
            _add_images(self._sketch.cell(*place), images)


def _add_images(cell: Cell, images: Sequence[Mapping[str, str]]) -> None:
    readable = [image for image in images if image["reason"] != UNREADABLE]
    cell.images += len(images)
    cell.unreadable += len(images) - len(readable)
    cell.alerts += sum(image["decision"] == "alert" for image in images)
    cell.refers += sum(image["decision"] == "refer" for image in images)
    values: dict[Statistic, list[float]] = {}
    for image in readable:
        if image["abstained"] == "true":
            cell.add_reason(plain_reason(image["reason"]))
        watched = [Statistic(name, image["image_type"]) for name in ("melanoma", "malignant")]
        for statistic in (*watched, *map(Statistic, NUMBERS)):
            if image[statistic.name]:
                values.setdefault(statistic, []).append(float(image[statistic.name]))
    for statistic, numbers in values.items():
        cell.add_values(statistic, numbers)
    features = np.array([[float(image[name] or "nan") for name in FEATURES] for image in readable])
    if len(features):
        cell.moments.add(features[np.isfinite(features).all(axis=1)])


def check_sketch_output(path: Source, inputs: Iterable[Source], *, overwrite: bool, resumed: bool = False) -> Path:
    """Raise OutputError unless a sketch can be written.

    Args:
        path: The sketch; it ends in `.sketch`.
        inputs: The sources, and the detector's file.
        overwrite: Whether a sketch that is there may be replaced.
        resumed: Whether an interrupted run is resumed, which may have written it; `SketchBuilder.write` looks again.

    Returns:
        The path, with `~` expanded.

    Raises:
        OutputError: It is an address or an input, has another suffix, or exists.

    Examples:
        >>> check_sketch_output("a.sketch", [isic9], overwrite=False).name
        'a.sketch'
    """
    text = path_text(path, OutputError, "the sketch to write")
    if is_address(text):
        raise OutputError(f"{text}: is an address; expected a path of this machine for the sketch")
    local = [place for place in map(local_path, map(str, inputs)) if place is not None and not place.is_dir()]
    return check_output(text, overwrite=overwrite or resumed, inputs=local, suffixes=[SUFFIX])


def plain_reason(reason: str) -> str:
    """Return the kind of a reason: without its numbers, and no longer than a line.

    Args:
        reason: Why the detector abstained.

    Returns:
        Printable text.

    Examples:
        >>> plain_reason("unlike the training images (2.31, limit 1.80)")
        'unlike the training images (…, limit …)'
    """
    plain = _NUMBER.sub("…", reason)
    return "".join(char for char in plain if char.isprintable())[:_LONGEST]


def limit_cells(sketch: Sketch, most: int, largest: int = MAX_BYTES) -> Sketch:
    """Return a sketch that can be read again: of many years and cameras, the days of a month become one, then all cameras.

    Args:
        sketch: The sketch.
        most: How many cells it may have.
        largest: How many bytes its file may have.

    Returns:
        The sketch itself, or a coarser one.

    Examples:
        >>> from melanoma_detect.monitoring.sketch import Cell
        >>> cells = {(f"2026-11-{day:02d}", "A"): Cell(images=1) for day in range(1, 31)}
        >>> limit_cells(Sketch("0" * 64, cells=cells), 10).cells.keys()
        dict_keys([('2026-11-01', 'A')])
    """
    folds: list[Callable[[str, str], tuple[str, str]]] = [
        lambda day, camera: (f"{day[:7]}-01", camera),
        lambda day, _: (f"{day[:7]}-01", ""),
    ]
    for fold in folds:
        if len(sketch.cells) <= most and len(pack_sketch(sketch)) <= largest:
            break
        coarser = Sketch(sketch.detector, sketch.marks)
        for (day, camera), cell in sketch.cells.items():
            coarser.cell(*fold(day, camera)).merge(cell)
        sketch = coarser
    return sketch
