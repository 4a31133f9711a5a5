"""Columns of published tables that describe the patient and the lesion: age, sex, site, skin type and tone, hospital."""

from collections.abc import Mapping, Sequence

from melanoma_detect.data.sources.columns import normalize

# Of HAM10000, of the ISIC archive and its challenges, of MILK10k, PAD-UFES-20, Fitzpatrick17k and DDI, in order of precedence.
AGE_COLUMNS = ("age", "age_approx")
SEX_COLUMNS = ("sex", "gender")
SITE_COLUMNS = (
    "localization",
    "anatom_site_general",
    "anatom_site_general_challenge",
    "anatom_site_1",
    "site",  # MILK10k
    "region",  # PAD-UFES-20
)
FITZPATRICK_COLUMNS = (
    "fitzpatrick_skin_type",  # the ISIC archive, SCIN
    "fitzpatrick_scale",  # Fitzpatrick17k
    "fitzpatrick_centaur",  # Fitzpatrick17k: by another group of annotators
    "fitzpatrick",
    "fitspatrick",  # PAD-UFES-20
    "skin_type",
    "phototype",
)
SKIN_TONE_COLUMNS = ("skin_tone", "skin_tone_class", "monk_skin_tone")  # DDI; MILK10k
# A column "site" is the lesion's, see above.
HOSPITAL_COLUMNS = (
    "hospital",
    "hospital_id",
    "centre",
    "center",
    "clinic",
    "institution",
    "institute",
    "department",
    "study_site",
    "study_centre",
    "study_center",
    "attribution",  # the ISIC archive
)
_UNKNOWN = frozenset({"", "unknown", "nan", "none", "na", "n/a"})


def find_cell(cells: Mapping[str, str], names: Sequence[str]) -> str:
    """Return the first cell that says something, of the columns with one of these names.

    Args:
        cells: A row of a table, by column.
        names: Names of columns, in order of precedence.

    Returns:
        The cell without blanks around it; empty where every such column is missing, empty, or unknown.

    Examples:
        >>> find_cell({"age": "", "meta.clinical.age_approx": " 45"}, AGE_COLUMNS)
        '45'
        >>> find_cell({"sex": "unknown"}, SEX_COLUMNS)
        ''
    """
    columns = {normalize(column): column for column in cells}
    values = (cells[columns[name]].strip() for name in map(normalize, names) if name in columns)
    return next((value for value in values if value.casefold() not in _UNKNOWN), "")
