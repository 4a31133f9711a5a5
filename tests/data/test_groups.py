"""Groups: what shares a key belongs together, and copies belong to their parents."""

from pathlib import Path

import pytest

from melanoma_detect.data.groups import find_parents, group_images, join_groups, scoped_keys
from melanoma_detect.data.near_duplicates import NearDuplicate
from melanoma_detect.data.sources.folders import SourceImage

NUMBER = "03c4ba74-dc5c-4f4e-9b23-0c1f7d8a9e10"


def group(names, *, digests=None, parents=None, keys=None, pairs=()):
    count = len(names)
    paths = [Path(f"{name}.jpg") for name in names]
    return group_images(
        names,
        paths=paths,
        digests=digests or names,
        parents=parents or [None] * count,
        keys=keys or [()] * count,
        pairs=pairs,
    )


def test_shared_keys_join_directly_and_through_others():
    assert join_groups("abcde", [["L1"], ["L1", "P1"], ["P1"], ["L2"], []]) == ["a", "a", "a", "d", "e"]


def test_without_keys_each_is_its_own_group():
    assert join_groups("ab", [[], []]) == ["a", "b"]
    assert join_groups([], []) == []


def test_the_same_bytes_are_one_image():
    assert group("abc", digests=["1", "2", "1"]).images == ["a", "b", "a"]


def test_one_lesion_is_one_group_of_two_images():
    found = group("ab", keys=[["lesion_id 1"], ["lesion_id 1"]])
    assert (found.images, found.groups) == (["a", "b"], ["a", "a"])


def test_near_duplicates_join_by_their_kind():
    found = group("abcd", pairs=[NearDuplicate(0, 1, 3, "image"), NearDuplicate(2, 3, 40, "lesion")])
    assert (found.images, found.groups) == (["a", "a", "c", "d"], ["a", "a", "c", "c"])


def test_an_isic_id_names_one_image_in_all_collections_but_not_its_copies():
    names = ["x/ISIC_0000001", "y/ISIC_0000001(1)", "z/ISIC_0000001"]
    found = group(names, parents=[None, None, "x/ISIC_0000001"])
    assert found.images == [names[0], names[0], names[2]]
    assert len(set(found.groups)) == 1


def test_a_parent_of_the_same_class_and_split_is_preferred():
    copy = f"nevus_original_a.jpg_{NUMBER}.jpg"
    images = [
        SourceImage(f"{split}/{label}/{name}", Path(name), label, split)
        for split, label, name in (
            ("test", "nevus", "a.jpg"),
            ("train", "nevus", "a.jpg"),
            ("train", "melanoma", "a.jpg"),
            ("train", "nevus", copy),
        )
    ]
    assert find_parents(images) == [None, None, None, "train/nevus/a.jpg"]


@pytest.mark.parametrize(
    ("name", "shared"),
    [
        ("HAM_0000550", True),
        ("PAT_1", True),
        ("IP_4096093", True),
        ("8f3a99c1", True),
        ("1", False),
        ("P12", False),
        ("patient 1", False),
        ("Lesion-0007", False),
    ],
)
def test_short_ids_count_within_their_table_alone(name, shared):
    one, other = (scoped_keys([f"patient_id {name}"], scope) for scope in ("a.csv", "b.csv"))
    assert (one == other) == shared
