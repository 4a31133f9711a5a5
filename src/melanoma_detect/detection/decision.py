"""From a model's logits to what a person reads: probabilities, and whether to alert.

NumPy only; what calibration fitted is applied here.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy

Decision: TypeAlias = Literal["alert", "clear", "refer"]

DISCLAIMER = "Decision support for research on dermoscopy pictures; not a medical device. A dermatologist decides."


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold on the probability of melanoma, and what it did on the validation pictures.

    Attributes:
        goal: The sensitivity that it was set for, 0 to 1.
        threshold: Alert at this probability of melanoma or over it, 0 to 1.
        sensitivity: The share of validation melanomas that it finds.
        specificity: The share of other validation pictures that it leaves alone.
        positives: Melanomas in validation.
        negatives: Other pictures in validation.
    """

    goal: float
    threshold: float
    sensitivity: float
    specificity: float
    positives: int
    negatives: int

    def __str__(self) -> str:
        return (
            f"alert from {self.threshold:.3f}: set for {self.goal:.0%} sensitivity for melanoma; on validation it finds "
            f"{self.sensitivity:.1%} of {self.positives} melanomas and clears {self.specificity:.1%} of {self.negatives} others"
        )


@dataclass(frozen=True, repr=False)
class Prediction:
    """What a detector says about one picture.

    Attributes:
        diagnosis: The most probable class.
        probabilities: The probability of each class, 0 to 1, summing to 1.
        melanoma: The probability of melanoma.
        malignant: The probability of any malignant diagnosis.
        decision: `"alert"`, `"clear"`, or `"refer"`: a person must look, since the detector abstains or has no operating point.
        operating_point: Where the decision was taken; None where there is none.
        source: What the picture was called.
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
        likely = f"{self.source}: most likely {self.diagnosis} ({self.probabilities[self.diagnosis]:.0%})."
        if self.operating_point is None:
            return f"{likely} REFER: this detector has no threshold for melanoma; a person must look."
        point = self.operating_point
        melanoma, threshold = _told_apart(self.melanoma, point.threshold)
        where = f"{threshold}, the threshold for {point.goal:.0%} sensitivity"
        if self.alert:
            return f"{likely} ALERT: melanoma {melanoma} reaches {where}; show it to a dermatologist."
        return f"{likely} No alert: melanoma {melanoma} is under {where}."


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
    """Return the probability of melanoma of each picture.

    Args:
        probabilities: `(n, classes)`.
        classes: Class names, in the order of the columns.

    Returns:
        `(n,)`, 0 to 1; zeros where no class is melanoma.

    Examples:
        >>> melanoma_scores(np.array([[0.3, 0.7]]), ("nevus", "melanoma"))
        array([0.7])
    """
    return np.asarray(probabilities[:, list(taxonomy.positions(classes, code=taxonomy.MELANOMA))].sum(axis=1))


def decide(
    probabilities: NDArray[np.float64], classes: tuple[str, ...], point: OperatingPoint | None, source: str
) -> Prediction:
    """Say what the probabilities of one picture mean.

    Args:
        probabilities: `(classes,)`, summing to 1.
        classes: Class names, in the same order.
        point: Where to alert, or None.
        source: What the picture is called.

    Returns:
        The prediction.

    Examples:
        >>> decide(np.array([0.3, 0.7]), ("nevus", "melanoma"), None, "photo.jpg").decision
        'refer'
    """
    melanoma = float(melanoma_scores(probabilities[None], classes)[0])
    malignant = float(probabilities[list(taxonomy.positions(classes, malignant=True))].sum())
    decision: Decision = "refer"
    if point is not None:
        decision = "alert" if melanoma >= point.threshold else "clear"
    return Prediction(
        diagnosis=classes[int(probabilities.argmax())],
        probabilities={label: float(value) for label, value in zip(classes, probabilities, strict=True)},
        melanoma=melanoma,
        malignant=malignant,
        decision=decision,
        operating_point=point,
        source=source,
    )
