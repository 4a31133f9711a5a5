"""The file of a sketch: JSON, written whole, and checked when it is read, since it may come from anywhere."""

import datetime as dt
import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from melanoma_detect.errors import DatasetError
from melanoma_detect.monitoring.grids import GRIDS, PROJECTIONS
from melanoma_detect.monitoring.samples import Statistic
from melanoma_detect.monitoring.sketch import PRODUCTS, Cell, Moments, Sketch
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.paths import expand_path
from melanoma_detect.utils.regular_files import open_regular

SUFFIX = ".sketch"
FORMAT = "melanoma-detect sketch 1"
MAX_IMAGES = 20_000_000
MAX_CELLS = 50_000
MAX_BYTES = 256 * 2**20
_MAX_MARKS = 100_000
_MAX_TEXT = 200  # characters
_MAX_REASONS = 200
_LARGEST = 1e12  # of a sum
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TYPES = ("", "dermoscopy", "clinical")
_COUNTS = ("images", "unreadable", "alerts", "refers", "abstained")
_MEMBERS = {"day", "camera", *_COUNTS, "reasons", "histograms", "features"}
_SUMS = (("sums", PROJECTIONS), ("products", PRODUCTS))
_ADVICE = "make it again with melanoma-detect score --sketch, or ask for the file again"


def pack_sketch(sketch: Sketch) -> bytes:
    """Return a sketch as the bytes of its file.

    Args:
        sketch: The sketch.

    Returns:
        JSON in UTF-8. Equal sketches give equal bytes.

    Examples:
        >>> unpack_sketch(pack_sketch(Sketch("0" * 64))).images
        0
    """
    cells = [_plain(place, cell) for place, cell in sorted(sketch.cells.items(), key=lambda pair: pair[0])]
    document = {"format": FORMAT, "detector": sketch.detector, "marks": list(sketch.marks), "cells": cells}
    return json.dumps(document, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def read_sketch(path: "str | os.PathLike[str]") -> Sketch:
    """Read a sketch from a file.

    Args:
        path: The file.

    Returns:
        The sketch.

    Raises:
        DatasetError: It cannot be read, is no sketch, or is damaged.

    Examples:
        >>> _ = md.score(isic9 / "Test", detector=detector, out="a.csv", sketch="a.sketch", progress=False)
        >>> read_sketch("a.sketch").images
        36
    """
    file = expand_path(path, DatasetError)
    try:
        with open_regular(file, DatasetError) as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise DatasetError(
            f"{file}: cannot be read ({error.strerror}); expected a sketch that score has written"
        ) from error
    try:
        return unpack_sketch(content)
    except ValueError as error:
        raise DatasetError(f"{file}: {error}; {_ADVICE}") from error


def unpack_sketch(content: bytes) -> Sketch:
    """Return the sketch that the bytes of a file hold.

    Args:
        content: The bytes.

    Returns:
        The sketch.

    Raises:
        ValueError: They are none of a sketch, or damaged; the message says what is wrong.

    Examples:
        >>> unpack_sketch(b"{}")
        Traceback (most recent call last):
        ValueError: is no sketch; expected the format 'melanoma-detect sketch 1'
    """
    if len(content) > MAX_BYTES:
        raise ValueError(f"is larger than any sketch ({MAX_BYTES:,} bytes)")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError("is no sketch, or damaged: it is no JSON") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"is no sketch; expected the format {FORMAT!r}")
    if set(found) != {"format", "detector", "marks", "cells"}:
        raise ValueError("has other members than detector, marks and cells")
    if not isinstance(found["detector"], str) or not _DIGEST.fullmatch(found["detector"]):
        raise ValueError("names no detector; expected 64 hexadecimal digits")
    marks = tuple(_count(mark, 2**64 - 1) for mark in _list(found["marks"], _MAX_MARKS))
    sketch = Sketch(found["detector"], marks)
    for values in _list(found["cells"], MAX_CELLS):
        place, cell = _cell(values)
        if place in sketch.cells:
            raise ValueError(f"has the day {place[0]} of one camera twice")
        sketch.cells[place] = cell
    if sketch.images > MAX_IMAGES:
        raise ValueError(
            f"is of {sketch.images:,} images, over {MAX_IMAGES:,}; score them in parts, with a sketch each"
        )
    return sketch


def _plain(place: tuple[str, str], cell: Cell) -> dict[str, Any]:
    histograms = [
        {"name": name.name, "image_type": name.image_type, "counts": [list(pair) for pair in sorted(counts.items())]}
        for name, counts in sorted(cell.histograms.items())
    ]
    moments = cell.moments
    return {
        "day": place[0],
        "camera": place[1],
        **{name: getattr(cell, name) for name in _COUNTS},
        "reasons": dict(sorted(cell.reasons.items())),
        "histograms": histograms,
        "features": {
            "count": moments.count,
            "sums": [float(f"{value:.12g}") for value in moments.sums],
            "products": [float(f"{value:.12g}") for value in moments.products],
        },
    }


def _cell(values: Any) -> tuple[tuple[str, str], Cell]:
    if not isinstance(values, dict) or set(values) != _MEMBERS:
        raise ValueError(f"has a cell of other members than {', '.join(sorted(_MEMBERS))}")
    day, camera = _text(values["day"]), _text(values["camera"])
    if not _is_day(day):
        raise ValueError(f"has the day {day!r}; expected one such as 2026-11-27")
    images, unreadable, alerts, refers, abstained = (_count(values[name], MAX_IMAGES) for name in _COUNTS)
    judged = images - unreadable
    if judged < 0 or abstained > judged or alerts + refers > images:
        raise ValueError(f"has more alerts, abstentions or unreadable images than images on {day}")
    cell = Cell(images, unreadable, alerts, refers, abstained, _reasons(values["reasons"], judged))
    cell.moments = _moments(values["features"], judged)
    for histogram in _list(values["histograms"], len(GRIDS) * len(_TYPES)):
        statistic, found = _histogram(histogram)
        if statistic in cell.histograms:
            raise ValueError(f"has the histogram of {statistic} twice on {day}")
        if found.total() > judged:
            raise ValueError(f"has more numbers of {statistic} than images on {day}")
        cell.histograms[statistic] = found
    return (day, camera), cell


def _is_day(text: str) -> bool:
    try:
        return bool(_DAY.fullmatch(text) and dt.date.fromisoformat(text))
    except ValueError:
        return False  # such as 2026-02-31


def _histogram(values: Any) -> tuple[Statistic, Counter[int]]:
    if not isinstance(values, dict) or set(values) != {"name", "image_type", "counts"}:
        raise ValueError("has a histogram of other members than name, image_type and counts")
    name, image_type = _text(values["name"]), _text(values["image_type"])
    if name not in GRIDS or image_type not in _TYPES:
        raise ValueError(f"has a histogram of {name!r:.50}, {image_type!r:.50}; expected a number that is watched")
    found: Counter[int] = Counter()
    for pair in _list(values["counts"], GRIDS[name].bins):
        if not isinstance(pair, list) or len(pair) != 2:
            raise ValueError(f"has a histogram of {name} with an entry that is no bin and count")
        found[_count(pair[0], GRIDS[name].bins - 1)] += _count(pair[1], MAX_IMAGES)
    return Statistic(name, image_type), found


def _reasons(values: Any, most: int) -> Counter[str]:
    if not isinstance(values, dict) or len(values) > _MAX_REASONS:
        raise ValueError("has reasons that are no counts by reason")
    return Counter({_text(reason): _count(count, most) for reason, count in values.items()})


def _moments(values: Any, most: int) -> Moments:
    if not isinstance(values, dict) or set(values) != {"count", "sums", "products"}:
        raise ValueError("has features of other members than count, sums and products")
    return Moments(_count(values["count"], most), *(_numbers(values, *of) for of in _SUMS))


def _numbers(values: Mapping[str, Any], name: str, length: int) -> Float64Array:
    numbers = _list(values[name], length)
    if len(numbers) != length or not all(type(one) in (int, float) and -_LARGEST <= one <= _LARGEST for one in numbers):
        raise ValueError(f"has {name} of features that are not {length} numbers")
    return np.array(numbers, np.float64)


def _count(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"has a count of {value!r:.50}; expected a whole number of 0 to {most:,}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT or not value.isprintable():
        raise ValueError(
            f"has a text of another kind ({value!r:.50}); expected at most {_MAX_TEXT} printable characters"
        )
    return value


def _list(value: Any, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise ValueError(f"has a list that is none of at most {most:,} entries")
    return value
