"""What each operating point that validation supports does on the images that were measured."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.bootstrap import Figure, figures
from melanoma_detect.evaluation.metrics import ratio
from melanoma_detect.inference.operating_points import GOALS, OperatingPoint
from melanoma_detect.inference.prediction import target_scores
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.utils.arrays import Float64Array

if TYPE_CHECKING:
    from melanoma_detect.evaluation.evaluation import Evaluation


class MeasuredPoint(NamedTuple):
    """An operating point, set on validation, and what it does on other images.

    Attributes:
        point: The operating point.
        sensitivity: The share of melanomas with an alert.
        specificity: The share of other images that is cleared.
    """

    point: OperatingPoint
    sensitivity: Figure
    specificity: Figure


def points_of(predictor: Predictor) -> tuple[OperatingPoint, ...]:
    """Return the operating points at 90, 95 and 99 % sensitivity for a detector's target, and its own.

    Args:
        predictor: The detector.

    Returns:
        Those that its validation images support, from the lowest sensitivity to the highest.

    Examples:
        >>> [point.goal for point in points_of(predictor)]  # two melanomas in validation support no 90 %
        [0.6]
    """
    calibration = predictor.config.calibration(predictor.settings.views)
    found = {predictor.operating_point.goal: predictor.operating_point} if predictor.operating_point else {}
    for goal in GOALS:
        try:
            found.setdefault(goal, calibration.point(goal, predictor.settings.target))
        except DetectorError:
            continue
    return tuple(found[goal] for goal in sorted(found))


def measured_points(evaluation: "Evaluation", *, seed: int = 123) -> tuple[MeasuredPoint, ...]:
    """Measure every operating point of an evaluation.

    Args:
        evaluation: The figures.
        seed: Where the bootstrap's draws come from.

    Returns:
        The points with what they do on these images; none where melanomas or other images are missing.

    Examples:
        >>> [found.point.goal for found in measured_points(detector.evaluate(data.test))]
        [0.6]
    """
    positive = evaluation.is_melanoma
    if not positive.any() or positive.all():
        return ()
    return tuple(_measured(evaluation, point, positive, seed) for point in evaluation.points)


def _measured(evaluation: "Evaluation", point: OperatingPoint, positive: NDArray[np.bool_], seed: int) -> MeasuredPoint:
    alert = target_scores(evaluation.probabilities, evaluation.classes, point.target) >= point.threshold
    found, cleared = ~evaluation.abstained & alert, ~evaluation.abstained & ~alert
    named = np.asarray(evaluation.groups)

    def shares(weights: Float64Array) -> dict[str, Float64Array]:
        return {
            "sensitivity": ratio(weights @ (positive & found), weights @ positive),
            "specificity": ratio(weights @ (~positive & cleared), weights @ ~positive),
        }

    counts = {
        name: len(np.unique(named[side])) for name, side in (("sensitivity", positive), ("specificity", ~positive))
    }
    return MeasuredPoint(point, **figures(shares, evaluation.groups, counts, seed=seed))
