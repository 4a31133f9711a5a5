"""Labels that seem to be swapped: pairs of diagnoses that a detector tells apart the wrong way round, far beyond chance."""

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from melanoma_detect.utils.arrays import Float64Array

_SWAPPED = 0.001  # chance of a false report, over all pairs of diagnoses together
_FEW_OF_PAIR = 5  # lesions of either diagnosis
_EPSILON = 1e-12  # the smallest probability that is divided by


def find_swaps(
    probabilities: Float64Array, labels: NDArray[np.int64], groups: NDArray[np.str_], classes: tuple[str, ...]
) -> list[tuple[str, str]]:
    """Find pairs of diagnoses whose labels are probably swapped.

    Each pair is tested by the ranks of its lesions (Mann and Whitney 1947, doi 10.1214/aoms/1177730491), with Bonferroni's
    correction for the number of pairs.

    Args:
        probabilities: What the detector gives for the images, `(n, classes)`.
        labels: The class of each image as a position in `classes`, `(n,)`; -1 for one that takes no part.
        groups: The lesion of each image, `(n,)`.
        classes: Class names.

    Returns:
        The pairs whose lesions are ranked worse than chance by the share of the first in the probability of both; chance
        reports one in 1,000 sets of images.

    Examples:
        >>> rows = np.repeat([[0.2, 0.8], [0.7, 0.3]], 20, axis=0) + np.linspace(0, 0.1, 40)[:, None] * [1, -1]
        >>> find_swaps(rows, np.repeat([0, 1], 20), np.arange(40).astype(str), ("melanoma", "nevus"))
        [('melanoma', 'nevus')]
    """
    tested: dict[tuple[str, str], float] = {}
    for pair in itertools.combinations(range(len(classes)), 2):
        share = probabilities[:, pair[0]] / np.maximum(probabilities[:, list(pair)].sum(axis=1), _EPSILON)
        means = [lesion_means(share[labels == each], groups[labels == each]) for each in pair]
        if min(map(len, means)) >= _FEW_OF_PAIR:
            tested[classes[pair[0]], classes[pair[1]]] = mannwhitneyu(*means, alternative="less").pvalue
    return [pair for pair, p_value in tested.items() if p_value * len(tested) < _SWAPPED]


def swap_text(pair: tuple[str, str]) -> str:
    """Return what a pair of swapped labels means, for a warning or a note.

    Args:
        pair: The labels.

    Returns:
        Half a sentence, without a capital and a full stop.

    Examples:
        >>> swap_text(("melanoma", "nevus"))[:44]
        'the labels melanoma and nevus seem to be swa'
    """
    return (
        f"the labels {' and '.join(pair)} seem to be swapped: of these images the detector tells the two apart the wrong "
        "way round, far beyond chance; check the table of labels, and how they are renamed"
    )


def lesion_means(scores: Float64Array, groups: NDArray[np.str_]) -> Float64Array:
    """Return the mean score of each lesion.

    Args:
        scores: The score of each image, `(n,)`.
        groups: The lesion of each image, `(n,)`.

    Returns:
        `(lesions,)`, in the order of their names.

    Examples:
        >>> lesion_means(np.array([0.0, 1.0, 3.0]), np.array(["a", "b", "b"]))
        array([0., 2.])
    """
    _, lesion = np.unique(groups, return_inverse=True)
    return np.asarray(np.bincount(lesion, scores) / np.maximum(np.bincount(lesion), 1))
