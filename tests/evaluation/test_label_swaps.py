"""Pairs of labels that are swapped, by the detector's answers."""

import numpy as np

from melanoma_detect.evaluation.label_swaps import find_swaps, lesion_means, swap_text

CLASSES = ("melanoma", "nevus", "basal cell carcinoma")


def answers(count, order=(0, 1, 2), seed=0):
    """Return answers of a fair detector to so many lesions of each class, and labels that are mixed up in this order."""
    true = np.repeat(np.arange(3), count)
    logits = np.random.default_rng(seed).normal(size=(len(true), 3)) + 1.5 * np.eye(3)[true]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return probabilities, np.array(order)[true], np.arange(len(true)).astype(str), CLASSES


def test_only_swapped_pairs_are_found():
    assert find_swaps(*answers(30)) == []
    assert find_swaps(*answers(30, (1, 0, 2))) == [("melanoma", "nevus")]
    assert find_swaps(*answers(30, (0, 2, 1))) == [("nevus", "basal cell carcinoma")]


def test_few_lesions_and_unknown_labels_take_no_part():
    assert find_swaps(*answers(4, (1, 0, 2))) == []
    probabilities, labels, groups, classes = answers(30, (1, 0, 2))
    assert find_swaps(probabilities, np.where(labels == 1, -1, labels), groups, classes) == []
    assert find_swaps(probabilities, labels, np.where(labels == 1, "one lesion", groups), classes) == []


def test_chance_finds_hardly_any():
    assert not any(find_swaps(*answers(10, seed=seed)) for seed in range(50))


def test_the_text_names_the_pair():
    assert swap_text(("melanoma", "nevus")).startswith("the labels melanoma and nevus seem to be swapped")


def test_a_lesion_counts_by_the_mean_of_its_images():
    assert lesion_means(np.array([1.0, 0.0, 1.0]), np.array(["b", "a", "a"])).tolist() == [0.5, 1.0]
