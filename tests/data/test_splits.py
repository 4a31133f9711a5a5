"""Splits and folds keep groups whole and classes in proportion."""

from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import melanoma_detect as md
from melanoma_detect.data.record import Record
from melanoma_detect.data.splits import assign_splits, rare_labels, split_off
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


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.25, 0.5])
def test_split_off_keeps_groups_whole_and_classes_in_proportion(seed, fraction):
    records = split_off(many(seed), "validation", fraction, seed=seed)
    sides = defaultdict(set)
    for one in records:
        sides[one.group].add(one.split)
    assert all(len(splits) == 1 for splits in sides.values())
    counts = Counter((one.label, one.split) for one in records)
    for label in "abcd":
        share = counts[label, "validation"] / (counts[label, "validation"] + counts[label, "train"])
        assert share == pytest.approx(fraction, abs=0.12)
    assert sum(one.split == "validation" for one in records) / len(records) == pytest.approx(fraction, abs=0.03)


def test_the_seed_determines_the_split():
    assert split_off(many(), "test", 0.2, seed=1) == split_off(many(), "test", 0.2, seed=1)
    assert split_off(many(), "test", 0.2, seed=1) != split_off(many(), "test", 0.2, seed=2)


def test_tiny_classes_are_in_both_splits():
    records = [record(f"{label}{number}", label) for label in ("a", "b") for number in range(2)]
    counts = Counter((one.label, one.split) for one in split_off(records, "validation", 0.2, seed=123))
    assert counts["a", "train"] == counts["b", "train"] == 1


def test_a_class_with_a_single_image_raises():
    with pytest.raises(DatasetError, match=r"class 'rare' has a single image, alone"):
        split_off([record("a"), record("b"), record("alone", "rare")], "validation", 0.2, seed=1)


def test_a_class_with_a_single_lesion_raises():
    records = [record("a"), record("b"), record("one", "rare", group="g"), record("two", "rare", group="g")]
    with pytest.raises(DatasetError, match=r"single lesion \(in 2 images\)"):
        split_off(records, "validation", 0.2, seed=1)


@pytest.mark.parametrize("fraction", [0, 1, -0.2, 3])
def test_a_fraction_out_of_range_raises(fraction):
    with pytest.raises(DatasetError, match="fraction"):
        split_off(many(), "test", fraction, seed=1)


@pytest.fixture(scope="module")
def lesions(tmp_path_factory):
    folder = md.write_samples(tmp_path_factory.mktemp("folds") / "set", train=20, test=3, size=32)
    return md.load_dataset(folder, image_size=(32, 32))


def test_each_image_is_in_the_test_split_of_one_fold(lesions):
    pool = {record.id for record in (*lesions.train, *lesions.validation)}
    held_out = [record.id for fold in md.folds(lesions, 4) for record in fold.test]
    assert sorted(held_out) == sorted(pool)


def test_no_lesion_is_in_two_splits(lesions):
    for fold in md.folds(lesions, 3):
        sides = [{record.group for record in part} for part in (fold.train, fold.validation, fold.test)]
        assert not sides[0] & sides[1]
        assert not (sides[0] | sides[1]) & sides[2]
        assert all(sides)


def test_every_class_is_in_every_fold(lesions):
    assert all(
        (fold.distribution()[["train", "validation", "test"]] > 0).all(axis=None) for fold in md.folds(lesions, 3)
    )


def test_folds_leave_out_the_test_split(lesions):
    own = {record.id for record in lesions.test}
    assert not any(own & {record.id for record in fold.records} for fold in md.folds(lesions, 2))


def test_folds_leave_out_copies_and_weights(lesions):
    weighted = md.balance(lesions, to=40, method="weights")
    assert all(record.weight == 1 for fold in md.folds(weighted, 2) for record in fold.records)


def test_the_seed_determines_the_folds(lesions):
    one, again, other = ([tuple(fold.test.paths) for fold in md.folds(lesions, 3, seed=seed)] for seed in (1, 1, 2))
    assert one == again != other


def test_too_few_folds_or_lesions_raise(lesions):
    with pytest.raises(DatasetError, match="count=1; expected a whole number, 2 or more"):
        list(md.folds(lesions, 1))
    few = lesions.with_records(lesions.train.records[:3])
    with pytest.raises(DatasetError, match="5 folds of 3 lesions"):
        list(md.folds(few, 5))


def test_no_class_loses_its_last_training_images():
    records = [record(f"{number}", "ab"[number % 2], group=f"g{number // 8}") for number in range(40)]
    records += [record(f"c{number}", "c", group=f"h{number}") for number in range(2)]
    for seed in range(20):
        for fraction in (0.2, 0.5, 0.9):
            moved = split_off(records, "test", fraction, seed=seed)
            assert {one.label for one in moved if one.split == "train"} == set("abc")


def test_pinned_groups_stay_in_train():
    moved = split_off(many(), "test", 0.5, seed=1, pinned={"g0", "g1"})
    assert {one.split for one in moved if one.group in ("g0", "g1")} == {"train"}


def test_one_group_stays_where_it_is():
    records = [record("a", group="g"), record("b", "other", group="g")]
    assert split_off(records, "test", 0.2, seed=1, classes=()) == records


@pytest.mark.parametrize("groups", range(1, 9))
def test_few_large_groups_are_assigned_or_stay_in_train(groups):
    records = [record(f"{number:03d}", "ab"[number % 2], group=f"g{number % groups}") for number in range(100)]
    rare = rare_labels(records, set(), ["a", "b"], validation=0.2, test=0.2)
    moved = assign_splits(records, set(), validation=0.2, test=0.2, seed=1, rare=rare.keys())
    sides = defaultdict(set)
    for one in moved:
        sides[one.group].add(one.split)
    assert all(len(splits) == 1 for splits in sides.values())
    assert {one.label for one in moved if one.split == "train"} == {"a", "b"}
    if not rare:
        assert {one.split for one in moved} == {"train", "validation", "test"}


def test_two_lesions_make_folds_without_validation_alone(lesions):
    two = lesions.with_records(
        replace(record, group=f"g{number % 2}", split="train") for number, record in enumerate(lesions.train.records)
    )
    with pytest.raises(DatasetError, match="validation=0"):
        list(md.folds(two, 2))
    assert all(len(fold.test) and len(fold.train) for fold in md.folds(two, 2, validation=0))
