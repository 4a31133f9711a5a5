"""Spellings of labels: what does not matter when two of them are compared, and cells that hold no value."""

import functools
import re
import unicodedata

_LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "ı": "i"})
_APOSTROPHES = re.compile("['’‘`´ʼ]")
_SEPARATORS = re.compile(r"[\s_,;./\\()\[\]{}\"“”«»&\-‐‑‒–—―−]+")
_BRITISH = (
    ("naev", "nev"),
    ("rrhoe", "rrhe"),
    ("haem", "hem"),
    ("tumour", "tumor"),
    ("oedem", "edem"),
    ("colour", "color"),
)
_PLURALS = (("omata", "oma"), ("lentigines", "lentigo"), ("nevi", "nevus"), ("oses", "osis"), ("itides", "itis"))
_NO_PLURAL = ("ss", "us", "is", "os")

_MISSING = frozenset(
    (
        *("", "-", "--", "---", "–", "—", "−", ".", "..", "...", "…", "?", "??", "???", "*", "-1", "-1.0"),
        *(
            "na",
            "n/a",
            "n.a.",
            "n.a",
            "n\\a",
            "#n/a",
            "#na",
            "<na>",
            "nan",
            "nat",
            "nil",
            "null",
            "(null)",
            "[null]",
            "<null>",
            "none",
        ),
        *(
            "(none)",
            "<none>",
            "missing",
            "(missing)",
            "<missing>",
            "unknown",
            "(unknown)",
            "unk",
            "unspecified",
            "undefined",
        ),
        *(
            "unlabeled",
            "unlabelled",
            "(blank)",
            "#null!",
            "#value!",
            "#ref!",
            "no value",
            "no data",
            "no label",
            "no information",
        ),
        *(
            f"not {word}"
            for word in ("available", "applicable", "specified", "known", "provided", "reported", "recorded", "given")
        ),
        *("unbekannt", "inconnu", "inconnue", "desconocido", "desconocida", "desconhecido", "sconosciuto", "onbekend"),
    )
)


@functools.lru_cache(maxsize=8192)  # a table asks for the same few labels once for each image
def words(label: str) -> tuple[str, ...]:
    """Return the words of a label without what does not matter: case, accents, separators and British spelling.

    A question mark, a plus sign and other characters that may change the sense stay.

    Args:
        label: A label as a data set writes it.

    Returns:
        The words.

    Examples:
        >>> words("Naevus, Seborrhoeic_KERATOSIS")
        ('nevus', 'seborrheic', 'keratosis')
        >>> words("melanoma?")
        ('melanoma?',)
    """
    text = unicodedata.normalize("NFKD", label).casefold().translate(_LETTERS)
    text = "".join(character for character in text if not unicodedata.combining(character))
    text = _APOSTROPHES.sub("", text)
    for british, american in _BRITISH:
        text = text.replace(british, american)
    return tuple(word for word in _SEPARATORS.split(text) if word)


def letters(label: str) -> str:
    """Return the key by which spellings are compared: the words without the spaces between them.

    Args:
        label: A label as a data set writes it.

    Returns:
        The key.

    Examples:
        >>> letters("Basal-cell carcinoma") == letters("BASALCELLCARCINOMA")
        True
    """
    return "".join(words(label))


def singular_letters(label: str) -> str:
    """Return the key by which plurals are compared with singulars.

    Args:
        label: A label as a data set writes it.

    Returns:
        The key.

    Examples:
        >>> singular_letters("blue naevi"), singular_letters("Keratoses")
        ('bluenevus', 'keratosis')
    """
    return "".join(map(_singular, words(label)))


def plain(label: str) -> str:
    """Return a label in lower case, with one space for each run of spaces, underscores, hyphens and commas.

    Args:
        label: A label as a data set writes it.

    Returns:
        The label under which spellings of an unknown diagnosis join.

    Examples:
        >>> plain("Foo_Bar,  BAZ")
        'foo bar baz'
    """
    return " ".join(re.sub(r"[\s_,\-]+", " ", unicodedata.normalize("NFKC", label).casefold()).split())


@functools.lru_cache(maxsize=8192)
def is_missing(text: str) -> bool:
    """Return whether a cell of a table holds no value: it is empty, or a word that stands for "no value".

    Args:
        text: The cell as written.

    Returns:
        True for an empty cell and for `NaN`, `N/A`, `NA`, `None`, `null`, `nil`, `unknown`, `UNK`, `missing`, `not available`,
        `unspecified`, `-`, `?`, `-1` and their like.

    Examples:
        >>> is_missing("N/A"), is_missing(" "), is_missing("UNK"), is_missing("nevus")
        (True, True, True, False)
    """
    cell = " ".join(unicodedata.normalize("NFKC", text).casefold().replace("_", " ").split())
    return cell in _MISSING or cell.strip("\"'") in _MISSING


def _singular(word: str) -> str:
    for plural, singular in _PLURALS:
        if word.endswith(plural):
            return word.removesuffix(plural) + singular
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(_NO_PLURAL) else word
