"""Folds of images: stratified by class, every group whole, for any number and size of groups."""

import warnings
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold


def best_fold(labels: NDArray[np.str_], groups: NDArray[np.str_], fraction: float, *, seed: int) -> list[int]:
    """Choose a fraction of the images: the folds that contain the most classes and come closest to the fraction.

    Args:
        labels: The label of each image, `(n,)`.
        groups: The group of each image, `(n,)`; two groups or more.
        fraction: Of the images, over 0 and under 1.
        seed: Of the random folds.

    Returns:
        The positions of the chosen images.

    Examples:
        >>> best_fold(np.array(list("aabb")), np.array(list("1234")), 0.5, seed=1)
        [...]
    """
    # A fraction of 0.15 is 3 of 20 folds; more than 20 would be slow, and more than a class has images, or than there are
    # groups, impossible.
    share = Fraction(fraction).limit_denominator(20)
    count = max(2, min(share.denominator if 0 < share < 1 else 20, _largest_class(labels), len(np.unique(groups))))
    parts = make_folds(labels, groups, count, seed=seed)
    take = min(max(round(fraction * count), 1), count - 1)
    candidates = [np.concatenate(parts[start : start + take]) for start in range(count - take + 1)]
    classes = len(np.unique(labels))

    def misfit(chosen: NDArray[np.intp]) -> tuple[int, int, float]:
        missing_in_rest = classes - len(np.unique(np.delete(labels, chosen)))
        missing_in_chosen = classes - len(np.unique(labels[chosen]))
        return missing_in_rest, missing_in_chosen, abs(len(chosen) / len(labels) - fraction)

    best: list[int] = min(candidates, key=misfit).tolist()
    return best


def make_folds(labels: NDArray[np.str_], groups: NDArray[np.str_], count: int, *, seed: int) -> list[NDArray[np.intp]]:
    """Divide images into folds, of which none is empty.

    Images that are a group of their own are divided by class with `StratifiedKFold`, the others by class and group with
    `StratifiedGroupKFold`: that one weighs every group by itself, in Python, and most groups are of one image. What
    scikit-learn refuses, or leaves a fold empty with, is divided group by group, the largest first, each into the fold with
    the least of its classes.

    Args:
        labels: The label of each image, `(n,)`.
        groups: The group of each image, `(n,)`; as many groups as folds or more.
        count: How many folds, 2 or more.
        seed: Of the random folds.

    Returns:
        For each fold the positions of its images, in order.

    Examples:
        >>> [len(fold) for fold in make_folds(np.array(list("aabb")), np.array(list("1212")), 2, seed=1)]
        [2, 2]
    """
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    single, together = np.flatnonzero(sizes[group] == 1), np.flatnonzero(sizes[group] > 1)
    if any(len(part) and _largest_class(labels[part]) < count for part in (single, together)):
        single, together = np.arange(0), np.arange(len(labels))
    # Releases of scikit-learn differ in what they do with fewer groups than folds; it is decided here, for all of them.
    if len(together) and min(len(np.unique(groups[together])), _largest_class(labels[together])) < count:
        return _assign_groups(labels, groups, count, seed)
    parts: list[list[NDArray[np.intp]]] = [[] for _ in range(count)]
    with warnings.catch_warnings():
        # A class with fewer members than folds is expected here, and so are nearly as many classes as images.
        warnings.filterwarnings("ignore", message="The (least populated class|number of unique classes)")
        for splitter, chosen in ((StratifiedKFold, single), (StratifiedGroupKFold, together)):
            if not len(chosen):
                continue
            own_groups = groups[chosen] if splitter is StratifiedGroupKFold else None
            own_folds = splitter(count, shuffle=True, random_state=seed).split(chosen, labels[chosen], own_groups)
            for part, (_, inside) in zip(parts, own_folds, strict=True):
                part.append(chosen[inside])
    folds = [np.sort(np.concatenate(part)) for part in parts]
    return folds if all(map(len, folds)) else _assign_groups(labels, groups, count, seed)


def _largest_class(labels: NDArray[np.str_]) -> int:
    return int(np.unique(labels, return_counts=True)[1].max())


def _assign_groups(labels: NDArray[np.str_], groups: NDArray[np.str_], count: int, seed: int) -> list[NDArray[np.intp]]:
    """Assign each group, the largest first, to the fold with the least of its classes; among such folds to the smallest."""
    _, label = np.unique(labels, return_inverse=True)
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    counts = np.zeros((len(sizes), label.max() + 1))
    np.add.at(counts, (group, label), 1)
    shares = counts / counts.sum(axis=0)
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    content, size, fold = np.zeros((count, counts.shape[1])), np.zeros(count), np.zeros(len(sizes), np.intp)
    for number in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        # The sum of the squares of all shares in all folds grows by twice this, and by what is the same for every fold.
        growth = content @ shares[number]
        fold[number] = chosen = np.lexsort((size, growth))[0]
        content[chosen] += shares[number]
        size[chosen] += sizes[number]
    return [np.flatnonzero(fold[group] == index) for index in range(count)]
