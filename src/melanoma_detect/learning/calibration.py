"""Where to alert: operating points, set on validation pictures that training did not learn from."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.detection.decision import OperatingPoint
from melanoma_detect.errors import DetectorError


def fit_operating_point(
    scores: NDArray[np.float64], positive: NDArray[np.bool_] | Sequence[bool], *, sensitivity: float = 0.95
) -> OperatingPoint:
    """Find the highest threshold that alerts to a given share of the melanomas.

    Scores are not remapped: the threshold is the score that it takes, halfway between the last melanoma that must be found and
    the next lower score.

    Args:
        scores: The probability of melanoma of each validation picture, `(n,)`, 0 to 1.
        positive: True for melanomas, `(n,)`.
        sensitivity: The share of melanomas to find, over 0, at most 1.

    Returns:
        The operating point, with the sensitivity and specificity it has on these pictures.

    Raises:
        DetectorError: No melanoma, nothing else, or a sensitivity out of range.

    Examples:
        >>> point = fit_operating_point(np.array([0.9, 0.4, 0.6, 0.1]), [True, True, False, False], sensitivity=0.5)
        >>> point.threshold, point.sensitivity, point.specificity
        (0.75, 0.5, 1.0)
    """
    refuse_sensitivity(sensitivity)
    scores, found = np.asarray(scores, np.float64), np.asarray(positive, bool)
    positives, negatives = int(found.sum()), int((~found).sum())
    if not positives or not negatives:
        raise DetectorError(
            f"{positives} melanomas and {negatives} other pictures in validation; a threshold needs both: load more data"
        )
    # The small number keeps 0.95 × 20 = 19.000…01 from asking for a twentieth melanoma.
    may_miss = positives - int(np.ceil(sensitivity * positives - 1e-9))
    needed = np.sort(scores[found])[may_miss]
    below = scores[scores < needed]
    threshold = float((needed + below.max()) / 2) if below.size else float(needed)
    return OperatingPoint(
        goal=sensitivity,
        threshold=threshold,
        sensitivity=float((scores[found] >= threshold).mean()),
        specificity=float((scores[~found] < threshold).mean()),
        positives=positives,
        negatives=negatives,
    )


def refuse_sensitivity(sensitivity: float) -> None:
    """Refuse a sensitivity that is none.

    Args:
        sensitivity: A share, over 0 and at most 1.

    Raises:
        DetectorError: It is out of range.

    Examples:
        >>> refuse_sensitivity(0.95)
    """
    if not 0 < sensitivity <= 1:
        raise DetectorError(f"sensitivity={sensitivity}; expected over 0 and at most 1, such as 0.95")
