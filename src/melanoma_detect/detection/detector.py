"""The detector: a trained model with its threshold, in use."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeGuard, cast, overload

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.data.images import Picture, Pixels, name_of, read_many
from melanoma_detect.detection import bundle
from melanoma_detect.detection.bundle import Card
from melanoma_detect.detection.decision import OperatingPoint, Prediction, decide, softmax
from melanoma_detect.detection.runtime import Runtime
from melanoma_detect.errors import ImageError

if TYPE_CHECKING:
    import pandas as pd

    from melanoma_detect.data.dataset import Dataset, Part
    from melanoma_detect.learning.evaluation import Evaluation
    from melanoma_detect.learning.recipes import Recipe

_BATCH = 32


class Detector:
    """A trained model that reads pictures, with the threshold at which it alerts to melanoma.

    Make one with `Detector.fit`, or `Detector.load` one that was saved.

    Args:
        card: What the model's numbers mean and where they come from.
        runtime: What runs the model.

    Examples:
        >>> detector.predict(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").decision in ("alert", "clear")
        True
    """

    def __init__(self, card: Card, runtime: Runtime) -> None:
        self.card, self.runtime = card, runtime

    def __repr__(self) -> str:
        name = self.card.architecture.get("name", "model")
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
        """Where the detector alerts; None where no class is melanoma."""
        return self.card.operating_point

    @property
    def history(self) -> "pd.DataFrame":
        """The training, one row an epoch: epoch, loss, accuracy, val_loss, val_accuracy, seconds."""
        import pandas as pd

        return pd.DataFrame(self.card.history).astype({"epoch": int} if self.card.history else {})

    @classmethod
    def fit(
        cls,
        model: Any,
        data: "Dataset",
        *,
        epochs: int = 30,
        recipe: "str | Recipe" = "assignment",
        sensitivity: float = 0.95,
        seed: int = 123,
        progress: bool = True,
        checkpoint: "str | os.PathLike[str] | None" = None,
        resume: bool = False,
        devices: str | int | None = None,
    ) -> "Detector":
        """Train a model, then set its alert threshold on the validation split.

        Args:
            model: From `build_model`; it is trained in place, and its input shape decides the size of the pictures.
            data: From `load_dataset`, balanced or not; its test split is not touched.
            epochs: How many epochs at most; training stops early where the validation loss does not fall any more.
            recipe: How to train: `"assignment"`, `"default"`, `"strong"`, or a `Recipe`.
            sensitivity: The share of validation melanomas that must raise an alert, over 0 and at most 1.
            seed: Where the order of the pictures and their augmentation come from.
            progress: Draw a progress bar.
            checkpoint: A folder to write a checkpoint into after each epoch, or None. It holds one file, which is whole at
                every moment, and stays when training is done: delete it to train anew.
            resume: Go on from the checkpoint in that folder, to where the training would have come without the break; from the
                start where there is none yet. Every other argument has to be as it was.
            devices: None for one device; `"auto"` for every accelerator that there is, over all processes; or how many.

        Returns:
            The detector.

        Raises:
            DetectorError: The model and the data do not fit, a split is empty, training diverged, the checkpoint is another
                training's, or there are not so many devices.
            ImageError: A picture cannot be decoded; the message names it.
            OutputError: The checkpoint cannot be written.

        Warns:
            DataWarning: No class is melanoma, or validation shows none: the detector then has no threshold.

        Examples:
            >>> model = md.build_model("cnn", num_classes=len(data.classes), input_shape=(32, 32, 3))
            >>> Detector.fit(model, data, epochs=1, progress=False)
            <Detector cnn: 9 classes at 32×32>
        """
        from melanoma_detect.learning.fitting import fit  # noqa: PLC0415 - a thin door: imports Keras

        return fit(
            model,
            data,
            epochs=epochs,
            recipe=recipe,
            sensitivity=sensitivity,
            seed=seed,
            progress=progress,
            checkpoint=checkpoint,
            resume=resume,
            devices=devices,
        )

    @classmethod
    def load(cls, path: "str | os.PathLike[str]") -> "Detector":
        """Load a detector that was saved.

        Args:
            path: The file, or the run folder that holds it.

        Returns:
            The detector.

        Raises:
            DetectorError: There is no such file, or it is no detector that this version reads.

        Examples:
            >>> detector.save("mine.detector")
            >>> Detector.load("mine.detector")
            <Detector cnn: 9 classes at 32×32>
        """
        return cls(*bundle.read(path))

    def save(self, path: "str | os.PathLike[str]") -> None:
        """Write the detector to one file, whole or not at all.

        Args:
            path: Where to; the usual suffix is `.detector`.

        Raises:
            OutputError: The place cannot be written.

        Examples:
            >>> detector.save("mine.detector")
        """
        bundle.write(Path(path), self.card, self.runtime)

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
        if hasattr(pictures, "paths"):
            return self._predict_all(list(pictures.paths))
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
            float64 `(n, classes)`; rows sum to 1.

        Examples:
            >>> detector.probabilities(np.zeros((2, 32, 32, 3), np.uint8)).shape
            (2, 9)
        """
        parts = [softmax(self.runtime.run(pixels[at : at + _BATCH]).logits) for at in range(0, len(pixels), _BATCH)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.classes)))

    def evaluate(
        self, data: "Dataset | Part", *, seen: Literal["set aside", "keep"] = "set aside", seed: int = 123
    ) -> "Evaluation":
        """Measure the detector on pictures that it has not seen.

        Args:
            data: A split, or a dataset: then its test split.
            seen: What to do with pictures that the detector was trained or calibrated on: set them aside with a warning,
                or keep them (for the figures of training and validation, which are too good to quote).
            seed: Where the bootstrap's draws come from.

        Returns:
            The figures, each with a 95 % interval.

        Raises:
            DetectorError: No picture is left, or the classes are not the detector's.

        Warns:
            DataWarning: Pictures are set aside because the detector has seen them.

        Examples:
            >>> detector.evaluate(data.test).classes == detector.classes
            True
        """
        from melanoma_detect.learning.evaluation import evaluate  # noqa: PLC0415 - a thin door: imports pandas

        return evaluate(self, data, seen=seen, seed=seed)

    def _predict_all(self, pictures: list[Picture]) -> list[Prediction]:
        predictions: list[Prediction] = []
        for at in range(0, len(pictures), _BATCH):
            chosen = pictures[at : at + _BATCH]
            rows = self.probabilities(read_many(chosen, self.image_size, self.card.resize))
            named = zip(rows, chosen, strict=True)
            predictions += [decide(row, self.classes, self.operating_point, name_of(picture)) for row, picture in named]
        return predictions


def _is_one(pictures: Picture | Iterable[Picture]) -> TypeGuard[Picture]:
    """Return whether this is one picture: not several in a list, an iterator or a batch."""
    if isinstance(pictures, np.ndarray):
        return pictures.ndim != 4
    return isinstance(pictures, (str, bytes, os.PathLike)) or hasattr(pictures, "read") or hasattr(pictures, "convert")
