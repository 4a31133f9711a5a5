"""Operating points as rows of a report: each type of image by the threshold of its own, with the figures that belong to it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from melanoma_detect.evaluation.bootstrap import Figure
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.evaluation.measured_points import measured_points
from melanoma_detect.inference.image_types import IMAGE_TYPES, TYPE_NAMES, TYPE_PLURALS
from melanoma_detect.utils.counts import count_noun

ALL = "all images"


class PointRow(NamedTuple):
    """What a detector decides for images by a threshold.

    Attributes:
        goal: The sensitivity that the threshold was set for, 0 to 1.
        images: Which images: `"dermoscopy images"`, `"clinical photographs"` or `"all images"`.
        counted: How many, as text.
        threshold: An image with this probability or a higher one raises an alert; None where each type has its own.
        sensitivity: The share of images of the target with an alert.
        specificity: The share of other images that raise none and that the detector does not abstain from.
        in_use: Whether the detector decides by this sensitivity.
    """

    goal: float
    images: str
    counted: str
    threshold: float | None
    sensitivity: Figure
    specificity: Figure
    in_use: bool

    def to_dict(self) -> dict[str, Any]:
        """Return plain values by name.

        Returns:
            The figures as dictionaries with value, low, high and lesions.
        """
        return {name: value._asdict() if isinstance(value, Figure) else value for name, value in self._asdict().items()}


def point_rows(evaluation: Evaluation) -> tuple[PointRow, ...]:
    """Measure every operating point on the images that are judged by it.

    Args:
        evaluation: The evaluation.

    Returns:
        By sensitivity: one row for each type of image that occurs and shows the target and others, and one for all images
        where the types have thresholds of their own; just that one for a detector that judges all images alike.

    Examples:
        >>> [(row.goal, row.images) for row in point_rows(detector.evaluate(data))]
        [(0.6, 'all images')]
    """
    rows = [*_rows_by_type(evaluation), *_rows_of_all(evaluation)]
    return tuple(sorted(rows, key=lambda row: row.goal))  # stable: the types stay in order, all images last


def _rows_by_type(evaluation: Evaluation) -> Iterator[PointRow]:
    answers, types = evaluation.per_image, evaluation.per_image.image_types
    if types is None:
        return
    for kind in IMAGE_TYPES:
        chosen = types.types == kind
        if not chosen.any():
            continue
        points = tuple(point for (target, _), point in types.points[kind].items() if target == evaluation.target)
        counted = count_noun(int(chosen.sum()), TYPE_NAMES[kind], TYPE_PLURALS[kind])
        for measured in measured_points(answers.select(chosen), points):
            goal, threshold = measured.point.goal, measured.point.threshold
            yield PointRow(goal, TYPE_PLURALS[kind], counted, threshold, *measured[1:], _is_in_use(evaluation, goal))


def _rows_of_all(evaluation: Evaluation) -> Iterator[PointRow]:
    types = evaluation.per_image.image_types
    occurring = [] if types is None else [kind for kind in IMAGE_TYPES if (types.types == kind).any()]
    if len(occurring) == 1:
        return  # the rows of that type are those of all images
    counted = count_noun(len(evaluation), "image")
    for measured in evaluation.measured_points():
        threshold = measured.point.threshold if types is None else None
        goal = measured.point.goal
        yield PointRow(goal, ALL, counted, threshold, *measured[1:], _is_in_use(evaluation, goal))


def _is_in_use(evaluation: Evaluation, goal: float) -> bool:
    return evaluation.operating_point is not None and evaluation.operating_point.goal == goal
