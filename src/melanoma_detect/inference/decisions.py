"""The decision for each image: the only place where "alert", "clear" and "refer" are made of probabilities. NumPy only.

"Clear" tells a person that nobody has to look, so it needs a reason of its own: an image is cleared only where everything that
speaks for it was measured and found. A number that is missing, infinite or out of range never clears an image.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.inference.image_types import TYPE_PLURALS, ImageType
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.inference.prediction import (
    NO_OPERATING_POINT,
    UNFAMILIAR,
    format_distinct,
    likely_malignant,
    may_be_malignant,
    target_scores,
)
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.probabilities import format_percent, is_probability
from melanoma_detect.utils.probability_arrays import check_table, describe_row, sound_rows

NO_NUMBERS = "the model gave no numbers for this image"
NO_DISTANCE = "the model's features of this image are no numbers, so that nothing says whether it is a familiar one"


@dataclass(frozen=True, eq=False)
class Decisions:
    """The decisions for a batch of images of one type.

    Attributes:
        alert: bool `(n,)`: which images raise an alert.
        clear: bool `(n,)`: which are cleared; all others are referred to a person.
        abstentions: Why the detector makes no prediction for an image, `(n,)`; empty where it makes one.
        likely_malignant: bool `(n,)`: which images must not be cleared since a malignant diagnosis is likely.
    """

    alert: NDArray[np.bool_]
    clear: NDArray[np.bool_]
    abstentions: list[str]
    likely_malignant: NDArray[np.bool_]


def decide(
    probabilities: Float64Array,
    classes: tuple[str, ...],
    point: OperatingPoint | None,
    *,
    distance: Float64Array | None = None,
    ood_threshold: float = float("inf"),
    rejected: Sequence[str] | None = None,
    malignant_before: NDArray[np.bool_] | None = None,
) -> Decisions:
    """Decide on a batch of images of one type.

    An image is cleared only where its probabilities are numbers from 0 to 1, one for each class, that add up to 1; one of the
    classes covers melanoma; the threshold for alerts is a number from 0 to 1, and the probability of the target lies under it;
    no malignant diagnosis is likely; the image is good enough; and the out-of-distribution score, where it is measured, is a
    number within its threshold. An image without numbers raises no alert either.

    Args:
        probabilities: `(n, classes)`.
        classes: Class names, in the order of the columns.
        point: The operating point, or None.
        distance: The out-of-distribution score of each image, `(n,)`; None where it is not measured.
        ood_threshold: The score above which the detector abstains.
        rejected: Why each image was rejected, `(n,)`; empty for an image that is good enough; None to reject none.
        malignant_before: See `Calibration.malignant_before`, `(n,)`; None for a detector that was not localized.

    Returns:
        The decisions.

    Raises:
        DetectorError: There is not one number for each image and class.

    Examples:
        >>> rows = np.array([[0.9, 0.1], [0.2, 0.8], [np.nan, np.nan]])
        >>> made = decide(rows, ("nevus", "melanoma"), OperatingPoint(0.9, 0.5, 0.9, 0.8, 10, 90))
        >>> made.alert.tolist(), made.clear.tolist(), made.abstentions[2]
        ([False, True, False], [True, False, False], 'the model gave no numbers for this image')
    """
    probabilities = check_table(probabilities, classes)
    sound = sound_rows(probabilities)
    abstentions = _abstentions(probabilities, sound, distance, ood_threshold, rejected)
    judged = np.array([not reason for reason in abstentions], dtype=np.bool_)
    likely = likely_malignant(probabilities, classes, point)
    if malignant_before is not None:
        likely = likely | malignant_before
    if point is None or not is_probability(point.threshold):
        nothing = np.zeros(len(probabilities), np.bool_)
        return Decisions(nothing, nothing.copy(), abstentions, likely)
    scores = target_scores(probabilities, classes, point.target)
    melanoma = target_scores(probabilities, classes, "melanoma")
    may_clear = is_probability(point.malignant_threshold) and covers_melanoma(classes)
    under = (scores < point.threshold) & (melanoma < point.threshold)
    return Decisions(
        alert=judged & (scores >= point.threshold),
        clear=judged & under & ~likely & may_clear,
        abstentions=abstentions,
        likely_malignant=likely,
    )


def referral_reason(
    probabilities: Float64Array,
    classes: tuple[str, ...],
    point: OperatingPoint | None,
    image_type: ImageType | Literal[""] = "",
) -> str:
    """Return why one image that the detector judges is referred, in words.

    Args:
        probabilities: Its own, `(classes,)`.
        classes: Class names, in their order.
        point: The operating point, or None.
        image_type: The type of the image; empty where it is not known.

    Returns:
        The missing or senseless threshold, the missing class, or the malignant finding.

    Examples:
        >>> point = OperatingPoint(0.9, 0.5, 0.9, 0.8, 10, 90)
        >>> referral_reason(np.array([0.99, 0.01]), ("basal cell carcinoma", "melanoma"), point)
        'basal cell carcinoma (99.0%) is malignant'
    """
    if point is None:
        return NO_OPERATING_POINT + (f" on {TYPE_PLURALS[image_type]}" if image_type else "")
    if not is_probability(point.threshold):
        return f"the detector's threshold for alerts is {point.threshold:g}, which is no number from 0 to 1"
    best = int(probabilities.argmax())
    if best in may_be_malignant(classes):
        certainly = "is" if best in taxonomy.positions(classes, malignant=True) else "may be"
        return f"{classes[best]} ({format_percent(float(probabilities[best]))}) {certainly} malignant"
    return _why_not_clear(float(target_scores(probabilities[None], classes, "malignant")[0]), classes, point)


def _why_not_clear(malignant: float, classes: tuple[str, ...], point: OperatingPoint) -> str:
    if not covers_melanoma(classes):
        return "none of the detector's classes is melanoma"
    if not is_probability(point.malignant_threshold):
        limit = f"{point.malignant_threshold:g}"
        return f"the detector's threshold for malignant diagnoses is {limit}, which is no number from 0 to 1"
    if malignant < point.malignant_threshold:  # then it is likely for the other reason
        return "a malignant diagnosis was the most probable one before the detector was localized"
    share, text = format_distinct(malignant, point.malignant_threshold)
    return f"the probability of a malignant diagnosis, {share}, reaches {text}"


@functools.lru_cache(maxsize=256)  # every prediction asks for the same classes
def covers_melanoma(classes: tuple[str, ...]) -> bool:
    """Return whether one of the classes is melanoma, or covers it as "malignant" does.

    Args:
        classes: Class names.

    Returns:
        False where a melanoma would be taken for something else.

    Examples:
        >>> covers_melanoma(("benign", "malignant")), covers_melanoma(("nevus", "basal cell carcinoma"))
        (True, False)
    """
    return any(taxonomy.MELANOMA in taxonomy.meaning(label) for label in classes)


def _abstentions(
    probabilities: Float64Array,
    sound: NDArray[np.bool_],
    distance: Float64Array | None,
    ood_threshold: float,
    rejected: Sequence[str] | None,
) -> list[str]:
    """Return why the detector makes no prediction for each image; empty where it makes one."""
    count = len(probabilities)
    reasons = [""] * count if rejected is None else list(rejected)
    measured = np.zeros(count) if distance is None else distance
    numbers = np.isfinite(measured)
    # "Not within" rather than "beyond": a threshold that is no number must not let an image pass.
    within = measured <= ood_threshold
    for row in np.flatnonzero(~(sound & numbers & within)).tolist():
        reasons[row] = reasons[row] or _abstention(probabilities[row], bool(sound[row]), bool(numbers[row]))
    return reasons


def _abstention(row: Float64Array, sound: bool, measured: bool) -> str:
    if sound:
        return UNFAMILIAR if measured else NO_DISTANCE
    if not np.isfinite(row).all():
        return NO_NUMBERS
    return f"the model's numbers for this image are no probabilities: {describe_row(row)}"
