"""The nine diagnoses."""

import pytest

from melanoma_detect.taxonomy import DIAGNOSES, find, positions


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
def test_labels_are_known_by_any_spelling(label, code):
    assert find(label).code == code


def test_strangers_are_not_guessed():
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
