"""What the images of an evaluation are grouped by: lesions or patients, as the tables name them, or each image on its own."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from melanoma_detect.data.record import Record
from melanoma_detect.data.sources.columns import CASE_COLUMNS, LESION_COLUMNS, PATIENT_COLUMNS
from melanoma_detect.data.sources.patient_columns import find_cell
from melanoma_detect.utils.counts import count_noun

Unit: TypeAlias = Literal["image", "lesion", "patient", "lesion or patient"]
PLURALS: dict[Unit, str] = {
    "image": "images",
    "lesion": "lesions",
    "patient": "patients",
    "lesion or patient": "lesions or patients",
}
# In the rows of subgroups: "148 patients (18 with melanomas)", but "148 lesions (18 melanomas)".
PREPOSITIONS: dict[Unit, str] = {"image": "", "lesion": "", "patient": "with ", "lesion or patient": "with "}


class IndependentUnits(NamedTuple):
    """What images are grouped by, and how many groups there are.

    Attributes:
        unit: What a group is.
        number: The number of groups.
        lesions: The number of lesions where a table names those of every image and groups are patients; else None.
    """

    unit: Unit
    number: int
    lesions: int | None = None

    def __str__(self) -> str:
        counted = count_noun(self.number, self.unit, PLURALS[self.unit])
        return f"{count_noun(self.lesions, 'lesion')} in {counted}" if self.lesions is not None else counted


def find_units(groups: Sequence[str], records: Sequence[Record]) -> IndependentUnits:
    """Find out what images are grouped by.

    Args:
        groups: The group of each image, `(n,)`.
        records: The record of each image, `(n,)`; empty if unknown: then groups are lesions.

    Returns:
        Patients where the tables name the patient of every image; "lesion or patient" where of some. Images where no table
        names a lesion and no two images belong together.

    Examples:
        >>> print(find_units(["a", "a", "b"], ()))
        2 lesions
        >>> from dataclasses import replace
        >>> records = [replace(record, metadata={"patient_id": "P1"}) for record in data.test.records[:2]]
        >>> print(find_units(["a", "a"], records), "/", find_units(["a", "b"], data.test.records[:2]))
        1 patient / 2 lesions
    """
    count, rows = len(set(groups)), range(len(groups))
    if len(records) != len(groups):
        return IndependentUnits("lesion", count)
    patients = _cells(records, PATIENT_COLUMNS)
    if _are_kept_together(patients, groups) and any(patients):
        if not all(patients):
            return IndependentUnits("lesion or patient", count)
        lesions = _cells(records, LESION_COLUMNS)
        named = {(patients[row], lesions[row]) for row in rows}
        return IndependentUnits("patient", count, len(named) if all(lesions) else None)
    named_lesions = any(_cells(records, (*LESION_COLUMNS, *CASE_COLUMNS)))
    return IndependentUnits("lesion" if named_lesions or count < len(groups) else "image", count)


def _cells(records: Sequence[Record], columns: Sequence[str]) -> list[str]:
    """Return what the tables name for each record, within its source; empty where they name nothing."""
    cells = [find_cell(record.metadata, columns) for record in records]
    return [cell and f"{record.source} {cell}" for record, cell in zip(records, cells, strict=True)]


def _are_kept_together(names: Sequence[str], groups: Sequence[str]) -> bool:
    """Return whether images of one name are of one group: a column such as `patient` may mean something else."""
    return len({pair for pair in zip(names, groups, strict=True) if pair[0]}) == len(set(names) - {""})
