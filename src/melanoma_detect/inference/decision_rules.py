"""Decision rules: what makes predictions of a model's outputs, for each type of image. NumPy only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.errors import DetectorError, DetectorWarning
from melanoma_detect.inference.batch_prediction import BatchPrediction, batch_prediction, join_batches
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.config import DetectorConfig, Settings
from melanoma_detect.inference.image_types import (
    IMAGE_TYPES,
    TYPE_NAMES,
    TYPE_PLURALS,
    ImageType,
    ImageTypeClassifier,
    check_image_type,
)
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.inference.runtime import ModelOutputs
from melanoma_detect.inference.test_time_augmentation import check_views
from melanoma_detect.utils.arrays import Float32Array, Float64Array
from melanoma_detect.utils.user_warning import warn_user

UNKNOWN_TYPE = "the model's features of this image are no numbers, so that its type is not recognised"


@dataclass(frozen=True)
class DecisionRule:
    """What makes predictions of a model's outputs, for images of one type.

    Attributes:
        image_type: The type of the images; empty for images of every type.
        calibration: The calibration.
        operating_point: The threshold for alerts, or None.
        conformal_threshold: The lowest probability at which a diagnosis is in the prediction set.
        referral: Why images of this type are always referred; empty where they are judged.
    """

    image_type: ImageType | Literal[""]
    calibration: Calibration
    operating_point: OperatingPoint | None
    conformal_threshold: float
    referral: str = ""

    def predict(
        self, logits: Float32Array, classes: tuple[str, ...], distance: Float64Array | None, rejected: Sequence[str]
    ) -> BatchPrediction:
        """Return the predictions for a batch of images.

        Args:
            logits: The model's, `(n, classes)`.
            classes: Class names, in the order of the columns.
            distance: The out-of-distribution score of each image, `(n,)`; None where it was not measured.
            rejected: Why each image was rejected, `(n,)`; empty for an image that is good enough.

        Returns:
            The predictions.
        """
        referral = self.referral or self.calibration.problem
        return batch_prediction(
            self.calibration.probabilities(logits, classes),
            classes,
            self.operating_point,
            conformal_threshold=self.conformal_threshold,
            distance=distance,
            ood_threshold=self.calibration.ood_threshold,
            rejection_reasons=[reason or referral for reason in rejected] if referral else rejected,
            image_type=self.image_type,
            malignant_before=self.calibration.malignant_before(logits, classes),
        )


@dataclass(frozen=True, eq=False)
class DecisionRules:
    """The rule for each type of image that a detector tells apart.

    Attributes:
        rules: One rule for all images, or one for each type, dermoscopy first.
        classifier: Recognises the type of an image; needed where there are several rules.

    Examples:
        >>> rules = DecisionRules.of(predictor.config, predictor.settings, None)
        >>> rules.predict(predictor.runtime.run(data.test.pixels()), data.classes, None).image_types[0]
        ''
    """

    rules: tuple[DecisionRule, ...]
    classifier: ImageTypeClassifier | None = None

    @classmethod
    def of(cls, config: DetectorConfig, settings: Settings, classifier: ImageTypeClassifier | None) -> "DecisionRules":
        """Return the rules of a detector.

        Args:
            config: The detector's configuration.
            settings: How it is used.
            classifier: Recognises the type of an image; None where the detector does not.

        Returns:
            The rules.

        Raises:
            DetectorError: The detector was not calibrated for these views or this coverage.
        """
        types = settings_by_type(settings, recognises=classifier is not None)
        return cls(tuple(_decision_rule(config, own) for own in types), classifier)

    def probabilities(self, outputs: ModelOutputs, classes: tuple[str, ...]) -> Float64Array:
        """Return the calibrated probabilities of images.

        Args:
            outputs: The model's.
            classes: Class names, in the order of its logits.

        Returns:
            `(n, classes)`.
        """
        probabilities = np.empty(outputs.logits.shape)
        for rule, rows in self._rows(outputs.features):
            probabilities[rows] = rule.calibration.probabilities(outputs.logits[rows], classes)
        return probabilities

    def predict(
        self,
        outputs: ModelOutputs,
        classes: tuple[str, ...],
        distance: Float64Array | None,
        rejected: Sequence[str] | None = None,
    ) -> BatchPrediction:
        """Return the predictions for a batch of images.

        Args:
            outputs: The model's.
            classes: Class names, in the order of its logits.
            distance: The out-of-distribution score of each image, `(n,)`; None where it was not measured.
            rejected: Why each image was rejected, `(n,)`; empty for an image that is good enough; None to reject none.

        Returns:
            The predictions, in the order of the images.
        """
        reasons = [""] * len(outputs.logits) if rejected is None else list(rejected)
        if self._recognises:
            for row in np.flatnonzero(~np.isfinite(outputs.features).all(axis=1)).tolist():
                reasons[row] = reasons[row] or UNKNOWN_TYPE
        parts = self._rows(outputs.features)
        if len(parts) == 1:
            return parts[0][0].predict(outputs.logits, classes, distance, reasons)
        batches = []
        for rule, rows in parts:
            own_distance = None if distance is None else distance[rows]
            own_reasons = [reasons[row] for row in rows.tolist()]
            batches.append((rows, rule.predict(outputs.logits[rows], classes, own_distance, own_reasons)))
        return join_batches(batches)

    @property
    def _recognises(self) -> bool:
        return len(self.rules) > 1 and self.classifier is not None

    def _rows(self, features: Float32Array) -> list[tuple[DecisionRule, NDArray[np.int64]]]:
        """Return the rules that apply to a batch of images, each with the rows that it applies to."""
        if not self._recognises or self.classifier is None or not len(features):
            return [(self.rules[0], np.arange(len(features)))]
        types = self.classifier.types(features)
        rows = [(rule, np.flatnonzero(types == rule.image_type)) for rule in self.rules]
        return [(rule, own) for rule, own in rows if len(own)]


def settings_by_type(settings: Settings, *, recognises: bool) -> tuple[Settings, ...]:
    """Return the settings for each type of image that a detector tells apart.

    Args:
        settings: How the detector is used.
        recognises: Whether the detector recognises the type of an image.

    Returns:
        The settings as they are, if there is one rule for all images; else those for each type, dermoscopy first.

    Examples:
        >>> [own.image_type for own in settings_by_type(predictor.settings, recognises=True)]
        ['dermoscopy', 'clinical']
    """
    if not recognises or settings.image_type is not None:
        return (settings,)
    return tuple(replace(settings, image_type=image_type) for image_type in IMAGE_TYPES)


def change_image_type(settings: Settings, image_type: str, config: DetectorConfig, *, recognises: bool) -> Settings:
    """Return the settings with another type of image; see `Detector.at`.

    Args:
        settings: How the detector is used.
        image_type: `"dermoscopy"`, `"clinical"` or `"auto"`.
        config: The detector's configuration.
        recognises: Whether the detector recognises the type of an image.

    Returns:
        The new settings.

    Raises:
        DetectorError: It is another word, or the detector has nothing of its own for clinical photographs.

    Examples:
        >>> change_image_type(predictor.settings, "dermoscopy", predictor.config, recognises=False).image_type
        'dermoscopy'
    """
    if image_type == "auto":
        return replace(settings, image_type=None)
    if image_type not in IMAGE_TYPES:
        expected = ", ".join(map(repr, IMAGE_TYPES))
        raise DetectorError(
            f"image_type={image_type!r}; expected one of {expected} and 'auto', with which the detector recognises it"
        )
    checked = check_image_type(image_type)
    if checked == "clinical" and not (recognises or config.clinical or config.referred_types):
        raise DetectorError(
            "image_type='clinical': this detector was not calibrated on clinical photographs, and its thresholds do not hold "
            "for them; train one on a dataset whose table has both types in a column image_type"
        )
    return replace(settings, image_type=checked)


def check_settings(config: DetectorConfig, *, recognises: bool) -> None:
    """Raise DetectorError unless a detector was calibrated for its own settings.

    Args:
        config: The detector's configuration.
        recognises: Whether the detector recognises the type of an image.

    Raises:
        DetectorError: It was not calibrated for these views or this coverage, or its images are not square.

    Examples:
        >>> check_settings(predictor.config, recognises=False)
    """
    check_views(config.settings.views, config.image_size)
    for own in settings_by_type(config.settings, recognises=recognises):
        config.calibration(own.views, own.image_type).conformal_threshold(own.coverage)


def check_operating_points(config: DetectorConfig, settings: Settings, *, recognises: bool) -> None:
    """Raise DetectorError unless validation supports the operating point, for one type of image at least.

    Args:
        config: The detector's configuration.
        settings: How it is used.
        recognises: Whether the detector recognises the type of an image.

    Raises:
        DetectorError: It supports it for none of the types that the detector judges.

    Warns:
        DetectorWarning: It supports it for one type only.

    Examples:
        >>> check_operating_points(predictor.config, predictor.settings, recognises=False)
    """
    problems: dict[ImageType | None, DetectorError] = {}
    judged = [
        own for own in settings_by_type(settings, recognises=recognises) if own.image_type not in config.referred_types
    ]
    for own in judged:
        try:
            calibration = config.calibration(own.views, own.image_type)
            calibration.operating_point(own.sensitivity, own.target)
        except DetectorError as error:
            problems[own.image_type] = error
    if problems and len(problems) == len(judged):
        image_type, problem = next(iter(problems.items()))
        raise DetectorError(f"{TYPE_PLURALS[image_type]}: {problem}") if image_type is not None else problem
    for image_type, problem in problems.items():
        if image_type is not None:
            warn_user(f"{TYPE_PLURALS[image_type]} are all referred: {problem}", DetectorWarning)


def _decision_rule(config: DetectorConfig, settings: Settings) -> DecisionRule:
    image_type, referral = settings.image_type, ""
    calibration = config.calibration(settings.views, image_type)
    if image_type is not None and image_type in config.referred_types:
        judged = " and ".join(TYPE_PLURALS[other] for other in IMAGE_TYPES if other not in config.referred_types)
        referral = f"a {TYPE_NAMES[image_type]}: the detector judges {judged or 'no images'} only"
    return DecisionRule(
        image_type or "",
        calibration,
        config.operating_point(settings),
        calibration.conformal_threshold(settings.coverage),
        referral,
    )
