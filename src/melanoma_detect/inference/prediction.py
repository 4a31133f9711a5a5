"""Predictions for one image or a batch: diagnosis, decision, prediction set, abstention. NumPy only."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.inference.operating_points import MALIGNANT_THRESHOLD, OperatingPoint, Target
from melanoma_detect.utils.arrays import Float64Array

Decision: TypeAlias = Literal["alert", "clear", "refer"]

UNFAMILIAR = "unlike the skin lesions that the detector was trained on"
NO_OPERATING_POINT = "this detector has no threshold for melanoma"


@dataclass(frozen=True, eq=False)
class BatchPrediction:
    """The predictions for a batch of images, as arrays.

    Attributes:
        probabilities: float64 `(n, classes)`, calibrated.
        melanoma: The probability of melanoma, float64 `(n,)`.
        malignant: The probability of any malignant diagnosis, float64 `(n,)`.
        alert: bool `(n,)`: whether the probability reaches the threshold, whether or not the detector abstains.
        sets: bool `(n, classes)`: which diagnoses the prediction sets hold.
        distance: The out-of-distribution score, float64 `(n,)`.
        reasons: Why the detector abstains, `(n,)`; empty where it does not.
        operating_point: The threshold for alerts; None where there is none.
        likely_malignant: bool `(n,)`: whether an image without an alert must not be cleared; see `likely_malignant`.
    """

    probabilities: Float64Array
    melanoma: Float64Array
    malignant: Float64Array
    alert: NDArray[np.bool_]
    sets: NDArray[np.bool_]
    distance: Float64Array
    reasons: list[str]
    operating_point: OperatingPoint | None
    likely_malignant: NDArray[np.bool_]

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
        if self.reasons[index] or self.operating_point is None:
            return "refer"
        if self.alert[index]:
            return "alert"
        return "refer" if self.likely_malignant[index] else "clear"

    def reason(self, index: int, classes: tuple[str, ...]) -> str:
        """Return why one image is referred.

        Args:
            index: The image's row.
            classes: Class names, in the order of the columns.

        Returns:
            The reason for the abstention, else the malignant finding; empty where the image is not referred.

        Examples:
            >>> rows = np.array([[0.99, 0.01]])
            >>> batch = batch_prediction(rows, ("basal cell carcinoma", "melanoma"), detector.operating_point)
            >>> batch.decision(0), batch.reason(0, ("basal cell carcinoma", "melanoma"))
            ('refer', 'basal cell carcinoma (99%) is malignant')
        """
        if self.reasons[index] or self.decision(index) != "refer":
            return self.reasons[index]
        if self.operating_point is None:
            return NO_OPERATING_POINT
        best = int(self.probabilities[index].argmax())
        if best in _may_be_malignant(classes):
            certainly = "is" if best in taxonomy.positions(classes, malignant=True) else "may be"
            return f"{classes[best]} ({self.probabilities[index, best]:.0%}) {certainly} malignant"
        share, limit = _format_distinct(float(self.malignant[index]), self.operating_point.malignant_threshold)
        return f"the probability of a malignant diagnosis, {share}, reaches {limit}"

    def predictions(self, classes: tuple[str, ...], sources: Sequence[str]) -> "list[Prediction]":
        """Return one `Prediction` for each image.

        Args:
            classes: Class names, in the order of the columns.
            sources: The name of each image.

        Returns:
            The predictions, in the order of the rows.
        """
        best = self.probabilities.argmax(axis=1).tolist()
        return [
            Prediction(
                diagnosis=classes[best[row]],
                probabilities=dict(zip(classes, self.probabilities[row].tolist(), strict=True)),
                melanoma=float(self.melanoma[row]),
                malignant=float(self.malignant[row]),
                decision=self.decision(row),
                operating_point=self.operating_point,
                source=source,
                prediction_set=tuple(label for label, held in zip(classes, self.sets[row], strict=True) if held),
                abstained=bool(self.reasons[row]),
                reason=self.reason(row, classes),
            )
            for row, source in enumerate(sources)
        ]


@dataclass(frozen=True, repr=False)
class Prediction:
    """The prediction for one image; printing it gives a sentence.

    Attributes:
        diagnosis: The most probable class.
        probabilities: The probability of each class, 0 to 1, summing to 1.
        melanoma: The probability of melanoma.
        malignant: The probability of any malignant diagnosis.
        decision: `"alert"`, `"clear"`, or `"refer"`: a person must look, because the detector abstains, has no operating
            point, or finds a malignant diagnosis likely that is no alert.
        operating_point: The threshold that the decision was made with; None where there is none.
        source: The image's path or name.
        prediction_set: Diagnoses that cannot be ruled out: the set holds the true one with the detector's coverage, 90 % by
            default (conformal prediction).
        abstained: Whether the detector makes no prediction for this image; the decision is then always `"refer"`.
        reason: Why the image is referred; empty where it is not.
    """

    diagnosis: str
    probabilities: dict[str, float]
    melanoma: float
    malignant: float
    decision: Decision
    operating_point: OperatingPoint | None
    source: str
    prediction_set: tuple[str, ...] = ()
    abstained: bool = False
    reason: str = ""

    @property
    def alert(self) -> bool:
        """Whether a dermatologist should be alerted to melanoma."""
        return self.decision == "alert"

    def __repr__(self) -> str:
        likely = f"{self.diagnosis} {self.probabilities[self.diagnosis]:.1%}"
        return f"<Prediction {self.source}: {likely}, melanoma {self.melanoma:.1%}, {self.decision}>"

    def __str__(self) -> str:
        if self.abstained:
            return f"{self.source}: REFER: the detector abstains from this image: {self.reason}; a person must look."
        likely = (
            f"{self.source}: most likely {self.diagnosis} ({self.probabilities[self.diagnosis]:.0%}{self._others()})."
        )
        if self.operating_point is None:
            return f"{likely} REFER: {NO_OPERATING_POINT}; a person must look."
        point = self.operating_point
        score, threshold = _format_distinct(getattr(self, point.target), point.threshold)
        limit = f"{threshold}, the threshold for {point.goal:.0%} sensitivity"
        if self.alert:
            return f"{likely} ALERT: {point.target} {score} reaches {limit}; show it to a dermatologist."
        below = f"{point.target} {score} is under {limit}"
        if self.decision == "refer":
            return f"{likely} REFER: {self.reason}; no {point.target} alert ({below}); a person must look."
        return f"{likely} No alert: {below}."

    def _others(self) -> str:
        """Return the other diagnoses that cannot be ruled out; nothing if they are too many to help."""
        others = [label for label in self.prediction_set if label != self.diagnosis]
        return f"; not ruled out: {', '.join(others)}" if 0 < len(others) <= 3 else ""


def _format_distinct(first: float, second: float) -> tuple[str, str]:
    """Return two shares in per cent, with the fewest digits that show which is larger."""
    for digits in range(1, 8):
        texts = f"{first:.{digits}%}", f"{second:.{digits}%}"
        if texts[0] != texts[1]:
            break
    return texts


def softmax(logits: NDArray[np.floating]) -> Float64Array:
    """Return the softmax of logits.

    Args:
        logits: `(n, classes)`.

    Returns:
        float64 `(n, classes)`; rows sum to 1.

    Examples:
        >>> softmax(np.array([[0.0, 0.0]]))
        array([[0.5, 0.5]])
    """
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def melanoma_scores(probabilities: Float64Array, classes: tuple[str, ...]) -> Float64Array:
    """Return the probability of melanoma of each image.

    Args:
        probabilities: `(n, classes)`.
        classes: Class names, in the order of the columns.

    Returns:
        `(n,)`, 0 to 1; zeros where no class is melanoma.

    Examples:
        >>> melanoma_scores(np.array([[0.3, 0.7]]), ("nevus", "melanoma"))
        array([0.7])
    """
    return target_scores(probabilities, classes, "melanoma")


def target_scores(probabilities: Float64Array, classes: tuple[str, ...], target: Target) -> Float64Array:
    """Return the probability of an operating point's target for each image.

    Args:
        probabilities: `(n, classes)`.
        classes: Class names, in the order of the columns.
        target: `"melanoma"`, or `"malignant"` for any malignant diagnosis.

    Returns:
        `(n,)`, 0 to 1; zeros where no class belongs to the target.

    Examples:
        >>> target_scores(np.array([[0.1, 0.2, 0.7]]), ("nevus", "melanoma", "basal cell carcinoma"), "malignant").round(3)
        array([0.9])
    """
    malignant = target == "malignant"
    columns = taxonomy.positions(classes, code=None if malignant else taxonomy.MELANOMA, malignant=malignant)
    return np.asarray(probabilities[:, list(columns)].sum(axis=1))


def likely_malignant(
    probabilities: Float64Array, classes: tuple[str, ...], point: OperatingPoint | None
) -> NDArray[np.bool_]:
    """Return which images must not be cleared, because a malignant diagnosis is likely.

    Args:
        probabilities: `(n, classes)`.
        classes: Class names, in the order of the columns.
        point: The operating point, or None.

    Returns:
        bool `(n,)`: whether the most probable class is malignant, or covers malignant diagnoses and no benign one (HAM10000's
        `akiec`), or the probabilities of all malignant classes add up to the operating point's `malignant_threshold` (0.5
        without an operating point).

    Examples:
        >>> rows = np.array([[0.9, 0.1, 0.0], [0.3, 0.0, 0.7], [0.3, 0.3, 0.4]])
        >>> likely_malignant(rows, ("basal cell carcinoma", "melanoma", "nevus"), None).tolist()
        [True, False, True]
    """
    threshold = point.malignant_threshold if point is not None else MALIGNANT_THRESHOLD
    most_probable = np.isin(probabilities.argmax(axis=1), _may_be_malignant(classes))
    # "Not under" rather than "over": a probability that is no number must not be cleared.
    return np.asarray(most_probable | ~(target_scores(probabilities, classes, "malignant") < threshold))


@functools.lru_cache(maxsize=256)  # every prediction asks for the same classes
def _may_be_malignant(classes: tuple[str, ...]) -> tuple[int, ...]:
    """Return the positions of the classes that are malignant, or of which some diagnoses are and none is benign."""
    kinds = [{taxonomy.malignancy(code) for code in taxonomy.meaning(label)} for label in classes]
    return tuple(
        index for index, own in enumerate(kinds) if "malignant" in own and own <= {"malignant", "indeterminate"}
    )


def prediction_sets(probabilities: Float64Array, threshold: float) -> NDArray[np.bool_]:
    """Return the conformal prediction sets: the diagnoses that reach a threshold, and always the most probable one.

    Args:
        probabilities: `(n, classes)`.
        threshold: From `Calibration.conformal_threshold`, 0 to 1.

    Returns:
        `(n, classes)`.

    Examples:
        >>> prediction_sets(np.array([[0.7, 0.2, 0.1]]), 0.15)
        array([[ True,  True, False]])
    """
    sets = probabilities >= threshold
    sets[np.arange(len(sets)), probabilities.argmax(axis=1)] = True  # an empty set would be of no use
    return np.asarray(sets)


def batch_prediction(
    probabilities: Float64Array,
    classes: tuple[str, ...],
    point: OperatingPoint | None,
    *,
    conformal_threshold: float = 0.0,
    distance: Float64Array | None = None,
    ood_threshold: float = float("inf"),
    rejection_reasons: Sequence[str] | None = None,
) -> BatchPrediction:
    """Return the predictions for a batch from its probabilities.

    Args:
        probabilities: `(n, classes)`, rows summing to 1.
        classes: Class names, in the order of the columns.
        point: The operating point, or None.
        conformal_threshold: The lowest probability at which a diagnosis is in the prediction set.
        distance: The out-of-distribution score of each image, `(n,)`; None where it was not measured.
        ood_threshold: The score above which the detector abstains.
        rejection_reasons: Why each image was rejected, `(n,)`; empty for an image that is good enough.

    Returns:
        The predictions.

    Examples:
        >>> batch_prediction(np.array([[0.3, 0.7]]), ("nevus", "melanoma"), None).decision(0)
        'refer'
    """
    melanoma = melanoma_scores(probabilities, classes)
    malignant = target_scores(probabilities, classes, "malignant")
    scores = malignant if point is not None and point.target == "malignant" else melanoma
    distance = np.zeros(len(probabilities)) if distance is None else distance
    rejected = [""] * len(probabilities) if rejection_reasons is None else rejection_reasons
    reasons = [
        reason or (UNFAMILIAR if unfamiliar else "")
        for reason, unfamiliar in zip(rejected, distance > ood_threshold, strict=True)
    ]
    return BatchPrediction(
        probabilities=probabilities,
        melanoma=melanoma,
        malignant=malignant,
        alert=scores >= (point.threshold if point is not None else np.inf),
        sets=prediction_sets(probabilities, conformal_threshold),
        distance=distance,
        reasons=reasons,
        operating_point=point,
        likely_malignant=likely_malignant(probabilities, classes, point),
    )
