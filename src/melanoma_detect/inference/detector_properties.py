"""What a detector says of itself (name, classes, image size, operating point, model card), and its file."""

import os
from pathlib import Path

from melanoma_detect.inference.model_card import model_card
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.inference.predictor import Predictor


class DetectorProperties:
    """The properties of a `Detector`, and how it is saved.

    Attributes:
        predictor: The model with its calibration.
    """

    predictor: Predictor

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

    def save(self, path: "str | os.PathLike[str]", *, overwrite: bool = False) -> None:
        """Write the detector to one file, whole or not at all.

        Args:
            path: The file to write; the usual suffix is `.detector`.
            overwrite: Replace a file that is there.

        Raises:
            OutputError: The file exists, or cannot be written.

        Examples:
            >>> detector.save("mine.detector")
            >>> md.Detector.load("mine.detector", threads=1)
            <Detector cnn: 9 classes at 32×32>
        """
        self.predictor.save(Path(path), overwrite=overwrite)
