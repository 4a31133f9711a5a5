"""Spellings: what does not matter, and cells without a value."""

import unicodedata

import pytest

from melanoma_detect.taxonomy.spelling import is_missing, letters, plain, singular_letters, words


def test_what_does_not_matter():
    assert letters("Naevus") == letters("NEVUS") == letters(" nevus ") == letters("nævus")
    assert letters("seborrhoeic_keratosis") == letters("Seborrheic-Keratosis") == letters("seborrheic, keratosis")
    assert letters("Bowen's disease") == letters("Bowens disease") == letters("bowen’s disease")
    assert letters("tumour") == letters("tumor")
    assert letters("hæmangioma") == letters("haemangioma") == letters("hemangioma")


@pytest.mark.parametrize("label", ["queratosis actínica", "Nävus", "Mélanome", "carcinoma de células basales"])
def test_unicode_forms_and_accents(label):
    forms = {unicodedata.normalize(form, label) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    assert len({letters(form) for form in forms}) == 1
    assert letters(label) == letters("".join(c for c in unicodedata.normalize("NFD", label) if c.isascii()))


def test_plurals():
    assert singular_letters("nevi") == singular_letters("nevus") == singular_letters("Naevi")
    assert singular_letters("actinic keratoses") == singular_letters("actinic keratosis")
    assert singular_letters("carcinomata") == singular_letters("carcinomas") == singular_letters("carcinoma")
    assert singular_letters("lentigines") == "lentigo"
    assert singular_letters("nos") == "nos"


def test_what_matters_stays():
    assert words("melanoma?") == ("melanoma?",)
    assert words("no melanoma") == ("no", "melanoma")
    assert words("melanoma+") != words("melanoma")


def test_plain():
    assert plain("  Foo_bar, BAZ-qux ") == "foo bar baz qux"
    assert plain("Cafe\u0301") == plain("CAFÉ")


@pytest.mark.parametrize(
    "cell",
    """|  |nan|NaN|NAN|N/A|n/a|NA|#N/A|None|none|NULL|null|nil|unknown|Unknown|UNK|unk|missing|not available
    |Not_Available|unspecified|-|--|—|?|<NA>|NaT|-1|"NaN"|not specified|(null)|\u00a0|n.a.""".replace(
        "\n    ", ""
    ).split("|"),
)
def test_missing(cell):
    assert is_missing(cell)


@pytest.mark.parametrize(
    "cell",
    ["0", "nevus", "other", "no", "false", "nanism", "unknown primary", "1", "no melanoma", "indeterminate", "N"],
)
def test_not_missing(cell):
    assert not is_missing(cell)
