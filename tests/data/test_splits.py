"""Splits keep groups whole and classes in proportion."""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from melanoma_detect.data.record import Record
from melanoma_detect.data.splits import cut, join_groups, set_leaks_aside
from melanoma_detect.errors import DatasetError


def record(name, label="nevus", split="train", group=None, digest=None):
    return Record(name, Path(name), label, split, group or name, digest or f"digest {name}")


def many(seed=0, count=600):
    """Records of four unequal classes, a third of them in groups of two to four."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(["a", "b", "c", "d"], size=count, p=[0.55, 0.3, 0.1, 0.05])
    found, number = [], 0
    while number < count:
        size = int(rng.integers(2, 5)) if rng.random() < 0.15 else 1
        found += [
            record(f"{at:04d}", labels[number], group=f"g{number}") for at in range(number, min(count, number + size))
        ]
        number += size
    return found


def test_shared_keys_join_directly_and_by_way_of_others():
    joined = join_groups([record(name) for name in "abcde"], {"a": ["L1"], "b": ["L1", "P1"], "c": ["P1"], "d": ["L2"]})
    assert [one.group for one in joined] == ["a", "a", "a", "d", "e"]


def test_no_keys_no_groups():
    assert [one.group for one in join_groups([record("a"), record("b")], {})] == ["a", "b"]
    assert join_groups([], {}) == []


def test_what_train_shows_is_set_aside_from_test():
    records = [
        record("train 1", group="lesion"),
        record("test 1", split="test", group="lesion"),
        record("test 2", split="test"),
        record("test 3", split="test", group="lesion", digest="digest train 1"),
        record("validation 1", split="validation", group="other"),
        record("test 4", split="test", group="other"),
    ]
    kept, aside = set_leaks_aside(records)
    assert [one.id for one in kept] == ["train 1", "test 2", "validation 1"]
    assert {entry.record.id: entry.reason for entry in aside} == {
        "test 1": "the same image, lesion or patient as train 1, which is in train",
        "test 3": "the same file as train 1, which is in train",
        "test 4": "the same image, lesion or patient as validation 1, which is in validation",
    }


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.25, 0.5])
def test_a_cut_keeps_groups_whole_and_classes_in_proportion(seed, fraction):
    records = cut(many(seed), "validation", fraction, seed=seed)
    sides = defaultdict(set)
    for one in records:
        sides[one.group].add(one.split)
    assert all(len(splits) == 1 for splits in sides.values())
    counts = Counter((one.label, one.split) for one in records)
    for label in "abcd":
        share = counts[label, "validation"] / (counts[label, "validation"] + counts[label, "train"])
        assert share == pytest.approx(fraction, abs=0.12)
    assert sum(one.split == "validation" for one in records) / len(records) == pytest.approx(fraction, abs=0.03)


def test_the_same_seed_gives_the_same_cut():
    assert cut(many(), "test", 0.2, seed=1) == cut(many(), "test", 0.2, seed=1)
    assert cut(many(), "test", 0.2, seed=1) != cut(many(), "test", 0.2, seed=2)


def test_tiny_classes_stand_on_both_sides():
    records = [record(f"{label}{number}", label) for label in ("a", "b") for number in range(2)]
    counts = Counter((one.label, one.split) for one in cut(records, "validation", 0.2, seed=123))
    assert counts["a", "train"] == counts["b", "train"] == 1


def test_a_single_image_is_refused_by_name():
    with pytest.raises(DatasetError, match=r"class 'rare' has a single image, alone"):
        cut([record("a"), record("b"), record("alone", "rare")], "validation", 0.2, seed=1)


def test_a_single_lesion_is_refused_by_name():
    records = [record("a"), record("b"), record("one", "rare", group="g"), record("two", "rare", group="g")]
    with pytest.raises(DatasetError, match=r"single lesion \(in 2 images\)"):
        cut(records, "validation", 0.2, seed=1)


@pytest.mark.parametrize("fraction", [0, 1, -0.2, 3])
def test_a_fraction_out_of_range_is_refused(fraction):
    with pytest.raises(DatasetError, match="fraction"):
        cut(many(), "test", fraction, seed=1)
