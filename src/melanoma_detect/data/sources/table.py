"""Metadata tables: the diagnosis, lesion, patient and other columns of each image."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from melanoma_detect import taxonomy
from melanoma_detect.data.record import SplitName
from melanoma_detect.data.sources.columns import (
    SPLIT_WORDS,
    find_group_columns,
    find_split_column,
    find_truth_columns,
    is_certain_group,
    normalize,
)
from melanoma_detect.data.sources.labelling import Labelling, has_labels
from melanoma_detect.errors import DatasetError
from melanoma_detect.images.formats import SUFFIXES

FILE_NAME = "metadata.csv"
# "ISIC_0025601(1)" is a second download of ISIC_0025601; "_downsampled" is the ISIC 2019 challenge's own suffix.
_COPY = re.compile(r"\s*\(\d+\)$|_downsampled$")


class TableRow(NamedTuple):
    """One row of a table.

    Attributes:
        name: The cell that names the image, as it is written.
        cells: The other cells by column; missing values are left out.
    """

    name: str
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """A metadata table.

    Attributes:
        path: The file.
        columns: Its columns, without the one that names the image.
        rows: Its rows in the order of the file; an image may have several.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]

    def label(self, row: TableRow) -> str:
        """Return the label of a row.

        Args:
            row: A row of this table.

        Returns:
            The label; an empty string where the table has none, or its columns contradict each other.

        Examples:
            >>> row = TableRow("a", {"dx": "nv"})
            >>> Table(Path("t.csv"), ("dx",), (row,)).label(row)
            'nv'
        """
        labels = self.labels(row)
        return labels[0] if len(labels) == 1 else ""

    def labels(self, row: TableRow) -> tuple[str, ...]:
        """Return the labels of a row: none, one, or two where its columns contradict each other.

        Of several columns the one that the taxonomy understands best is read, and the others where it is silent: see
        `columns` for their names. Understood are names and codes, levels from coarse to fine (`diagnosis_1` to
        `diagnosis_5`), and one column of 0 and 1 for each diagnosis.

        Args:
            row: A row of this table.

        Returns:
            The labels.

        Raises:
            DatasetError: Two columns contradict each other in many rows.

        Examples:
            >>> rows = (TableRow("a", {"MEL": "1.0", "NV": "0.0"}), TableRow("b", {"MEL": "0.0", "NV": "1.0"}))
            >>> Table(Path("t.csv"), ("MEL", "NV"), rows).labels(rows[1])
            ('NV',)
        """
        return self._labelling.labels(row.cells)

    @cached_property
    def _labelling(self) -> Labelling:
        return Labelling(self.path, self.columns, [row.name for row in self.rows], [row.cells for row in self.rows])

    @property
    def has_labels(self) -> bool:
        """Whether a column gives the diagnosis."""
        return has_labels(self.columns)

    def truth(self, row: TableRow) -> frozenset[str]:
        """Return the codes of the authoritative diagnosis of a row.

        The column `isic2019_diagnosis` takes precedence over those of `label`.

        Args:
            row: A row of this table.

        Returns:
            Codes of the taxonomy; empty where the table has no diagnosis.

        Examples:
            >>> row = TableRow("a", {"dx": "nv"})
            >>> Table(Path("t.csv"), ("dx",), (row,)).truth(row)
            frozenset({'NV'})
        """
        truths = (row.cells[column] for column in find_truth_columns(row.cells))
        diagnosis = next(truths, "") or self.label(row)
        return taxonomy.meaning(diagnosis) if diagnosis else frozenset()

    def split(self, row: TableRow) -> SplitName | None:
        """Return the split that a row names.

        Args:
            row: A row of this table.

        Returns:
            The split, or None where the row names none.

        Raises:
            DatasetError: The row names a split that is unknown.

        Examples:
            >>> row = TableRow("a", {"split": "val"})
            >>> Table(Path("t.csv"), ("split",), (row,)).split(row)
            'validation'
        """
        word = row.cells.get(self.split_column, "") if self.split_column else ""
        if not word:
            return None
        if split := SPLIT_WORDS.get(normalize(word)):
            return split
        raise DatasetError(
            f"{self.path}: the column {self.split_column} says {word!r} of {row.name}; expected train, validation (val) or "
            "test"
        )

    @cached_property
    def split_column(self) -> str | None:
        """The column that names the split of each image, or None."""
        columns = [column for column in self.columns if not has_labels([column])]
        return find_split_column(columns, {column: self._words(column) for column in columns})

    def group_keys(self, row: TableRow, columns: Sequence[str] | None = None) -> list[str]:
        """Return the keys that a row shares with others of its lesion or patient.

        Args:
            row: A row of this table.
            columns: The columns that group; those that name the lesion, the patient or the case where it is None.

        Returns:
            One key for each of these columns that is filled.

        Raises:
            DatasetError: The table has no such column.

        Examples:
            >>> row = TableRow("a", {"Lesion ID": "L1"})
            >>> Table(Path("t.csv"), ("Lesion ID",), (row,)).group_keys(row)
            ['lesion_id L1']
        """
        if columns is None:
            return [f"{kind} {row.cells[name]}" for name, kind in self._groups.items() if name in row.cells]
        return [f"{name} {row.cells[name]}" for name in self._find_columns(tuple(columns)) if name in row.cells]

    def has_column(self, name: str) -> bool:
        """Return whether the table has a column.

        Args:
            name: The column; case, blanks, hyphens and underscores do not matter.

        Returns:
            True if it has.

        Examples:
            >>> Table(Path("t.csv"), ("Lesion ID",), ()).has_column("lesion_id")
            True
        """
        return name in self.columns or normalize(name) in map(normalize, self.columns)

    @cached_property
    def _groups(self) -> dict[str, str]:
        """The columns that group, and what each names; one whose name is vague counts only where its cells look like ids."""
        found = find_group_columns(self.columns)
        return {name: kind for name, kind in found.items() if is_certain_group(name) or _are_ids(self._words(name))}

    @cached_property
    def _chosen_columns(self) -> dict[tuple[str, ...], list[str]]:
        return {}

    def _find_columns(self, chosen: tuple[str, ...]) -> list[str]:
        if chosen not in self._chosen_columns:
            by_name = {normalize(name): name for name in self.columns} | {name: name for name in self.columns}
            missing = [name for name in chosen if name not in by_name and normalize(name) not in by_name]
            if missing:
                raise DatasetError(
                    f"{self.path}: no column {missing[0]!r} to group by; expected one of {', '.join(self.columns)}"
                )
            self._chosen_columns[chosen] = [by_name.get(name) or by_name[normalize(name)] for name in chosen]
        return self._chosen_columns[chosen]

    def _words(self, column: str) -> set[str]:
        return {row.cells[column] for row in self.rows if column in row.cells}


def image_name(path: Path) -> str:
    """Return the name that a metadata table gives an image file.

    Args:
        path: An image file.

    Returns:
        The file's name without its suffix and without the marks of a second download.

    Examples:
        >>> image_name(Path("Train/basal cell carcinoma/ISIC_0025601(1).jpg"))
        'ISIC_0025601'
    """
    return _COPY.sub("", path.stem)


def group_keys(row: Mapping[str, str], columns: Sequence[str] | None = None) -> list[str]:
    """Return the keys that an image shares with others of its lesion or patient.

    Args:
        row: The image's cells by column.
        columns: The columns that group; those that name the lesion, the patient or the case where it is None.

    Returns:
        One key for each of these columns that is filled.

    Examples:
        >>> group_keys({"lesion_id": "L1", "age": "45"})
        ['lesion_id L1']
    """
    if columns is None:
        found = find_group_columns(row)
        return [
            f"{kind} {row[name]}" for name, kind in found.items() if is_certain_group(name) or _are_ids({row[name]})
        ]
    return [f"{column} {row[column]}" for column in columns if column in row]


def _are_ids(words: set[str]) -> bool:
    """Return whether the cells of a column look like ids: with digits, and more than a yes and a no."""
    with_digits = sum(any(letter.isdigit() for letter in word) for word in words)
    return with_digits > 0.9 * len(words) and not words <= {"0", "1", "0.0", "1.0"}


def stem_of(name: str) -> str:
    """Return the name of an image without the suffix of an image and without the marks of a second download.

    Args:
        name: A cell that names an image, without folders.

    Returns:
        The name.

    Examples:
        >>> stem_of("ISIC_0025601(1).jpg"), stem_of("case.1")
        ('ISIC_0025601', 'case.1')
    """
    stem, dot, suffix = name.rpartition(".")
    return _COPY.sub("", stem if dot and f".{suffix.lower()}" in SUFFIXES else name)
