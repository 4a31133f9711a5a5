"""The configuration of a detector: classes, image size, calibration, training, metrics; `detector.json` in its file."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from melanoma_detect.errors import DetectorError
from melanoma_detect.images.quality import InputLimits
from melanoma_detect.images.reader import RESIZES, Resize
from melanoma_detect.inference.calibration import COVERAGE, Calibration
from melanoma_detect.inference.operating_points import OperatingPoint, Target, ValidationScores


@dataclass(frozen=True)
class Settings:
    """How a detector is used; `Detector.at` changes it.

    Attributes:
        sensitivity: The share of the target that must raise an alert, over 0 and under 1.
        target: `"melanoma"`, or `"malignant"` for any malignant diagnosis.
        views: Test-time augmentation: 1, 4 or 8 views of each image.
        coverage: The share of prediction sets that hold the true diagnosis.
    """

    sensitivity: float = 0.95
    target: Target = "melanoma"
    views: int = 1
    coverage: float = COVERAGE


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

    @property
    def description(self) -> str:
        """Name, number of classes and image size, in a few words."""
        name = self.title or self.architecture.get("name", "model")
        return f"{name}: {len(self.classes)} classes at {'×'.join(map(str, self.image_size))}"

    def calibration(self, views: int) -> Calibration:
        """Return the calibration for a number of test-time views.

        Args:
            views: 1, 4 or 8.

        Returns:
            The calibration.

        Raises:
            DetectorError: The detector was not calibrated for this number.

        Examples:
            >>> detector.predictor.config.calibration(4).temperature > 0
            True
        """
        if views not in self.calibrations:
            fitted = ", ".join(map(str, self.calibrations))
            raise DetectorError(
                f"views={views}: this detector was calibrated for {fitted} views, and thresholds hold for these alone"
            )
        return self.calibrations[views]

    def operating_point(self, settings: Settings) -> OperatingPoint | None:
        """Return the threshold for alerts, or None where validation cannot support it.

        Args:
            settings: How the detector is used.

        Returns:
            The operating point, or None.

        Examples:
            >>> detector.predictor.config.operating_point(detector.predictor.settings) == detector.operating_point
            True
        """
        try:
            return self.calibration(settings.views).operating_point(settings.sensitivity, settings.target)
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
        for calibration in values["calibrations"].values():
            if not math.isfinite(calibration["ood_threshold"]):
                calibration["ood_threshold"] = None  # JSON has no infinity
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
    )


def _scores(values: Mapping[str, Any]) -> ValidationScores:
    sides = {side: tuple(values[side]) for side in ("positive", "negative")}
    return ValidationScores(**{**values, **sides})


def _resize(name: str) -> Resize:
    if name not in RESIZES:
        raise ValueError(f"resize={name!r}; expected one of {', '.join(map(repr, RESIZES))}")
    return name
