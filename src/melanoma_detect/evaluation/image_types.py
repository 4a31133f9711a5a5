"""Evaluation of a detector that tells dermoscopy from clinical photographs: each image is judged by the points of its type."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.inference.batch_prediction import BatchPrediction
from melanoma_detect.inference.image_types import IMAGE_TYPES, TYPE_NAMES, TYPE_PLURALS, ImageType
from melanoma_detect.inference.operating_points import SENSITIVITIES, OperatingPoint, Target
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.utils.counts import count_noun
from melanoma_detect.utils.probabilities import format_probability


@dataclass(frozen=True, eq=False)
class ImageTypes:
    """The type that a detector recognises in each image, and the operating points of each type.

    Attributes:
        types: `"dermoscopy"` or `"clinical"` for each image, `(n,)`.
        points: For each type, its operating points by target and goal; none for a type that is always referred.
    """

    types: NDArray[np.str_]
    points: Mapping[ImageType, Mapping[tuple[Target, float], OperatingPoint]]

    def point_of(self, image_type: ImageType, point: OperatingPoint) -> OperatingPoint | None:
        """Return the operating point of a type that was set for the same target and sensitivity as another one.

        Args:
            image_type: The type.
            point: The operating point of any type.

        Returns:
            The point; None where validation does not support it for this type: its images are then referred.
        """
        return self.points[image_type].get((point.target, point.goal))

    def rows_by_point(self, point: OperatingPoint) -> Iterator[tuple[NDArray[np.int64], OperatingPoint | None]]:
        """Yield the images of each type, with the operating point that they are judged by.

        Args:
            point: The operating point of any type.

        Yields:
            The rows of the images, and their point.
        """
        for image_type in IMAGE_TYPES:
            yield np.flatnonzero(self.types == image_type), self.point_of(image_type, point)

    def select(self, chosen: NDArray[np.bool_]) -> "ImageTypes":
        """Return the types of the chosen images only.

        Args:
            chosen: Which images, `(n,)`.

        Returns:
            Their types, with the same points.
        """
        return replace(self, types=self.types[chosen])

    def notes(self, point: OperatingPoint | None) -> Iterator[str]:
        """Yield how many images are of which type and by which threshold they were judged, as sentences.

        Args:
            point: The operating point of the evaluation.

        Yields:
            One sentence.

        Examples:
            >>> types = ImageTypes(np.array(["dermoscopy", "clinical"]), {"dermoscopy": {}, "clinical": {}})
            >>> list(types.notes(None))
            ['The detector recognises 1 dermoscopy image (referred) and 1 clinical photograph (referred).']
        """
        counts = Counter(self.types.tolist())
        texts = []
        for image_type in IMAGE_TYPES:
            own = point and self.point_of(image_type, point)
            judged = f"alert from {format_probability(own.threshold)}" if own else "referred"
            counted = count_noun(counts[image_type], TYPE_NAMES[image_type], TYPE_PLURALS[image_type])
            texts.append(f"{counted} ({judged})")
        yield f"The detector recognises {' and '.join(texts)}."


def image_types_of(predictor: Predictor, batch: BatchPrediction) -> ImageTypes | None:
    """Return the types that a detector recognised in a batch of images.

    Args:
        predictor: The detector.
        batch: Its predictions.

    Returns:
        The types with their operating points; None for a detector that judges all images alike.

    Examples:
        >>> image_types_of(predictor, predictor.predict_batch(data.test.pixels())) is None
        True
    """
    if not predictor.image_types:
        return None
    points = {
        image_type: {(point.target, point.goal): point for point in points_of_type(predictor, image_type)}
        for image_type in IMAGE_TYPES
    }
    return ImageTypes(np.array(batch.image_types, dtype=np.str_), points)


def points_of_type(predictor: Predictor, image_type: ImageType | None) -> tuple[OperatingPoint, ...]:
    """Return the operating points at 90, 95 and 99 % sensitivity for a detector's target, and the one in use, for one type.

    Args:
        predictor: The detector.
        image_type: The type of image; None for a detector that judges all images alike.

    Returns:
        Those that its validation images support, from the lowest sensitivity to the highest.

    Examples:
        >>> [point.goal for point in points_of_type(predictor, None)]  # two melanomas in validation do not support 90 %
        [0.6]
    """
    settings = replace(predictor.settings, image_type=image_type)
    points: dict[float, OperatingPoint] = {}
    for goal in {settings.sensitivity, *SENSITIVITIES}:
        point = predictor.config.operating_point(replace(settings, sensitivity=goal))
        if point is not None:
            points[goal] = point
    return tuple(points[goal] for goal in sorted(points))
