"""Train, validation and test without a lesion on both sides."""

import warnings
from collections.abc import Hashable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from melanoma_detect.data.record import SPLITS, Record, SetAside, SplitName
from melanoma_detect.errors import DatasetError


def join_groups(records: Sequence[Record], keys: Mapping[str, Iterable[Hashable]]) -> list[Record]:
    """Give one group to all records that are joined, directly or by way of others, by a shared key.

    Args:
        records: The records.
        keys: For a record's id, what it may share with others: its digest, its lesion, its patient.

    Returns:
        The records in order, each with its group: the smallest id among those joined.

    Examples:
        >>> from dataclasses import replace
        >>> a, b = data.records[:2]
        >>> len({r.group for r in join_groups([a, b], {a.id: ["lesion 7"], b.id: ["lesion 7"]})})
        1
    """
    links = [(row, key) for row, record in enumerate(records) for key in keys.get(record.id, ())]
    column = {key: len(records) + at for at, key in enumerate(dict.fromkeys(key for _, key in links))}
    rows, columns = [row for row, _ in links], [column[key] for _, key in links]
    size = len(records) + len(column)
    graph = coo_array((np.ones(len(links), np.int8), (rows, columns)), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    names: dict[int, str] = {}
    for record, number in zip(records, component, strict=False):
        names[number] = min(names.get(number, record.id), record.id)
    return [replace(record, group=names[number]) for record, number in zip(records, component, strict=False)]


def set_leaks_aside(records: Sequence[Record], witnesses: Sequence[Record] = ()) -> tuple[list[Record], list[SetAside]]:
    """Take out of the later splits what an earlier one shows already (train, then validation, then test).

    Args:
        records: Records in the splits that their folders say, with their groups.
        witnesses: Records that take no part, but show what an earlier split holds.

    Returns:
        The records that stay, and those set aside with the record that they would leak from.

    Examples:
        >>> kept, aside = set_leaks_aside(data.records)
        >>> len(kept) == len(data), aside
        (True, [])
    """
    in_order = sorted([*records, *witnesses], key=lambda record: SPLITS.index(record.split))
    shown: dict[str, Record] = {}
    for record in in_order:
        shown.setdefault(record.group, record)
        shown.setdefault(record.digest, record)
    kept: list[Record] = []
    aside: list[SetAside] = []
    for record in records:
        if shown[record.group].split == record.split:
            kept.append(record)
        else:
            aside.append(SetAside(record, _reason(record, shown)))
    return kept, aside


def _reason(record: Record, shown: Mapping[str, Record]) -> str:
    twin = shown[record.digest]
    what, seen = ("file", twin) if twin.split != record.split else ("image, lesion or patient", shown[record.group])
    return f"the same {what} as {seen.id}, which is in {seen.split}"


def follow_given(records: Sequence[Record], given: AbstractSet[str]) -> list[Record]:
    """Let records of sources without splits of their own follow the records of their group that have one.

    Args:
        records: The records, with their groups.
        given: The ids of the records whose splits their source gives.

    Returns:
        The records in order. A group with a given training record goes to train, so that as little as possible is lost.

    Examples:
        >>> moved = follow_given([replace(r, split="train", group="one") for r in data.records[:2]], set())
        >>> {record.split for record in moved}
        {'train'}
    """
    first: dict[str, SplitName] = {}
    for record in sorted(records, key=lambda record: SPLITS.index(record.split)):
        if record.id in given:
            first.setdefault(record.group, record.split)
    return [
        record if record.id in given else replace(record, split=first.get(record.group, record.split))
        for record in records
    ]


def cut_off(
    records: Sequence[Record],
    given: AbstractSet[str],
    *,
    validation: float,
    test: float,
    seed: int,
    classes: Sequence[str] | None = None,
) -> list[Record]:
    """Cut off what the sources do not give: a test from those without splits, then a validation from all of train.

    Args:
        records: The records, with their groups.
        given: The ids of the records whose splits their source gives.
        validation: The fraction of the training images for validation; 0 for none.
        test: The fraction for the test; 1 for everything that has no split yet.
        seed: Where the splits come from.
        classes: The labels that need two groups; all of them where it is None.

    Returns:
        The records in order.

    Raises:
        DatasetError: A class has a single group, which cannot stand on both sides.

    Examples:
        >>> moved = cut_off(data.train.records, set(), validation=0.2, test=0.2, seed=1, classes=("nevus", "melanoma"))
        >>> sorted({record.split for record in moved})
        ['test', 'train', 'validation']
    """
    decided = {record.group for record in records if record.id in given}
    free = [record for record in records if record.group not in decided]
    if free and test == 1:
        moved = [replace(record, split="test") for record in free]
    else:
        # Where other sources give a test, a class may show there alone.
        needed = () if decided else classes
        moved = cut(free, "test", test, seed=seed, classes=needed) if free and test else free
    by_id = {record.id: record for record in moved}
    records = [by_id.get(record.id, record) for record in records]
    given_validation = any(record.split == "validation" for record in records)
    if given_validation or not validation or not any(record.split == "train" for record in records):
        return records
    share = validation if decided else validation / (1 - test)
    return cut(records, "validation", share, seed=seed, classes=classes)


def refuse_fractions(validation: float, test: float) -> None:
    """Refuse fractions that leave nothing to train on.

    Args:
        validation: The fraction for validation.
        test: The fraction for the test.

    Raises:
        DatasetError: They are out of range.

    Examples:
        >>> refuse_fractions(0.2, 0.2)
    """
    if (validation, test) != (0, 1) and not validation + test < 1:
        raise DatasetError(
            f"validation={validation} and test={test} leave nothing to train on; expected a sum under 1, or validation=0 and "
            "test=1 for images to measure a detector on"
        )


def cut(
    records: Sequence[Record], split: SplitName, fraction: float, *, seed: int, classes: Sequence[str] | None = None
) -> list[Record]:
    """Move a fraction of the training records into another split, stratified by class, group by group.

    scikit-learn makes the folds (`StratifiedGroupKFold`, and `StratifiedKFold` for images that stand alone); among them the
    one is taken that shows the most classes and comes closest to the fraction.

    Args:
        records: Records; those of other splits than train stay where they are.
        split: Where the cut-off records go.
        fraction: How much of the training records, over 0 and under 1.
        seed: Where the folds come from.
        classes: The labels that need two groups; all of them where it is None.

    Returns:
        All records, in order.

    Raises:
        DatasetError: The fraction is out of range, or a class has a single group, which cannot stand on both sides.

    Examples:
        >>> moved = cut(data.train.records, "test", 0.25, seed=1)
        >>> sorted({record.split for record in moved})
        ['test', 'train']
    """
    if not 0 < fraction < 1:
        raise DatasetError(f"the {split} fraction is {fraction}; expected a number over 0 and under 1, such as 0.2")
    train = [record for record in records if record.split == "train"]
    _refuse_single_groups([record for record in train if classes is None or record.label in classes], split)
    chosen = {train[index].id for index in _best_fold(train, fraction, seed)}
    return [replace(record, split=split) if record.id in chosen else record for record in records]


def group_folds(records: Sequence[Record], count: int, *, seed: int) -> list[NDArray[np.intp]]:
    """Cut records into folds, stratified by class, each group in one of them.

    Args:
        records: The records.
        count: How many folds.
        seed: Where the folds come from.

    Returns:
        For each fold the positions of its records, in order.

    Raises:
        DatasetError: There are fewer groups than folds.

    Examples:
        >>> sum(map(len, group_folds(data.train.records, 3, seed=1))) == len(data.train)
        True
    """
    labels = np.array([record.label for record in records])
    groups = np.array([record.group for record in records])
    lesions = len(np.unique(groups))
    if lesions < count:
        raise DatasetError(f"{count} folds of {lesions} lesions; expected at least one lesion for each fold")
    return _folds(labels, groups, count, seed)


def _refuse_single_groups(train: Sequence[Record], split: SplitName) -> None:
    groups: dict[str, set[str]] = {}
    for record in train:
        groups.setdefault(record.label, set()).add(record.group)
    for label, found in groups.items():
        if len(found) < 2:
            images = [record for record in train if record.label == label]
            lesion = "image" if len(images) == 1 else f"lesion (in {len(images)} images)"
            raise DatasetError(
                f"class {label!r} has a single {lesion}, {images[0].path}: it cannot stand in train and in {split} at "
                "once; expected at least two different ones. Add images of it or take its folder out"
            )


def _best_fold(train: Sequence[Record], fraction: float, seed: int) -> list[int]:
    labels = np.array([record.label for record in train])
    groups = np.array([record.group for record in train])
    share = Fraction(fraction).limit_denominator(20)
    most = int(np.unique(labels, return_counts=True)[1].max())
    count = max(2, min(share.denominator if 0 < share < 1 else 20, most))
    parts = _folds(labels, groups, count, seed)
    take = min(max(round(fraction * count), 1), count - 1)
    candidates: list[NDArray[np.intp]] = [np.concatenate(parts[at : at + take]) for at in range(count - take + 1)]

    def misfit(chosen: NDArray[np.intp]) -> tuple[int, int, float]:
        rest = np.delete(labels, chosen)
        emptied = len(np.unique(labels)) - len(np.unique(rest))
        unseen = len(np.unique(labels)) - len(np.unique(labels[chosen]))
        return emptied, unseen, abs(len(chosen) / len(labels) - fraction)

    return [int(index) for index in min(candidates, key=misfit)]


def _folds(labels: NDArray[np.str_], groups: NDArray[np.str_], count: int, seed: int) -> list[NDArray[np.intp]]:
    """Return the folds: images that stand alone by class, the others by class and group.

    `StratifiedGroupKFold` weighs every group by itself, in Python; most groups are of one image and need no weighing.
    """
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    alone = np.flatnonzero(sizes[group] == 1)
    together = np.flatnonzero(sizes[group] > 1)
    if any(len(some) and np.unique(labels[some], return_counts=True)[1].max() < count for some in (alone, together)):
        alone, together = np.arange(0), np.arange(len(labels))
    parts: list[list[NDArray[np.intp]]] = [[] for _ in range(count)]
    kinds = (StratifiedKFold, alone), (StratifiedGroupKFold, together)
    with warnings.catch_warnings():
        # A class with fewer members than folds is no surprise here: it is what the choice of the fold is about.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        for kind, chosen in kinds:
            if not len(chosen):
                continue
            given = groups[chosen] if kind is StratifiedGroupKFold else None
            folds = kind(count, shuffle=True, random_state=seed).split(chosen, labels[chosen], given)
            for part, (_, inside) in zip(parts, folds, strict=True):
                part.append(chosen[inside])
    return [np.sort(np.concatenate(part)) for part in parts]
