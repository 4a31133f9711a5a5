"""What a detector that only predicts needs: its name, classes, image size, operating point and model card, and its file."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, overload

from melanoma_detect.images.reader import ImageLike
from melanoma_detect.inference.model_card import model_card
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.inference.prediction import Prediction, Predictions
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.utils.deprecation import renamed_keywords
from melanoma_detect.utils.notebook import notebook_view

if TYPE_CHECKING:
    import pandas as pd

    from melanoma_detect.inference.signatures import SignKey


class DetectorProperties:
    """The properties of a `Detector`, its predictions, and how it is saved.

    Attributes:
        predictor: The model with its calibration.
    """

    predictor: Predictor

    _repr_html_ = notebook_view

    def __repr__(self) -> str:
        return f"<Detector {self.predictor.description}>"

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the order of the model's outputs."""
        return self.predictor.classes

    @property
    def image_size(self) -> tuple[int, int]:
        """`(height, width)` in pixels that images are read at."""
        return self.predictor.image_size

    @property
    def operating_point(self) -> OperatingPoint | None:
        """The threshold for alerts; None where validation showed no melanoma, or too few for this sensitivity.

        Of a detector that recognises the type of an image it is the threshold for dermoscopy; `at(image_type="clinical")` has
        that for clinical photographs.
        """
        return self.predictor.operating_point

    @property
    def model_card(self) -> str:
        """The model card as Markdown: intended use, training data, operating points, metrics, limitations."""
        return model_card(self.predictor.saved_config)

    @property
    def history(self) -> "pd.DataFrame":
        """The training history, one row an epoch: epoch, loss, accuracy, val_loss, val_accuracy, seconds."""
        import pandas as pd

        history = self.predictor.config.history
        return pd.DataFrame(history).astype({"epoch": int} if history else {})

    @overload
    def predict(self, images: ImageLike) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, images: Iterable[ImageLike]) -> Predictions: ...
    @renamed_keywords("Detector.predict", pictures="images")
    def predict(self, images: ImageLike | Iterable[ImageLike]) -> Prediction | Predictions:
        """Predict the diagnosis of one image or several, and whether to alert.

        Args:
            images: A path, the bytes of a file, an open binary file, a PIL image, an array or tensor `(height, width, 3)`, as
                `images.reader.read_pixels` takes it; or several of them, a batch `(n, height, width, 3)`, or a split.

        Returns:
            A `Prediction` for one image; for several `Predictions`, a list of them.

        Raises:
            ImageError: An image cannot be read; the message names it.

        Examples:
            >>> len(detector.predict(sorted((isic9 / "Test" / "nevus").glob("*.jpg"))))
            4
        """
        return self.predictor.predict(images)

    def save(
        self, path: "str | os.PathLike[str]", *, overwrite: bool = False, sign_key: "SignKey | None" = None
    ) -> None:
        """Write the detector to one file, whole or not at all.

        Args:
            path: The file to write; the usual suffix is `.detector`.
            overwrite: Replace a file that is there.
            sign_key: An Ed25519 private key (a PEM file, bytes, or a key of `cryptography`), with which the file is signed:
                `Detector.load(trusted_keys=...)` then tells who wrote it. Needs the extra `sign`.

        Raises:
            OutputError: The file exists, or cannot be written.
            DetectorError: The key cannot be read.

        Examples:
            >>> detector.save("mine.detector")
            >>> md.Detector.load("mine.detector", threads=1)
            <Detector cnn: 9 classes at 32×32>
        """
        self.predictor.save(path, overwrite=overwrite, sign_key=sign_key)
