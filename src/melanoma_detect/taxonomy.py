"""Taxonomy of the nine diagnoses of the ISIC set: names, codes, aliases and malignancy.

Codes are those of the ISIC 2019 challenge (MEL NV BCC AK BKL DF VASC SCC), and SK: the nine-class set separates seborrheic
keratosis from pigmented benign keratosis (BKL). The aliases are the spellings of HAM10000
(Tschandl, Rosendahl and Kittler, Sci Data 2018, doi 10.1038/sdata.2018.161), of the ISIC 2018 and 2019 challenges and of
the ISIC archive.
"""

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Malignancy = Literal["malignant", "indeterminate", "benign"]


@dataclass(frozen=True)
class Diagnosis:
    """One diagnosis of the taxonomy.

    Attributes:
        code: The short name, as `"MEL"`.
        name: The name that class folders of the nine-class set carry, in lower case.
        malignancy: `"malignant"`, `"indeterminate"` (actinic keratosis: a precursor of squamous cell carcinoma) or
            `"benign"`.
        aliases: Other spellings, in lower case.
    """

    code: str
    name: str
    malignancy: Malignancy
    aliases: tuple[str, ...] = ()

    @property
    def spellings(self) -> frozenset[str]:
        """Every accepted spelling, in lower case."""
        return frozenset((self.code.lower(), self.name, *self.aliases))


@dataclass(frozen=True)
class Coarse:
    """A coarse label, which covers several diagnoses.

    Attributes:
        name: As the data sets write it, in lower case.
        codes: The diagnoses that it covers.
        aliases: Other spellings, in lower case, with spaces for hyphens.
    """

    name: str
    codes: tuple[str, ...]
    aliases: tuple[str, ...] = ()


DIAGNOSES: tuple[Diagnosis, ...] = (
    Diagnosis("AK", "actinic keratosis", "indeterminate", ("solar keratosis", "solar or actinic keratosis")),
    Diagnosis("BCC", "basal cell carcinoma", "malignant", ("basal cell carcinoma nos",)),
    Diagnosis("DF", "dermatofibroma", "benign"),
    Diagnosis(
        "MEL", "melanoma", "malignant", ("malignant melanoma", "melanoma invasive", "melanoma in situ", "melanoma nos")
    ),
    Diagnosis("NV", "nevus", "benign", ("naevus", "melanocytic nevus", "melanocytic nevi", "nevus nos", "mole")),
    Diagnosis("BKL", "pigmented benign keratosis", "benign", ("benign keratosis", "benign keratosis-like lesion")),
    Diagnosis("SK", "seborrheic keratosis", "benign", ("seborrhoeic keratosis",)),
    Diagnosis(
        "SCC",
        "squamous cell carcinoma",
        "malignant",
        ("squamous cell carcinoma nos", "squamous cell carcinoma in situ", "squamous cell carcinoma invasive"),
    ),
    Diagnosis("VASC", "vascular lesion", "benign", ("vascular lesions", "vasc lesion")),
)

MELANOMA = "MEL"

# Labels of HAM10000 and the ISIC challenges, which do not separate these diagnoses.
COARSE: tuple[Coarse, ...] = (
    Coarse(
        "akiec",
        ("AK", "SCC"),
        ("actinic keratoses", "actinic keratoses and intraepithelial carcinoma", "intraepithelial carcinoma"),
    ),
    Coarse("bkl", ("BKL", "SK"), ("benign keratosis", "benign keratosis like lesion", "benign keratosis like lesions")),
)

_BY_SPELLING = {spelling: diagnosis for diagnosis in DIAGNOSES for spelling in diagnosis.spellings}


def find(label: str) -> Diagnosis | None:
    """Return the diagnosis of a label, or None for an unknown label.

    Case, underscores, hyphens and repeated spaces do not matter.

    Args:
        label: A class name, code or alias.

    Returns:
        The diagnosis, or None.

    Examples:
        >>> find("Melanocytic_Nevi").code
        'NV'
        >>> find("banana") is None
        True
    """
    normalized = _normalize(label)
    return _BY_SPELLING.get(normalized) or _BY_SPELLING.get(normalized.replace("-", " "))


def meaning(label: str) -> frozenset[str]:
    """Return the codes of the diagnoses that a data set's label may mean.

    This is one code for most labels, and two for HAM10000's `akiec` (actinic keratosis or squamous cell carcinoma in situ) and
    `bkl` (pigmented benign or seborrheic keratosis).

    Args:
        label: A class name, code or alias.

    Returns:
        Codes; for an unknown label, the label itself in lower case.

    Examples:
        >>> sorted(meaning("akiec")), sorted(meaning("pigmented benign keratosis")), sorted(meaning("wart"))
        (['AK', 'SCC'], ['BKL'], ['wart'])
    """
    normalized = _normalize(label).replace("-", " ")
    for coarse in COARSE:
        if normalized in (coarse.name, *coarse.aliases):
            return frozenset(coarse.codes)
    diagnosis = find(label)
    return frozenset([diagnosis.code if diagnosis else normalized])


def _normalize(label: str) -> str:
    return " ".join(label.lower().replace("_", " ").replace(",", " ").split())


def positions(classes: Iterable[str], *, code: str | None = None, malignant: bool = False) -> tuple[int, ...]:
    """Return the positions of one diagnosis, or of all malignant diagnoses, in a list of classes.

    Args:
        classes: Class names, in the order of a model's outputs.
        code: The code of the diagnosis.
        malignant: Return the positions of all malignant diagnoses instead.

    Returns:
        Positions from 0, ascending; empty where no class matches.

    Examples:
        >>> positions(["nevus", "melanoma", "BCC"], code="MEL")
        (1,)
        >>> positions(["nevus", "melanoma", "BCC"], malignant=True)
        (1, 2)
    """
    return _positions(tuple(classes), code, malignant)


@functools.lru_cache(maxsize=256)  # every prediction asks for the same classes
def _positions(classes: tuple[str, ...], code: str | None, malignant: bool) -> tuple[int, ...]:
    def matches(label: str) -> bool:
        diagnosis = find(label)
        if diagnosis is None:
            return False
        return diagnosis.malignancy == "malignant" if malignant else diagnosis.code == code

    return tuple(index for index, label in enumerate(classes) if matches(label))
