"""The configuration of a detector: classes, image size, calibration, training, metrics; `detector.json` in its file."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from melanoma_detect.errors import DetectorError
from melanoma_detect.images.quality import COLOURLESS, InputLimits
from melanoma_detect.images.reader import RESIZES, Resize
from melanoma_detect.inference.calibration import COVERAGE, Calibration
from melanoma_detect.inference.config_values import (
    check_localization,
    read_calibration,
    read_classes,
    read_history,
    read_image_size,
    read_input_limits,
    read_origin,
    read_texts,
)
from melanoma_detect.inference.image_types import ImageType, check_image_type
from melanoma_detect.inference.metrics_section import check_metrics
from melanoma_detect.inference.operating_points import TARGETS, OperatingPoint, Target, check_sensitivity
from melanoma_detect.inference.test_time_augmentation import VIEW_COUNTS
from melanoma_detect.inference.value_checks import check_count, check_keys, check_list, check_number, check_text
from melanoma_detect.printable import printable
from melanoma_detect.utils.number_arguments import plain_number

_LONGEST_TITLE = 10_000  # characters


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

    def __post_init__(self) -> None:
        for name in ("sensitivity", "views", "coverage"):  # NumPy's numbers are none for JSON
            object.__setattr__(self, name, plain_number(getattr(self, name)))


@dataclass(frozen=True)
class DetectorConfig:
    """The configuration of a detector: what its outputs mean and how it was made.

    Attributes:
        classes: Class names, in the order of the model's outputs.
        image_size: `(height, width)` in pixels.
        settings: How it is used by default.
        calibrations: What was fitted on validation, by the number of test-time views.
        input_limits: The sharpness, brightness, size and colour that an image needs for a prediction.
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
    def name(self) -> str:
        """The title, or the architecture's name; and where it was localised."""
        name = self.title or str(self.architecture.get("name", "model"))
        places = dict.fromkeys(record["data"] for record in self.localizations)
        return f"{name}, localised on {' and '.join(places)}" if places else name

    @property
    def description(self) -> str:
        """Name, number of classes and image size, in a few words."""
        return f"{printable(self.name)}: {len(self.classes)} classes at {'×'.join(map(str, self.image_size))}"

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
        # What is not used is left out: most detectors have none of it.
        for calibration in (*values["calibrations"].values(), *values["clinical"].values()):
            _leave_out_unused(calibration)
        if self.settings.image_type is None:
            del values["settings"]["image_type"]
        if self.input_limits.colour == COLOURLESS:
            del values["input_limits"]["colour"]
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
        optional = ("title", "clinical", "referred_types", "localizations")
        needed = [each.name for each in fields(cls) if each.name not in optional]
        check_keys(values, "it", needed, ("schema", *optional))
        classes = read_classes(values["classes"])
        return cls(
            classes=classes,
            image_size=read_image_size(values["image_size"]),
            settings=_settings(values["settings"]),
            calibrations=_calibrations(values["calibrations"], len(classes)),
            input_limits=read_input_limits(values["input_limits"]),
            resize=_resize(values["resize"]),
            title=check_text(values.get("title", ""), "title", _LONGEST_TITLE),
            clinical=_calibrations(values.get("clinical", {}), len(classes)),
            referred_types=tuple(map(check_image_type, check_list(values.get("referred_types", ()), "referred_types"))),
            localizations=tuple(map(check_localization, check_list(values.get("localizations", ()), "localizations"))),
            history=read_history(values["history"]),
            best_epoch=check_count(values["best_epoch"], "best_epoch"),
            metrics=check_metrics(values["metrics"]),
            notes=read_texts(values["notes"], "notes"),
            made_with=read_texts(values["made_with"], "made_with"),
            **{name: read_origin(values[name], name) for name in ("architecture", "recipe", "export")},
        )


def _leave_out_unused(calibration: dict[str, Any]) -> None:
    if not math.isfinite(calibration["ood_threshold"]):
        calibration["ood_threshold"] = None  # JSON has no infinity
    every_scores, local = list(calibration["operating_scores"].values()), calibration["local"]
    if local is None:
        del calibration["local"]
    while local is not None:
        every_scores += local["operating_scores"].values()
        local = local["first"]
    for scores in every_scores:
        if not scores["by_source"]:
            del scores["by_source"], scores["lesions_by_source"]


def _settings(values: Mapping[str, Any]) -> Settings:
    settings = Settings(**values)
    check_count(settings.views, "views")
    check_number(settings.coverage, "coverage", 0, 1)
    if settings.image_type is not None:
        check_image_type(settings.image_type)
    if settings.target not in TARGETS:
        raise ValueError(f"target={settings.target!r}; expected one of {', '.join(map(repr, TARGETS))}")
    check_sensitivity(settings.sensitivity)
    return settings


def _calibrations(values: Mapping[str, Any], classes: int) -> dict[int, Calibration]:
    calibrations = {int(views): read_calibration(fitted, classes) for views, fitted in values.items()}
    if unknown := calibrations.keys() - set(VIEW_COUNTS):
        raise ValueError(f"calibrations are for {sorted(unknown)} views, expected {VIEW_COUNTS}")
    return calibrations


def _resize(name: str) -> Resize:
    if name not in RESIZES:
        raise ValueError(f"resize={name!r}; expected one of {', '.join(map(repr, RESIZES))}")
    return name
