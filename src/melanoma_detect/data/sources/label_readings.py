"""The ways to read the label of a row: names, levels from coarse to fine, columns of 0 and 1, malignant or benign."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from melanoma_detect import taxonomy
from melanoma_detect.data.sources.columns import (
    find_codes,
    find_label_columns,
    find_levels,
    find_malignancy_columns,
    normalize,
)

Cells: TypeAlias = Mapping[str, str]
_TRUE, _FALSE = frozenset({"true", "yes", "y", "x"}), frozenset({"false", "no", "n"})
_ISIC = re.compile(r"ISIC_\d{7}.*", re.IGNORECASE)
_PH2 = re.compile(r"IMD\d{3}")
_PH2_DIAGNOSES = {"0": "common nevus", "1": "atypical nevus", "2": "melanoma"}


@dataclass(frozen=True)
class Reading:
    """One way to read the label of a row.

    Attributes:
        name: The columns, for messages.
        read: The label that a row's cells give; empty for none.
        fallback: Whether the columns say less than a diagnosis, so that they are read where the others are silent.
    """

    name: str
    read: Callable[[Cells], str]
    fallback: bool = False


def find_readings(columns: Sequence[str], names: Sequence[str], rows: Sequence[Cells]) -> list[Reading]:
    """Return every way to read a label, in order of precedence.

    Args:
        columns: The columns of a table.
        names: The image of each row.
        rows: The cells of each row.

    Returns:
        The readings; those that say less than a diagnosis last.

    Examples:
        >>> readings = find_readings(["MEL", "NV", "target"], ["a"], [{"MEL": "0", "NV": "1", "target": "0"}])
        >>> [reading.name for reading in readings], readings[0].read({"MEL": "0", "NV": "1"})
        (['MEL, NV', 'target'], 'NV')
    """
    readings = [Reading(" to ".join((own[0], own[-1])), _finest_of(own)) for own in find_levels(columns)]
    codes = _codes_of(columns, rows)
    if len(codes) > 1:
        readings.append(Reading(", ".join(codes), _marked_of(codes)))
    readings += [_name_reading(column, names, rows) for column in find_label_columns(columns)]
    readings += [Reading(column, _malignancy_of(column), fallback=True) for column in find_malignancy_columns(columns)]
    if len(codes) == 1:
        readings += [Reading(column, _either_of(column, code), fallback=True) for column, code in codes.items() if code]
    return readings


def _name_reading(column: str, names: Sequence[str], rows: Sequence[Cells]) -> Reading:
    name = normalize(column)
    words = {cells[column] for cells in rows if column in cells}
    numbers = {number_of(word) for word in words}
    isic = bool(names) and all(_ISIC.fullmatch(image) for image in names[:100] if image)
    if name == "target" and numbers <= {0.0, 1.0} and isic:
        # ISIC 2020 and ISIC 2024: 1 is malignant, and in ISIC 2020 every malignant image is a melanoma.
        return Reading(column, _malignancy_of(column), fallback=True)
    if name == "clinicaldiagnosis":
        ph2 = bool(names) and all(_PH2.match(image) for image in names[:100] if image)
        translate = _PH2_DIAGNOSES if ph2 else {}
        return Reading(column, lambda cells: translate.get(cells.get(column, ""), cells.get(column, "")), fallback=True)
    return Reading(column, _name_of(column), fallback=name == "ninepartitionlabel")


def _name_of(column: str) -> Callable[[Cells], str]:
    @lru_cache(maxsize=4096)
    def read(text: str) -> str:
        if "::" in text:  # iddx_full: all levels in one cell
            return taxonomy.finest([part.strip() for part in text.split("::")])
        number = number_of(text)
        return str(int(number)) if number is not None and number.is_integer() else text

    return lambda cells: read(cells.get(column, ""))


def _finest_of(levels: Sequence[str]) -> Callable[[Cells], str]:
    cached = lru_cache(maxsize=4096)(taxonomy.finest)

    def read(cells: Cells) -> str:
        texts = tuple(cells[level] for level in levels if level in cells)
        return cached(texts) if texts else ""

    return read


def _malignancy_of(column: str) -> Callable[[Cells], str]:
    def read(cells: Cells) -> str:
        text = cells.get(column, "")
        marked = _is_marked(text)
        if marked is None:
            # The archive's "indeterminate/malignant".
            return text
        return "malignant" if marked else "benign"

    return read


def _either_of(column: str, code: str) -> Callable[[Cells], str]:
    def read(cells: Cells) -> str:
        marked = _is_marked(cells.get(column, ""))
        return "" if marked is None else code if marked else f"not {code}"

    return read


def _codes_of(columns: Sequence[str], rows: Sequence[Cells]) -> dict[str, str]:
    """Return the columns of 0 and 1 that are named by a diagnosis, and those between them: other groups of the same table."""
    codes = find_codes(columns)
    positions = [position for position, column in enumerate(columns) if codes.get(column)]
    if len(positions) < 2:
        candidates = list(codes)
    else:
        candidates = list(columns[positions[0] : positions[-1] + 1])
        candidates += [column for column in codes if column not in candidates]
    found = {column: codes.get(column, column) for column in candidates if _is_binary(column, rows)}
    if len(found) < 2:
        return found
    named = {*found, *find_label_columns(columns), *find_malignancy_columns(columns)}
    others = (column for column in columns if column not in named and _is_binary(column, rows))
    return found | {column: column for column in others if _completes(column, found, rows)}


def _completes(column: str, codes: Mapping[str, str], rows: Sequence[Cells]) -> bool:
    """Return whether a column of 0 and 1 is marked in the very rows that mark none of the codes: it is a class, too."""
    marked = [_is_marked(cells.get(column, "")) is True for cells in rows]
    return any(marked) and all(
        own != any(_is_marked(cells.get(code, "")) for code in codes) for own, cells in zip(marked, rows, strict=True)
    )


def _is_binary(column: str, rows: Sequence[Cells]) -> bool:
    words = {cells.get(column, "") for cells in rows}
    return all(not word or _is_marked(word) is not None for word in words)


def _marked_of(codes: Mapping[str, str]) -> Callable[[Cells], str]:
    """Return how to read a row with one column of 0 and 1 for each diagnosis."""
    # ISIC 2017 asks for melanoma and seborrheic keratosis only; what is neither is a nevus.
    found = {diagnosis.code for code in codes.values() if (diagnosis := taxonomy.find(code))}
    rest = "nevus" if len(codes) == 2 and found == {"MEL", "SK"} else ""

    def read(cells: Cells) -> str:
        marked = [code for column, code in codes.items() if column in cells and _is_marked(cells[column])]
        if not marked and rest and all(column in cells for column in codes):
            return rest
        return marked[0] if len(marked) == 1 else ""

    return read


@lru_cache(maxsize=4096)
def _is_marked(text: str) -> bool | None:
    """Return what a cell of 0 and 1 says, or None for a cell that says something else."""
    lowered = text.lower()
    if lowered in _TRUE or lowered in _FALSE:
        return lowered in _TRUE
    number = number_of(text)
    # A fraction is a model's probability, and no label.
    return None if number not in (0.0, 1.0) else number == 1.0


def number_of(text: str) -> float | None:
    """Return the number that a cell holds, with a decimal point or comma.

    Args:
        text: The cell.

    Returns:
        The number, or None.

    Examples:
        >>> number_of("1,0"), number_of("nv") is None
        (1.0, True)
    """
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None
