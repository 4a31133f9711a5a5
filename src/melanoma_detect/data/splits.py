"""Splits into train, validation and test, and cross-validation folds: stratified by class, every group whole."""

import warnings
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from melanoma_detect.data.dataset import Dataset
from melanoma_detect.data.record import SPLITS, Record, SplitName
from melanoma_detect.errors import DatasetError


def folds(data: Dataset, count: int = 5, *, validation: float = 0.15, seed: int = 123) -> Iterator[Dataset]:
    """Divide a dataset into folds: each image of train and validation is in `test` once, together with its whole lesion.

    Copies made by `balance` are left out: balance each fold by itself. The dataset's own test split takes no part.

    Args:
        data: From `load_dataset`.
        count: How many folds.
        validation: The fraction of the images outside the fold that becomes its validation split.
        seed: Of the random choice of folds.

    Yields:
        One dataset a fold.

    Raises:
        DatasetError: Fewer than two folds, or fewer lesions than folds.

    Examples:
        >>> [len(fold.test) for fold in folds(data, 2)]
        [..., ...]
    """
    pool = [
        replace(record, split="train", weight=1.0)
        for record in data.records
        if record.split != "test" and record.parent is None
    ]
    if count < 2:
        raise DatasetError(f"count={count}; expected 2 folds or more")
    for fold in group_folds(pool, count, seed=seed):
        held_out = {pool[index].id for index in fold}
        others = [record for record in pool if record.id not in held_out]
        # With classes=() a class that is too rare to be in validation as well stays in train.
        rest = split_off(others, "validation", validation, seed=seed, classes=())
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
    classes: Sequence[str] | None = None,
) -> list[Record]:
    """Split off what the sources do not give: a test split from sources without splits, a validation split from train.

    Args:
        records: The records, with their groups.
        given: The ids of the records whose splits their source gives.
        validation: The fraction of the training images for validation; 0 for none.
        test: The fraction for the test; 1 for everything that has no split yet.
        seed: Of the random choice.
        classes: The labels that need two groups; all of them where it is None.

    Returns:
        The records in order.

    Raises:
        DatasetError: A class has a single group, which cannot be in two splits.

    Examples:
        >>> moved = assign_splits(
        ...     data.train.records, set(), validation=0.2, test=0.2, seed=1, classes=("nevus", "melanoma")
        ... )
        >>> sorted({record.split for record in moved})
        ['test', 'train', 'validation']
    """
    decided = {record.group for record in records if record.id in given}
    free = [record for record in records if record.group not in decided]
    if free and test == 1:
        moved = [_move(record, "test") for record in free]
    else:
        # Where other sources give a test split, a class may be in that one alone.
        needed = () if decided else classes
        moved = split_off(free, "test", test, seed=seed, classes=needed) if free and test else free
    by_id = {record.id: record for record in moved}
    records = [by_id.get(record.id, record) for record in records]
    splits = {record.split for record in records}
    if "validation" in splits or not validation or "train" not in splits:
        return records
    # `validation` is a fraction of all images that were not given a split; the test split is gone from them by now.
    fraction = validation if decided else validation / (1 - test)
    return split_off(records, "validation", fraction, seed=seed, classes=classes)


def check_fractions(validation: float, test: float) -> None:
    """Raise DatasetError unless some images are left to train on, or all of them are for testing.

    Args:
        validation: The fraction for validation.
        test: The fraction for the test.

    Raises:
        DatasetError: They are out of range.

    Examples:
        >>> check_fractions(0.2, 0.2)
    """
    if (validation, test) != (0, 1) and not validation + test < 1:
        raise DatasetError(
            f"validation={validation} and test={test} leave nothing to train on; expected a sum under 1, or validation=0 and "
            "test=1 for images to evaluate a detector on"
        )


def split_off(
    records: Sequence[Record], split: SplitName, fraction: float, *, seed: int, classes: Sequence[str] | None = None
) -> list[Record]:
    """Move a fraction of the training records into another split, stratified by class, group by group.

    scikit-learn makes the folds (`StratifiedGroupKFold`, and `StratifiedKFold` for images that are a group of their own).
    Among them those are taken that contain the most classes and come closest to the fraction.

    Args:
        records: Records; those of other splits than train stay where they are.
        split: The split to move records to.
        fraction: Of the training records, over 0 and under 1.
        seed: Of the random choice of folds.
        classes: The labels that need two groups; all of them where it is None.

    Returns:
        All records, in order.

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
    chosen = {train[index].id for index in _best_fold(train, fraction, seed)}
    return [_move(record, split) if record.id in chosen else record for record in records]


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
    return _folds(labels, groups, count, seed)


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


def _labels_and_groups(records: Sequence[Record]) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    return np.array([record.label for record in records]), np.array([record.group for record in records])


def _best_fold(train: Sequence[Record], fraction: float, seed: int) -> list[int]:
    """Return the positions of the folds that contain the most classes and come closest to the fraction."""
    labels, groups = _labels_and_groups(train)
    # A fraction of 0.15 is 3 of 20 folds; more than 20 would be slow, and more than a class has images impossible.
    share = Fraction(fraction).limit_denominator(20)
    largest = int(np.unique(labels, return_counts=True)[1].max())
    count = max(2, min(share.denominator if 0 < share < 1 else 20, largest))
    parts = _folds(labels, groups, count, seed)
    take = min(max(round(fraction * count), 1), count - 1)
    candidates = [np.concatenate(parts[start : start + take]) for start in range(count - take + 1)]
    classes = len(np.unique(labels))

    def misfit(chosen: NDArray[np.intp]) -> tuple[int, int, float]:
        missing_in_rest = classes - len(np.unique(np.delete(labels, chosen)))
        missing_in_chosen = classes - len(np.unique(labels[chosen]))
        return missing_in_rest, missing_in_chosen, abs(len(chosen) / len(labels) - fraction)

    best: list[int] = min(candidates, key=misfit).tolist()
    return best


def _folds(labels: NDArray[np.str_], groups: NDArray[np.str_], count: int, seed: int) -> list[NDArray[np.intp]]:
    """Return the folds: single images by class, the others by class and group.

    `StratifiedGroupKFold` weighs every group by itself, in Python; most groups are of one image and need no weighing.
    """
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    single, together = np.flatnonzero(sizes[group] == 1), np.flatnonzero(sizes[group] > 1)
    if any(len(part) and np.unique(labels[part], return_counts=True)[1].max() < count for part in (single, together)):
        single, together = np.arange(0), np.arange(len(labels))
    parts: list[list[NDArray[np.intp]]] = [[] for _ in range(count)]
    with warnings.catch_warnings():
        # A class with fewer members than folds is expected here: the choice of the fold takes care of it.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        for splitter, chosen in ((StratifiedKFold, single), (StratifiedGroupKFold, together)):
            if not len(chosen):
                continue
            own_groups = groups[chosen] if splitter is StratifiedGroupKFold else None
            own_folds = splitter(count, shuffle=True, random_state=seed).split(chosen, labels[chosen], own_groups)
            for part, (_, inside) in zip(parts, own_folds, strict=True):
                part.append(chosen[inside])
    return [np.sort(np.concatenate(part)) for part in parts]
