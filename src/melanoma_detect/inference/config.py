"""What a detector's numbers mean and where they come from."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from melanoma_detect.errors import DetectorError
from melanoma_detect.images.reader import RESIZES, Resize
from melanoma_detect.inference.calibration import COVERAGE, Calibration
from melanoma_detect.inference.operating_points import OperatingPoint, Target, ValidationScores
from melanoma_detect.inference.preprocessing import InputLimits


@dataclass(frozen=True)
class Settings:
    """How a detector is used; `Detector.at` changes it.

    Attributes:
        sensitivity: The share of the target that must raise an alert, over 0 and under 1.
        target: `"melanoma"`, or `"malignant"` for any malignant diagnosis.
        views: 1, 4 or 8: how many ways each image is looked at.
        coverage: The share of prediction sets that hold the true diagnosis.
    """

    sensitivity: float = 0.95
    target: Target = "melanoma"
    views: int = 1
    coverage: float = COVERAGE


@dataclass(frozen=True)
class DetectorConfig:
    """What a detector's numbers mean and where they come from.

    Attributes:
        classes: Class names, in the order of the model's outputs.
        image_size: `(height, width)` in pixels.
        settings: How it is used unless told otherwise.
        calibrations: What was fitted on validation, by the number of views.
        limits: What an image must have to be judged.
        resize: How an image of another shape comes to that size: `"squash"`, `"crop"` or `"pad"`.
        architecture: Name, package, version, options and seed of what built the model.
        recipe: How it was trained.
        history: For each epoch: epoch, loss, accuracy, val_loss, val_accuracy, seconds.
        best_epoch: The epoch whose weights were kept, from 1.
        figures: What it was measured at, by split, as `Evaluation.to_dict` has it.
        export: How far the ONNX model is from the Keras one, or why there is none.
        notes: What else a reader of the model card must know: licence, training data, limits.
        made_with: Versions of the libraries.
        title: What the detector is called; empty for the name of its architecture.
    """

    classes: tuple[str, ...]
    image_size: tuple[int, int]
    settings: Settings = field(default_factory=Settings)
    calibrations: Mapping[int, Calibration] = field(default_factory=lambda: {1: Calibration()})
    limits: InputLimits = field(default_factory=InputLimits)
    resize: Resize = "squash"
    architecture: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    history: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int = 0
    figures: dict[str, Any] = field(default_factory=dict)
    export: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    made_with: dict[str, str] = field(default_factory=dict)
    title: str = ""

    @property
    def description(self) -> str:
        """What the detector is, in a few words: its name, how many classes, its image size."""
        name = self.title or self.architecture.get("name", "model")
        return f"{name}: {len(self.classes)} classes at {'×'.join(map(str, self.image_size))}"

    def calibration(self, views: int) -> Calibration:
        """Return what was fitted for a number of views.

        Args:
            views: 1, 4 or 8.

        Returns:
            The calibration.

        Raises:
            DetectorError: Nothing was fitted for so many.

        Examples:
            >>> detector.predictor.config.calibration(4).temperature > 0
            True
        """
        if views not in self.calibrations:
            offered = ", ".join(map(str, self.calibrations))
            raise DetectorError(
                f"views={views}: this detector was calibrated for {offered}; an operating point belongs to its views"
            )
        return self.calibrations[views]

    def point(self, settings: Settings) -> OperatingPoint | None:
        """Return where to alert, or None where validation cannot support it.

        Args:
            settings: How the detector is used.

        Returns:
            The operating point, or None.

        Examples:
            >>> detector.predictor.config.point(detector.predictor.settings) == detector.operating_point
            True
        """
        try:
            return self.calibration(settings.views).point(settings.sensitivity, settings.target)
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
        for found in values["calibrations"].values():
            # JSON has no infinity.
            found["farthest"] = found["farthest"] if math.isfinite(found["farthest"]) else None
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "DetectorConfig":
        """Take what `to_dict` gave, also after it went through JSON.

        Args:
            values: Plain values.

        Returns:
            The card.

        Raises:
            KeyError: Something is missing.
            TypeError: Something is of another kind.
            ValueError: Something makes no sense.
        """
        values = {name: _renamed(value) for name, value in values.items()}
        plain = ("architecture", "recipe", "history", "best_epoch", "figures", "export", "notes", "made_with")
        return cls(
            classes=tuple(values["classes"]),
            image_size=(int(values["image_size"][0]), int(values["image_size"][1])),
            settings=Settings(**values["settings"]),
            calibrations={int(views): _calibration(found) for views, found in values["calibrations"].items()},
            limits=InputLimits(**values["limits"]),
            resize=_resize(values["resize"]),
            title=str(values.get("title", "")),
            **{name: values[name] for name in plain},
        )


def _renamed(value: Any) -> Any:
    """Return values of schema 2 with the key that said pictures."""
    if not isinstance(value, dict):
        return value
    return {"images" if key == "pictures" else key: _renamed(found) for key, found in value.items()}


def _calibration(values: Mapping[str, Any]) -> Calibration:
    return Calibration(
        temperature=float(values["temperature"]),
        scores={target: _scores(found) for target, found in values["scores"].items()},
        least={float(coverage): float(least) for coverage, least in values["least"].items()},
        bias=tuple(map(float, values.get("bias", ()))),
        farthest=math.inf if values["farthest"] is None else float(values["farthest"]),
    )


def _scores(values: Mapping[str, Any]) -> ValidationScores:
    sides = {side: tuple(values[side]) for side in ("positive", "negative")}
    return ValidationScores(**{**values, **sides})


def _resize(name: str) -> Resize:
    if name not in RESIZES:
        raise ValueError(f"resize {name!r}")
    return name
