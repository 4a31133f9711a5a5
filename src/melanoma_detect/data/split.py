"""Train, validation and test without a lesion on both sides."""

import warnings
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from melanoma_detect.data.records import SPLITS, Record, SetAside, Split
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


def set_leaks_aside(records: Sequence[Record]) -> tuple[list[Record], list[SetAside]]:
    """Take out of the later splits what an earlier one shows already (train, then validation, then test).

    Args:
        records: Records in the splits that their folders say, with their groups.

    Returns:
        The records that stay, and those set aside with the record that they would leak from.

    Examples:
        >>> kept, aside = set_leaks_aside(data.records)
        >>> len(kept) == len(data), aside
        (True, [])
    """
    in_order = sorted(records, key=lambda record: SPLITS.index(record.split))
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
    what, seen = ("file", twin) if twin.split != record.split else ("lesion or patient", shown[record.group])
    return f"the same {what} as {seen.id}, which is in {seen.split}"


def cut(records: Sequence[Record], split: Split, fraction: float, *, seed: int) -> list[Record]:
    """Move a fraction of the training records into another split, stratified by class, group by group.

    scikit-learn's `StratifiedGroupKFold` makes the folds; among them the one is taken that shows the most classes and comes
    closest to the fraction.

    Args:
        records: Records; those of other splits than train stay where they are.
        split: Where the cut-off records go.
        fraction: How much of the training records, over 0 and under 1.
        seed: Where the folds come from.

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
    _refuse_single_groups(train, split)
    chosen = {train[index].id for index in _best_fold(train, fraction, seed)}
    return [replace(record, split=split) if record.id in chosen else record for record in records]


def _refuse_single_groups(train: Sequence[Record], split: Split) -> None:
    groups: dict[str, set[str]] = {}
    for record in train:
        groups.setdefault(record.label, set()).add(record.group)
    for label, found in groups.items():
        if len(found) < 2:
            pictures = [record for record in train if record.label == label]
            lesion = "picture" if len(pictures) == 1 else f"lesion (in {len(pictures)} pictures)"
            raise DatasetError(
                f"class {label!r} has a single {lesion}, {pictures[0].path}: it cannot stand in train and in {split} at "
                "once; expected at least two different ones. Add pictures of it or take its folder out"
            )


def _best_fold(train: Sequence[Record], fraction: float, seed: int) -> list[int]:
    labels = np.array([record.label for record in train])
    groups = np.array([record.group for record in train])
    share = Fraction(fraction).limit_denominator(20)
    most = int(np.unique(labels, return_counts=True)[1].max())
    count = max(2, min(share.denominator if 0 < share < 1 else 20, most))
    folds = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A class with fewer members than folds is no surprise here: it is what the choice of the fold is about.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        parts = [part for _, part in folds.split(labels, labels, groups)]
    take = min(max(round(fraction * count), 1), count - 1)
    candidates: list[NDArray[np.intp]] = [np.concatenate(parts[at : at + take]) for at in range(count - take + 1)]

    def misfit(chosen: NDArray[np.intp]) -> tuple[int, int, float]:
        rest = np.delete(labels, chosen)
        emptied = len(np.unique(labels)) - len(np.unique(rest))
        unseen = len(np.unique(labels)) - len(np.unique(labels[chosen]))
        return emptied, unseen, abs(len(chosen) / len(labels) - fraction)

    return [int(index) for index in min(candidates, key=misfit)]
