"""Operating points set on validation, with the sensitivity and specificity that they have on other images."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.bootstrap import Figure, compute_figures
from melanoma_detect.evaluation.metrics import ratio
from melanoma_detect.inference.operating_points import SENSITIVITIES, OperatingPoint
from melanoma_detect.inference.prediction import target_scores
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.utils.arrays import Float64Array


class MeasuredPoint(NamedTuple):
    """An operating point that was set on validation, measured on other images.

    Attributes:
        point: The operating point.
        sensitivity: The share of melanomas with an alert.
        specificity: The share of other images that are cleared.
    """

    point: OperatingPoint
    sensitivity: Figure
    specificity: Figure


def operating_points_of(predictor: Predictor) -> tuple[OperatingPoint, ...]:
    """Return the operating points at 90, 95 and 99 % sensitivity for a detector's target, and the one in use.

    Args:
        predictor: The detector.

    Returns:
        Those that its validation images support, from the lowest sensitivity to the highest.

    Examples:
        >>> [point.goal for point in operating_points_of(predictor)]  # two melanomas in validation do not support 90 %
        [0.6]
    """
    calibration = predictor.config.calibration(predictor.settings.views)
    points = {predictor.operating_point.goal: predictor.operating_point} if predictor.operating_point else {}
    for goal in SENSITIVITIES:
        try:
            points.setdefault(goal, calibration.operating_point(goal, predictor.settings.target))
        except DetectorError:
            continue  # validation shows too few melanomas for this sensitivity
    return tuple(points[goal] for goal in sorted(points))


def measured_points(
    answers: Answers, points: tuple[OperatingPoint, ...], *, seed: int = 123
) -> tuple[MeasuredPoint, ...]:
    """Measure operating points on a detector's answers.

    Args:
        answers: The detector's answers.
        points: The operating points.
        seed: Seed of the bootstrap.

    Returns:
        Each point with its sensitivity and specificity on these images; empty if they show no melanoma, or nothing else.

    Examples:
        >>> evaluation = detector.evaluate(data.test)
        >>> [measured.point.goal for measured in measured_points(evaluation.per_image, evaluation.points)]
        [0.6]
    """
    positive = answers.is_melanoma
    if not positive.any() or positive.all():
        return ()
    return tuple(_measure(answers, point, positive, seed) for point in points)


def _measure(answers: Answers, point: OperatingPoint, positive: NDArray[np.bool_], seed: int) -> MeasuredPoint:
    over = target_scores(answers.probabilities, answers.classes, point.target) >= point.threshold
    # An image that the detector abstains from is referred: neither an alert nor cleared.
    alert, cleared = ~answers.abstained & over, ~answers.abstained & ~over

    def rates(weights: Float64Array) -> dict[str, Float64Array]:
        return {
            "sensitivity": ratio(weights @ (positive & alert), weights @ positive),
            "specificity": ratio(weights @ (~positive & cleared), weights @ ~positive),
        }

    lesions = {"sensitivity": answers.count_lesions(positive), "specificity": answers.count_lesions(~positive)}
    return MeasuredPoint(point, **compute_figures(rates, answers.groups, lesions, seed=seed))
