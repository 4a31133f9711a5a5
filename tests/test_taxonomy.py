"""Taxonomy: spellings, malignancy, positions and coarse labels."""

import pytest

from melanoma_detect.taxonomy import DIAGNOSES, find, meaning, positions


def test_nine_diagnoses_with_unique_spellings():
    assert [entry.code for entry in DIAGNOSES] == ["AK", "BCC", "DF", "MEL", "NV", "BKL", "SK", "SCC", "VASC"]
    spellings = [spelling for entry in DIAGNOSES for spelling in entry.spellings]
    assert len(spellings) == len(set(spellings))


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("melanoma", "MEL"),
        ("MEL", "MEL"),
        ("nv", "NV"),
        ("Melanocytic-Nevi", "NV"),
        ("pigmented  benign keratosis", "BKL"),
        ("BENIGN_KERATOSIS-LIKE_LESION", "BKL"),
        ("vasc", "VASC"),
        ("vascular lesions", "VASC"),
    ],
)
def test_find_knows_every_spelling(label, code):
    assert find(label).code == code


def test_find_does_not_guess():
    assert find("melanomas?") is None
    assert find("") is None


def test_malignancy():
    assert {entry.code for entry in DIAGNOSES if entry.malignancy == "malignant"} == {"BCC", "MEL", "SCC"}
    assert find("AK").malignancy == "indeterminate"


def test_positions():
    classes = ["nevus", "melanoma", "BCC", "freckle"]
    assert positions(classes, code="MEL") == (1,)
    assert positions(classes, malignant=True) == (1, 2)
    assert positions(["a", "b"], code="MEL") == ()


def test_a_coarse_label_means_several_diagnoses():
    assert meaning("akiec") == {"AK", "SCC"}
    assert meaning("Benign keratosis-like lesions") == {"BKL", "SK"}
    assert meaning("nv") == {"NV"}
    assert meaning("Wart") == {"wart"}
