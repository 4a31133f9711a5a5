"""The detector: a trained model with its threshold, in use. Its methods call downwards and import what they need."""

import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from melanoma_detect.images.reader import ImageLike
from melanoma_detect.inference import bundle
from melanoma_detect.inference.bundle import Engine, Files
from melanoma_detect.inference.config import DetectorConfig, Settings
from melanoma_detect.inference.model_card import model_card
from melanoma_detect.inference.operating_points import OperatingPoint, Target
from melanoma_detect.inference.prediction import Prediction
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.runtime import Runtime
from melanoma_detect.utils.disclaimer import name_terms

if TYPE_CHECKING:
    import pandas as pd

    from melanoma_detect.data.dataset import Dataset, Split
    from melanoma_detect.evaluation.evaluation import Evaluation
    from melanoma_detect.explain.explain import Explanation, Method
    from melanoma_detect.export.export import Exported, Images, Precision
    from melanoma_detect.export.tensorflow import Format
    from melanoma_detect.training.recipes import Recipe

# Old names of the detector's internals, each with the attribute of the predictor that took its place. They go in 0.3.
_MOVED = {
    "answer": "predict_inputs",
    "card": "config",
    "files": "files",
    "judge": "predict_batch",
    "keras_model": "keras_model",
    "look": "preprocess",
    "measured": "with_metrics",
    "probabilities": "probabilities",
    "runtime": "runtime",
    "settings": "settings",
    "threaded": "with_threads",
}


class Detector:
    """A trained model that reads images, with the threshold at which it alerts to melanoma.

    Make one with `Detector.fit`, or `Detector.load` one that was saved. Several threads may use one at once.

    Args:
        config: What the model's numbers mean and where they come from.
        runtime: What runs the model.
        files: The model's files and what else is saved with it.
        settings: How it is used; the configuration's own where it is None.

    Attributes:
        predictor: The model with its calibration: what runs the detector, for those who build upon it.

    Examples:
        >>> detector.predict(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").decision in ("alert", "clear", "refer")
        True
    """

    def __init__(
        self, config: DetectorConfig, runtime: Runtime, files: Files | None = None, settings: Settings | None = None
    ) -> None:
        self.predictor = Predictor(config, runtime, files, settings)

    def __repr__(self) -> str:
        return f"<Detector {self.predictor.description}>"

    def __getattr__(self, name: str) -> Any:
        if name not in _MOVED:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        new = _MOVED[name]
        warnings.warn(f"Detector.{name} is now Detector.predictor.{new}", DeprecationWarning, stacklevel=2)
        if name == "measured":
            return lambda *found: self._using(self.predictor.with_metrics({one.split: one.to_dict() for one in found}))
        if name == "threaded":
            return lambda threads: self._using(self.predictor.with_threads(threads))
        return getattr(self.predictor, new)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of the model's outputs."""
        return self.predictor.classes

    @property
    def image_size(self) -> tuple[int, int]:
        """`(height, width)` in pixels that images are read at."""
        return self.predictor.image_size

    @property
    def operating_point(self) -> OperatingPoint | None:
        """Where the detector alerts; None where validation showed no melanoma, or too few for this sensitivity."""
        return self.predictor.operating_point

    @property
    def model_card(self) -> str:
        """The model card, as Markdown: what it is for, what it learnt from, how good it is, where it fails."""
        return model_card(self.predictor.saved_config)

    @property
    def history(self) -> "pd.DataFrame":
        """The training, one row an epoch: epoch, loss, accuracy, val_loss, val_accuracy, seconds."""
        import pandas as pd

        history = self.predictor.config.history
        return pd.DataFrame(history).astype({"epoch": int} if history else {})

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
    ) -> Self:
        """Train a model, then set its alert threshold on the validation split.

        Args:
            model: From `build_model`; it is trained in place, and its input shape decides the size of the images.
            data: From `load_dataset`, balanced or not; its test split is not touched.
            epochs: How many epochs at most; training stops early where the validation loss does not fall any more.
            recipe: How to train: `"assignment"`, `"default"`, `"strong"`, or a `Recipe`.
            sensitivity: The share of validation melanomas that must raise an alert, over 0 and under 1. Where validation shows
                too few for it (19 lesions for 0.95), the detector refers every image.
            seed: Where the order of the images and their augmentation come from.
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
            ImageError: An image cannot be decoded; the message names it.
            OutputError: The checkpoint cannot be written.

        Warns:
            DataWarning: No class is melanoma, or validation shows too few: the detector then has no threshold.

        Examples:
            >>> model = md.build_model("cnn", num_classes=len(data.classes), input_shape=(32, 32, 3))
            >>> Detector.fit(model, data, epochs=1, progress=False)
            <Detector cnn: 9 classes at 32×32>
        """
        from melanoma_detect.training.fit import fit  # noqa: PLC0415 - a thin door: imports Keras

        trained = fit(
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
        return cls(*trained)

    @classmethod
    def load(
        cls,
        path: "str | os.PathLike[str] | None" = None,
        *,
        engine: Engine | None = None,
        threads: int | None = None,
        providers: Sequence[str] | None = None,
    ) -> Self:
        """Load a detector; its golden images are run and must give the answers that they gave where it was saved.

        Args:
            path: The file, or the run folder that holds it; None for the default detector, which comes with the library. Its
                weights have terms of their own (CC BY-NC 4.0), which are logged once.
            engine: `"onnx"` (no TensorFlow and no Keras) or `"keras"`; ONNX Runtime where the file has a model for it, if None.
            threads: How many threads one call may use; every core where it is None.
            providers: ONNX Runtime's execution providers; those that are there, CUDA first, where it is None.

        Returns:
            The detector.

        Raises:
            DetectorError: There is no such file, it is no detector that this version reads, or it answers otherwise here than
                where it was saved.

        Examples:
            >>> detector.save("mine.detector")
            >>> Detector.load("mine.detector", threads=1)
            <Detector cnn: 9 classes at 32×32>
            >>> Detector.load().predict(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").decision in ("alert", "refer")
            True
        """
        config, runtime, files = bundle.read(path, engine=engine, threads=threads, providers=providers)
        if path is None:
            name_terms()
        return cls(config, runtime, files)

    def save(self, path: "str | os.PathLike[str]") -> None:
        """Write the detector to one file, whole or not at all.

        Args:
            path: Where to; the usual suffix is `.detector`.

        Raises:
            OutputError: The place cannot be written.

        Examples:
            >>> detector.save("mine.detector")
        """
        self.predictor.save(Path(path))

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
            views: Test-time augmentation: 1, 4 or 8 views of each image (mirrored, and turned by right angles), averaged.
            coverage: The share of prediction sets that hold the true diagnosis: 0.8, 0.9, 0.95 or 0.99.

        Returns:
            A detector that shares the model with this one.

        Raises:
            DetectorError: The validation images cannot support this operating point, or the detector was not calibrated so.

        Examples:
            >>> print(detector.at(sensitivity=0.6).operating_point)
            alert from ...: set for 60% sensitivity for melanoma; on validation it finds ...
            >>> detector.at(views=4).predict(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").source[-17:]
            'melanoma_5000.jpg'
        """
        return self._using(self.predictor.at(sensitivity=sensitivity, target=target, views=views, coverage=coverage))

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
        return self.predictor.predict(images)

    def evaluate(
        self,
        data: "Dataset | Split",
        *,
        seen: Literal["set aside", "keep"] = "set aside",
        shortcuts: bool = False,
        seed: int = 123,
    ) -> "Evaluation":
        """Measure the detector on images that it has not seen.

        Args:
            data: A split, or a dataset: then its test split.
            seen: What to do with images that the detector was trained or calibrated on: set them aside with a warning,
                or keep them (for the figures of training and validation, which are too good to quote).
            shortcuts: Also ask it about the same images with the lesion covered, with their pixels shuffled, and blurred. A
                detector whose background-only melanoma AUC has a lower bound over 0.7 is named as taking a shortcut.
            seed: Where the bootstrap's draws come from.

        Returns:
            The figures, each with a 95 % interval.

        Raises:
            DetectorError: No image is left, or the classes are not the detector's.

        Warns:
            DataWarning: Images are set aside because the detector has seen them.

        Examples:
            >>> detector.evaluate(data.test).classes == detector.classes
            True
        """
        from melanoma_detect.evaluation.evaluate import evaluate  # noqa: PLC0415 - a thin door: imports pandas

        return evaluate(self.predictor, data, seen=seen, shortcuts=shortcuts, seed=seed)

    def explain(
        self,
        image: ImageLike,
        *,
        diagnosis: str | None = None,
        method: "Method" = "auto",
    ) -> "Explanation":
        """Show which parts of an image speak for a diagnosis.

        Occlusion hides one part of the image after the other and sees how the answer changes; it needs nothing but answers.
        Grad-CAM asks the Keras model's last maps, which are coarser; it is one call, but Keras must be imported.

        Args:
            image: What `predict` takes, one image.
            diagnosis: What to explain: a class, a name of the taxonomy, or `"malignant"`; None for the most probable class.
            method: `"occlusion"`, `"grad-cam"`, or `"auto"`: Grad-CAM where the detector holds a Keras model that has maps.

        Returns:
            The explanation: heat over the image, and a sentence on where it lies.

        Raises:
            DetectorError: The detector does not know the diagnosis, or holds no Keras model with maps and must use Grad-CAM.
            ImageError: The image cannot be read.

        Examples:
            >>> explanation = detector.explain(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg", diagnosis="melanoma")
            >>> explanation.method, explanation.heat.shape
            ('grad-cam', (32, 32))
        """
        from melanoma_detect.explain.explain import explain  # noqa: PLC0415 - a thin door

        return explain(self.predictor, image, diagnosis=diagnosis, method=method)

    def export(
        self,
        format: "Format",  # noqa: A002 - Keras's own word for it
        path: "str | os.PathLike[str]",
        *,
        precision: "Precision" = "float32",
        images: "Images" = None,
    ) -> "Exported":
        """Write the model alone in a format that other programs run, and measure how well it stands for the detector.

        It takes images at `image_size` and gives `logits` and `features`; `detector.json` with the classes, the resizing and
        the thresholds goes with it (in ONNX's metadata, after LiteRT's model, in a SavedModel's `assets.extra`).

        Args:
            format: `"onnx"`, `"litert"` (TensorFlow Lite) or `"saved_model"` (TensorFlow; a folder).
            path: Where to; whole or absent.
            precision: `"float32"`, or `"int8"` for ONNX: about a quarter of the size. It answers a little differently, so that
                thresholds have to be set anew: its `detector.json` has none.
            images: What its answers are compared on: a dataset (its test split), a split, or images; drawn lesions where
                it is None. `"int8"` needs them: a dataset's training split, or what else was given, also calibrates it.

        Returns:
            What was written: its size, the largest difference in probability, and for `"int8"` the loss of balanced accuracy.

        Raises:
            DetectorError: The format or the images cannot be used, the detector holds no Keras model to make that format
                from, or the answers in float32 differ from the detector's by more than 2e-4 in a probability.
            ModelError: The model cannot be exported.
            OutputError: The place cannot be written, or is a folder that is not empty.

        Examples:
            >>> detector.export("onnx", "small.onnx", precision="int8", images=data).loss < 0.2
            True
        """
        from melanoma_detect.export.export import export  # noqa: PLC0415 - a thin door: imports Keras

        return export(self.predictor, format, path, precision=precision, images=images)

    def _using(self, predictor: Predictor) -> Self:
        return type(self)(predictor.config, predictor.runtime, predictor.files, predictor.settings)
