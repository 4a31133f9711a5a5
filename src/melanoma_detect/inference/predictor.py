"""The predictor: a model with its calibration, from images to predictions. NumPy, Pillow and ONNX Runtime only."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, Self, TypeGuard, cast, overload

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.errors import ImageError
from melanoma_detect.images.reader import ImageLike, Pixels, name_of
from melanoma_detect.inference.bundle import Files, keras_model, write
from melanoma_detect.inference.config import DetectorConfig, Settings
from melanoma_detect.inference.operating_points import OperatingPoint, Target
from melanoma_detect.inference.prediction import BatchPrediction, Prediction, batch_prediction
from melanoma_detect.inference.preprocessing import ModelInput, preprocess, rejection_reasons
from melanoma_detect.inference.runtime import OnnxRuntime, Outputs, Runtime
from melanoma_detect.inference.test_time_augmentation import refuse_views, run_views

_BATCH = 32


class Predictor:
    """A model with its calibration and thresholds: what `Detector` is made of, and what the parts below it take.

    Args:
        config: What the model's numbers mean and where they come from.
        runtime: What runs the model.
        files: The model's files and what else is saved with it.
        settings: How it is used; the card's own where it is None.
    """

    def __init__(
        self, config: DetectorConfig, runtime: Runtime, files: Files | None = None, settings: Settings | None = None
    ) -> None:
        self.config, self.runtime, self.files = config, runtime, files or Files()
        self.settings = settings or config.settings
        self._calibration = config.calibration(self.settings.views)
        self._point = config.point(self.settings)
        self._least = self._calibration.conformal_threshold(self.settings.coverage)

    def __repr__(self) -> str:
        return f"<Predictor {self.description}>"

    @property
    def description(self) -> str:
        """What it is, in a few words: its name, how many classes, its image size."""
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
        """Where the detector alerts; None where validation showed no melanoma, or too few for this sensitivity."""
        return self._point

    def at(
        self,
        *,
        sensitivity: float | None = None,
        target: Target | None = None,
        views: int | None = None,
        coverage: float | None = None,
    ) -> Self:
        """Return the same predictor, used in another way; each argument is as it was where it is None.

        Args:
            sensitivity: The share of the target that must raise an alert, over 0 and under 1.
            target: `"melanoma"`, or `"malignant"` to alert to any malignant diagnosis.
            views: 1, 4 or 8: images are also looked at mirrored and turned by right angles; what the model says is averaged.
            coverage: The share of prediction sets that hold the true diagnosis: 0.8, 0.9, 0.95 or 0.99.

        Returns:
            A predictor that shares the model with this one.

        Raises:
            DetectorError: The validation images cannot support this operating point, or the detector was not calibrated so.

        Examples:
            >>> print(predictor.at(sensitivity=0.6).operating_point)
            alert from ...: set for 60% sensitivity for melanoma; on validation it finds ...
            >>> predictor.at(views=4).predict(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").source[-17:]
            'melanoma_5000.jpg'
        """
        changes: dict[str, Any] = {"sensitivity": sensitivity, "target": target, "views": views, "coverage": coverage}
        settings = replace(self.settings, **{name: value for name, value in changes.items() if value is not None})
        refuse_views(settings.views, self.image_size)
        if sensitivity is not None or target is not None:
            self.config.calibration(settings.views).point(settings.sensitivity, settings.target)  # says why it cannot
        return type(self)(self.config, self.runtime, self.files, settings)

    def with_threads(self, threads: int | None) -> Self:
        """Return the same predictor with this many threads in one call of the model; itself where Keras runs it.

        Args:
            threads: How many, 1 or more; every core where it is None.

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
        """Return the same predictor with figures in its configuration, which is what its model card quotes.

        Args:
            metrics: By split, what `Evaluation.to_dict` gives.

        Returns:
            A predictor that shares the model with this one.

        Examples:
            >>> list(predictor.with_metrics({"test": detector.evaluate(data.test).to_dict()}).config.figures)
            ['test']
        """
        config = replace(self.config, figures=self.config.figures | dict(metrics))
        return type(self)(config, self.runtime, self.files, self.settings)

    @property
    def saved_config(self) -> DetectorConfig:
        """The configuration with the settings in use: a detector is saved as it was last used."""
        return replace(self.config, settings=self.settings)

    def save(self, path: Path) -> None:
        """Write a detector's file, whole or not at all; see `Detector.save`.

        Args:
            path: Where to.

        Raises:
            OutputError: The path cannot be written.

        Examples:
            >>> predictor.save(Path("mine.detector"))
        """
        write(path, self.saved_config, self.files, self.runtime)

    def keras_model(self) -> Any:
        """Return the model as Keras knows it: to train it on, or for what ONNX Runtime cannot do. Imports Keras.

        Returns:
            A `keras.Model`.

        Raises:
            DetectorError: The detector was saved without it.

        Examples:
            >>> predictor.keras_model().output_shape
            (None, 9)
        """
        return keras_model(self.config, self.runtime, self.files)

    @overload
    def predict(self, images: ImageLike) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, images: Iterable[ImageLike]) -> list[Prediction]: ...
    def predict(self, images: ImageLike | Iterable[ImageLike]) -> Prediction | list[Prediction]:
        """Say what one image or several show.

        Args:
            images: A path, the bytes of a file, an open binary file, a PIL image, or an array `(height, width, 3)` (uint8,
                uint16, or floats from 0 to 1); or several of them, a batch `(n, height, width, 3)`, or a split of a dataset.

        Returns:
            A `Prediction` for one image, a list of them for several.

        Raises:
            ImageError: An image cannot be read; the message names it.

        Examples:
            >>> photos = sorted((isic9 / "Test" / "nevus").glob("*.jpg"))
            >>> [prediction.source == str(photo) for prediction, photo in zip(detector.predict(photos), photos)]
            [True, True, True, True]
        """
        if _is_one(images):
            return self._predict_all([images])[0]
        if hasattr(images, "images"):
            return self._predict_all(list(images.images))
        if not isinstance(images, Iterable):
            raise ImageError(
                f"{images!r} is no image; expected a path, a file, a PIL image, a uint8 array, or several of them"
            )
        return self._predict_all(list(cast("Iterable[ImageLike]", images)))

    def probabilities(self, pixels: Pixels) -> NDArray[np.float64]:
        """Run the model on decoded images.

        Args:
            pixels: uint8 `(n, height, width, 3)` at the detector's image size.

        Returns:
            float64 `(n, classes)`, calibrated; rows sum to 1.

        Examples:
            >>> predictor.probabilities(np.zeros((2, 32, 32, 3), np.uint8)).shape
            (2, 9)
        """
        parts = [self._softmax(self._run(pixels[at : at + _BATCH])) for at in range(0, len(pixels), _BATCH)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.classes)))

    def predict_batch(self, pixels: Pixels, sides: NDArray[np.int64] | None = None) -> BatchPrediction:
        """Predict from decoded images, as arrays: what `predict` does without a `Prediction` for each.

        Args:
            pixels: uint8 `(n, height, width, 3)` at the detector's image size.
            sides: The shorter side that each image had before, in pixels, `(n,)`; too small ones are not noticed where it is
                None.

        Returns:
            Probabilities, alerts, prediction sets, and from which images the detector abstains.

        Examples:
            >>> predictor.predict_batch(data.test.pixels()).sets.shape == (len(data.test), 9)
            True
        """
        parts = [self._run(pixels[at : at + _BATCH]) for at in range(0, len(pixels), _BATCH)]
        none = Outputs(np.empty((0, len(self.classes)), np.float32), np.empty((0, 1), np.float32))
        outputs = Outputs(*map(np.concatenate, zip(*parts, strict=True))) if parts else none
        space = self.files.space
        return batch_prediction(
            self._softmax(outputs),
            self.classes,
            self._point,
            least=self._least,
            distance=space.distance(outputs.features) if space and parts else None,
            farthest=self._calibration.farthest,
            rejection_reasons=rejection_reasons(pixels, sides, self.config.limits),
        )

    def preprocess(self, image: ImageLike) -> ModelInput:
        """Read one image as the model sees it: the first half of `predict`, for those who decode in threads of their own.

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
        """Say what images show that were read already: the second half of `predict`, in one call of the model.

        Args:
            inputs: From `preprocess`.
            sources: What each image is called.

        Returns:
            One prediction an image.

        Examples:
            >>> seen = predictor.preprocess(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg")
            >>> predictor.predict_inputs([seen], ["photo"])[0].source
            'photo'
        """
        if not inputs:
            return []
        pixels = inputs[0].pixels[None] if len(inputs) == 1 else np.stack([one.pixels for one in inputs])
        sides = np.array([min(one.height, one.width) for one in inputs])
        return self.predict_batch(pixels, sides).predictions(self.classes, sources)

    def _predict_all(self, images: list[ImageLike]) -> list[Prediction]:
        predictions: list[Prediction] = []
        for at in range(0, len(images), _BATCH):
            chosen = images[at : at + _BATCH]
            predictions += self.predict_inputs(
                [self.preprocess(image) for image in chosen], [name_of(one) for one in chosen]
            )
        return predictions

    def _run(self, pixels: Pixels) -> Outputs:
        return run_views(self.runtime, pixels, self.settings.views)

    def _softmax(self, outputs: Outputs) -> NDArray[np.float64]:
        return self._calibration.probabilities(outputs.logits, self.classes)


def _is_one(images: ImageLike | Iterable[ImageLike]) -> TypeGuard[ImageLike]:
    """Return whether this is one image: not several in a list, an iterator or a batch."""
    if isinstance(images, np.ndarray):
        return images.ndim != 4
    return isinstance(images, (str, bytes, os.PathLike)) or hasattr(images, "read") or hasattr(images, "convert")


class SupportsPredictor(Protocol):
    """Whatever holds a predictor, as `Detector` does."""

    predictor: Predictor


def as_predictor(model: Predictor | SupportsPredictor) -> Predictor:
    """Return the predictor of what a user hands over.

    Args:
        model: A `Detector`, or a predictor itself.

    Returns:
        The predictor.

    Examples:
        >>> as_predictor(detector) is detector.predictor
        True
    """
    return model if isinstance(model, Predictor) else model.predictor
