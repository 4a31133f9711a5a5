"""Whether "30 %" means three in ten: the probability of melanoma against how often it was one."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from melanoma_detect.evaluation.bootstrap import Figure, figures
from melanoma_detect.evaluation.metrics import BINS, bin_of, ratio
from melanoma_detect.utils.arrays import Float64Array

if TYPE_CHECKING:
    from melanoma_detect.evaluation.evaluation import Evaluation


class Bin(NamedTuple):
    """The images whose probability of melanoma lies in one tenth of the scale.

    Attributes:
        low: Where the tenth begins, 0 to 0.9.
        high: Where it ends.
        images: How many lie in it.
        predicted: Their mean probability of melanoma.
        observed: The share of them that are melanomas, with its interval and the number of lesions it rests on.
    """

    low: float
    high: float
    images: int
    predicted: float
    observed: Figure


def reliability(evaluation: "Evaluation", *, seed: int = 123) -> tuple[Bin, ...]:
    """Compare probabilities of melanoma with how often they came true (the calibration curve, or reliability diagram).

    The bins are ten and equally wide, those of the ECE: the mean distance between predicted and observed, each bin counting as
    many times as it has images (Naeini, Cooper and Hauskrecht 2015; Guo et al. 2017, arXiv:1706.04599). Bins of equally many
    images would put every alert of a collection with one melanoma in ten into the last of them, and what is overstated at
    0.9 would make up there for what is understated at 0.3.

    Args:
        evaluation: The figures.
        seed: Where the bootstrap's draws come from.

    Returns:
        The bins that hold images, from low to high; none where no class is melanoma.

    Examples:
        >>> found = reliability(detector.evaluate(data.test))
        >>> sum(one.images for one in found) == len(data.test)
        True
    """
    scores, positive = evaluation.melanoma_scores, evaluation.is_melanoma
    if not evaluation.knows_melanoma:
        return ()
    inside = np.eye(BINS)[bin_of(scores)]
    used = np.flatnonzero(inside.any(axis=0))
    named = np.asarray(evaluation.groups)

    def shares(weights: Float64Array) -> dict[str, Float64Array]:
        found = ratio(weights @ (inside * positive[:, None]), weights @ inside)
        return {str(at): found[:, at] for at in used}

    lesions = {str(at): len(np.unique(named[inside[:, at] > 0])) for at in used}
    observed = figures(shares, evaluation.groups, lesions, seed=seed)
    return tuple(
        Bin(
            at / BINS,
            (at + 1) / BINS,
            int(inside[:, at].sum()),
            float(scores[inside[:, at] > 0].mean()),
            observed[str(at)],
        )
        for at in used.tolist()
    )
