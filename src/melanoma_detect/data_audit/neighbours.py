"""The nearest neighbours of images in a detector's feature space, images of the same lesion left out."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.utils.arrays import Float32Array


def nearest_of_others(
    features: Float32Array, of: Sequence[int], groups: Sequence[str], count: int
) -> list[NDArray[np.intp]]:
    """Return the images most like some images, by cosine similarity.

    Images of the same lesion share its label, right or wrong, and say nothing about it; so do images of one other lesion among
    themselves, of which the nearest is returned.

    Args:
        features: Of all images, `(n, d)`.
        of: The positions of the images whose neighbours are wanted.
        groups: The lesion or patient of each image, `(n,)`.
        count: How many neighbours of each.

    Returns:
        For each image the positions of its neighbours, the nearest first; fewer than `count` where there are no more lesions.

    Examples:
        >>> features = np.array([[1, 0], [1, 0.1], [1, 0.2], [0, 1]], np.float32)
        >>> [found.tolist() for found in nearest_of_others(features, [0], ["a", "a", "b", "c"], 2)]
        [[2, 3]]
    """
    members = np.unique(np.asarray(groups), return_inverse=True)[1]
    found = []
    for position in of:
        order = np.argsort(-(features @ features[position]), kind="stable")
        order = order[members[order] != members[position]]
        first = np.unique(members[order], return_index=True)[1]
        found.append(order[np.sort(first)[:count]])
    return found
