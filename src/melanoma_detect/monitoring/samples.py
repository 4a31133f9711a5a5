"""What is watched of a stream: the values of the images that score tables list, by period, source and type of image."""

import hashlib
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from melanoma_detect.data.sources.table_file import open_table
from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.csv_cells import plain_cell
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.regular_files import open_regular

By: TypeAlias = Literal["folder", "table"] | Callable[[str], str] | None

_COLUMNS = ("path", "melanoma", "malignant", "decision", "abstained", "image_type", "reason")
_DATE = re.compile(r"\d{4}-?W\d{2}|\d{4}-\d{2}-\d{2}|\d{4}-\d{2}|(?<!\d)20\d{6}(?!\d)")
UNREADABLE = "unreadable"
_MARKS = 2**64


class Statistic(NamedTuple):
    """A number of each image that is watched.

    Attributes:
        name: `"melanoma"` and `"malignant"` (probabilities), `"abstained"` (1 or 0).
        image_type: `"dermoscopy"`, `"clinical"`, or empty for a detector that does not tell them apart.
    """

    name: str
    image_type: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.image_type})" if self.image_type else self.name


@dataclass
class Samples:
    """The values of some images of one period and one source.

    Attributes:
        period: The day or week, or the table's name.
        source: The camera, clinic or folder; empty where sources are not told apart.
        images: How many images, unreadable ones among them.
        unreadable: How many could not be read.
        alerts: How many raised an alert.
        refers: How many are referred to a person.
        values: The numbers that are watched, in no particular order.
    """

    period: str
    source: str = ""
    images: int = 0
    unreadable: int = 0
    alerts: int = 0
    refers: int = 0
    values: dict[Statistic, Float64Array] = field(default_factory=dict)


def read_samples(tables: Iterable[str | os.PathLike[str]], by: By = None) -> list[Samples]:
    """Read score tables.

    Args:
        tables: Tables that `score` has written (CSV or Parquet). One with a date in its name (`2026-11-27`, `2026-W48`) belongs
            to that period, and such tables are put into the order of time if all have days, weeks or months; others are a
            period each, in the order given.
        by: What tells sources apart: `"folder"` (that of the image), `"table"` (its name without the date), or a function
            from the path of an image to a name; None for one source.

    Returns:
        One of each period and source, in the order of time.

    Raises:
        DatasetError: There is no table, or one is missing, given twice, is no table of scores, or lists no images.

    Examples:
        >>> _ = md.score(isic9 / "Test", detector=detector, out="scores_2026-11-27.csv", progress=False)
        >>> [samples] = read_samples(["scores_2026-11-27.csv"])
        >>> samples.period, samples.images
        ('2026-11-27', 36)
        >>> [samples.source for samples in read_samples(["scores_2026-11-27.csv"], by="folder")][:2]
        ['actinic keratosis', 'basal cell carcinoma']
    """
    return read_stream(tables, by=by)[0]


def read_stream(
    tables: Iterable[str | os.PathLike[str]], baseline: Iterable[str | os.PathLike[str]] | None = None, by: By = None
) -> tuple[list[Samples], list[Samples] | None]:
    """Read the score tables of a stream, and those of its baseline.

    Args:
        tables: See `read_samples`.
        baseline: Tables of an earlier time; None for none.
        by: What tells the sources of the stream apart.

    Returns:
        The stream and the baseline, as `read_samples` returns them; None for no baseline.

    Raises:
        DatasetError: As for `read_samples`; or the baseline has a table of the stream, under whatever name.

    Examples:
        >>> _ = md.score(isic9 / "Test", detector=detector, out="scores_2026-11-27.csv", progress=False)
        >>> read_stream(["scores_2026-11-27.csv"], ["scores_2026-11-27.csv"])
        Traceback (most recent call last):
        melanoma_detect.errors.DatasetError: scores_2026-11-27.csv: has the images of scores_2026-11-27.csv of the baseline...
    """
    stream = _read_tables(tables, by)
    if baseline is None:
        return _in_order(stream), None
    earlier = _read_tables(baseline, None)
    places = {table.mark: table.path for table in earlier}
    for table in stream:
        if table.mark in places:  # they would be compared with themselves
            raise DatasetError(
                f"{table.path}: has the images of {places[table.mark]} of the baseline; expected a baseline that is no part of "
                "the stream; leave it out of one of them"
            )
    return _in_order(stream), _in_order(earlier)


class _Table(NamedTuple):
    """What a table holds, and a number that another one of the same rows has too, in whatever order and format."""

    path: Path
    mark: int
    samples: list[Samples]


def _read_tables(tables: Iterable[str | os.PathLike[str]], by: By) -> list[_Table]:
    paths = [expand_path(table, DatasetError) for table in tables]
    if not paths:
        raise DatasetError("no tables to watch; expected those that score has written, such as scores_2026-11-27.csv")
    for path, count in Counter(path.absolute() for path in paths).items():
        if count > 1:  # its images would be evidence as often
            raise DatasetError(f"{path}: given {count} times; expected each table once")
    return [_read_table(path, by) for path in paths]


def _in_order(tables: Sequence[_Table]) -> list[Samples]:
    found: dict[tuple[str, str], list[Samples]] = {}
    for table in tables:
        for samples in table.samples:
            found.setdefault((samples.period, samples.source), []).append(samples)
    merged = [merge_samples(parts) for parts in found.values()]
    # Days and weeks have no common order as texts.
    if all(_DATE.search(table.path.stem) for table in tables) and len({len(samples.period) for samples in merged}) == 1:
        merged.sort(key=lambda samples: samples.period)
    return merged


def period_of(path: Path) -> str:
    """Return the period that a table belongs to.

    Args:
        path: The table.

    Returns:
        The date in its name, written with dashes; or the name without its suffix.

    Examples:
        >>> period_of(Path("clinic_2026-11-27.csv")), period_of(Path("scores.csv"))
        ('2026-11-27', 'scores')
        >>> period_of(Path("scores_20261127.csv")), period_of(Path("scores_2026W48.csv"))
        ('2026-11-27', '2026-W48')
    """
    found = _DATE.search(path.stem)
    if not found:
        return path.stem
    digits = found[0].replace("-", "")
    if "W" in digits:
        return f"{digits[:4]}-{digits[4:]}"
    return "-".join(part for part in (digits[:4], digits[4:6], digits[6:]) if part)


def merge_samples(parts: Sequence[Samples]) -> Samples:
    """Return samples of one period and source as one.

    Args:
        parts: One or several; period and source are the first one's.

    Returns:
        Their images together.

    Examples:
        >>> merge_samples([Samples("monday", images=2), Samples("monday", images=3)]).images
        5
    """
    statistics = dict.fromkeys(name for part in parts for name in part.values)
    counts = {name: sum(getattr(part, name) for part in parts) for name in ("images", "unreadable", "alerts", "refers")}
    values = {name: np.concatenate([part.values.get(name, np.empty(0)) for part in parts]) for name in statistics}
    return Samples(parts[0].period, parts[0].source, **counts, values=values)


def _read_table(path: Path, by: By) -> _Table:
    source_of, period, mark = _namer(path, by), period_of(path), 0
    try:
        file = open_regular(path, DatasetError)
    except OSError as error:
        raise DatasetError(
            f"{path}: cannot be opened ({error}); expected a table that score has written; check the path"
        ) from error
    with open_table(str(path), file) as table:
        if missing := [name for name in _COLUMNS if name not in table.columns]:
            raise DatasetError(
                f"{path}: no table of scores, since it has no column {missing[0]} (it has {', '.join(table.columns)}); "
                "expected one that melanoma-detect score has written"
            )
        collected: dict[str, tuple[Samples, dict[Statistic, list[float]]]] = {}
        columns = {name: number for number, name in enumerate(table.columns)}
        for cells in table.read([columns[name] for name in _COLUMNS]):
            row = dict(zip(_COLUMNS, cells, strict=True))
            row["path"] = plain_cell(row["path"])
            mark = (mark + row_mark(row["path"], row["melanoma"], row["malignant"])) % _MARKS
            source = source_of(row["path"])
            if source not in collected:
                collected[source] = Samples(period, source), {}
            _add(*collected[source], row, path)
    if not collected:
        raise DatasetError(f"{path}: lists no images; expected a table that melanoma-detect score has written")
    for samples, values in collected.values():
        samples.values = {name: np.array(numbers) for name, numbers in values.items()}
    return _Table(path, mark, [samples for samples, _ in collected.values()])


def row_mark(path: str, melanoma: str, malignant: str) -> int:
    """Return a number that stands for a row of a score table; tables of the same rows have the same sum of them.

    Args:
        path: The image's name.
        melanoma: Its probability, as the table has it; may be empty.
        malignant: The same.

    Returns:
        64 bits of a digest.

    Examples:
        >>> row_mark("a.jpg", "0.5", "0.50") == row_mark("a.jpg", "0.5", "0.5")
        True
    """
    content = f"{path}\0{_plain_number(melanoma)}\0{_plain_number(malignant)}".encode("utf-8", "backslashreplace")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def _plain_number(text: str) -> str:
    """Return a number as Python writes it: CSV and Parquet tables may write it differently."""
    try:
        return repr(float(text))
    except ValueError:
        return text


def _add(samples: Samples, values: dict[Statistic, list[float]], row: dict[str, str], path: Path) -> None:
    samples.images += 1
    samples.alerts += row["decision"] == "alert"
    samples.refers += row["decision"] == "refer"
    if row["reason"] == UNREADABLE:
        samples.unreadable += 1
        return
    for name in ("melanoma", "malignant"):
        try:
            value = float(row[name]) if row[name] else math.nan
        except ValueError:
            value = math.inf
        if 0 <= value <= 1:
            values.setdefault(Statistic(name, row["image_type"]), []).append(value)
        elif not math.isnan(value):
            raise DatasetError(f"{path}: {row['path']}: {name} is {row[name]!r}; expected a probability, 0 to 1")
    values.setdefault(Statistic("abstained"), []).append(float(row["abstained"].lower() == "true"))


def _namer(path: Path, by: By) -> Callable[[str], str]:
    if callable(by):
        return by
    if by == "folder":
        return lambda name: PurePosixPath(name.replace("\\", "/")).parent.name or "."
    if by == "table":
        stem = _DATE.sub("", path.stem).strip("-_. ") or path.stem
        return lambda _: stem
    if by is not None:
        raise DatasetError(f"by={by!r}; expected 'folder', 'table', a function from a path to a name, or None")
    return lambda _: ""
