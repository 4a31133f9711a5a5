"""How well a detector ranks local images: no calibration helps one that ranks them no better than chance.

A local calibration moves probabilities, and keeps their order. Labels that were swapped, or images of another kind, show in
the order alone.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from melanoma_detect import taxonomy
from melanoma_detect.errors import DetectorError, DetectorWarning
from melanoma_detect.evaluation.label_swaps import find_swaps, lesion_means, swap_text
from melanoma_detect.inference.operating_points import PLURALS, Target
from melanoma_detect.training.local_fit import LocalImages
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.user_warning import warn_user

_FEW = 10  # lesions of either side: under it, an interval reaches chance for a good detector too
_Z = 1.959964  # of a 95 % interval


class Ranking(NamedTuple):
    """How well lesions with a target are ranked before the others.

    Attributes:
        auc: The area under the ROC curve, 0 to 1: how often a lesion with the target has the higher probability.
        low: The lower end of its 95 % interval.
        high: The upper end.
        positives: Lesions with the target.
        negatives: Other lesions.
    """

    auc: float
    low: float
    high: float
    positives: int
    negatives: int

    def __str__(self) -> str:
        return f"{self.auc:.3f} [{self.low:.3f}, {self.high:.3f}]"


def rank_lesions(scores: Float64Array, positive: NDArray[np.bool_], groups: NDArray[np.str_]) -> Ranking | None:
    """Measure how well scores tell lesions apart, each lesion by the mean of its images.

    The interval is that of Hanley and McNeil 1982, "The meaning and use of the area under a receiver operating characteristic
    (ROC) curve", doi 10.1148/radiology.143.1.7063747.

    Args:
        scores: The probability of the target for each image, `(n,)`.
        positive: Which images show it, `(n,)`.
        groups: The lesion of each image, `(n,)`.

    Returns:
        The ranking; None where all lesions are of one side.

    Examples:
        >>> print(rank_lesions(np.array([0.9, 0.8, 0.1, 0.2]), np.array([1, 1, 0, 0], bool), np.array(list("abcd"))))
        1.000 [1.000, 1.000]
    """
    means = [lesion_means(scores[rows], groups[rows]) for rows in (positive, ~positive)]
    first, second = map(len, means)
    if not first or not second:
        return None
    ranks = rankdata(np.concatenate(means))[:first]
    auc = float((ranks.sum() - first * (first + 1) / 2) / (first * second))
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = (auc * (1 - auc) + (first - 1) * (one - auc**2) + (second - 1) * (two - auc**2)) / (first * second)
    half = _Z * math.sqrt(max(variance, 0.0))
    return Ranking(auc, max(0.0, auc - half), min(1.0, auc + half), first, second)


def find_swapped_pairs(probabilities: Float64Array, images: LocalImages) -> list[tuple[str, str]]:
    """Find pairs of diagnoses that a detector tells apart the wrong way round, so that their labels are probably swapped.

    The test is that of `evaluation.label_swaps.find_swaps`.

    Args:
        probabilities: What the detector gives for the images, `(n, classes)`.
        images: Their labels and lesions; labels of one class each take part.

    Returns:
        The pairs whose lesions are ranked worse than chance by the share of the first in the probability of both; chance
        reports one in 1,000 sets of images.

    Examples:
        >>> rows = np.repeat([[0.2, 0.8], [0.7, 0.3]], 20, axis=0) + np.linspace(0, 0.1, 40)[:, None] * [1, -1]
        >>> images = LocalImages(np.repeat(np.eye(2, dtype=bool), 20, axis=0), np.arange(40).astype(str), ("melanoma", "nevus"))
        >>> find_swapped_pairs(rows, images)
        [('melanoma', 'nevus')]
    """
    fine = images.targets.sum(axis=1) == 1
    labels = np.where(fine, images.targets.argmax(axis=1), -1)
    return find_swaps(probabilities, labels, images.groups, images.classes)


def check_pairs(swapped: Sequence[tuple[str, str]]) -> None:
    """Raise an error for labels that seem to be swapped with those of melanoma, and warn of others.

    Args:
        swapped: From `find_swapped_pairs`.

    Raises:
        DetectorError: Melanoma is one of a pair.

    Warns:
        DetectorWarning: There are other pairs.

    Examples:
        >>> check_pairs([("melanoma", "nevus")])
        Traceback (most recent call last):
        melanoma_detect.errors.DetectorError: the labels melanoma and nevus seem to be swapped: of these images the detector ...
    """
    for pair in swapped:
        text = swap_text(pair)
        if any(taxonomy.MELANOMA in taxonomy.meaning(label) for label in pair):
            raise DetectorError(text)
        warn_user(text, DetectorWarning)


def check_ranking(ranking: Ranking, target: Target, *, decides: bool = True) -> None:
    """Raise an error for a ranking that is worse than chance, and warn of one that is no better.

    Args:
        ranking: Of the local images, by the detector's probability of the target.
        target: `"melanoma"` or `"malignant"`.
        decides: Whether the detector alerts to this target; of another one, a ranking worse than chance is a warning too.

    Raises:
        DetectorError: The ranking is worse than chance, beyond its interval: labels are swapped, most likely.

    Warns:
        DetectorWarning: It may be chance, although both sides have ten lesions.

    Examples:
        >>> check_ranking(Ranking(0.1, 0.0, 0.2, 30, 60), "melanoma")
        Traceback (most recent call last):
        melanoma_detect.errors.DetectorError: on these images the detector ranks melanomas below the others (ROC AUC 0.100 ...
    """
    if ranking.low > 0.5 or (ranking.high >= 0.5 and min(ranking.positives, ranking.negatives) < _FEW):
        return
    counts = f"{ranking.positives} of {ranking.positives + ranking.negatives} lesions"
    if ranking.high < 0.5:
        text = (
            f"on these images the detector ranks {PLURALS[target]} below the others (ROC AUC {ranking}, {counts}; chance is "
            "0.5): their labels are probably swapped; check the table of labels, and how they are renamed"
        )
        if decides:
            raise DetectorError(text)
    else:
        text = (
            f"on these images the detector ranks {PLURALS[target]} no better than chance would (ROC AUC {ranking}, {counts}): "
            "localizing cannot help that. Check the labels; if they are right, the detector is not made for such images"
        )
    warn_user(text, DetectorWarning)
