"""The configuration of a detector: classes, image size, calibration, training, metrics; `detector.json` in its file."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from melanoma_detect.errors import DetectorError
from melanoma_detect.images.quality import InputLimits
from melanoma_detect.images.reader import RESIZES, Resize
from melanoma_detect.inference.calibration import COVERAGE, Calibration
from melanoma_detect.inference.image_types import ImageType, check_image_type
from melanoma_detect.inference.local_calibration import LocalCalibration, LogOddsLine
from melanoma_detect.inference.operating_points import OperatingPoint, Target, ValidationScores


@dataclass(frozen=True)
class Settings:
    """How a detector is used; `Detector.at` changes it.

    Attributes:
        sensitivity: The share of the target that must raise an alert, over 0 and under 1.
        target: `"melanoma"`, or `"malignant"` for any malignant diagnosis.
        views: Test-time augmentation: 1, 4 or 8 views of each image.
        coverage: The share of prediction sets that hold the true diagnosis.
        image_type: The type of all images, `"dermoscopy"` or `"clinical"`; None where the detector recognises it.
    """

    sensitivity: float = 0.95
    target: Target = "melanoma"
    views: int = 1
    coverage: float = COVERAGE
    image_type: ImageType | None = None


@dataclass(frozen=True)
class DetectorConfig:
    """The configuration of a detector: what its outputs mean and how it was made.

    Attributes:
        classes: Class names, in the order of the model's outputs.
        image_size: `(height, width)` in pixels.
        settings: How it is used by default.
        calibrations: What was fitted on validation, by the number of test-time views.
        input_limits: The sharpness, brightness and size that an image needs for a prediction.
        resize: How an image of another shape comes to that size: `"squash"`, `"crop"` or `"pad"`.
        architecture: Name, package, version, options and seed of the builder of the model.
        recipe: The training recipe.
        history: For each epoch: epoch, loss, accuracy, val_loss, val_accuracy, seconds.
        best_epoch: The epoch whose weights were kept, from 1.
        metrics: By split, what `Evaluation.to_dict` returned.
        export: How far the outputs of the ONNX model are from those of the Keras model, or why there is no ONNX model.
        notes: Further sections of the model card by title: licence, training data, limits.
        made_with: Versions of the libraries.
        title: The detector's name; empty for the name of its architecture.
        clinical: What was fitted on clinical photographs of validation, by the number of test-time views; `calibrations` then
            holds what was fitted on dermoscopy. Empty for one calibration of all images.
        referred_types: The types of image that the detector does not judge: such an image is always referred.
        localizations: What `Detector.localize` did with a clinic's own images, the latest last; see `inference.localization`.
    """

    classes: tuple[str, ...]
    image_size: tuple[int, int]
    settings: Settings = field(default_factory=Settings)
    calibrations: Mapping[int, Calibration] = field(default_factory=lambda: {1: Calibration()})
    input_limits: InputLimits = field(default_factory=InputLimits)
    resize: Resize = "squash"
    architecture: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    history: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int = 0
    metrics: dict[str, Any] = field(default_factory=dict)
    export: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    made_with: dict[str, str] = field(default_factory=dict)
    title: str = ""
    clinical: Mapping[int, Calibration] = field(default_factory=dict)
    referred_types: tuple[ImageType, ...] = ()
    localizations: tuple[dict[str, Any], ...] = ()

    @property
    def description(self) -> str:
        """Name, number of classes and image size, in a few words."""
        name = self.title or self.architecture.get("name", "model")
        return f"{name}: {len(self.classes)} classes at {'×'.join(map(str, self.image_size))}"

    def calibration(self, views: int, image_type: ImageType | None = None) -> Calibration:
        """Return the calibration for a number of test-time views.

        Args:
            views: 1, 4 or 8.
            image_type: The type of the images; None for the one that `calibrations` holds.

        Returns:
            The calibration: for clinical photographs that of their own, if the detector has one.

        Raises:
            DetectorError: The detector was not calibrated for this number.

        Examples:
            >>> detector.predictor.config.calibration(4).temperature > 0
            True
        """
        calibrations = self.clinical if image_type == "clinical" and self.clinical else self.calibrations
        if views not in calibrations:
            fitted = ", ".join(map(str, calibrations))
            raise DetectorError(
                f"views={views}: this detector was calibrated for {fitted} views, and thresholds hold for these alone"
            )
        return calibrations[views]

    def operating_point(self, settings: Settings) -> OperatingPoint | None:
        """Return the threshold for alerts, or None where validation cannot support it.

        Args:
            settings: How the detector is used; its `image_type` decides which images the threshold is for.

        Returns:
            The operating point, or None; None too for a type of image that is always referred.

        Examples:
            >>> detector.predictor.config.operating_point(detector.predictor.settings) == detector.operating_point
            True
        """
        if settings.image_type in self.referred_types:
            return None
        try:
            calibration = self.calibration(settings.views, settings.image_type)
            return calibration.operating_point(settings.sensitivity, settings.target)
        except DetectorError:
            return None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as `detector.json` holds them.

        Returns:
            What `from_dict` takes.

        Examples:
            >>> DetectorConfig.from_dict(detector.predictor.config.to_dict()) == detector.predictor.config
            True
        """
        values = asdict(self)
        for calibration in (*values["calibrations"].values(), *values["clinical"].values()):
            if not math.isfinite(calibration["ood_threshold"]):
                calibration["ood_threshold"] = None  # JSON has no infinity
            if calibration["local"] is None:
                del calibration["local"]
        # What is as it was before there were types of image is left out, so that earlier versions read the file too.
        if self.settings.image_type is None:
            del values["settings"]["image_type"]
        for name in ("clinical", "referred_types", "localizations"):
            if not values[name]:
                del values[name]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "DetectorConfig":
        """Return a configuration from what `to_dict` returned, also after a round trip through JSON.

        Args:
            values: Plain values, in the present schema.

        Returns:
            The configuration.

        Raises:
            KeyError: A value is missing.
            TypeError: A value has the wrong type.
            ValueError: A value is out of range.
        """
        unchanged = ("architecture", "recipe", "history", "best_epoch", "metrics", "export", "notes", "made_with")
        return cls(
            classes=tuple(values["classes"]),
            image_size=(int(values["image_size"][0]), int(values["image_size"][1])),
            settings=Settings(**values["settings"]),
            calibrations={int(views): _calibration(fitted) for views, fitted in values["calibrations"].items()},
            input_limits=InputLimits(**values["input_limits"]),
            resize=_resize(values["resize"]),
            title=str(values.get("title", "")),
            clinical={int(views): _calibration(fitted) for views, fitted in values.get("clinical", {}).items()},
            referred_types=tuple(map(check_image_type, values.get("referred_types", ()))),
            localizations=tuple(map(dict, values.get("localizations", ()))),
            **{name: values[name] for name in unchanged},
        )


def _calibration(values: Mapping[str, Any]) -> Calibration:
    threshold = values["ood_threshold"]
    return Calibration(
        temperature=float(values["temperature"]),
        operating_scores={target: _scores(scores) for target, scores in values["operating_scores"].items()},
        conformal_thresholds={float(key): float(value) for key, value in values["conformal_thresholds"].items()},
        ood_threshold=math.inf if threshold is None else float(threshold),
        bias=tuple(map(float, values.get("bias", ()))),
        local=_local_calibration(values["local"]) if "local" in values else None,
    )


def _local_calibration(values: Mapping[str, Any]) -> LocalCalibration:
    return LocalCalibration(
        melanoma=LogOddsLine(**values["melanoma"]),
        malignant=LogOddsLine(**values["malignant"]),
        temperature=float(values["temperature"]),
        bias=tuple(map(float, values["bias"])),
        operating_scores={target: _scores(scores) for target, scores in values["operating_scores"].items()},
    )


def _scores(values: Mapping[str, Any]) -> ValidationScores:
    sides = {side: tuple(values[side]) for side in ("positive", "negative")}
    by_source = {source: tuple(scores) for source, scores in values.get("by_source", {}).items()}
    return ValidationScores(**{**values, **sides, "by_source": by_source})


def _resize(name: str) -> Resize:
    if name not in RESIZES:
        raise ValueError(f"resize={name!r}; expected one of {', '.join(map(repr, RESIZES))}")
    return name
