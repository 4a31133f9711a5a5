"""What a stream is compared with: the detector's validation images, or earlier score tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from melanoma_detect.errors import DetectorError
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.config import DetectorConfig, Settings
from melanoma_detect.inference.decision_rules import settings_by_type
from melanoma_detect.inference.local_calibration import LocalCalibration
from melanoma_detect.inference.operating_points import OperatingPoint, Target
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.monitoring.samples import Samples, Statistic, merge_samples
from melanoma_detect.utils.arrays import Float64Array


@dataclass(frozen=True, eq=False)
class LabelledScores:
    """The scores of validation images by what they show, on the scale of the detector's probabilities.

    Attributes:
        positive: Of images of the target, `(p,)`.
        negative: Of the others, `(n,)`.
        positive_lesions: How many lesions the positives show: images of one lesion are not independent.
        negative_lesions: How many the others show.
        point: The operating point.
    """

    positive: Float64Array
    negative: Float64Array
    positive_lesions: int
    negative_lesions: int
    point: OperatingPoint


@dataclass(frozen=True, eq=False)
class Reference:
    """The values that a stream is compared with.

    Attributes:
        name: `"validation"`, or `"the baseline"`.
        values: By statistic, `(m,)`.
        labelled: Validation's scores of the target by type of image; empty where the detector stores none.
        target: What the detector alerts to.
    """

    name: str
    values: Mapping[Statistic, Float64Array]
    labelled: Mapping[str, LabelledScores] = field(default_factory=dict)
    target: Target = "melanoma"


def validation_reference(predictor: Predictor) -> Reference:
    """Return what a detector stores of its validation images.

    Args:
        predictor: The detector's predictor, with the settings that the stream was scored with.

    Returns:
        The probabilities of melanoma and of a malignant diagnosis for each type of image; the share of abstentions
        where the detector's metrics have it.

    Raises:
        DetectorError: It stores no scores of validation.

    Examples:
        >>> sorted(map(str, validation_reference(predictor).values))
        ['malignant', 'melanoma']
    """
    config = predictor.config
    values: dict[Statistic, Float64Array] = {}
    labelled: dict[str, LabelledScores] = {}
    recognises = len(predictor.image_types) > 1
    for settings in settings_by_type(predictor.settings, recognises=recognises):
        image_type = settings.image_type or ""
        calibration = config.calibration(settings.views, settings.image_type)
        for target, scores in calibration.operating_scores.items():
            positive, negative = (_moved(part, target, calibration) for part in (scores.positive, scores.negative))
            values[Statistic(target, image_type)] = np.concatenate([positive, negative])
        if (own := _labelled(config, settings, calibration)) is not None:
            labelled[image_type] = own
    if not values:
        raise DetectorError(
            f"{predictor.description}: stores no scores of validation images; pass baseline=, tables of scores of a time that "
            "the stream is compared with"
        )
    if (abstained := _abstentions(config.metrics)) is not None:
        values[Statistic("abstained")] = abstained
    return Reference("validation", values, labelled, predictor.settings.target)


def baseline_reference(blocks: Iterable[Samples], validation: Reference | None) -> Reference:
    """Return earlier images of the stream as its reference.

    Args:
        blocks: Their values.
        validation: Where the scores of labelled images come from; None for nowhere.

    Returns:
        The reference.

    Examples:
        >>> block = Samples("monday", values={Statistic("melanoma"): np.array([0.1, 0.2])})
        >>> baseline_reference([block], None).values[Statistic("melanoma")].tolist()
        [0.1, 0.2]
    """
    values = merge_samples(list(blocks)).values
    if validation is None:
        return Reference("the baseline", values)
    return Reference("the baseline", values, validation.labelled, validation.target)


def _labelled(config: DetectorConfig, settings: Settings, calibration: Calibration) -> LabelledScores | None:
    point, scores = config.operating_point(settings), calibration.operating_scores.get(settings.target)
    if point is None or scores is None:
        return None
    return LabelledScores(
        _moved(scores.positive, settings.target, calibration),
        _moved(scores.negative, settings.target, calibration),
        scores.positive_lesions,
        scores.negative_lesions,
        point,
    )


def _moved(scores: tuple[float, ...], target: Target, calibration: Calibration) -> Float64Array:
    """Return stored scores on the scale of the probabilities that the detector gives: a local calibration moves them."""
    lines, local = [], calibration.local
    while local is not None:
        lines.append(_line(local, target))
        local = local.first
    moved = np.array(scores, np.float64)
    for line in reversed(lines):
        moved = line(moved)
    return moved


def _line(local: LocalCalibration, target: Target) -> Any:
    return local.melanoma if target == "melanoma" else local.malignant


def _abstentions(metrics: Mapping[str, Any]) -> Float64Array | None:
    """Return 1 for each validation image that the detector abstained from, and 0 for the others."""
    counts = metrics.get("validation", {})
    images, abstained = counts.get("images"), counts.get("abstained")
    if not isinstance(images, int) or not isinstance(abstained, int) or not 0 <= abstained <= images:
        return None
    return np.repeat([1.0, 0.0], [abstained, images - abstained])
