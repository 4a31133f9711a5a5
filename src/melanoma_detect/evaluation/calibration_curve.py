"""Calibration curve: the predicted probability of the target, such as melanoma, against the observed share of it."""

from typing import NamedTuple

import numpy as np

from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.bootstrap import Figure, compute_figures
from melanoma_detect.evaluation.metrics import BINS, bin_index
from melanoma_detect.evaluation.ratio import ratio
from melanoma_detect.utils.arrays import Float64Array


class Bin(NamedTuple):
    """One point of the calibration curve: the images whose probability of the target lies in one tenth of the scale.

    Attributes:
        low: The lower edge of the bin, 0 to 0.9.
        high: The upper edge of the bin.
        images: The number of images in it whose label tells whether they show the target.
        predicted: Their mean predicted probability of the target.
        observed: The share of them that show it, with its interval and the number of lesions it rests on.
    """

    low: float
    high: float
    images: int
    predicted: float
    observed: Figure


def calibration_curve(answers: Answers, *, seed: int = 123) -> tuple[Bin, ...]:
    """Compute the calibration curve (reliability diagram) for the target of the answers, melanoma by default.

    The ten bins are equally wide and are those of the ECE: the mean distance between predicted and observed, weighted by the
    number of images in each bin (Naeini, Cooper and Hauskrecht 2015; Guo et al. 2017, arXiv:1706.04599). Bins of equally many
    images would put every alert of a collection with one melanoma in ten into the last bin, where overconfidence at 0.9 and
    underconfidence at 0.3 would cancel out.

    Args:
        answers: The detector's answers.
        seed: Seed of the bootstrap.

    Returns:
        The bins that hold images, from low to high; empty if no class belongs to the target.

    Examples:
        >>> bins = calibration_curve(detector.evaluate(data.test).per_image)
        >>> sum(tenth.images for tenth in bins) == len(data.test)
        True
    """
    if not answers.has_target_class:
        return ()
    answers = answers.select(answers.is_positive | answers.is_negative)
    scores, positive = answers.target_scores, answers.is_positive
    # scikit-learn's calibration_curve takes no weights, which the bootstrap needs.
    members = np.eye(BINS)[bin_index(scores)]
    used = np.flatnonzero(members.any(axis=0)).tolist()

    def observed_shares(weights: Float64Array) -> dict[str, Float64Array]:
        shares = ratio(weights @ (members * positive[:, None]), weights @ members)
        return {str(column): shares[:, column] for column in used}

    lesions = {str(column): answers.count_lesions(members[:, column] > 0) for column in used}
    observed = compute_figures(observed_shares, answers.groups, lesions, seed=seed)
    return tuple(
        Bin(
            column / BINS,
            (column + 1) / BINS,
            int(members[:, column].sum()),
            float(scores[members[:, column] > 0].mean()),
            observed[str(column)],
        )
        for column in used
    )
