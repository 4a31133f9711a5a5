"""The detector: a trained model with its operating point; its methods import the packages that do the work when called."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from melanoma_detect.errors import DetectorError
from melanoma_detect.explain.detector_explanations import DetectorExplanations
from melanoma_detect.inference import bundle
from melanoma_detect.inference.bundle import Engine
from melanoma_detect.inference.config import DetectorConfig, Settings
from melanoma_detect.inference.deprecated import deprecated_attribute
from melanoma_detect.inference.detector_properties import DetectorProperties
from melanoma_detect.inference.files import Files
from melanoma_detect.inference.image_types import ImageType
from melanoma_detect.inference.operating_points import Target
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.runtime import Runtime
from melanoma_detect.inference.signing_keys import default_trusted_keys
from melanoma_detect.utils.deprecation import renamed_keywords
from melanoma_detect.utils.disclaimer import log_terms
from melanoma_detect.utils.keyword_arguments import needs_keywords
from melanoma_detect.utils.progress import progress_bar

if TYPE_CHECKING:
    from melanoma_detect.data.dataset import Dataset
    from melanoma_detect.data.split import Split
    from melanoma_detect.evaluation.evaluate import Seen
    from melanoma_detect.evaluation.evaluation import Evaluation
    from melanoma_detect.evaluation.external import ExternalValidation, Sets
    from melanoma_detect.export.export import Images
    from melanoma_detect.export.exported import Exported, ExportFormat, Precision
    from melanoma_detect.inference.signatures import TrustedKeys
    from melanoma_detect.similar.make import Cases
    from melanoma_detect.training.recipes import Recipe


class Detector(DetectorExplanations, DetectorProperties):
    """A trained model with the threshold at which it alerts to melanoma.

    Train one with `Detector.fit`, or load a saved one with `Detector.load`. Several threads may use one detector at once.

    Args:
        config: The classes, image size, calibration, and how the model was trained.
        runtime: Runs the model.
        files: The model's files.
        settings: How the detector is used; None for the configuration's own settings.

    Attributes:
        predictor: The model with its calibration, for code that needs arrays rather than `Prediction`s.

    Examples:
        >>> detector.predict(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").decision in ("alert", "clear", "refer")
        True
    """

    def __init__(
        self, config: DetectorConfig, runtime: Runtime, files: Files | None = None, settings: Settings | None = None
    ) -> None:
        self.predictor = Predictor(config, runtime, files, settings)

    __getattr__ = deprecated_attribute

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
        callbacks: "Sequence[Any] | None" = None,
    ) -> Self:
        """Train a model and calibrate it on the validation split, which also sets its alert threshold.

        Args:
            model: From `build_model`; it is trained in place, and its input shape decides the size of the images.
            data: From `load_dataset`, balanced or not; its test split is not used.
            epochs: The largest number of epochs; early stopping ends training when the validation loss no longer falls.
            recipe: The training recipe: `"assignment"`, `"default"`, `"strong"`, or a `Recipe`.
            sensitivity: The share of validation melanomas that must raise an alert, over 0 and under 1. With fewer melanomas
                than it needs (19 lesions for 0.95), the detector refers every image.
            seed: Seeds the order of the images and their augmentation.
            progress: Draw a progress bar.
            checkpoint: A folder for a checkpoint after each epoch, or None; one complete file, which stays after training.
            resume: Continue from that checkpoint, if there is one, to the same result. Other arguments must be as before.
            devices: None for one device; `"auto"` for every available accelerator, over all processes; or their number.
            callbacks: Keras callbacks, such as `keras.callbacks.CSVLogger("log.csv")`; they run before the library's own.

        Returns:
            The detector.

        Raises:
            DetectorError: Model, data, checkpoint, devices or callbacks do not match, a split is empty, or training diverged.
            LeakError: The model was trained before on images of this validation split; build a new one.
            KeyboardInterrupt: Ctrl-C; its note says which epochs were kept, and how to go on.
            OutputError: The checkpoint cannot be written.

        Warns:
            DataWarning: No class is melanoma, or validation shows too few melanomas: the detector then has no threshold.

        Examples:
            >>> model = md.build_model("cnn", num_classes=len(data.classes), input_shape=(32, 32, 3))
            >>> Detector.fit(model, data, epochs=1, progress=False)
            <Detector cnn: 9 classes at 32×32>
        """
        from melanoma_detect.training.fit import fit  # noqa: PLC0415 - imports Keras
        from melanoma_detect.training.options import FitOptions  # noqa: PLC0415 - only training needs it
        from melanoma_detect.training.recipes import find_recipe  # noqa: PLC0415 - only training needs it

        kept: Any = {"checkpoint": checkpoint, "resume": resume, "devices": devices, "progress": progress}
        chosen: Any = {"recipe": find_recipe(recipe), "callbacks": callbacks}
        return cls(*fit(model, data, FitOptions(epochs=epochs, sensitivity=sensitivity, seed=seed, **chosen, **kept)))

    @classmethod
    def load(
        cls,
        path: "str | os.PathLike[str] | None" = None,
        *,
        engine: Engine | None = None,
        threads: int | None = None,
        providers: Sequence[str] | None = None,
        trusted_keys: "TrustedKeys | None" = None,
    ) -> Self:
        """Load a saved detector, and check that it is whole and gives the same probabilities as where it was saved.

        Args:
            path: The file, or its run folder; None for the default detector (weights under CC BY-NC 4.0, logged once).
            engine: `"onnx"` (needs no Keras) or `"keras"`; None for the first that the file holds.
            threads: How many threads one call may use; None for every core.
            providers: ONNX Runtime's execution providers; None for CUDA if it is available, then the CPU.
            trusted_keys: Ed25519 public keys (PEM files, bytes, or keys of `cryptography`), one of which must have signed the
                file; None for those in `MELANOMA_DETECT_TRUSTED_KEYS`, if it is set. Needs the extra `sign`.

        Returns:
            The detector.

        Raises:
            DetectorError: There is no such file, it is damaged, changed or not signed, or gives other probabilities here.

        Examples:
            >>> Detector.load().predict(isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").decision in ("alert", "refer")
            True
        """
        keys = default_trusted_keys() if trusted_keys is None else trusted_keys
        read = bundle.read(path, engine=engine, threads=threads, providers=providers, trusted_keys=keys)
        if path is None:
            log_terms()
        return cls(*read)

    @needs_keywords("sensitivity")
    def at(
        self,
        *,
        sensitivity: float | None = None,
        target: Target | None = None,
        views: int | None = None,
        coverage: float | None = None,
        image_type: ImageType | Literal["auto"] | None = None,
    ) -> Self:
        """Return a detector with the same model and other settings; None keeps a setting as it is.

        Args:
            sensitivity: The share of the target that must raise an alert, over 0 and under 1.
            target: `"melanoma"` (what else is likely malignant is referred), or `"malignant"` to alert to any malignancy.
            views: Test-time augmentation: 1, 4 or 8 views of each image, mirrored and rotated, whose outputs are averaged.
            coverage: The share of prediction sets that hold the true diagnosis (conformal prediction): 0.8, 0.9, 0.95 or 0.99.
            image_type: `"dermoscopy"`, `"clinical"` (photographs without a dermatoscope), or `"auto"`: the detector tells.

        Returns:
            A detector that shares the model with this one.

        Raises:
            DetectorError: Validation cannot support this operating point, or no calibration was fitted for it.

        Examples:
            >>> print(detector.at(sensitivity=0.6).operating_point)
            alert from ...: set for 60% sensitivity for melanoma; on validation it finds ...
        """
        used = self.predictor.at(
            sensitivity=sensitivity, target=target, views=views, coverage=coverage, image_type=image_type
        )
        return type(self)(used.config, used.runtime, used.files, used.settings)

    @overload
    def evaluate(
        self,
        data: "Dataset | Split",
        *,
        seen: "Seen" = ...,
        shortcuts: bool = ...,
        seed: int = ...,
        progress: bool = ...,
    ) -> "Evaluation": ...
    @overload
    def evaluate(
        self, data: "Sets", *, seen: "Seen" = ..., shortcuts: bool = ..., seed: int = ..., progress: bool = ...
    ) -> "ExternalValidation": ...
    def evaluate(
        self,
        data: "Dataset | Split | Sets",
        *,
        seen: "Seen" = "set aside",
        shortcuts: bool = False,
        seed: int = 123,
        progress: bool = True,
    ) -> "Evaluation | ExternalValidation":
        """Evaluate the detector on images that it was not trained on.

        Args:
            data: A split, or a dataset: then its test split. For external validation several of them: a list, or by name.
            seen: `"set aside"` excludes images that it was trained or calibrated on, with a warning; `"keep"` includes them.
            shortcuts: Also test for shortcut learning: with the lesion covered, with shuffled pixels, and blurred.
            seed: Seeds the bootstrap.
            progress: Draw a progress bar where it takes more than two seconds.

        Returns:
            The metrics, each with its 95 % confidence interval; for several sets an `ExternalValidation`, with a row for each.

        Raises:
            DetectorError: No image is left, or no label says anything about the detector's classes, melanoma or malignancy.
                Of several sets one such set is no error: `ExternalValidation.problems` gives the reason.

        Warns:
            DataWarning: Images are excluded because the detector was trained or calibrated on them.

        Examples:
            >>> list(detector.evaluate({"here": data.test, "there": data.test}).evaluations)
            ['here', 'there']
        """
        from melanoma_detect.evaluation.external import evaluate_all  # noqa: PLC0415 - imports pandas

        with progress_bar("evaluating", shown=progress):
            return evaluate_all(self.predictor, data, seen=seen, shortcuts=shortcuts, seed=seed)

    def localize(
        self,
        data: "Dataset | Split",
        *,
        sensitivity: float | None = None,
        target: Target | None = None,
        seed: int = 123,
        progress: bool = True,
    ) -> Self:
        """Calibrate the detector on a clinic's own labelled images, without training it.

        Args:
            data: At least 50 images that it was not trained on: a split, or a dataset, of which the test split stays unused.
            sensitivity: The share of the target that must raise an alert; None for the detector's own.
            target: `"melanoma"` or `"malignant"`; None for the detector's own.
            seed: Seeds the folds of the cross-validation.
            progress: Draw a progress bar where it takes more than two seconds.

        Returns:
            A detector with the same model. Its model card says what was set, what was refused, and how good it was and is.

        Raises:
            DetectorError: The images are too few, they all have one label, or no label is one of the detector's.

        Warns:
            DataWarning: Images are set aside, such as those that it was trained on.
            DetectorWarning: A threshold that stays in force does not hold on these images.

        Examples:
            >>> detector.localize(md.load_dataset(md.write_samples("clinic", train=10, size=64, seed=9), validation=0))
            <Detector cnn, localised on clinic: 9 classes at 32×32>
        """
        from melanoma_detect.training.localize import localize  # noqa: PLC0415 - imports SciPy

        with progress_bar("localizing", shown=progress):
            used = localize(self.predictor, data, sensitivity=sensitivity, target=target, seed=seed)
        return type(self)(used.config, used.runtime, used.files, used.settings)

    @renamed_keywords(pictures="images")
    def export(
        self,
        format: "ExportFormat",  # noqa: A002 - Keras's own word for it
        path: "str | os.PathLike[str]",
        *,
        precision: "Precision" = "float32",
        images: "Images" = None,
        similar: "Cases | None" = None,
        thumbnails: bool = False,
        overwrite: bool = False,
    ) -> "Exported":
        """Write the model in a format for other programs, and compare its outputs with the detector's.

        It takes images at `image_size` and returns `logits` and `features`. `detector.json` (classes, resize, threshold) is in
        ONNX's metadata, after LiteRT's model, or in a SavedModel's `assets.extra`.

        Args:
            format: `"onnx"`, `"litert"` (TensorFlow Lite), `"saved_model"` (a folder), or `"page"`: HTML for a browser.
            path: The file or folder to write.
            precision: `"float32"`, or `"int8"` for ONNX: a quarter of the size, but its thresholds must be set again.
            images: The images to compare outputs on: a dataset (its test split), a split, or images; None for drawn lesions.
                `"int8"` needs images, since it is also calibrated on them: on a dataset's training split, or on all of them.
            similar: For `"page"`: a dataset, a split or an index whose nearest cases the page shows for each image. The page
                then holds features, hashes and labels of all these cases, but neither names nor images.
            thumbnails: The page also holds a small picture of each of these cases, for whoever gets the page.
            overwrite: Replace a file, or a SavedModel, that is there.

        Returns:
            The exported model: its size, the largest difference in probability, for `"int8"` the loss of balanced accuracy.

        Raises:
            MelanomaDetectError: The format or images cannot be used, the model cannot be exported, or differs by over 2e-4;
                OutputError: the file or folder exists or cannot be written.

        Examples:
            >>> detector.export("onnx", "small.onnx", precision="int8", images=data).loss < 0.2
            True
        """
        if format == "page":
            from melanoma_detect.export.page_file import export_page  # noqa: PLC0415

            cases: Any = {"similar": similar, "thumbnails": thumbnails}
            return export_page(self.predictor, path, precision=precision, images=images, overwrite=overwrite, **cases)
        if similar is not None or thumbnails:
            raise DetectorError(f"similar: {format!r} holds no cases; expected format='page'")
        from melanoma_detect.export.export import export  # noqa: PLC0415 - imports Keras

        return export(self.predictor, format, path, precision=precision, images=images, overwrite=overwrite)
