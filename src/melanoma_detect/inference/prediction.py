"""From a model's logits and features to what a person reads: probabilities, whether to alert, and "I don't know".

NumPy only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.inference.operating_points import OperatingPoint, Target

Decision: TypeAlias = Literal["alert", "clear", "refer"]


UNFAMILIAR = "unlike the skin lesions that the detector was trained on"


@dataclass(frozen=True, eq=False)
class BatchPrediction:
    """What a detector says about a batch, as arrays.

    Attributes:
        probabilities: float64 `(n, classes)`, calibrated.
        melanoma: float64 `(n,)`.
        malignant: float64 `(n,)`.
        alert: bool `(n,)`: at the operating point or over it, whether or not the detector abstains.
        sets: bool `(n, classes)`: which diagnoses the prediction sets hold.
        distance: float64 `(n,)`: how far from the training images.
        reasons: Why the detector abstains, `(n,)`; empty where it does not.
        operating_point: Where it alerts; None where there is none.
    """

    probabilities: NDArray[np.float64]
    melanoma: NDArray[np.float64]
    malignant: NDArray[np.float64]
    alert: NDArray[np.bool_]
    sets: NDArray[np.bool_]
    distance: NDArray[np.float64]
    reasons: list[str]
    operating_point: OperatingPoint | None

    @property
    def abstained(self) -> NDArray[np.bool_]:
        """Which images the detector abstains from, `(n,)`."""
        return np.array([bool(reason) for reason in self.reasons], dtype=np.bool_)

    def decision(self, at: int) -> Decision:
        """Return what to do about one image.

        Args:
            at: Which.

        Returns:
            `"alert"`, `"clear"`, or `"refer"`: abstaining never means clear.
        """
        if self.reasons[at] or self.operating_point is None:
            return "refer"
        return "alert" if self.alert[at] else "clear"

    def predictions(self, classes: tuple[str, ...], sources: Sequence[str]) -> "list[Prediction]":
        """Return what a person reads.

        Args:
            classes: Class names, in the order of the columns.
            sources: What each image is called.

        Returns:
            One prediction an image.
        """
        best = self.probabilities.argmax(axis=1).tolist()
        return [
            Prediction(
                diagnosis=classes[best[at]],
                probabilities=dict(zip(classes, self.probabilities[at].tolist(), strict=True)),
                melanoma=float(self.melanoma[at]),
                malignant=float(self.malignant[at]),
                decision=self.decision(at),
                operating_point=self.operating_point,
                source=source,
                prediction_set=tuple(label for label, held in zip(classes, self.sets[at], strict=True) if held),
                abstained=bool(self.reasons[at]),
                reason=self.reasons[at],
            )
            for at, source in enumerate(sources)
        ]


@dataclass(frozen=True, repr=False)
class Prediction:
    """What a detector says about one image.

    Attributes:
        diagnosis: The most probable class.
        probabilities: The probability of each class, 0 to 1, summing to 1.
        melanoma: The probability of melanoma.
        malignant: The probability of any malignant diagnosis.
        decision: `"alert"`, `"clear"`, or `"refer"`: a person must look, since the detector abstains or has no operating point.
        operating_point: Where the decision was taken; None where there is none.
        source: What the image was called.
        prediction_set: The diagnoses that hold the true one with the detector's coverage (90 % unless told otherwise).
        abstained: Whether the detector says "I don't know"; it then always refers.
        reason: Why it abstained; empty where it did not.
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
            return f"{self.source}: REFER: the detector does not judge this image: {self.reason}; a person must look."
        likely = (
            f"{self.source}: most likely {self.diagnosis} ({self.probabilities[self.diagnosis]:.0%}{self._others()})."
        )
        if self.operating_point is None:
            return f"{likely} REFER: this detector has no threshold for melanoma; a person must look."
        point = self.operating_point
        score, threshold = _told_apart(getattr(self, point.target), point.threshold)
        where = f"{threshold}, the threshold for {point.goal:.0%} sensitivity"
        if self.alert:
            return f"{likely} ALERT: {point.target} {score} reaches {where}; show it to a dermatologist."
        return f"{likely} No alert: {point.target} {score} is under {where}."

    def _others(self) -> str:
        """Name the other diagnoses that cannot be ruled out, where they are few enough to help."""
        others = [label for label in self.prediction_set if label != self.diagnosis]
        return f"; not ruled out: {', '.join(others)}" if 0 < len(others) <= 3 else ""


def _told_apart(first: float, second: float) -> tuple[str, str]:
    """Write two shares in per cent, with as many digits as it takes to see which is larger."""
    for digits in range(1, 8):
        written = f"{first:.{digits}%}", f"{second:.{digits}%}"
        if written[0] != written[1]:
            break
    return written


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Turn logits into probabilities.

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


def melanoma_scores(probabilities: NDArray[np.float64], classes: tuple[str, ...]) -> NDArray[np.float64]:
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


def target_scores(probabilities: NDArray[np.float64], classes: tuple[str, ...], target: Target) -> NDArray[np.float64]:
    """Return the probability of what an operating point is held against.

    Args:
        probabilities: `(n, classes)`.
        classes: Class names, in the order of the columns.
        target: `"melanoma"`, or `"malignant"` for any malignant diagnosis.

    Returns:
        `(n,)`, 0 to 1; zeros where no class is one.

    Examples:
        >>> target_scores(np.array([[0.1, 0.2, 0.7]]), ("nevus", "melanoma", "basal cell carcinoma"), "malignant").round(3)
        array([0.9])
    """
    malignant = target == "malignant"
    columns = taxonomy.positions(classes, code=None if malignant else taxonomy.MELANOMA, malignant=malignant)
    return np.asarray(probabilities[:, list(columns)].sum(axis=1))


def prediction_sets(probabilities: NDArray[np.float64], least: float) -> NDArray[np.bool_]:
    """Return which diagnoses cannot be ruled out: those with the least probability or more, and always the most probable.

    Args:
        probabilities: `(n, classes)`.
        least: From `Calibration.least_probability`.

    Returns:
        `(n, classes)`.

    Examples:
        >>> prediction_sets(np.array([[0.7, 0.2, 0.1]]), 0.15)
        array([[ True,  True, False]])
    """
    held = probabilities >= least
    held[np.arange(len(held)), probabilities.argmax(axis=1)] = True
    return np.asarray(held)


def batch_prediction(
    probabilities: NDArray[np.float64],
    classes: tuple[str, ...],
    point: OperatingPoint | None,
    *,
    least: float = 0.0,
    distance: NDArray[np.float64] | None = None,
    farthest: float = float("inf"),
    rejection_reasons: Sequence[str] | None = None,
) -> BatchPrediction:
    """Say what probabilities mean.

    Args:
        probabilities: `(n, classes)`, rows summing to 1.
        classes: Class names, in the order of the columns.
        point: Where to alert, or None.
        least: The probability that a diagnosis needs to be in the prediction set.
        distance: How far each image lies from the training images, `(n,)`; None where it was not measured.
        farthest: The distance beyond which the detector abstains.
        rejection_reasons: What is wrong with each image; empty for nothing.

    Returns:
        The judgement.

    Examples:
        >>> batch_prediction(np.array([[0.3, 0.7]]), ("nevus", "melanoma"), None).decision(0)
        'refer'
    """
    melanoma = melanoma_scores(probabilities, classes)
    malignant = target_scores(probabilities, classes, "malignant")
    scores = malignant if point is not None and point.target == "malignant" else melanoma
    away = np.zeros(len(probabilities)) if distance is None else distance
    reasons = list(rejection_reasons) if rejection_reasons is not None else [""] * len(probabilities)
    reasons = [reason or (UNFAMILIAR if far else "") for reason, far in zip(reasons, away > farthest, strict=True)]
    return BatchPrediction(
        probabilities=probabilities,
        melanoma=melanoma,
        malignant=malignant,
        alert=scores >= (point.threshold if point is not None else np.inf),
        sets=prediction_sets(probabilities, least),
        distance=away,
        reasons=reasons,
        operating_point=point,
    )
