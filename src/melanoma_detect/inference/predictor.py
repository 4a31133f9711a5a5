"""What a detector does with pictures: logits and features by its runtime, and what they mean by its card."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Self, TypeGuard, cast, overload

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.errors import ImageError
from melanoma_detect.images.reader import Picture, Pixels, name_of
from melanoma_detect.inference.bundle import Files
from melanoma_detect.inference.config import Card, Settings
from melanoma_detect.inference.operating_points import OperatingPoint, Target
from melanoma_detect.inference.prediction import Judgement, Prediction, judge
from melanoma_detect.inference.preprocessing import Look, complaints, look
from melanoma_detect.inference.runtime import OnnxRuntime, Outputs, Runtime
from melanoma_detect.inference.test_time_augmentation import refuse_views, run_views

_BATCH = 32


class Predictor:
    """A model that reads pictures, with what gives its numbers a meaning; `Detector` is the one that users meet.

    Args:
        card: What the model's numbers mean and where they come from.
        runtime: What runs the model.
        files: The model's files and what else is saved with it.
        settings: How it is used; the card's own where it is None.
    """

    def __init__(
        self, card: Card, runtime: Runtime, files: Files | None = None, settings: Settings | None = None
    ) -> None:
        self.card, self.runtime, self.files = card, runtime, files or Files()
        self.settings = settings or card.settings
        self._calibration = card.calibration(self.settings.views)
        self._point = card.point(self.settings)
        self._least = self._calibration.least_probability(self.settings.coverage)

    def __repr__(self) -> str:
        name = self.card.title or self.card.architecture.get("name", "model")
        return f"<Detector {name}: {len(self.classes)} classes at {'×'.join(map(str, self.image_size))}>"

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of the model's outputs."""
        return self.card.classes

    @property
    def image_size(self) -> tuple[int, int]:
        """`(height, width)` in pixels that pictures are read at."""
        return self.card.image_size

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
        """Return the same detector, used in another way; each argument is as it was where it is None.

        Args:
            sensitivity: The share of the target that must raise an alert, over 0 and under 1.
            target: `"melanoma"`, or `"malignant"` to alert to any malignant diagnosis.
            views: 1, 4 or 8: pictures are also looked at mirrored and turned by right angles; what the model says is averaged.
            coverage: The share of prediction sets that hold the true diagnosis: 0.8, 0.9, 0.95 or 0.99.

        Returns:
            A detector that shares the model with this one.

        Raises:
            DetectorError: The validation pictures cannot support this operating point, or the detector was not calibrated so.

        Examples:
            >>> print(detector.at(sensitivity=0.6).operating_point)
            alert from ...: set for 60% sensitivity for melanoma; on validation it finds ...
            >>> detector.at(views=4).predict(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").source[-17:]
            'melanoma_5000.jpg'
        """
        changes: dict[str, Any] = {"sensitivity": sensitivity, "target": target, "views": views, "coverage": coverage}
        settings = replace(self.settings, **{name: value for name, value in changes.items() if value is not None})
        refuse_views(settings.views, self.image_size)
        if sensitivity is not None or target is not None:
            self.card.calibration(settings.views).point(settings.sensitivity, settings.target)  # says why it cannot
        return type(self)(self.card, self.runtime, self.files, settings)

    def threaded(self, threads: int | None) -> Self:
        """Return the same detector with so many threads in one call of the model; itself where Keras runs it.

        Args:
            threads: How many; every core where it is None.

        Returns:
            The detector.

        Examples:
            >>> detector.threaded(1).operating_point == detector.operating_point
            True
        """
        if not isinstance(self.runtime, OnnxRuntime) or self.files.onnx is None:
            return self
        providers = self.runtime.session.get_providers()
        return type(self)(
            self.card, OnnxRuntime(self.files.onnx, threads=threads, providers=providers), self.files, self.settings
        )

    @overload
    def predict(self, pictures: Picture) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, pictures: Iterable[Picture]) -> list[Prediction]: ...
    def predict(self, pictures: Picture | Iterable[Picture]) -> Prediction | list[Prediction]:
        """Say what one picture or several show.

        Args:
            pictures: A path, the bytes of a file, an open binary file, a PIL image, or an array `(height, width, 3)` (uint8,
                uint16, or floats from 0 to 1); or several of them, a batch `(n, height, width, 3)`, or a split of a dataset.

        Returns:
            A `Prediction` for one picture, a list of them for several.

        Raises:
            ImageError: A picture cannot be read; the message names it.

        Examples:
            >>> photos = sorted((isic9 / "Test" / "nevus").glob("*.jpg"))
            >>> [prediction.source == str(photo) for prediction, photo in zip(detector.predict(photos), photos)]
            [True, True, True, True]
        """
        if _is_one(pictures):
            return self._predict_all([pictures])[0]
        if hasattr(pictures, "pictures"):
            return self._predict_all(list(pictures.pictures))
        if not isinstance(pictures, Iterable):
            raise ImageError(
                f"{pictures!r} is no picture; expected a path, a file, a PIL image, a uint8 array, or several of them"
            )
        return self._predict_all(list(cast("Iterable[Picture]", pictures)))

    def probabilities(self, pixels: Pixels) -> NDArray[np.float64]:
        """Run the model on decoded pictures.

        Args:
            pixels: uint8 `(n, height, width, 3)` at the detector's image size.

        Returns:
            float64 `(n, classes)`, calibrated; rows sum to 1.

        Examples:
            >>> detector.probabilities(np.zeros((2, 32, 32, 3), np.uint8)).shape
            (2, 9)
        """
        parts = [self._softmax(self._run(pixels[at : at + _BATCH])) for at in range(0, len(pixels), _BATCH)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.classes)))

    def judge(self, pixels: Pixels, sides: NDArray[np.int64] | None = None) -> Judgement:
        """Judge decoded pictures, as arrays: what `predict` does without a `Prediction` for each.

        Args:
            pixels: uint8 `(n, height, width, 3)` at the detector's image size.
            sides: The shorter side that each picture had before, in pixels, `(n,)`; too small ones are not noticed where it is
                None.

        Returns:
            Probabilities, alerts, prediction sets, and from which pictures the detector abstains.

        Examples:
            >>> detector.judge(data.test.pixels()).sets.shape == (len(data.test), 9)
            True
        """
        parts = [self._run(pixels[at : at + _BATCH]) for at in range(0, len(pixels), _BATCH)]
        none = Outputs(np.empty((0, len(self.classes)), np.float32), np.empty((0, 1), np.float32))
        outputs = Outputs(*map(np.concatenate, zip(*parts, strict=True))) if parts else none
        space = self.files.space
        return judge(
            self._softmax(outputs),
            self.classes,
            self._point,
            least=self._least,
            distance=space.distance(outputs.features) if space and parts else None,
            farthest=self._calibration.farthest,
            complaints=complaints(pixels, sides, self.card.limits),
        )

    def look(self, picture: Picture) -> Look:
        """Read one picture as the model sees it: the first half of `predict`, for those who decode in threads of their own.

        Args:
            picture: What `predict` takes.

        Returns:
            Its pixels at the detector's size, and the height and width that it was decoded at.

        Raises:
            ImageError: It cannot be read; the message names it.

        Examples:
            >>> detector.look(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").pixels.shape
            (32, 32, 3)
        """
        return look(picture, self.image_size, self.card.resize)

    def answer(self, looks: Sequence[Look], sources: Sequence[str]) -> list[Prediction]:
        """Say what pictures show that were read already: the second half of `predict`, in one call of the model.

        Args:
            looks: From `look`.
            sources: What each picture is called.

        Returns:
            One prediction a picture.

        Examples:
            >>> seen = detector.look(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg")
            >>> detector.answer([seen], ["photo"])[0].source
            'photo'
        """
        if not looks:
            return []
        pixels = looks[0].pixels[None] if len(looks) == 1 else np.stack([seen.pixels for seen in looks])
        sides = np.array([min(seen.height, seen.width) for seen in looks])
        return self.judge(pixels, sides).predictions(self.classes, sources)

    def _predict_all(self, pictures: list[Picture]) -> list[Prediction]:
        predictions: list[Prediction] = []
        for at in range(0, len(pictures), _BATCH):
            chosen = pictures[at : at + _BATCH]
            predictions += self.answer([self.look(picture) for picture in chosen], [name_of(one) for one in chosen])
        return predictions

    def _run(self, pixels: Pixels) -> Outputs:
        return run_views(self.runtime, pixels, self.settings.views)

    def _softmax(self, outputs: Outputs) -> NDArray[np.float64]:
        return self._calibration.probabilities(outputs.logits, self.classes)


def _is_one(pictures: Picture | Iterable[Picture]) -> TypeGuard[Picture]:
    """Return whether this is one picture: not several in a list, an iterator or a batch."""
    if isinstance(pictures, np.ndarray):
        return pictures.ndim != 4
    return isinstance(pictures, (str, bytes, os.PathLike)) or hasattr(pictures, "read") or hasattr(pictures, "convert")
