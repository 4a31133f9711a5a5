"""The detector: a trained model with its threshold, in use."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from melanoma_detect.errors import DetectorError
from melanoma_detect.images.reader import Picture
from melanoma_detect.inference import bundle
from melanoma_detect.inference.bundle import Engine
from melanoma_detect.inference.model_card import model_card
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.utils.disclaimer import name_terms

if TYPE_CHECKING:
    import pandas as pd

    from melanoma_detect.data.dataset import Dataset, Part
    from melanoma_detect.evaluation.evaluation import Evaluation
    from melanoma_detect.explain.explain import Explanation, Method
    from melanoma_detect.export.export import Exported, Pictures, Precision
    from melanoma_detect.export.tensorflow import Format
    from melanoma_detect.training.recipes import Recipe


class Detector(Predictor):
    """A trained model that reads pictures, with the threshold at which it alerts to melanoma.

    Make one with `Detector.fit`, or `Detector.load` one that was saved. Several threads may use one at once.

    Args:
        card: What the model's numbers mean and where they come from.
        runtime: What runs the model.
        files: The model's files and what else is saved with it.
        settings: How it is used; the card's own where it is None.

    Examples:
        >>> detector.predict(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").decision in ("alert", "clear", "refer")
        True
    """

    @property
    def model_card(self) -> str:
        """The model card, as Markdown: what it is for, what it learnt from, how good it is, where it fails."""
        return model_card(replace(self.card, settings=self.settings))

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
            sensitivity: The share of validation melanomas that must raise an alert, over 0 and under 1. Where validation shows
                too few for it (19 lesions for 0.95), the detector refers every picture.
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
            DataWarning: No class is melanoma, or validation shows too few: the detector then has no threshold.

        Examples:
            >>> model = md.build_model("cnn", num_classes=len(data.classes), input_shape=(32, 32, 3))
            >>> Detector.fit(model, data, epochs=1, progress=False)
            <Detector cnn: 9 classes at 32×32>
        """
        from melanoma_detect.training.fit import fit  # noqa: PLC0415 - a thin door: imports Keras

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
    def load(
        cls,
        path: "str | os.PathLike[str] | None" = None,
        *,
        engine: Engine | None = None,
        threads: int | None = None,
        providers: Sequence[str] | None = None,
    ) -> "Detector":
        """Load a detector; its golden pictures are run and must give the answers that they gave where it was saved.

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
        card, runtime, files = bundle.read(path, engine=engine, threads=threads, providers=providers)
        if path is None:
            name_terms()
        return cls(card, runtime, files)

    def save(self, path: "str | os.PathLike[str]") -> None:
        """Write the detector to one file, whole or not at all.

        Args:
            path: Where to; the usual suffix is `.detector`.

        Raises:
            OutputError: The place cannot be written.

        Examples:
            >>> detector.save("mine.detector")
        """
        bundle.write(Path(path), replace(self.card, settings=self.settings), self.files, self.runtime)

    def keras_model(self) -> Any:
        """Return the model as Keras knows it: to train it on, or for what ONNX Runtime cannot do. Imports Keras.

        Returns:
            A `keras.Model`.

        Raises:
            DetectorError: The detector was saved without it.

        Examples:
            >>> detector.keras_model().output_shape
            (None, 9)
        """
        from melanoma_detect.inference.keras_runtime import KerasRuntime, model_of  # noqa: PLC0415 - imports Keras

        if isinstance(self.runtime, KerasRuntime):
            return self.runtime.model
        if self.files.keras is None:
            raise DetectorError(f"{self!r} has no Keras model in it, only one for ONNX Runtime")
        return model_of(self.files.keras(), self.card.architecture)

    def evaluate(
        self,
        data: "Dataset | Part",
        *,
        seen: Literal["set aside", "keep"] = "set aside",
        shortcuts: bool = False,
        seed: int = 123,
    ) -> "Evaluation":
        """Measure the detector on pictures that it has not seen.

        Args:
            data: A split, or a dataset: then its test split.
            seen: What to do with pictures that the detector was trained or calibrated on: set them aside with a warning,
                or keep them (for the figures of training and validation, which are too good to quote).
            shortcuts: Also ask it about the same pictures with the lesion covered, with their pixels shuffled, and blurred. A
                detector whose background-only melanoma AUC has a lower bound over 0.7 is named as taking a shortcut.
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
        from melanoma_detect.evaluation.evaluate import evaluate  # noqa: PLC0415 - a thin door: imports pandas

        return evaluate(self, data, seen=seen, shortcuts=shortcuts, seed=seed)

    def explain(
        self,
        photo: Picture,
        *,
        diagnosis: str | None = None,
        method: "Method" = "auto",
    ) -> "Explanation":
        """Show which parts of a picture speak for a diagnosis.

        Occlusion hides one part of the picture after the other and sees how the answer changes; it needs nothing but answers.
        Grad-CAM asks the Keras model's last maps, which are coarser; it is one call, but Keras must be imported.

        Args:
            photo: What `predict` takes, one picture.
            diagnosis: What to explain: a class, a name of the taxonomy, or `"malignant"`; None for the most probable class.
            method: `"occlusion"`, `"grad-cam"`, or `"auto"`: Grad-CAM where the detector holds a Keras model that has maps.

        Returns:
            The explanation: heat over the picture, and a sentence on where it lies.

        Raises:
            DetectorError: The detector does not know the diagnosis, or holds no Keras model with maps and must use Grad-CAM.
            ImageError: The picture cannot be read.

        Examples:
            >>> explanation = detector.explain(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg", diagnosis="melanoma")
            >>> explanation.method, explanation.heat.shape
            ('grad-cam', (32, 32))
        """
        from melanoma_detect.explain.explain import explain  # noqa: PLC0415 - a thin door

        return explain(self, photo, diagnosis=diagnosis, method=method)

    def export(
        self,
        format: "Format",  # noqa: A002 - Keras's own word for it
        path: "str | os.PathLike[str]",
        *,
        precision: "Precision" = "float32",
        pictures: "Pictures" = None,
    ) -> "Exported":
        """Write the model alone in a format that other programs run, and measure how well it stands for the detector.

        It takes pictures at `image_size` and gives `logits` and `features`; `detector.json` with the classes, the resizing and
        the thresholds goes with it (in ONNX's metadata, after LiteRT's model, in a SavedModel's `assets.extra`).

        Args:
            format: `"onnx"`, `"litert"` (TensorFlow Lite) or `"saved_model"` (TensorFlow; a folder).
            path: Where to; whole or absent.
            precision: `"float32"`, or `"int8"` for ONNX: about a quarter of the size. It answers a little differently, so that
                thresholds have to be set anew: its `detector.json` has none.
            pictures: What its answers are compared on: a dataset (its test split), a split, or pictures; drawn lesions where
                it is None. `"int8"` needs them: a dataset's training split, or what else was given, also calibrates it.

        Returns:
            What was written: its size, the largest difference in probability, and for `"int8"` the loss of balanced accuracy.

        Raises:
            DetectorError: The format or the pictures cannot be used, the detector holds no Keras model to make that format
                from, or the answers in float32 differ from the detector's by more than 2e-4 in a probability.
            ModelError: The model cannot be exported.
            OutputError: The place cannot be written, or is a folder that is not empty.

        Examples:
            >>> detector.export("onnx", "small.onnx", precision="int8", pictures=data).loss < 0.2
            True
        """
        from melanoma_detect.export.export import export  # noqa: PLC0415 - a thin door: imports Keras

        return export(self, format, path, precision=precision, pictures=pictures)

    def measured(self, *evaluations: "Evaluation") -> "Detector":
        """Return the same detector with figures on its card, which is what its model card quotes.

        Args:
            *evaluations: From `evaluate`, of one split each.

        Returns:
            A detector that shares the model with this one.

        Examples:
            >>> list(detector.measured(detector.evaluate(data.test)).card.figures)
            ['test']
        """
        figures = self.card.figures | {found.split: found.to_dict() for found in evaluations}
        return Detector(replace(self.card, figures=figures), self.runtime, self.files, self.settings)
