"""Taxonomy of skin lesions: what a data set's label means, however it is spelled.

The nine diagnoses are those of the nine-class ISIC set, with the codes of the ISIC 2019 challenge (MEL NV BCC AK BKL DF VASC
SCC) and SK: the nine-class set separates seborrheic keratosis from pigmented benign keratosis (BKL). Every diagnosis of the
ISIC archive is known: it is one of the nine, a coarse label that covers several diagnoses, or another diagnosis with its
malignancy. So are the labels of HAM10000 (Tschandl, Rosendahl and Kittler, Sci Data 2018, doi 10.1038/sdata.2018.161), the
ISIC challenges, BCN20000, MILK10k, PAD-UFES-20, Derm7pt, PH2, MED-NODE, Fitzpatrick17k and DDI, and common names in German,
French, Spanish, Portuguese, Italian and Dutch.

Case, accents, underscores, hyphens, commas, plurals and British spelling do not matter. Nothing is guessed from a part of a
label: "not melanoma" and "melanoma?" are no melanoma.
"""

import functools
from collections.abc import Iterable, Sequence

from melanoma_detect.taxonomy.diagnoses import COARSE, DIAGNOSES, MELANOMA, Coarse, Diagnosis, Malignancy
from melanoma_detect.taxonomy.spelling import is_missing, plain
from melanoma_detect.taxonomy.vocabulary import look_up

__all__ = [
    "COARSE",
    "DIAGNOSES",
    "MELANOMA",
    "Coarse",
    "Diagnosis",
    "Malignancy",
    "covers",
    "find",
    "finest",
    "is_known",
    "is_missing",
    "malignancy",
    "meaning",
    "positions",
    "preferred_name",
]

_BY_CODES = {frozenset([diagnosis.code]): diagnosis for diagnosis in DIAGNOSES}
# The ISIC challenges' code BKL is found as the diagnosis with that code, though it means seborrheic keratosis too.
_BY_CODES |= {frozenset(coarse.codes): _BY_CODES[frozenset(["BKL"])] for coarse in COARSE if coarse.name == "bkl"}


def find(label: str) -> Diagnosis | None:
    """Return the diagnosis of a label, or None for an unknown label and for one outside the nine.

    Args:
        label: A class name, code or other spelling; a subtype, or several levels of the ISIC archive.

    Returns:
        The diagnosis, or None.

    Examples:
        >>> find("Melanocytic_Nevi").code, find("Melanoma Invasive, Superficial spreading").code
        ('NV', 'MEL')
        >>> find("banana") is None, find("not melanoma") is None
        (True, True)
    """
    term = look_up(label)
    return _BY_CODES.get(term.codes) if term else None


def meaning(label: str) -> frozenset[str]:
    """Return the codes of the diagnoses that a data set's label may mean.

    This is one code for most labels, and several for a coarse label: two for HAM10000's `akiec` (actinic keratosis or squamous
    cell carcinoma in situ) and `bkl` (pigmented benign or seborrheic keratosis), many for "malignant". Diagnoses outside the
    nine have no code; their name stands for it.

    Args:
        label: A class name, code or other spelling.

    Returns:
        Codes and names; for an unknown label, the label itself in lower case.

    Examples:
        >>> sorted(meaning("akiec")), sorted(meaning("pigmented benign keratosis")), sorted(meaning("Hypertrophic_Scar"))
        (['AK', 'SCC'], ['BKL'], ['scar'])
        >>> meaning("Banana") == meaning("banana") == {"banana"}
        True
    """
    term = look_up(label)
    return term.codes if term else frozenset([plain(label)])


def preferred_name(label: str) -> str:
    """Return the taxonomy's name of what a label means, under which its spellings join.

    Args:
        label: A class name, code or other spelling.

    Returns:
        The name in lower case; for an unknown label, the label itself in lower case.

    Examples:
        >>> preferred_name("NEV"), preferred_name("BKL"), preferred_name("Kaposi's sarcoma"), preferred_name("Foo_Bar")
        ('nevus', 'bkl', 'kaposi sarcoma', 'foo bar')
    """
    term = look_up(label)
    return term.name if term else plain(label)


def malignancy(label: str) -> Malignancy | None:
    """Return whether a label means a malignant, a benign or an indeterminate diagnosis.

    Args:
        label: A class name, code or other spelling.

    Returns:
        `"malignant"`, `"indeterminate"` or `"benign"`; None for an unknown label, and for a coarse label that covers both
        malignant and other diagnoses.

    Examples:
        >>> malignancy("Merkel cell carcinoma"), malignancy("ACK"), malignancy("benign"), malignancy("akiec")
        ('malignant', 'indeterminate', 'benign', None)
    """
    term = look_up(label)
    return term.malignancy if term else None


def covers(coarse: str, label: str) -> bool:
    """Return whether everything that one label may mean is among what another may mean.

    Args:
        coarse: A label, as `"bkl"` or `"malignant"`.
        label: Another label.

    Returns:
        True where `coarse` is the same diagnosis or a coarser label.

    Examples:
        >>> covers("malignant", "Melanoma in situ"), covers("bkl", "SEK"), covers("bkl", "nevus"), covers("nevus", "nv")
        (True, True, False, True)
    """
    return meaning(label) <= meaning(coarse)


def is_known(label: str) -> bool:
    """Return whether the taxonomy knows a label: one of the nine, a coarse label, or another diagnosis.

    Args:
        label: A class name, code or other spelling.

    Returns:
        False for a label that no spelling of the taxonomy matches.

    Examples:
        >>> is_known("Angiokeratoma"), is_known("benign"), is_known("melanoma?")
        (True, True, False)
    """
    return look_up(label) is not None


def finest(levels: Sequence[str]) -> str:
    """Return the finest level that the taxonomy knows, as of the ISIC archive's `diagnosis_1` to `diagnosis_5`.

    Args:
        levels: Labels of one image from coarse to fine; cells without a value do not count.

    Returns:
        The label as written; the finest that has a value where the taxonomy knows none, and `""` where none has a value.

    Examples:
        >>> finest(["Benign", "Benign melanocytic proliferations", "Nevus", "Nevus, new subtype", "NaN"])
        'Nevus'
    """
    filled = [level for level in reversed(levels) if not is_missing(level)]
    return next(filter(is_known, filled), filled[0] if filled else "")


def positions(classes: Iterable[str], *, code: str | None = None, malignant: bool = False) -> tuple[int, ...]:
    """Return the positions of one diagnosis, or of all malignant diagnoses, in a list of classes.

    Args:
        classes: Class names, in the order of a model's outputs.
        code: The code of the diagnosis.
        malignant: Return the positions of all malignant diagnoses instead, those outside the nine and a class "malignant" too.

    Returns:
        Positions from 0, ascending; empty where no class matches.

    Examples:
        >>> positions(["nevus", "Melanoma Invasive", "BCC"], code="MEL")
        (1,)
        >>> positions(["nevus", "melanoma", "BCC", "Merkel cell carcinoma"], malignant=True)
        (1, 2, 3)
    """
    return _positions(tuple(classes), code, malignant)


@functools.lru_cache(maxsize=256)  # every prediction asks for the same classes
def _positions(classes: tuple[str, ...], code: str | None, malignant: bool) -> tuple[int, ...]:
    def matches(label: str) -> bool:
        if malignant:
            return malignancy(label) == "malignant"
        diagnosis = find(label)
        return diagnosis is not None and diagnosis.code == code

    return tuple(index for index, label in enumerate(classes) if matches(label))
