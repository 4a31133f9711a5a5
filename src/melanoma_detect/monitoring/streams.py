"""The files of a stream, score tables and sketches: read, put into the order of time, and each image counted once."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from melanoma_detect.errors import DatasetError
from melanoma_detect.monitoring.grids import GRIDS
from melanoma_detect.monitoring.samples import Samples, Statistic, merge_samples
from melanoma_detect.monitoring.score_tables import By, Part, name_without_date, read_score_table
from melanoma_detect.monitoring.sketch_file import SUFFIX, read_sketch
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.paths import expand_path

Files = Iterable[str | os.PathLike[str]]


class Stream(NamedTuple):
    """A stream and what it is compared with.

    Attributes:
        blocks: One of each period and source, in the order of time.
        baseline: Those of an earlier time; None for validation.
        rounded: Whether numbers are the middles of bins, since sketches are among the files.
        detector: What scored the images of the sketches; empty for none.
        sketch: The first sketch, for messages.
    """

    blocks: list[Samples]
    baseline: list[Samples] | None = None
    rounded: bool = False
    detector: str = ""
    sketch: Path = Path()


def read_samples(files: Files, by: By = None) -> list[Samples]:
    """Read score tables and sketches.

    Args:
        files: Tables that `score` has written (CSV or Parquet), and sketches. A table with a date in its name (`2026-11-27`,
            `2026-W48`) belongs to that period, and a sketch has its days; such files are put into the order of time if all have
            days, weeks or months. Other tables are a period each, in the order given.
        by: What tells sources apart: `"camera"` (of sketches), `"folder"` (that of the image, of tables), `"table"` (the file's
            name without the date), or a function from the path of an image to a name; None for one source.

    Returns:
        One of each period and source, in the order of time.

    Raises:
        DatasetError: There is no file, or one is missing, given twice, neither table of scores nor sketch, or lists no images.

    Examples:
        >>> _ = md.score(isic9 / "Test", detector=detector, out="scores_2026-11-27.csv", progress=False)
        >>> [samples] = read_samples(["scores_2026-11-27.csv"])
        >>> samples.period, samples.images
        ('2026-11-27', 36)
        >>> [samples.source for samples in read_samples(["scores_2026-11-27.csv"], by="folder")][:2]
        ['actinic keratosis', 'basal cell carcinoma']
    """
    return read_stream(files, by=by).blocks


def read_stream(files: Files, baseline: Files | None = None, by: By = None) -> Stream:
    """Read the files of a stream, and those of its baseline.

    Args:
        files: See `read_samples`.
        baseline: Files of an earlier time; None for none.
        by: What tells the sources of the stream apart.

    Returns:
        The stream and the baseline.

    Raises:
        DatasetError: As for `read_samples`; or images are in two files, under whatever name; or sketches are of different
            detectors.

    Examples:
        >>> _ = md.score(isic9 / "Test", detector=detector, out="scores_2026-11-27.csv", progress=False)
        >>> read_stream(["scores_2026-11-27.csv"], ["scores_2026-11-27.csv"])
        Traceback (most recent call last):
        melanoma_detect.errors.DatasetError: scores_2026-11-27.csv: has the images of scores_2026-11-27.csv of the baseline...
    """
    stream = _read_parts(files, by)
    earlier = [] if baseline is None else _read_parts(baseline, None)
    places = {mark: part.path for part in earlier for mark in part.marks}
    for part in stream:
        if found := next((places[mark] for mark in part.marks if mark in places), None):  # compared with themselves
            raise DatasetError(
                f"{part.path}: has the images of {found} of the baseline; expected a baseline that is no part of the stream; "
                "leave it out of one of them"
            )
    sketches = [part for part in (*stream, *earlier) if part.detector]
    for part in sketches:
        if part.detector != sketches[0].detector:
            raise DatasetError(
                f"{part.path}: is of another detector than {sketches[0].path}; expected sketches of one detector: what two "
                "find cannot be compared"
            )
    blocks, before = _in_order(stream), None if baseline is None else _in_order(earlier)
    if not sketches:
        return Stream(blocks, before)
    blocks, before = [_rounded(block) for block in blocks], before and [_rounded(block) for block in before]
    return Stream(blocks, before, rounded=True, detector=sketches[0].detector, sketch=sketches[0].path)


def round_values(values: Mapping[Statistic, Float64Array]) -> dict[Statistic, Float64Array]:
    """Return numbers as sketches have them.

    Args:
        values: By statistic.

    Returns:
        Each the middle of its bin.

    Examples:
        >>> import numpy as np
        >>> [found] = round_values({Statistic("red"): np.array([0.1])}).values()
        >>> found.round(3).tolist()
        [0.105]
    """
    return {name: GRIDS[name.name].round_values(own) if name.name in GRIDS else own for name, own in values.items()}


def _rounded(samples: Samples) -> Samples:
    return replace(samples, values=round_values(samples.values))


def _read_parts(files: Files, by: By) -> list[Part]:
    paths = [expand_path(file, DatasetError) for file in files]
    if not paths:
        raise DatasetError(
            "no tables to watch; expected those that score has written, such as scores_2026-11-27.csv, or its sketches"
        )
    for path, count in Counter(path.absolute() for path in paths).items():
        if count > 1:  # its images would be evidence as often
            raise DatasetError(f"{path}: given {count} times; expected each table once")
    parts = [_read_sketch(path, by) if path.suffix.lower() == SUFFIX else read_score_table(path, by) for path in paths]
    seen: dict[int, Part] = {}
    for part in parts:
        for mark in part.marks:
            other = seen.setdefault(mark, part)
            if other is not part and (part.detector or other.detector):
                raise DatasetError(
                    f"{part.path}: has the images of {other.path}; expected each image once: give the table or its sketch"
                )
    return parts


def _read_sketch(path: Path, by: By) -> Part:
    if by not in (None, "camera", "table"):
        raise DatasetError(
            f"{path}: a sketch holds no names of images, so that by={by!r} cannot tell its sources apart; expected 'camera' or "
            "'table', or score tables"
        )
    sketch = read_sketch(path)
    samples = sketch.samples(by_camera=by == "camera")
    if not sketch.images:
        raise DatasetError(f"{path}: is of no images; expected a sketch that melanoma-detect score has written")
    if by == "table":
        samples = [replace(own, source=name_without_date(path)) for own in samples]
    return Part(path, sketch.marks, samples, dated=True, detector=sketch.detector)


def _in_order(parts: Sequence[Part]) -> list[Samples]:
    found: dict[tuple[str, str], list[Samples]] = {}
    for part in parts:
        for samples in part.samples:
            found.setdefault((samples.period, samples.source), []).append(samples)
    merged = [merge_samples(own) for own in found.values()]
    # Days and weeks have no common order as texts.
    if all(part.dated for part in parts) and len({len(samples.period) for samples in merged}) == 1:
        merged.sort(key=lambda samples: samples.period)
    return merged
