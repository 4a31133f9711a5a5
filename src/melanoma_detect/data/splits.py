"""Splits into train, validation and test, and cross-validation folds: stratified by class, every group whole."""

from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from numbers import Real
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.folds import best_fold, make_folds
from melanoma_detect.data.record import SPLITS, Record, SplitName
from melanoma_detect.errors import DatasetError
from melanoma_detect.utils.number_arguments import whole_number
from melanoma_detect.utils.random import check_seed


def folds(data: Dataset, count: int = 5, *, validation: float = 0.15, seed: int = 123) -> Iterator[Dataset]:
    """Divide a dataset into folds: each image of train and validation is in `test` once, together with its whole lesion.

    Copies made by `balance` are left out: balance each fold by itself. The dataset's own test split takes no part.

    Args:
        data: From `load_dataset`.
        count: How many folds.
        validation: The fraction of the images outside the fold that becomes its validation split; 0 for none.
        seed: Of the random choice of folds.

    Yields:
        One dataset a fold.

    Raises:
        DatasetError: Fewer than two folds, fewer lesions than folds, or a single lesion outside a fold, which cannot be in
            train and in validation.

    Examples:
        >>> [len(fold.test) for fold in folds(data, 2)]
        [..., ...]
    """
    pool = [
        replace(record, split="train", weight=1.0)
        for record in data.records
        if record.split != "test" and record.parent is None
    ]
    seed = check_seed(seed, DatasetError)
    count = whole_number(count, "count", DatasetError, low=2)
    if validation and len({record.group for record in pool}) == 2:
        raise DatasetError(
            f"2 lesions make {count} folds without validation only: the test split takes one, and the other cannot be in train "
            "and validation at once; expected 3 lesions or more, or validation=0"
        )
    for fold in group_folds(pool, count, seed=seed):
        held_out = {pool[index].id for index in fold}
        others = [record for record in pool if record.id not in held_out]
        # With classes=() a class that is too rare to be in validation as well stays in train.
        rest = split_off(others, "validation", validation, seed=seed, classes=()) if validation else others
        test = [replace(record, split="test") for record in pool if record.id in held_out]
        yield data.with_records([*rest, *test])


def propagate_splits(records: Sequence[Record], given: AbstractSet[str]) -> list[Record]:
    """Move records of sources without splits into the split that another source gives for their group.

    Args:
        records: The records, with their groups.
        given: The ids of the records whose splits their source gives.

    Returns:
        The records in order. A group with a given training record goes to train, so that as little as possible is excluded.

    Examples:
        >>> a, b = (replace(record, split="train", group="one") for record in data.records[:2])
        >>> [record.split for record in propagate_splits([replace(a, split="test"), b], {a.id})]
        ['test', 'test']
    """
    first: dict[str, SplitName] = {}
    for record in sorted(records, key=lambda record: SPLITS.index(record.split)):
        if record.id in given:
            first.setdefault(record.group, record.split)
    return [
        record if record.id in given else _move(record, first.get(record.group, record.split)) for record in records
    ]


def assign_splits(
    records: Sequence[Record],
    given: AbstractSet[str],
    *,
    validation: float,
    test: float,
    seed: int,
    rare: AbstractSet[str] = frozenset(),
) -> list[Record]:
    """Split off what the sources do not give: a test split from sources without splits, a validation split from train.

    Args:
        records: The records, with their groups.
        given: The ids of the records whose splits their source gives.
        validation: The fraction of the training images for validation; 0 for none.
        test: The fraction for the test; 1 for everything that has no split yet, and then no validation split is taken.
        seed: Of the random choice.
        rare: The labels whose training images stay in train, with their whole groups; see `rare_labels`.

    Returns:
        The records in order.

    Examples:
        >>> moved = assign_splits(data.train.records, set(), validation=0.2, test=0.2, seed=1)
        >>> sorted({record.split for record in moved})
        ['test', 'train', 'validation']
    """
    decided = {record.group for record in records if record.id in given}
    pinned = {record.group for record in records if record.label in rare and record.split == "train"}
    free = [record for record in records if record.group not in decided]
    if free and test == 1:
        moved = [_move(record, "test") for record in free]
    else:
        moved = split_off(free, "test", test, seed=seed, classes=(), pinned=pinned) if free and test else free
    by_id = {record.id: record for record in moved}
    records = [by_id.get(record.id, record) for record in records]
    if not takes_validation(records, validation, test):
        return records
    # `validation` is a fraction of all images that were not given a split; the test split is gone from them by now.
    fraction = validation if decided else validation / (1 - test)
    return split_off(records, "validation", fraction, seed=seed, classes=(), pinned=pinned)


def takes_validation(records: Sequence[Record], validation: float, test: float) -> bool:
    """Return whether a validation split is to be taken from the training images.

    Args:
        records: The records.
        validation: The fraction for validation.
        test: The fraction for the test.

    Returns:
        Whether one is asked for, no source gives one, and there are training images.

    Examples:
        >>> takes_validation(data.records, 0.2, 0.2), takes_validation(data.train.records, 0.2, 0.2)
        (False, True)
    """
    splits = {record.split for record in records}
    return bool(validation) and test != 1 and "validation" not in splits and "train" in splits


def rare_labels(
    records: Sequence[Record],
    given: AbstractSet[str],
    classes: Sequence[str],
    *,
    validation: float,
    test: float,
) -> dict[str, int]:
    """Return the classes with fewer lesions or patients in train than there are splits to fill from it.

    Args:
        records: The records before splits are assigned, with their groups.
        given: The ids of the records whose splits their source gives.
        classes: The classes.
        validation: The fraction for validation.
        test: The fraction for the test.

    Returns:
        For each such class the number of its training images, which is over 0.

    Examples:
        >>> rare_labels(data.train.records[:1], set(), data.train.records[0].label.split(","), validation=0.2, test=0.2)
        {'actinic keratosis': 1}
    """
    if test == 1:
        return {}
    needed = 1 + takes_validation(records, validation, test) + bool(test and not given)
    train = [record for record in records if record.split == "train"]
    images = Counter(record.label for record in train)
    groups = Counter(label for label, _ in {(record.label, record.group) for record in train})
    return {label: images[label] for label in classes if 0 < groups[label] < needed}


def check_fractions(validation: float, test: float) -> None:
    """Raise DatasetError unless some images are left to train on, or all of them are for testing.

    Args:
        validation: The fraction for validation.
        test: The fraction for the test; with 1 the fraction for validation does not count.

    Raises:
        DatasetError: They are no numbers, or out of range.

    Examples:
        >>> check_fractions(0.2, 0.2)
        >>> check_fractions(0.2, 1)
    """
    for name, fraction in (("validation", validation), ("test", test)):
        if not _is_fraction(fraction):
            raise DatasetError(f"{name}={fraction!r}; expected a fraction from 0 to 1, such as 0.2")
    if test != 1 and not validation + test < 1:
        raise DatasetError(
            f"validation={validation} and test={test} leave nothing to train on; expected a sum under 1, or test=1 for images "
            "to evaluate a detector on"
        )


def _is_fraction(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and bool(0 <= cast("float", value) <= 1)


def split_off(
    records: Sequence[Record],
    split: SplitName,
    fraction: float,
    *,
    seed: int,
    classes: Sequence[str] | None = None,
    pinned: AbstractSet[str] = frozenset(),
) -> list[Record]:
    """Move a fraction of the training records into another split, stratified by class, group by group.

    Of the folds of `make_folds` those are taken that contain the most classes and come closest to the fraction. No class loses
    its last training images.

    Args:
        records: Records; those of other splits than train stay where they are.
        split: The split to move records to.
        fraction: Of the training records, over 0 and under 1.
        seed: Of the random choice of folds.
        classes: The labels that need two groups; all of them where it is None.
        pinned: The groups that stay in train.

    Returns:
        All records, in order. Nothing moves where fewer than two groups could.

    Raises:
        DatasetError: The fraction is out of range, or a class has a single group, which cannot be in two splits.

    Examples:
        >>> moved = split_off(data.train.records, "test", 0.25, seed=1)
        >>> sorted({record.split for record in moved})
        ['test', 'train']
    """
    if not 0 < fraction < 1:
        raise DatasetError(f"the {split} fraction is {fraction}; expected a number over 0 and under 1, such as 0.2")
    train = [record for record in records if record.split == "train"]
    _check_groups([record for record in train if classes is None or record.label in classes], split)
    movable = [record for record in train if record.group not in pinned]
    if len({record.group for record in movable}) < 2:
        return list(records)
    chosen = {movable[index].group for index in best_fold(*_labels_and_groups(movable), fraction, seed=seed)}
    chosen -= _to_give_back(train, chosen)
    return [
        _move(record, split) if record.split == "train" and record.group in chosen else record for record in records
    ]


def group_folds(records: Sequence[Record], count: int, *, seed: int) -> list[NDArray[np.intp]]:
    """Divide records into folds, stratified by class, each group in one of them.

    Args:
        records: The records.
        count: How many folds.
        seed: Of the random choice.

    Returns:
        For each fold the positions of its records, in order.

    Raises:
        DatasetError: There are fewer groups than folds.

    Examples:
        >>> sum(map(len, group_folds(data.train.records, 3, seed=1))) == len(data.train)
        True
    """
    labels, groups = _labels_and_groups(records)
    lesions = len(np.unique(groups))
    if lesions < count:
        raise DatasetError(f"{count} folds of {lesions} lesions; expected at least one lesion for each fold")
    return make_folds(labels, groups, count, seed=seed)


def _move(record: Record, split: SplitName) -> Record:
    return record if record.split == split else replace(record, split=split)


def _check_groups(train: Sequence[Record], split: SplitName) -> None:
    """Raise DatasetError unless every class has two groups."""
    groups: dict[str, set[str]] = {}
    for record in train:
        groups.setdefault(record.label, set()).add(record.group)
    single = next((label for label, names in groups.items() if len(names) < 2), None)
    if single is not None:
        images = [record for record in train if record.label == single]
        lesion = "image" if len(images) == 1 else f"lesion (in {len(images)} images)"
        raise DatasetError(
            f"class {single!r} has a single {lesion}, {images[0].path}: it cannot be in train and in {split} at once; "
            "expected at least two different ones. Add images of it or remove its folder"
        )


def _to_give_back(train: Sequence[Record], chosen: AbstractSet[str]) -> set[str]:
    """Return the chosen groups that stay in train after all: for each class that has none left there, its smallest one."""
    sizes = Counter(record.group for record in train)
    groups: dict[str, set[str]] = {}
    for record in train:
        groups.setdefault(record.label, set()).add(record.group)
    back: set[str] = set()
    for own in groups.values():
        if own <= chosen - back:
            back.add(min(own, key=lambda group: (sizes[group], group)))
    return back if back < chosen else set()


def _labels_and_groups(records: Sequence[Record]) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    return np.array([record.label for record in records]), np.array([record.group for record in records])
