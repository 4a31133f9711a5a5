"""What every label means: the nine diagnoses, the ISIC archive's hierarchy, and further labels of the data sets."""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from melanoma_detect.taxonomy.diagnoses import COARSE, DIAGNOSES, MELANOMA, Malignancy, spelling_list
from melanoma_detect.taxonomy.spelling import letters, singular_letters, words

_FOLDER = Path(__file__).parent
EVERYTHING_BELOW = "*"  # in archive.tsv: a parent that covers what stands below it

_NINE = {diagnosis.code: diagnosis for diagnosis in DIAGNOSES}
# What separates the levels of one label: "Benign:Nevus", "Benign > Nevus", "NV - Nevus", "Nevi (NV)".
# Compiled when an unusual label is looked up: a prediction starts earlier.
_LEVELS = (r":+", r"[|>]", r"\s[-–—]\s", r"\((?=[^()]*\)$)")

# Folders numbered in a list, and named with the number of their images: "2. Melanoma 15.75k", "03_nevus", "NV - 7970".
_NUMBERED = r"(?i)^\s*\d{1,3}\s*[._):-]+\s*(?=[^\W\d])|\s+(?:[-–—]\s*)?(?:\d{3,}|\d+(?:\.\d+)?k)\s*$"

# Groups whose members are told by malignancy and kind.
_GROUPS = {
    "benign": """ben | benign lesion | benign tumor | benign neoplasm | non malignant | not malignant | no malignancy
        | non cancer | no cancer | not cancer | non cancerous | benigne | benigno | benigna | benin | gutartig | goedaardig""",
    "malignant": """mal | malignancy | malignant lesion | malignant tumor | malignant neoplasm | cancer | cancerous
        | skin cancer | maligne | maligno | maligna | malin | bosartig | kwaadaardig""",
    "indeterminate": "premalignant | premalignant lesion | precancer | precancerous | precancerous lesion | borderline",
    "not melanoma": "non melanoma | no melanoma | other than melanoma | kein melanom | nicht melanom | pas de melanome",
    "other benign": "ben oth",
    "other malignant": "mal oth | malignant other | other malignancy",
    "inflammatory or infectious diseases": """inf | inflammatory and infectious diseases | inflammatory or infectious
        | inflammatory and infectious | non neoplastic""",
}
_REMAINDERS = frozenset({"other benign", "other malignant", "inflammatory or infectious diseases"})


class Term(NamedTuple):
    """What a label means.

    Attributes:
        name: The taxonomy's name, in lower case.
        codes: The codes of the diagnoses that it may be, and the names of those outside the nine.
        malignancy: That of all of them; None where they differ, or nobody knows.
    """

    name: str
    codes: frozenset[str]
    malignancy: Malignancy | None


def _shared(codes: Iterable[str], malignancies: Mapping[str, Malignancy | None]) -> Malignancy | None:
    """Return the malignancy of several diagnoses, or None where they differ."""
    found = {malignancies[code] for code in codes}
    return found.pop() if len(found) == 1 else None


_NINE_TERMS = {code: Term(one.name, frozenset([code]), one.malignancy) for code, one in _NINE.items()}
_COARSE_TERMS = {
    one.name: Term(
        one.name,
        frozenset(one.codes),
        _shared(one.codes, {code: term.malignancy for code, term in _NINE_TERMS.items()}),
    )
    for one in COARSE
}
# The nine by name and code, and the coarse labels by name, which come first where they share one: a prediction looks up no
# others, and does not wait a tenth of a second for the table of all 1,700 spellings.
_USUAL = {
    letters(spelling): term
    for spelling, term in (
        *((spelling, term) for code, term in _NINE_TERMS.items() for spelling in (code, term.name)),
        *_COARSE_TERMS.items(),
    )
}


class _Rows(NamedTuple):
    """The two tables of the package: `(value, means)` of the archive, and `(name, malignancy, kind, spellings)` of others."""

    archive: tuple[tuple[str, str], ...]
    others: tuple[tuple[str, str, str, str], ...]


class _Vocabulary(NamedTuple):
    """Terms by spelling, and the malignancy of each code."""

    terms: dict[str, Term]
    singular: dict[str, Term]
    malignancies: dict[str, Malignancy | None]


@functools.lru_cache(maxsize=8192)  # find and meaning are asked for every image
def look_up(label: str) -> Term | None:
    """Return what a label means, or None for a label that the taxonomy does not know.

    A label of several levels (`"Benign:Benign melanocytic proliferations:Nevus"`, `"NV: Nevus, Acral"`, `"Nevi (NV)"`) means
    its finest level, if every level is known and covers the next. A number before it, or a number of images after it, does
    not matter.

    Args:
        label: A label as a data set writes it.

    Returns:
        The term.

    Examples:
        >>> look_up("NV: Nevus, Acral").name
        'nevus'
        >>> look_up("melanoma: excluded") is None
        True
    """
    if term := _look_up_spelling(label):
        return term
    for separator in _LEVELS:
        parts = [part for part in re.split(separator, label) if part.strip(" )")]
        terms = [term for part in parts if part != label and (term := look_up(part))]
        if 1 <= len(parts) == len(terms) and (finest := _finest(terms)):
            return finest
    bare = re.sub(_NUMBERED, "", label)
    return look_up(bare) if bare != label else None


def known_names() -> frozenset[str]:
    """Return the name of every term, for tests and tools.

    Returns:
        Names in lower case.

    Examples:
        >>> "merkel cell carcinoma" in known_names()
        True
    """
    return frozenset(term.name for term in _vocabulary().terms.values())


def _look_up_spelling(label: str) -> Term | None:
    if term := _USUAL.get(letters(label)):
        return term
    vocabulary = _vocabulary()
    term = vocabulary.terms.get(letters(label)) or vocabulary.singular.get(singular_letters(label))
    if term is None and len(words(label)) > 1 and words(label)[-1] == "nos":  # "not otherwise specified"
        return _look_up_spelling(" ".join(words(label)[:-1]))
    return term


def _finest(terms: Iterable[Term]) -> Term | None:
    """Return the finest of several levels, from coarse to fine; None where they contradict each other."""
    levels = iter(terms)
    finest = next(levels)
    for term in levels:
        if term.codes <= finest.codes:
            finest = term
        # MILK10k's "BEN_OTH: Benign soft tissue proliferations - Vascular": its own group decides what the archive leaves open.
        elif not (finest.codes <= term.codes or (finest.name in _REMAINDERS and finest.malignancy == term.malignancy)):
            return None
    return finest


@functools.cache
def _vocabulary() -> _Vocabulary:
    rows = _read_rows()
    malignancies = _malignancies(rows)
    named = _named_terms(rows, malignancies)
    spelled = [*_hand_written(rows, named), *_of_archive(rows, named, malignancies)]
    terms: dict[str, Term] = {}
    for spelling, term in spelled:
        terms.setdefault(letters(spelling), term)
    singular = dict(terms)
    for spelling, term in spelled:
        singular.setdefault(singular_letters(spelling), term)
    return _Vocabulary(terms, singular, malignancies)


def _read_rows() -> _Rows:
    archive, others = (
        [line.split("\t") for line in _FOLDER.joinpath(name).read_text("utf-8").splitlines()[1:]]
        for name in ("archive.tsv", "others.tsv")
    )
    return _Rows(
        tuple((value, means) for value, means in archive),
        tuple((name, malignancy, kind, spellings) for name, malignancy, kind, spellings in others),
    )


def _malignancies(rows: _Rows) -> dict[str, Malignancy | None]:
    """Return the malignancy of every code, and of every diagnosis outside the nine by its name."""
    found: dict[str, Malignancy | None] = {diagnosis.code: diagnosis.malignancy for diagnosis in DIAGNOSES}
    found |= {name: malignancy or None for name, malignancy, _, _ in rows.others}  # type: ignore[misc]
    groups = {*_NINE, *_GROUPS, *(coarse.name for coarse in COARSE), EVERYTHING_BELOW}
    for value, means in rows.archive:
        if means not in groups:
            found.setdefault(means, _first_level(value))
    return found


def _first_level(value: str) -> Malignancy:
    return value.partition(":")[0].lower()  # type: ignore[return-value]


def _named_terms(rows: _Rows, malignancies: dict[str, Malignancy | None]) -> dict[str, Term]:
    """Return the terms by code and by name: groups, the nine, and others."""
    inflammatory = {name for name, _, kind, _ in rows.others if kind == "inflammatory"}
    by_malignancy = {
        each: frozenset(code for code, malignancy in malignancies.items() if malignancy == each)
        for each in ("benign", "indeterminate", "malignant")
    }
    groups = dict(by_malignancy)
    groups["not melanoma"] = frozenset(malignancies) - {MELANOMA}
    groups["other benign"] = by_malignancy["benign"] - inflammatory - set(_NINE)
    groups["other malignant"] = by_malignancy["malignant"] - set(_NINE)
    groups["inflammatory or infectious diseases"] = frozenset(inflammatory)
    terms = {code: Term(code, frozenset([code]), malignancies[code]) for code in malignancies} | _NINE_TERMS
    return (
        terms
        | _COARSE_TERMS
        | {name: Term(name, codes, _shared(codes, malignancies)) for name, codes in groups.items()}
    )


def _hand_written(rows: _Rows, named: dict[str, Term]) -> Iterator[tuple[str, Term]]:
    """Yield every spelling of this package with its term. Of two with one spelling the first counts."""
    for coarse in COARSE:
        yield from ((spelling, named[coarse.name]) for spelling in (coarse.name, *coarse.aliases))
    for name, spellings in _GROUPS.items():
        yield from ((spelling, named[name]) for spelling in (name, *spelling_list(spellings)))
    for diagnosis in DIAGNOSES:
        yield from ((spelling, named[diagnosis.code]) for spelling in sorted(diagnosis.spellings))
    for name, _, _, spellings in rows.others:
        yield from ((spelling, named[name]) for spelling in (name, *spelling_list(spellings)))


def _of_archive(
    rows: _Rows, named: dict[str, Term], malignancies: dict[str, Malignancy | None]
) -> Iterator[tuple[str, Term]]:
    """Yield every value of the archive, by its last level and by all of them."""
    for value, means in rows.archive:
        last = value.rpartition(":")[2]
        if means != EVERYTHING_BELOW:
            term = named[means]
        elif (name := " ".join(words(last))) in named:
            term = named[name]
        else:
            below = [named[other].codes for path, other in rows.archive if path.startswith(f"{value}:")]
            term = _family(name, frozenset[str]().union(*below), named, malignancies)
        yield from ((last, term), (value, term))


def _family(
    name: str, codes: frozenset[str], named: dict[str, Term], malignancies: dict[str, Malignancy | None]
) -> Term:
    """Return the term of a parent: that of the one diagnosis below it, or a coarse one."""
    if len(codes) == 1:
        return named[next(iter(codes))]
    return Term(name, codes, _shared(codes, malignancies))
