"""What labels say about melanoma and malignancy."""

import pytest

from melanoma_detect.evaluation.truth import label_truth


@pytest.mark.parametrize(
    ("label", "melanoma", "malignancy"),
    [
        ("mel", True, "malignant"),
        ("Melanoma Invasive, Superficial spreading", True, "malignant"),
        ("nv", False, "benign"),
        ("actinic keratosis", False, "indeterminate"),
        ("akiec", False, None),
        ("bkl", False, "benign"),
        ("benign", False, "benign"),
        ("malignant", None, "malignant"),
        ("lentigo", False, "benign"),
        ("merkel cell carcinoma", False, "malignant"),
        ("banana", None, None),
        ("melanomma", None, None),
        ("LMM??", None, None),
        ("nevus or LMM??", None, None),
        ("actinic keratosis or squamous cell carcinoma", False, None),
        ("melanoma or nevus", None, None),
    ],
)
def test_labels_say_what_all_their_diagnoses_share(label, melanoma, malignancy):
    assert label_truth(label) == (melanoma, malignancy)


def test_an_unknown_class_of_the_detector_is_no_melanoma_beside_one():
    assert label_truth("Our Lesion", classes=("melanoma", "our lesion")) == (False, None)
    assert label_truth("our lesion", classes=("nevus", "our lesion")) == (None, None)
    assert label_truth("another", classes=("melanoma", "our lesion")) == (None, None)


def test_a_label_of_the_users_own_says_what_its_classes_share():
    assert label_truth("to excise", ("melanoma", "basal cell carcinoma")) == (None, "malignant")
    assert label_truth("to watch", ("nevus", "dermatofibroma")) == (False, "benign")


def test_a_coarse_label_covers_more_than_the_classes_that_are_there():
    assert label_truth("malignant", ("basal cell carcinoma",)).melanoma is None
