"""The columns of published tables: which one names the image, the diagnosis, the split, the lesion and the patient.

Names are compared as `normalize` gives them: `Image_ID`, `image id` and `imageid` are one name.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from melanoma_detect import taxonomy
from melanoma_detect.data.record import SplitName

# In order of precedence: a path tells two files of one name apart, and an id tells more than a name.
IMAGE_COLUMNS = (
    "image_path",
    "img_path",
    "file_path",
    "path",
    "image_file",
    "image_filename",
    "filename",
    "file",
    "DDI_file",  # DDI
    "bcn_filename",  # BCN20000
    "derm",  # Derm7pt; `clinic` names its clinical image
    "image_id",
    "isic_id",
    "img_id",  # PAD-UFES-20
    "image_name",
    "img_name",
    "image",
    "img",
    "photo",
    "md5hash",  # Fitzpatrick17k
    "id",
    "name",
)
# Columns that name diagnoses, in order of precedence where the taxonomy understands several equally well.
LABEL_COLUMNS = (
    "histological_diagnosis",
    "histopathology",
    "final_diagnosis",
    "diagnosis_full",
    "iddx_full",
    "diagnosis",
    "diagnostic",
    "diagnose",
    "diagnostico",
    "diagnóstico",
    "dx",
    "diagnosis_name",
    "disease",
    "disease_name",
    "lesion_type",
    "cell_type",
    "label_name",
    "label_text",
    "label",
    "labels",
    "class",
    "class_name",
    "class_label",
    "category",
    "ground_truth",
    "target",
    "y",
    "clinical_diagnosis",
    "nine_partition_label",
)
# Columns that say malignant or benign, in words or as 1 and 0.
MALIGNANCY_COLUMNS = ("benign_malignant", "malignancy", "malignant", "is_malignant", "three_partition_label")
LEVEL_COLUMNS = ("diagnosis", "iddx")  # with a number from 1, coarse, to 5, fine
TRUTH_COLUMNS = ("isic2019_diagnosis",)
LESION_COLUMNS = ("lesion_id", "lesion", "lesion_no", "lesion_number")
PATIENT_COLUMNS = ("patient_id", "patient", "patient_no", "patient_number", "subject_id", "subject", "person_id")
CASE_COLUMNS = ("case_id", "case_num", "case", "case_no", "case_number")
SPLIT_COLUMNS = ("split", "dataset_split", "data_split", "train_test_split", "split_name", "split_type")
# Columns that are a split only where each of their words names one.
_POSSIBLE_SPLIT_COLUMNS = ("set", "subset", "partition", "fold", "phase", "usage")

SPLIT_WORDS: Mapping[str, SplitName] = {
    **dict.fromkeys(("train", "training", "trn", "tr", "trainset", "trainingset"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "development", "validationset", "valset"), "validation"),
    **dict.fromkeys(("test", "testing", "tst", "te", "holdout", "heldout", "testset", "evaluation"), "test"),
}

# Measurements by a camera's software, forty columns of ISIC 2024: the library uses none of them.
_UNUSED = "tbplv"
_PREFIXES = ("meta.clinical.", "meta.acquisition.", "metadata.clinical.", "metadata.acquisition.")
_OTHERS = re.compile(r"[\W_]+")
_DUMMY = re.compile(r"(?:diagnosis|dx|label|class|is)[_ .:=-]+(?=.)", re.IGNORECASE)


@lru_cache(maxsize=4096)
def normalize(column: str) -> str:
    """Return a column's name as names of columns are compared: its letters and digits in lower case.

    Args:
        column: As the table writes it.

    Returns:
        The name without blanks, hyphens, underscores and the ISIC archive's prefixes.

    Examples:
        >>> normalize("Image_ID"), normalize("meta.clinical.benign_malignant")
        ('imageid', 'benignmalignant')
    """
    lowered = column.casefold()
    prefix = next((prefix for prefix in _PREFIXES if lowered.startswith(prefix)), "")
    return _OTHERS.sub("", lowered[len(prefix) :])


def find_image_column(columns: Sequence[str]) -> int | None:
    """Return the position of the column that names the images.

    Args:
        columns: The columns of a table; case, blanks, hyphens and underscores do not matter.

    Returns:
        The position, or None where no column does.

    Examples:
        >>> find_image_column(["age", "File Name"])
        1
    """
    return next(iter(find_image_columns(columns)), None)


def find_image_columns(columns: Sequence[str]) -> list[int]:
    """Return the positions of all columns that may name the images, in order of precedence.

    Args:
        columns: The columns of a table.

    Returns:
        The positions.

    Examples:
        >>> find_image_columns(["id", "image", "age", "path"])
        [3, 1, 0]
    """
    return [position for position, _ in _find(columns, IMAGE_COLUMNS)]


def is_image_table(columns: Sequence[str]) -> bool:
    """Return whether a table names images, or lesions whose images a companion table names.

    Args:
        columns: The columns of a table.

    Returns:
        Whether it does.

    Examples:
        >>> is_image_table(["lesion_id", "MEL", "NV"]), is_image_table(["age", "sex"])
        (True, False)
    """
    return bool(_find(columns, (*IMAGE_COLUMNS, "lesion_id")))


def find_label_columns(columns: Sequence[str]) -> list[str]:
    """Return the columns that name diagnoses, in order of precedence.

    Args:
        columns: The columns of a table.

    Returns:
        Their names.

    Examples:
        >>> find_label_columns(["Class", "age", "DX"])
        ['DX', 'Class']
    """
    return [name for _, name in _find(columns, LABEL_COLUMNS)]


def find_malignancy_columns(columns: Sequence[str]) -> list[str]:
    """Return the columns that say malignant or benign.

    Args:
        columns: The columns of a table.

    Returns:
        Their names.

    Examples:
        >>> find_malignancy_columns(["benign_malignant", "diagnosis"])
        ['benign_malignant']
    """
    return [name for _, name in _find(columns, MALIGNANCY_COLUMNS)]


def find_levels(columns: Sequence[str]) -> list[list[str]]:
    """Return the columns that give a diagnosis from coarse to fine, `diagnosis_1` to `diagnosis_5` or `iddx_1` to `iddx_5`.

    Args:
        columns: The columns of a table.

    Returns:
        For each such series its columns, from coarse to fine.

    Examples:
        >>> find_levels(["diagnosis_3", "diagnosis_1", "age"])
        [['diagnosis_1', 'diagnosis_3']]
    """
    series = ([f"{name}_{level}" for level in range(1, 10)] for name in LEVEL_COLUMNS)
    found = ([name for _, name in _find(columns, names)] for names in series)
    return [levels for levels in found if levels]


def find_codes(columns: Sequence[str]) -> dict[str, str]:
    """Return the columns that are named by a diagnosis, for tables with one column of 0 and 1 for each.

    Args:
        columns: The columns of a table.

    Returns:
        For each such column the label it stands for; an empty one for a column such as `UNK`.

    Examples:
        >>> find_codes(["image", "mel", "seborrheic_keratosis", "dx_NV", "UNK", "age"])
        {'mel': 'mel', 'seborrheic_keratosis': 'seborrheic_keratosis', 'dx_NV': 'NV', 'UNK': ''}
    """
    codes = {column: _DUMMY.sub("", column) for column in columns if not _has_role(column)}
    known = {column: code for column, code in codes.items() if taxonomy.is_known(code)}
    if not known:
        return {}
    unknown = {column: "" for column, code in codes.items() if code and taxonomy.is_missing(code)}
    return {column: (known | unknown)[column] for column in columns if column in known or column in unknown}


def find_truth_columns(columns: Iterable[str]) -> list[str]:
    """Return the columns that hold an authoritative diagnosis.

    Args:
        columns: The columns of a table.

    Returns:
        Their names.

    Examples:
        >>> find_truth_columns(["dx", "ISIC2019 diagnosis"])
        ['ISIC2019 diagnosis']
    """
    return [name for _, name in _find(columns, TRUTH_COLUMNS)]


def find_group_columns(columns: Iterable[str]) -> dict[str, str]:
    """Return the columns that name the lesion, the patient and the case.

    Args:
        columns: The columns of a table.

    Returns:
        For each such column what it names: `"lesion_id"`, `"patient_id"` or `"case_id"`.

    Examples:
        >>> find_group_columns(["Patient ID", "age", "lesion"])
        {'lesion': 'lesion_id', 'Patient ID': 'patient_id'}
    """
    given = tuple(columns)
    kinds = {"lesion_id": LESION_COLUMNS, "patient_id": PATIENT_COLUMNS, "case_id": CASE_COLUMNS}
    return {name: kind for kind, names in kinds.items() for _, name in _find(given, names)}


def is_certain_group(column: str) -> bool:
    """Return whether a column names a lesion, patient or case whatever its cells say; others must look like ids.

    Args:
        column: A column of `find_group_columns`.

    Returns:
        Whether its name ends in id, or number.

    Examples:
        >>> is_certain_group("lesion_id"), is_certain_group("lesion")
        (True, False)
    """
    return normalize(column).endswith(("id", "num", "number", "no"))


def find_split_column(columns: Sequence[str], words: Mapping[str, Iterable[str]]) -> str | None:
    """Return the column that names the split of each image.

    Args:
        columns: The columns of a table.
        words: The different cells of each column.

    Returns:
        The column `split`, by that or a similar name; or one such as `set` or `fold`, where a cell of it names a split.

    Examples:
        >>> find_split_column(["image", "Split"], {"Split": ["train", "hold-out"]})
        'Split'
        >>> find_split_column(["image", "fold"], {"fold": ["0", "1"]}) is None
        True
    """
    if certain := _find(columns, SPLIT_COLUMNS):
        return certain[0][1]
    possible = [name for _, name in _find(columns, _POSSIBLE_SPLIT_COLUMNS)]
    return next((name for name in possible if any(normalize(word) in SPLIT_WORDS for word in words[name])), None)


def is_unused(column: str) -> bool:
    """Return whether a column is left out of a table: it has no name, or is one of ISIC 2024's measurements `tbp_lv_...`.

    Args:
        column: The column.

    Returns:
        Whether it is.

    Examples:
        >>> is_unused("tbp_lv_A"), is_unused(""), is_unused("age")
        (True, True, False)
    """
    return not column or normalize(column).startswith(_UNUSED)


def _has_role(column: str) -> bool:
    return bool(
        _find([column], (*IMAGE_COLUMNS, *LABEL_COLUMNS, *MALIGNANCY_COLUMNS, *SPLIT_COLUMNS, *TRUTH_COLUMNS))
        or find_group_columns([column])
        or find_levels([column])
    )


def _find(columns: Iterable[str], names: Iterable[str]) -> list[tuple[int, str]]:
    """Return the positions and names of the columns that have one of these names, in the order of the names."""
    return list(_find_cached(tuple(columns), tuple(names)))


@lru_cache(maxsize=4096)
def _find_cached(columns: tuple[str, ...], names: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    order = {name: place for place, name in reversed(list(enumerate(map(normalize, names))))}
    found = [(order[name], position) for position, column in enumerate(columns) if (name := normalize(column)) in order]
    return tuple((position, columns[position]) for _, position in sorted(found))
