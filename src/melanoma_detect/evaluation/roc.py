"""ROC curves: sensitivity against false-positive rate at every threshold, and where the operating points lie on them."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import auc, roc_curve

from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.bootstrap import Figure, compute_figures
from melanoma_detect.evaluation.metrics import ranking
from melanoma_detect.evaluation.ranking import weighted_auc
from melanoma_detect.inference.image_types import IMAGE_TYPES, TYPE_PLURALS, ImageType
from melanoma_detect.inference.operating_points import OperatingPoint, Target
from melanoma_detect.utils.arrays import Float64Array

ALL = "all images"


class RocPoint(NamedTuple):
    """A vertex of a ROC curve.

    Attributes:
        threshold: Images with this probability or a higher one count as positive; infinite at the start, where none does.
        sensitivity: The share of images of the target among them.
        false_positive_rate: The share of other images among them: 1 − specificity.
    """

    threshold: float
    sensitivity: float
    false_positive_rate: float


class PointOnCurve(NamedTuple):
    """Where the threshold of an operating point lies on a ROC curve.

    Attributes:
        point: The operating point.
        sensitivity: The share of images of the target that reach its threshold.
        false_positive_rate: The share of other images that do.
    """

    point: OperatingPoint
    sensitivity: float
    false_positive_rate: float


@dataclass(frozen=True)
class RocCurve:
    """A ROC curve. Its area is the AUC: both rank the same images, those that the detector abstains from included.

    Attributes:
        name: `"all images"`, `"dermoscopy images"` or `"clinical photographs"`.
        target: `"melanoma"`, against all other images, or `"malignant"`, against benign lesions.
        images: The number of images.
        auc: The area under it, with its interval.
        points: Its vertices, from (0, 0) to (1, 1), one for each different score.
        operating_points: The operating points whose threshold applies to all these images. They lie on the curve, since only
            the threshold counts here; `Evaluation.measured_points` counts abstentions as neither an alert nor quiet.
    """

    name: str
    target: Target
    images: int
    auc: Figure
    points: tuple[RocPoint, ...]
    operating_points: tuple[PointOnCurve, ...] = ()

    @property
    def area(self) -> float:
        """The area under the vertices by the trapezoidal rule, which is `auc.value`."""
        return float(auc([at.false_positive_rate for at in self.points], [at.sensitivity for at in self.points]))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: the vertices without those on a straight line between two others, and the operating points.

        Returns:
            `points` holds false-positive rates and sensitivities as two lists, with the threshold of each (null for the first).

        Examples:
            >>> detector.evaluate(data.test).roc_curves()[0].to_dict()["points"]["sensitivity"][-1]
            1.0
        """
        kept = _corners(self.points)
        return {
            "name": self.name,
            "target": self.target,
            "images": self.images,
            "auc": self.auc._asdict(),
            "points": {
                "threshold": [at.threshold if np.isfinite(at.threshold) else None for at in kept],
                "false_positive_rate": [at.false_positive_rate for at in kept],
                "sensitivity": [at.sensitivity for at in kept],
            },
            "operating_points": [
                {
                    "goal": on.point.goal,
                    "threshold": on.point.threshold,
                    "sensitivity": on.sensitivity,
                    "false_positive_rate": on.false_positive_rate,
                }
                for on in self.operating_points
            ],
        }


def _corners(points: tuple[RocPoint, ...]) -> list[RocPoint]:
    """Return the points at which the curve turns."""
    x, y = (np.array([point[column] for point in points]) for column in (2, 1))
    turn = np.diff(x[:-1]) * np.diff(y[1:]) - np.diff(x[1:]) * np.diff(y[:-1])
    kept = np.concatenate([[True], np.abs(turn) > 1e-15, [True]])
    return [points[row] for row in np.flatnonzero(kept)]


def roc_curves(
    answers: Answers, points: tuple[OperatingPoint, ...], target: Target | None = None, *, seed: int = 123
) -> tuple[RocCurve, ...]:
    """Compute ROC curves; see `Evaluation.roc_curves`.

    Args:
        answers: The detector's answers.
        points: Operating points; those of another target are left out.
        target: `"melanoma"` or `"malignant"`; None for that of the answers.
        seed: Seed of the bootstrap.

    Returns:
        The curve over all images, and one for each type of image where the detector recognises both; without those for which
        there are no images of the target, or no others.

    Examples:
        >>> evaluation = detector.evaluate(data.test)
        >>> (curve,) = roc_curves(evaluation.per_image, evaluation.points)
        >>> round(abs(curve.area - evaluation.figures["melanoma_auc"].value), 9)
        0.0
    """
    target = target or answers.target
    own = tuple(point for point in points if point.target == target)
    types = answers.image_types
    present = [kind for kind in IMAGE_TYPES if types and (types.types == kind).any()]
    if types is None or len(present) < 2:
        curves = [_curve(answers, target, ALL, _points_of(answers, own, *present), seed)]
    else:
        # The types have thresholds of their own: no single point on the curve over all images shows them.
        curves = [_curve(answers, target, ALL, (), seed)]
        for kind in present:
            part = answers.select(types.types == kind)
            curves.append(_curve(part, target, TYPE_PLURALS[kind], _points_of(answers, own, kind), seed))
    return tuple(curve for curve in curves if curve is not None)


def _points_of(
    answers: Answers, points: tuple[OperatingPoint, ...], kind: ImageType | None = None
) -> tuple[OperatingPoint, ...]:
    """Return the operating points that images of a type are judged by."""
    if answers.image_types is None or kind is None:
        return points
    found = (answers.image_types.point_of(kind, point) for point in points)
    return tuple(point for point in found if point is not None)


def _curve(
    answers: Answers, target: Target, name: str, points: tuple[OperatingPoint, ...], seed: int
) -> RocCurve | None:
    scores, positive, negative = ranking(answers, target)
    if not positive.any() or not negative.any():
        return None
    known = positive | negative
    rates = roc_curve(positive[known], scores[known], drop_intermediate=False)
    vertices = [RocPoint(threshold, y, x) for x, y, threshold in zip(*(part.tolist() for part in rates), strict=True)]

    def area(weights: Float64Array) -> dict[str, Float64Array]:
        return {"auc": weighted_auc(scores, positive, weights * known)}

    lesions = min(answers.count_lesions(positive), answers.count_lesions(negative))
    return RocCurve(
        name,
        target,
        int(known.sum()),
        compute_figures(area, answers.groups, {"auc": lesions}, seed=seed)["auc"],
        tuple(vertices),
        tuple(_on_curve(point, scores, positive, negative) for point in points),
    )


def _on_curve(
    point: OperatingPoint, scores: Float64Array, positive: NDArray[np.bool_], negative: NDArray[np.bool_]
) -> PointOnCurve:
    reached = scores >= point.threshold
    return PointOnCurve(point, float(reached[positive].mean()), float(reached[negative].mean()))
