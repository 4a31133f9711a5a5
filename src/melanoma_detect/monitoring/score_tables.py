"""Score tables as a stream: the numbers that are watched, the period that is in the name, and the sources."""

import hashlib
import math
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from melanoma_detect.data.sources.table_file import open_table
from melanoma_detect.errors import DatasetError
from melanoma_detect.monitoring.samples import Samples, Statistic
from melanoma_detect.utils.csv_cells import plain_cell
from melanoma_detect.utils.regular_files import open_regular

By: TypeAlias = Literal["folder", "table", "camera"] | Callable[[str], str] | None

_COLUMNS = ("path", "melanoma", "malignant", "decision", "abstained", "image_type", "reason")
_DATE = re.compile(r"\d{4}-?W\d{2}|\d{4}-\d{2}-\d{2}|\d{4}-\d{2}|(?<!\d)20\d{6}(?!\d)")
UNREADABLE = "unreadable"
_MARKS = 2**64


class Part(NamedTuple):
    """What a file of a stream holds.

    Attributes:
        path: The file.
        marks: Numbers that files of the same images have too, in whatever order and format.
        samples: The images, by period and source.
        dated: Whether the periods are dates.
        detector: What scored the images; empty for a table, which does not say.
    """

    path: Path
    marks: tuple[int, ...]
    samples: list[Samples]
    dated: bool
    detector: str = ""


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


def name_without_date(path: Path) -> str:
    """Return what a table or a sketch is called beside its date.

    Args:
        path: The file.

    Returns:
        Its name without suffix and date; the name as it is if nothing else is left.

    Examples:
        >>> name_without_date(Path("clinic_2026-11-27.csv"))
        'clinic'
    """
    return _DATE.sub("", path.stem).strip("-_. ") or path.stem


def read_score_table(path: Path, by: By) -> Part:
    """Read a table that `score` has written.

    Args:
        path: CSV or Parquet.
        by: What tells sources apart; see `read_samples`.

    Returns:
        Its images.

    Raises:
        DatasetError: It is missing, no table of scores, or lists no images; or `by` is something else.

    Examples:
        >>> _ = md.score(isic9 / "Test", detector=detector, out="scores_2026-11-27.csv", progress=False)
        >>> read_score_table(Path("scores_2026-11-27.csv"), None).samples[0].images
        36
    """
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
    return Part(path, (mark,), [samples for samples, _ in collected.values()], bool(_DATE.search(path.stem)))


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
    abstained = row["abstained"].lower() == "true"
    samples.abstained += abstained
    values.setdefault(Statistic("abstained"), []).append(float(abstained))


def _namer(path: Path, by: By) -> Callable[[str], str]:
    if callable(by):
        return by
    if by == "folder":
        return lambda name: PurePosixPath(name.replace("\\", "/")).parent.name or "."
    if by == "table":
        name_of_table = name_without_date(path)
        return lambda _: name_of_table
    if by == "camera":
        raise DatasetError(
            f"{path}: a table does not say which camera took an image; expected sketches (score with sketch=, --sketch)"
        )
    if by is not None:
        raise DatasetError(
            f"by={by!r}; expected 'folder', 'table', 'camera', a function from a path to a name, or None"
        )
    return lambda _: ""
