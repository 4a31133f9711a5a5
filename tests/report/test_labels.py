"""Names in words."""

import pytest

from melanoma_detect.evaluation.subgroups import Subgroup
from melanoma_detect.report.labels import diagnosis_name, subgroup_name


@pytest.mark.parametrize(
    ("kind", "name", "shown"),
    [
        ("site", "head_neck_face", "head, neck, face"),
        ("site", "lower_extremity", "lower extremity"),
        ("site", "not recorded", "not recorded"),
        ("source", "pad_ufes_20", "pad_ufes_20"),
        ("skin tone", "Fitzpatrick I–II", "Fitzpatrick I–II"),
    ],
)
def test_subgroups_have_words(kind, name, shown):
    assert subgroup_name(Subgroup(kind, name, 9, 9, 3, {})) == shown


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("ak", "actinic keratosis (ak)"),
        ("actinic keratosis", "actinic keratosis"),
        ("bkl", "bkl"),  # covers seborrheic keratosis too
        ("NV", "NV"),  # no class of this detector
        ("scar", "scar"),
    ],
)
def test_labels_are_named_by_their_class(label, shown):
    assert diagnosis_name(label, ("actinic keratosis", "pigmented benign keratosis", "melanoma")) == shown
