"""Predictions for a batch of images, as arrays. NumPy only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.inference.decisions import decide, referral_reason
from melanoma_detect.inference.image_types import ImageType
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.inference.prediction import (
    NO_DIAGNOSIS,
    Decision,
    Prediction,
    melanoma_scores,
    prediction_sets,
    target_scores,
)
from melanoma_detect.utils.arrays import Float32Array, Float64Array
from melanoma_detect.utils.probability_arrays import check_table, sound_rows


@dataclass(frozen=True, eq=False)
class BatchPrediction:
    """The predictions for a batch of images, as arrays.

    Attributes:
        probabilities: float64 `(n, classes)`, calibrated.
        melanoma: The probability of melanoma, float64 `(n,)`.
        malignant: The probability of any malignant diagnosis, float64 `(n,)`.
        alert: bool `(n,)`: which images raise an alert; see `decisions.decide`.
        clear: bool `(n,)`: which images are cleared; all others are referred.
        sets: bool `(n, classes)`: which diagnoses the prediction sets hold; all of them where the model gave no probabilities.
        distance: The out-of-distribution score, float64 `(n,)`.
        reasons: Why the detector abstains, `(n,)`; empty where it does not.
        operating_points: The threshold for alerts that holds for each image, `(n,)`; None where there is none.
        likely_malignant: bool `(n,)`: whether an image without an alert must not be cleared; see `likely_malignant`.
        image_types: The type of each image, `"dermoscopy"` or `"clinical"`, `(n,)`; empty where it is not known.
        malignant_before: bool `(n,)`: see `Calibration.malignant_before`.
        features: The model's features, float32 `(n, d)`; None where they are not known.
    """

    probabilities: Float64Array
    melanoma: Float64Array
    malignant: Float64Array
    alert: NDArray[np.bool_]
    clear: NDArray[np.bool_]
    sets: NDArray[np.bool_]
    distance: Float64Array
    reasons: list[str]
    operating_points: list[OperatingPoint | None]
    likely_malignant: NDArray[np.bool_]
    image_types: list[ImageType | Literal[""]]
    malignant_before: NDArray[np.bool_]
    features: Float32Array | None = None

    @property
    def operating_point(self) -> OperatingPoint | None:
        """The threshold for alerts; None where there is none, or where images of two types have two."""
        first = self.operating_points[0] if self.operating_points else None
        return first if all(point is first for point in self.operating_points) else None

    @property
    def abstained(self) -> NDArray[np.bool_]:
        """Which images the detector abstains from, `(n,)`."""
        return np.array([bool(reason) for reason in self.reasons], dtype=np.bool_)

    def decision(self, index: int) -> Decision:
        """Return the decision for one image.

        Args:
            index: The image's row.

        Returns:
            `"alert"`, `"clear"`, or `"refer"` where the detector abstains, has no operating point, or finds a malignant
            diagnosis likely without an alert.
        """
        if self.alert[index]:
            return "alert"
        return "clear" if self.clear[index] else "refer"

    def reason(self, index: int, classes: tuple[str, ...]) -> str:
        """Return why one image is referred.

        Args:
            index: The image's row.
            classes: Class names, in the order of the columns.

        Returns:
            The reason for the abstention, else the malignant finding or what the detector lacks; empty where the image is not
            referred.

        Examples:
            >>> rows = np.array([[0.99, 0.01]])
            >>> batch = batch_prediction(rows, ("basal cell carcinoma", "melanoma"), detector.operating_point)
            >>> batch.decision(0), batch.reason(0, ("basal cell carcinoma", "melanoma"))
            ('refer', 'basal cell carcinoma (99.0%) is malignant')
        """
        if self.reasons[index] or self.decision(index) != "refer":
            return self.reasons[index]
        return referral_reason(
            self.probabilities[index], classes, self.operating_points[index], self.image_types[index]
        )

    def predictions(self, classes: tuple[str, ...], sources: Sequence[str]) -> list[Prediction]:
        """Return one `Prediction` for each image.

        Args:
            classes: Class names, in the order of the columns.
            sources: The name of each image.

        Returns:
            The predictions, in the order of the rows.
        """
        sound, best = sound_rows(self.probabilities).tolist(), self.probabilities.argmax(axis=1).tolist()
        return [
            Prediction(
                diagnosis=classes[best[row]] if sound[row] else NO_DIAGNOSIS,
                probabilities=dict(zip(classes, self.probabilities[row].tolist(), strict=True)),
                melanoma=float(self.melanoma[row]),
                malignant=float(self.malignant[row]),
                decision=self.decision(row),
                operating_point=self.operating_points[row],
                source=source,
                prediction_set=tuple(label for label, held in zip(classes, self.sets[row], strict=True) if held),
                abstained=bool(self.reasons[row]),
                reason=self.reason(row, classes),
                image_type=self.image_types[row],
            )
            for row, source in enumerate(sources)
        ]


def batch_prediction(
    probabilities: Float64Array,
    classes: tuple[str, ...],
    point: OperatingPoint | None,
    *,
    conformal_threshold: float = 0.0,
    distance: Float64Array | None = None,
    ood_threshold: float = float("inf"),
    rejection_reasons: Sequence[str] | None = None,
    image_type: ImageType | Literal[""] = "",
    malignant_before: NDArray[np.bool_] | None = None,
) -> BatchPrediction:
    """Return the predictions for a batch of images of one type from its probabilities.

    Args:
        probabilities: `(n, classes)`, rows summing to 1.
        classes: Class names, in the order of the columns.
        point: The operating point, or None.
        conformal_threshold: The lowest probability at which a diagnosis is in the prediction set.
        distance: The out-of-distribution score of each image, `(n,)`; None where it was not measured.
        ood_threshold: The score above which the detector abstains.
        rejection_reasons: Why each image was rejected, `(n,)`; empty for an image that is good enough.
        image_type: The type of the images; empty where it is not known.
        malignant_before: See `Calibration.malignant_before`, `(n,)`; None for a detector that was not localized.

    Returns:
        The predictions.

    Raises:
        DetectorError: There is not one probability for each image and class.

    Examples:
        >>> batch_prediction(np.array([[0.3, 0.7]]), ("nevus", "melanoma"), None).decision(0)
        'refer'
    """
    probabilities = check_table(probabilities, classes)
    made = decide(
        probabilities,
        classes,
        point,
        distance=distance,
        ood_threshold=ood_threshold,
        rejected=rejection_reasons,
        malignant_before=malignant_before,
    )
    count = len(probabilities)
    return BatchPrediction(
        probabilities=probabilities,
        melanoma=melanoma_scores(probabilities, classes),
        malignant=target_scores(probabilities, classes, "malignant"),
        alert=made.alert,
        clear=made.clear,
        sets=prediction_sets(probabilities, conformal_threshold) | ~sound_rows(probabilities)[:, None],
        distance=np.zeros(count) if distance is None else distance,
        reasons=made.abstentions,
        operating_points=[point] * count,
        likely_malignant=made.likely_malignant,
        image_types=[image_type] * count,
        malignant_before=np.zeros(count, np.bool_) if malignant_before is None else malignant_before,
    )


def join_batches(parts: Sequence[tuple[NDArray[np.int64], BatchPrediction]]) -> BatchPrediction:
    """Join the predictions for images of several types, in the order that the images came in.

    Args:
        parts: The rows of the images of a type among all images, `(k,)`, and their predictions.

    Returns:
        The predictions for all images.

    Examples:
        >>> classes = ("nevus", "melanoma")
        >>> first, second = (batch_prediction(np.array([row]), classes, None) for row in ([0.9, 0.1], [0.2, 0.8]))
        >>> join_batches([(np.array([1]), first), (np.array([0]), second)]).melanoma
        array([0.8, 0.1])
    """
    order = np.argsort(np.concatenate([rows for rows, _ in parts]))
    batches = [batch for _, batch in parts]

    def joined(name: str) -> Any:
        values = [getattr(batch, name) for batch in batches]
        if isinstance(values[0], np.ndarray):
            return np.concatenate(values)[order]
        listed = [value for part in values for value in part]
        return [listed[position] for position in order.tolist()]

    names = [name for name in BatchPrediction.__dataclass_fields__ if getattr(batches[0], name) is not None]
    return BatchPrediction(**{name: joined(name) for name in names})
