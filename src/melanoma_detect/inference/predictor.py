"""The predictor: a model with its calibration, from images to predictions. Needs NumPy, Pillow and ONNX Runtime only."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, Self, TypeGuard, overload

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.errors import ImageError
from melanoma_detect.images.arrays import as_array, is_batch, split_batches
from melanoma_detect.images.quality import rejection_reasons
from melanoma_detect.images.reader import Frame, ImageLike, Pixels, source_name
from melanoma_detect.inference.batch_prediction import BatchPrediction
from melanoma_detect.inference.bundle import keras_model, write
from melanoma_detect.inference.config import DetectorConfig, Settings
from melanoma_detect.inference.decision_rules import DecisionRules, change_image_type, check_operating_points
from melanoma_detect.inference.files import Files
from melanoma_detect.inference.image_types import IMAGE_TYPES, ImageType
from melanoma_detect.inference.operating_points import OperatingPoint, Target
from melanoma_detect.inference.prediction import Prediction, Predictions
from melanoma_detect.inference.prediction_image import remember
from melanoma_detect.inference.preprocessing import ModelInput, check_pixels, preprocess
from melanoma_detect.inference.runtime import BATCH, ModelOutputs, OnnxRuntime, Runtime, run_batched
from melanoma_detect.inference.test_time_augmentation import check_views, run_with_views
from melanoma_detect.utils.arrays import Float64Array

if TYPE_CHECKING:
    from melanoma_detect.inference.signatures import SignKey


class Predictor:
    """A model with its calibration and thresholds: the inside of `Detector`, which evaluation, export and the rest take.

    Args:
        config: The configuration.
        runtime: Runs the model.
        files: The model's files.
        settings: How the predictor is used; None for the configuration's own settings.
    """

    def __init__(
        self, config: DetectorConfig, runtime: Runtime, files: Files | None = None, settings: Settings | None = None
    ) -> None:
        self.config, self.runtime, self.files = config, runtime, files or Files()
        self.settings = settings or config.settings
        self._rules = DecisionRules.of(config, self.settings, self.files.image_types)

    def __repr__(self) -> str:
        return f"<Predictor {self.description}>"

    @property
    def description(self) -> str:
        """Name, number of classes and image size, in a few words."""
        return self.config.description

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of the model's outputs."""
        return self.config.classes

    @property
    def image_size(self) -> tuple[int, int]:
        """`(height, width)` in pixels that images are read at."""
        return self.config.image_size

    @property
    def operating_point(self) -> OperatingPoint | None:
        """The threshold for alerts; None where validation showed no melanoma, or too few for this sensitivity.

        Of a detector that recognises the type of an image it is the threshold for dermoscopy; `at(image_type="clinical")` has
        that for clinical photographs.
        """
        return self._rules.rules[0].operating_point

    @property
    def image_types(self) -> tuple[ImageType, ...]:
        """The types of image that the detector tells apart by itself, `"dermoscopy"` first; empty if it does not."""
        return IMAGE_TYPES if len(self._rules.rules) > 1 else ()

    def at(
        self,
        *,
        sensitivity: float | None = None,
        target: Target | None = None,
        views: int | None = None,
        coverage: float | None = None,
        image_type: ImageType | Literal["auto"] | None = None,
    ) -> Self:
        """Return a predictor with the same model and other settings; None keeps a setting as it is.

        Args:
            sensitivity: The share of the target that must raise an alert, over 0 and under 1.
            target: `"melanoma"`, or `"malignant"` to alert to any malignant diagnosis.
            views: Test-time augmentation: 1, 4 or 8 views of each image, whose outputs are averaged.
            coverage: The share of prediction sets that hold the true diagnosis: 0.8, 0.9, 0.95 or 0.99.
            image_type: The type of all images, `"dermoscopy"` or `"clinical"`; `"auto"` lets the detector recognise it.

        Returns:
            A predictor that shares the model with this one.

        Raises:
            DetectorError: The validation images cannot support this operating point, or the detector was not calibrated for
                these views, this coverage or this type of image.

        Warns:
            DetectorWarning: They support it for one type of image only; images of the other type are then referred.

        Examples:
            >>> print(predictor.at(sensitivity=0.6).operating_point)
            alert from ...: set for 60% sensitivity for melanoma; on validation it finds ...
            >>> predictor.at(views=4).predict(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").source[-17:]
            'melanoma_5000.jpg'
        """
        changes: dict[str, Any] = {"sensitivity": sensitivity, "target": target, "views": views, "coverage": coverage}
        settings = replace(self.settings, **{name: value for name, value in changes.items() if value is not None})
        recognises = self.files.image_types is not None
        check_views(settings.views, self.image_size)
        if image_type is not None:
            settings = change_image_type(settings, image_type, self.config, recognises=recognises)
        changed = type(self)(self.config, self.runtime, self.files, settings)
        if sensitivity is not None or target is not None:
            # What stays as it was may have no operating point.
            check_operating_points(self.config, settings, recognises=recognises)
        return changed

    def with_threads(self, threads: int | None) -> Self:
        """Return the same predictor with a number of threads for one call of the model; itself where Keras runs the model.

        Args:
            threads: 1 or more; None for every core.

        Returns:
            The predictor.

        Examples:
            >>> predictor.with_threads(1).operating_point == predictor.operating_point
            True
        """
        if not isinstance(self.runtime, OnnxRuntime) or self.files.onnx is None:
            return self
        providers = self.runtime.session.get_providers()
        runtime = OnnxRuntime(self.files.onnx, threads=threads, providers=providers)
        return type(self)(self.config, runtime, self.files, self.settings)

    def with_metrics(self, metrics: Mapping[str, Mapping[str, Any]]) -> Self:
        """Return the same predictor with metrics in its configuration, which its model card lists.

        Args:
            metrics: By split, what `Evaluation.to_dict` returns.

        Returns:
            A predictor that shares the model with this one.

        Examples:
            >>> list(predictor.with_metrics({"test": detector.evaluate(data.test).to_dict()}).config.metrics)
            ['test']
        """
        config = replace(self.config, metrics=self.config.metrics | dict(metrics))
        return type(self)(config, self.runtime, self.files, self.settings)

    @property
    def saved_config(self) -> DetectorConfig:
        """The configuration with the settings in use: a detector is saved as it was last used."""
        return replace(self.config, settings=self.settings)

    def save(
        self, path: "str | os.PathLike[str]", *, overwrite: bool = False, sign_key: "SignKey | None" = None
    ) -> None:
        """Write a detector's file, whole or not at all; see `Detector.save`.

        Args:
            path: Where to.
            overwrite: Replace a file that is there.
            sign_key: An Ed25519 private key, or None.
        """
        write(path, self.saved_config, self.files, self.runtime, overwrite=overwrite, sign_key=sign_key)

    def keras_model(self) -> Any:
        """Return the Keras model, for further training, Grad-CAM and export. Imports Keras.

        Returns:
            A `keras.Model`.

        Raises:
            DetectorError: The detector was saved without a Keras model.

        Examples:
            >>> predictor.keras_model().output_shape
            (None, 9)
        """
        return keras_model(self.config, self.runtime, self.files)

    @overload
    def predict(self, images: ImageLike) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, images: Iterable[ImageLike]) -> Predictions: ...
    def predict(self, images: ImageLike | Iterable[ImageLike]) -> Prediction | Predictions:
        """Predict the diagnosis of one image or several; see `Detector.predict`.

        Args:
            images: One image, or several.

        Returns:
            A `Prediction` for one image; for several `Predictions`, a list of them.

        Raises:
            ImageError: An image cannot be read; the message names it.

        Examples:
            >>> predictor.predict(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").decision in ("alert", "clear", "refer")
            True
        """
        if (array := as_array(images)) is not None:
            return self._predict_all([array]) if is_batch(array) else self._predict_all([array])[0]
        if _is_single_image(images):
            return self._predict_all([images])[0]
        if hasattr(images, "images"):
            return self._predict_all(images.images)
        if not isinstance(images, Iterable):
            raise ImageError(
                f"{images!r} is not an image; expected a path, a file, a PIL image, an array, a tensor, or several of them"
            )
        return self._predict_all(images)

    def probabilities(self, pixels: Pixels) -> Float64Array:
        """Return calibrated probabilities for decoded images.

        Args:
            pixels: uint8 `(n, height, width, 3)` at the detector's image size.

        Returns:
            float64 `(n, classes)`, calibrated; rows sum to 1, and are nan where the model gave no numbers.

        Raises:
            ImageError: The array has another shape or type.

        Examples:
            >>> predictor.probabilities(np.zeros((2, 32, 32, 3), np.uint8)).shape
            (2, 9)
        """
        return self._rules.probabilities(self._run(check_pixels(pixels, self.image_size)), self.classes)

    def predict_batch(self, pixels: Pixels, sides: NDArray[np.int64] | None = None) -> BatchPrediction:
        """Predict from decoded images, and return arrays rather than one `Prediction` for each image.

        Args:
            pixels: uint8 `(n, height, width, 3)` at the detector's image size.
            sides: The shorter side that each image had before resizing, in pixels, `(n,)`; None to accept any size.

        Returns:
            Probabilities, alerts, prediction sets and abstentions.

        Raises:
            ImageError: The array has another shape or type, or there is not one side for each image.

        Examples:
            >>> predictor.predict_batch(data.test.pixels()).sets.shape == (len(data.test), 9)
            True
        """
        outputs = self._run(check_pixels(pixels, self.image_size, sides))
        space = self.files.feature_space
        distance = space.distance(outputs.features) if space and len(pixels) else None
        rejected = rejection_reasons(pixels, sides, self.config.input_limits)
        return replace(self._rules.predict(outputs, self.classes, distance, rejected), features=outputs.features)

    def preprocess(self, image: ImageLike) -> ModelInput:
        """Decode one image and resize it for the model: the first half of `predict`, to be run in threads.

        Args:
            image: What `predict` takes.

        Returns:
            Its pixels at the detector's size, and the height and width that it was decoded at.

        Raises:
            ImageError: It cannot be read; the message names it.

        Examples:
            >>> predictor.preprocess(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").pixels.shape
            (32, 32, 3)
        """
        return preprocess(image, self.image_size, self.config.resize)

    def predict_inputs(self, inputs: Sequence[ModelInput], sources: Sequence[str]) -> list[Prediction]:
        """Predict from preprocessed images: the second half of `predict`, for one batch.

        Args:
            inputs: From `preprocess`.
            sources: The name of each image.

        Returns:
            One prediction for each image.

        Examples:
            >>> prepared = predictor.preprocess(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg")
            >>> predictor.predict_inputs([prepared], ["photo"])[0].source
            'photo'
        """
        if not inputs:
            return []
        # A single image is not copied: np.stack would.
        pixels = inputs[0].pixels[None] if len(inputs) == 1 else np.stack([prepared.pixels for prepared in inputs])
        sides = np.array([min(prepared.height, prepared.width) for prepared in inputs])
        return self.predict_batch(pixels, sides).predictions(self.classes, sources)

    def _predict_all(self, images: Iterable[Any]) -> Predictions:
        predictions, squashed, single_images = Predictions(), self.config.resize == "squash", split_batches(images)
        while batch := list(islice(single_images, BATCH)):  # only one batch of decoded images is held in memory
            inputs = [self.preprocess(image) for image in batch]
            made = self.predict_inputs(inputs, [source_name(image) for image in batch])
            for prediction, image, seen in zip(made, batch, inputs, strict=True):
                remember(prediction, image, seen, squashed=squashed, config=self.config)
            predictions += made
        return predictions

    def _run(self, pixels: Pixels) -> ModelOutputs:
        if not len(pixels):
            return ModelOutputs(np.empty((0, len(self.classes)), np.float32), np.empty((0, 1), np.float32))
        return run_batched(lambda batch: run_with_views(self.runtime, batch, self.settings.views), pixels)


def _is_single_image(images: ImageLike | Iterable[ImageLike]) -> TypeGuard[ImageLike]:
    """Return whether this is one image, rather than a list or an iterator of images."""
    is_value = isinstance(images, (str, bytes, bytearray, memoryview, os.PathLike, Frame))
    return is_value or hasattr(images, "read") or hasattr(images, "convert")
