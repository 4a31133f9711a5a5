"""Operating points set on validation, with the sensitivity and specificity that they have on other images."""

from dataclasses import replace
from typing import NamedTuple

from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.bootstrap import Figure, compute_figures
from melanoma_detect.evaluation.image_types import points_of_type
from melanoma_detect.evaluation.ratio import ratio
from melanoma_detect.inference.image_types import IMAGE_TYPES
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.notebook import notebook_view


class MeasuredPoint(NamedTuple):
    """An operating point that was set on validation, measured on other images.

    Attributes:
        point: The operating point.
        sensitivity: The share of images of the point's target with an alert.
        specificity: The share of other images that raise none and that the detector does not abstain from.
    """

    point: OperatingPoint
    sensitivity: Figure
    specificity: Figure

    def _repr_html_(self) -> str:
        return notebook_view(self)


def operating_points_of(predictor: Predictor) -> tuple[OperatingPoint, ...]:
    """Return the operating points at 90, 95 and 99 % sensitivity for a detector's target, and the one in use.

    Args:
        predictor: The detector.

    Returns:
        Those that its validation images support, from the lowest sensitivity to the highest. Of a detector that recognises the
        type of an image they are the points for dermoscopy, if it has any; `ImageTypes` has those for clinical photographs.

    Examples:
        >>> [point.goal for point in operating_points_of(predictor)]  # two melanomas in validation do not support 90 %
        [0.6]
    """
    types = predictor.image_types or (predictor.settings.image_type,)
    by_type = [points_of_type(predictor, image_type) for image_type in types]
    in_use = predictor.settings.sensitivity
    return max(by_type, key=lambda points: in_use in [point.goal for point in points])  # the first of equals


def measured_points(
    answers: Answers, points: tuple[OperatingPoint, ...], *, in_use: OperatingPoint | None = None, seed: int = 123
) -> tuple[MeasuredPoint, ...]:
    """Measure operating points on a detector's answers.

    Args:
        answers: The detector's answers.
        points: The operating points. One that validation does not support for a type of image that occurs is left out: the
            images of that type would all be referred.
        in_use: The one in use, which is not left out.
        seed: Seed of the bootstrap.

    Returns:
        Each point with its sensitivity and specificity on these images; empty if they do not show the target, or nothing else.

    Examples:
        >>> evaluation = detector.evaluate(data.test)
        >>> [measured.point.goal for measured in measured_points(evaluation.per_image, evaluation.points)]
        [0.6]
    """
    used = [point for point in points if point == in_use or _is_supported(answers, point)]
    measured = (_measure(replace(answers, target=point.target), point, seed) for point in used)
    return tuple(one for one in measured if one is not None)


def _is_supported(answers: Answers, point: OperatingPoint) -> bool:
    types = answers.image_types
    if types is None:
        return True
    occurring = [kind for kind in IMAGE_TYPES if (types.types == kind).any()]
    return all(types.point_of(kind, point) for kind in occurring)


def _measure(answers: Answers, point: OperatingPoint, seed: int) -> MeasuredPoint | None:
    positive, negative, alert = answers.is_positive, answers.is_negative, answers.alerts(point)
    if not positive.any() or not negative.any():
        return None
    quiet = (
        ~answers.abstained & ~alert
    )  # an image that the detector abstains from is referred: neither an alert nor quiet

    def rates(weights: Float64Array) -> dict[str, Float64Array]:
        return {
            "sensitivity": ratio(weights @ (positive & alert), weights @ positive),
            "specificity": ratio(weights @ (negative & quiet), weights @ negative),
        }

    lesions = {"sensitivity": answers.count_lesions(positive), "specificity": answers.count_lesions(negative)}
    return MeasuredPoint(point, **compute_figures(rates, answers.groups, lesions, seed=seed))
