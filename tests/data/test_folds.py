"""Folds of any groups: this file imports little, so that it runs with the oldest scikit-learn too."""

import warnings

import numpy as np
import pytest

from melanoma_detect.data.folds import best_fold, make_folds


def draw(rng):
    """Draw labels and groups of any structure: few or many, of one image or of hundreds, of one class or of all."""
    count = int(rng.integers(2, 9)) if rng.random() < 0.6 else int(rng.integers(9, 40))
    largest = int(rng.choice([1, 2, 3, 20, 60]))
    sizes = rng.integers(1, largest + 1, count)
    if rng.random() < 0.3:
        sizes[:-2] = 1  # ordinary images, and one or two large groups
    groups = np.repeat([f"g{number}" for number in range(count)], sizes)
    classes = int(rng.integers(1, 10))
    own = rng.integers(0, classes, count)
    mixed = rng.random() < 0.3
    labels = rng.integers(0, classes, len(groups)) if mixed else np.repeat(own, sizes)
    order = rng.permutation(len(groups))
    return np.array([f"class {label}" for label in labels])[order], groups[order]


@pytest.mark.parametrize("start", range(0, 120, 30))
def test_any_groups_make_folds_that_are_whole_and_not_empty(start):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(start, start + 30):
            labels, groups = draw(np.random.default_rng(seed))
            number = len(set(groups))
            for count in {2, min(3, number), min(5, number), min(8, number)}:
                folds = make_folds(labels, groups, count, seed=seed)
                assert sorted(np.concatenate(folds)) == list(range(len(labels))), seed
                assert len(folds) == count
                assert all(map(len, folds)), seed
                owners = [set(groups[fold]) for fold in folds]
                assert sum(map(len, owners)) == number, seed


@pytest.mark.parametrize("fraction", [0.01, 0.15, 0.2, 1 / 3, 0.5, 0.9, 0.999])
def test_a_part_of_any_groups_is_neither_empty_nor_everything(fraction):
    for seed in range(30):
        labels, groups = draw(np.random.default_rng(seed))
        chosen = best_fold(labels, groups, fraction, seed=seed)
        assert 0 < len(chosen) < len(labels)
        assert not set(groups[chosen]) & set(np.delete(groups, chosen))


@pytest.mark.parametrize("pairs", range(2, 9))
def test_a_few_copies_among_many_images(pairs):
    labels = np.array(["melanoma"] * 60 + ["nevus"] * (60 + pairs))
    groups = np.array([f"g{number}" for number in range(120)] + [f"g{60 + number}" for number in range(pairs)])
    folds = make_folds(labels, groups, 5, seed=1)
    assert max(map(len, folds)) - min(map(len, folds)) <= 4
    assert all(abs((labels[fold] == "melanoma").sum() - 12) <= 2 for fold in folds)


def test_two_patients_of_many_images_make_two_folds():
    labels, groups = np.array(["melanoma", "nevus"] * 50), np.repeat(["first", "second"], 50)
    assert [len(fold) for fold in make_folds(labels, groups, 2, seed=1)] == [50, 50]
    assert len(best_fold(labels, groups, 0.2, seed=1)) == 50


def test_one_large_group_does_not_take_the_others_fold():
    labels, groups = np.array(["nevus"] * 130), np.array(["large"] * 100 + [f"g{number}" for number in range(30)])
    assert sorted(map(len, make_folds(labels, groups, 3, seed=1))) == [15, 15, 100]
    assert len(best_fold(labels, groups, 0.2, seed=1)) < 40


def test_the_seed_determines_the_folds():
    labels, groups = draw(np.random.default_rng(7))
    one, again = (make_folds(labels, groups, 2, seed=4) for _ in range(2))
    assert all((first == second).all() for first, second in zip(one, again, strict=True))
