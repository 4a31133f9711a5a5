"""The prediction for one image, and what is read from probabilities: scores, prediction sets, likely cancers. NumPy only."""

import functools
import importlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.inference.dicom_output import HasDicomReport
from melanoma_detect.inference.image_types import TYPE_NAMES, ImageType
from melanoma_detect.inference.operating_points import MALIGNANT_THRESHOLD, OperatingPoint, Target
from melanoma_detect.inference.prediction_image import HasImage
from melanoma_detect.printable import printable
from melanoma_detect.utils.arrays import Float64Array, sum_columns
from melanoma_detect.utils.deprecation import warn_renamed
from melanoma_detect.utils.notebook import notebook_view, show
from melanoma_detect.utils.probabilities import format_percent, format_threshold, is_probability
from melanoma_detect.utils.probability_arrays import check_table
from melanoma_detect.utils.upward_calls import call_upwards

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Decision: TypeAlias = Literal["alert", "clear", "refer"]

UNFAMILIAR = "unlike the skin lesions that the detector was trained on"
NO_OPERATING_POINT = "this detector has no threshold for melanoma"
NO_DIAGNOSIS = ""  # of an image for which the model gave no probabilities


_MOVED = ("BatchPrediction", "batch_prediction")  # to `inference.batch_prediction`, which imports this module


def __getattr__(name: str) -> Any:
    """Return what has moved, under its old name, with a warning."""
    if name not in _MOVED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
    module = "melanoma_detect.inference.batch_prediction"
    warn_renamed(f"{__name__}.{name}", f"{module}.{name}")
    return getattr(importlib.import_module(module), name)


@dataclass(frozen=True, repr=False)
class Prediction(HasDicomReport, HasImage):
    """The prediction for one image; printing it gives a sentence, and a notebook shows it with its image.

    Attributes:
        diagnosis: The most probable class; empty where the model gave no probabilities.
        probabilities: The probability of each class, 0 to 1, summing to 1. Of an image for which the model gave others, they
            are as it gave them, nan where it gave no number; the image is then referred.
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
        image_type: `"dermoscopy"`, or `"clinical"` for a photograph without a dermatoscope: what the detector recognised or was
            told; empty for a detector that does not tell them apart.
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
    image_type: ImageType | Literal[""] = ""

    _repr_html_ = notebook_view

    @property
    def alert(self) -> bool:
        """Whether a dermatologist should be alerted to melanoma."""
        return self.decision == "alert"

    def __repr__(self) -> str:
        source = printable(self.source)
        if self.abstained:
            return f"<Prediction {source}: refer, the detector abstains: {self.reason}>"
        # A dictionary, since melanoma may be the most probable class itself.
        likely = {self.diagnosis: self.probabilities[self.diagnosis], "melanoma": self.melanoma}
        texts = [f"{name} {format_percent(share)}" for name, share in likely.items()]
        return f"<Prediction {source}: {self.decision}, {', '.join(texts)}>"

    def __str__(self) -> str:
        return printable(self._text())

    def _text(self) -> str:
        if self.abstained:
            return f"{self.source}: REFER: the detector abstains from this image: {self.reason}; a person must look."
        # Dermoscopy is the rule, and goes without saying.
        kind = f"{TYPE_NAMES[self.image_type]}, " if self.image_type == "clinical" else ""
        share = format_percent(self.probabilities[self.diagnosis])
        likely = f"{self.source}: {kind}most likely {self.diagnosis} ({share}{self._others()})."
        if self.operating_point is None or not is_probability(self.operating_point.threshold):
            return f"{likely} REFER: {self.reason or NO_OPERATING_POINT}; a person must look."
        point = self.operating_point
        score, threshold = format_distinct(getattr(self, point.target), point.threshold)
        limit = f"{threshold}, the threshold for {100 * point.goal:g}% sensitivity"
        if self.alert:
            return f"{likely} ALERT: {point.target} {score} reaches {limit}; show it to a dermatologist."
        below = f"{point.target} {score} is under {limit}"
        if self.decision == "refer":
            return f"{likely} REFER: {self.reason}; no {point.target} alert ({below}); a person must look."
        return f"{likely} CLEAR: no {point.target} alert: {below}."

    def to_dict(self) -> dict[str, Any]:
        """Return every attribute as plain values.

        Returns:
            Values that `json` takes: the operating point as a dictionary or None, the prediction set as a list, and None for
            a probability that is no number.

        Examples:
            >>> one = detector.predict(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").to_dict()
            >>> one["decision"] in ("alert", "clear", "refer"), one["operating_point"]["target"]
            (True, 'melanoma')
        """
        point = self.operating_point
        return vars(self) | {
            "probabilities": {label: _finite(share) for label, share in self.probabilities.items()},
            "melanoma": _finite(self.melanoma),
            "malignant": _finite(self.malignant),
            "operating_point": None if point is None else _plain(point.to_dict()),
            "prediction_set": list(self.prediction_set),
        }

    def plot(self) -> "Figure":
        """Draw the prediction sheet: the image, the probability of each class, the threshold, and the sentence.

        Returns:
            The figure. It has a note in place of the image where that cannot be had any more: the file is gone or has changed,
            or it was an array, and more than 200 others were predicted since.

        Examples:
            >>> detector.predict(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").plot().savefig("prediction.png")
        """
        figure: Figure = call_upwards("melanoma_detect.report.prediction_plots", "prediction", self)
        return figure

    def show(self) -> None:
        """Show the prediction: in a notebook below the cell, elsewhere its sheet in the system's image viewer.

        Raises:
            OutputError: Outside a notebook: this machine has no program that shows images.
        """
        show(self, self.plot)

    def _others(self) -> str:
        """Return the other diagnoses that cannot be ruled out; nothing if they are too many to help."""
        others = [label for label in self.prediction_set if label != self.diagnosis]
        return f"; not ruled out: {', '.join(others)}" if 0 < len(others) <= 3 else ""


class Predictions(list[Prediction]):
    """A list of predictions, in the order of their images; a notebook shows it as a table with the images.

    It is a list in every other respect; a slice of it is a `Predictions` again.

    Examples:
        >>> predictions = detector.predict(sorted((isic9 / "Test" / "nevus").glob("*.jpg")))
        >>> isinstance(predictions, list), len(predictions[:2])
        (True, 2)
    """

    _repr_html_ = notebook_view

    @overload
    def __getitem__(self, index: SupportsIndex) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> "Predictions": ...
    def __getitem__(self, index: SupportsIndex | slice) -> "Prediction | Predictions":
        return type(self)(super().__getitem__(index)) if isinstance(index, slice) else super().__getitem__(index)


def _finite(number: float) -> float | None:
    """Return a number as JSON knows it: None for nan and infinity, which it does not know."""
    return number if math.isfinite(number) else None


def _plain(value: Any) -> Any:
    """Return a value as `json` gives it back: tuples become lists, also inside."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, float):
        return _finite(value)
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def format_distinct(first: float, second: float) -> tuple[str, str]:
    """Return a share and a threshold in per cent, with the fewest digits that show which is larger.

    Args:
        first: The share, 0 to 1.
        second: The threshold, 0 to 1.

    Returns:
        Their texts.

    Examples:
        >>> format_distinct(0.11803, 0.11804)
        ('11.803%', '11.804%')
    """
    for digits in range(1, 13):
        texts = format_percent(first, digits), format_percent(second, digits)
        if texts[0] != texts[1]:
            break
    return texts[0], format_threshold(second, digits)


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
    with np.errstate(all="ignore"):  # infinity minus infinity is no number, and a row without numbers is referred
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
    return sum_columns(check_table(probabilities, classes), np.isin(np.arange(len(classes)), columns))


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
    probabilities = check_table(probabilities, classes)
    threshold = point.malignant_threshold if point is not None else MALIGNANT_THRESHOLD
    most_probable = np.isin(probabilities.argmax(axis=1), may_be_malignant(classes))
    # "Not under" rather than "over": a probability that is no number must not be cleared.
    return np.asarray(most_probable | ~(target_scores(probabilities, classes, "malignant") < threshold))


@functools.lru_cache(maxsize=256)  # every prediction asks for the same classes
def may_be_malignant(classes: tuple[str, ...]) -> tuple[int, ...]:
    """Return the positions of the classes that are malignant, or of which some diagnoses are and none is benign.

    Args:
        classes: Class names.

    Returns:
        Positions, ascending.

    Examples:
        >>> may_be_malignant(("nevus", "melanoma", "akiec"))
        (1, 2)
    """
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
        `(n, classes)`. A threshold that is no number from 0 to 1 rules nothing out.

    Examples:
        >>> prediction_sets(np.array([[0.7, 0.2, 0.1]]), 0.15)
        array([[ True,  True, False]])
    """
    sets = (probabilities >= threshold) | (not is_probability(threshold))
    sets[np.arange(len(sets)), probabilities.argmax(axis=1)] = True  # an empty set would be of no use
    return np.asarray(sets)
