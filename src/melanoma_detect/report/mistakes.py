"""The worst mistakes of a detector: melanomas that it misses, then other cancers that it clears, then false alerts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.data.record import Record
from melanoma_detect.detector import Detector
from melanoma_detect.errors import MelanomaDetectError
from melanoma_detect.evaluation.evaluation import Evaluation
from melanoma_detect.explain.explain import Explanation, explain_many
from melanoma_detect.inference.prediction import Prediction
from melanoma_detect.utils.arrays import Float64Array

SHOWN = 8  # of a kind: enough to see what they have in common


@dataclass(frozen=True, eq=False)
class Mistake:
    """An image that the detector decides wrongly.

    Attributes:
        record: The image.
        target: What it was taken for, or should have been: `"melanoma"` or `"malignant"`.
        probability: The detector's probability of the target, 0 to 1.
        decision: `"clear"` or `"alert"`.
        diagnosis: The most probable class.
        prediction_set: The diagnoses that the detector cannot rule out; empty without a detector.
        explanation: Which parts of the image are evidence for the target; None without a detector that tells.
    """

    record: Record
    target: str
    probability: float
    decision: str
    diagnosis: str
    prediction_set: tuple[str, ...] = ()
    explanation: Explanation | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the mistake without the image, as plain values.

        Returns:
            Values that `json` takes.
        """
        return {
            "id": self.record.id,
            "file": self.record.path.name,
            "truth": self.record.label,
            "target": self.target,
            "probability": self.probability,
            "decision": self.decision,
            "diagnosis": self.diagnosis,
            "prediction_set": list(self.prediction_set),
        }


@dataclass(frozen=True, eq=False)
class Mistakes:
    """The mistakes of one kind, the worst first.

    Attributes:
        kind: `"missed melanomas"`, `"cleared cancers"` or `"false alerts"`.
        count: How many there are.
        of: Of how many images: melanomas, other malignant lesions, or benign ones.
        shown: The worst of them.
    """

    kind: str
    count: int
    of: int
    shown: tuple[Mistake, ...]


def worst_mistakes(
    evaluation: Evaluation, detector: Detector | None = None, *, limit: int = SHOWN
) -> tuple[Mistakes, ...]:
    """Return the worst mistakes of each kind, the kinds in the order of the harm that they may do.

    Missed melanomas are cleared ones, the least probable first; cleared cancers are other malignant lesions, likewise; false
    alerts are on benign lesions, the most confident first. A lesion that is referred to a person is no mistake here.

    Args:
        evaluation: From `Detector.evaluate`.
        detector: The detector, for the prediction sets and overlays; None for none.
        limit: How many of a kind.

    Returns:
        Three kinds; empty if the evaluation has no records of its images, or the detector no operating point.

    Examples:
        >>> [found.kind for found in worst_mistakes(detector.evaluate(data), detector, limit=1)]
        ['missed melanomas', 'cleared cancers', 'false alerts']
    """
    if not evaluation.records or evaluation.operating_point is None:
        return ()
    return tuple(_find(evaluation, detector, limit))


def _find(evaluation: Evaluation, detector: Detector | None, limit: int) -> Iterator[Mistakes]:
    answers, decisions = evaluation.per_image, evaluation.decisions
    melanoma, malignant = evaluation.melanoma_scores, answers.scores("malignant")
    other = answers.is_malignant & ~answers.is_melanoma
    kinds: Sequence[tuple[str, str, NDArray[np.bool_], str, Float64Array]] = (
        ("missed melanomas", "melanoma", answers.is_melanoma, "clear", melanoma),
        ("cleared cancers", "malignant", other, "clear", malignant),
        ("false alerts", evaluation.target, answers.is_benign, "alert", -answers.target_scores),
    )
    for kind, target, side, decision, badness in kinds:
        rows = np.flatnonzero(side & (decisions == decision))
        worst = rows[np.argsort(badness[rows], kind="stable")][:limit].tolist()
        probabilities = {row: abs(float(badness[row])) for row in worst}
        shown = _describe(evaluation, detector, probabilities, target=target, decision=decision)
        yield Mistakes(kind, len(rows), int(side.sum()), shown)


def _describe(
    evaluation: Evaluation,
    detector: Detector | None,
    probabilities: Mapping[int, float],
    *,
    target: str,
    decision: str,
) -> tuple[Mistake, ...]:
    records = [evaluation.records[row] for row in probabilities]
    predictions = _predict(detector, records)
    explanations = _explain(detector, records, target)
    return tuple(
        Mistake(
            record=record,
            target=target,
            probability=probability,
            decision=decision,
            diagnosis=evaluation.classes[int(evaluation.per_image.predicted[row])],
            prediction_set=prediction.prediction_set if prediction else (),
            explanation=explanation,
        )
        for (row, probability), record, prediction, explanation in zip(
            probabilities.items(), records, predictions, explanations, strict=True
        )
    )


def _predict(detector: Detector | None, records: Sequence[Record]) -> Sequence[Prediction | None]:
    """Return the detector's predictions; None for all where one file is gone: the numbers do not need it."""
    if detector is None or not records:
        return [None] * len(records)
    try:
        return detector.predict([record.image for record in records])
    except MelanomaDetectError:
        return [None] * len(records)


def _explain(detector: Detector | None, records: Sequence[Record], target: str) -> Sequence[Explanation | None]:
    if detector is None or not records:
        return [None] * len(records)
    try:
        return explain_many(detector.predictor, [record.image for record in records], diagnosis=target)
    except MelanomaDetectError:
        return [None] * len(records)
