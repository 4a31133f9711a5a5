"""Types of image: dermoscopy, and clinical photographs, which are taken without a dermatoscope. NumPy only.

The two show a lesion so differently that one calibration does not fit both: `training.image_types` fits a classifier that tells
them apart by the model's features, and `DetectorConfig.clinical` holds what was calibrated on clinical photographs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.errors import DetectorError
from melanoma_detect.utils.arrays import Float32Array, Float64Array

ImageType: TypeAlias = Literal["dermoscopy", "clinical"]

IMAGE_TYPES: tuple[ImageType, ...] = ("dermoscopy", "clinical")
TYPE_NAMES: dict[ImageType, str] = {"dermoscopy": "dermoscopy image", "clinical": "clinical photograph"}
TYPE_PLURALS: dict[ImageType, str] = {"dermoscopy": "dermoscopy images", "clinical": "clinical photographs"}
COLUMN = "image_type"  # of a data set's table, as the ISIC archive and MILK10k name it
_UNKNOWN: Literal[""] = ""
# How published values of `image_type` begin. The ISIC archive and MILK10k write "dermoscopic", "clinical: close-up",
# "clinical: overview" and, for a tile of a total body photograph, "TBP tile: close-up".
_BEGINNINGS: dict[str, ImageType] = {
    "dermoscop": "dermoscopy",
    "dermatoscop": "dermoscopy",
    "clinical": "clinical",
    "tbp": "clinical",
}
_EPSILON = 1e-12  # keeps features of length 0 from dividing by zero


@dataclass(frozen=True, eq=False)
class ImageTypeClassifier:
    """Tells clinical photographs from dermoscopy by the model's features: logistic regression on features of length 1.

    Attributes:
        weights: float32 `(d,)`.
        bias: Added to the weighted sum.
    """

    weights: Float32Array
    bias: float

    def probability(self, features: Float32Array) -> Float64Array:
        """Return the probability that images are clinical photographs.

        Args:
            features: The model's features, `(n, d)`, of any length.

        Returns:
            `(n,)`, 0 to 1.

        Examples:
            >>> classifier = ImageTypeClassifier(np.array([2.0, -2.0], np.float32), 0.0)
            >>> classifier.probability(np.array([[3.0, 0.0], [0.0, 5.0]], np.float32)).round(2)
            array([0.88, 0.12])
        """
        return np.asarray(1 / (1 + np.exp(-self._scores(features))))

    def types(self, features: Float32Array) -> NDArray[np.str_]:
        """Return the more probable type of each image.

        Args:
            features: The model's features, `(n, d)`.

        Returns:
            `"dermoscopy"` or `"clinical"` for each image, `(n,)`.

        Examples:
            >>> classifier = ImageTypeClassifier(np.array([2.0, -2.0], np.float32), 0.0)
            >>> classifier.types(np.array([[3.0, 0.0], [0.0, 5.0]], np.float32)).tolist()
            ['clinical', 'dermoscopy']
        """
        return np.where(self._scores(features) > 0, "clinical", "dermoscopy")

    def _scores(self, features: Float32Array) -> Float64Array:
        lengths = np.sqrt(np.einsum("nd,nd->n", features, features, dtype=np.float64))
        with np.errstate(invalid="ignore", over="ignore"):  # the type of an image without numbers is asked by nobody
            return np.asarray(features @ self.weights / np.maximum(lengths, _EPSILON) + self.bias)


def parse_image_type(text: str) -> ImageType | Literal[""]:
    """Return the type of image that a value of a published `image_type` column means.

    Args:
        text: Such as `"dermoscopic"`, `"clinical: close-up"` or `"TBP tile: close-up"`.

    Returns:
        `"dermoscopy"` or `"clinical"`; empty for another type, such as confocal microscopy, and for an unknown one.

    Examples:
        >>> parse_image_type("Dermoscopic"), parse_image_type("TBP tile: close-up"), parse_image_type("RCM: mosaic")
        ('dermoscopy', 'clinical', '')
    """
    folded = text.strip().casefold()
    return next((known for beginning, known in _BEGINNINGS.items() if folded.startswith(beginning)), _UNKNOWN)


def recorded_type(metadata: Mapping[str, str]) -> ImageType | Literal[""]:
    """Return the type of an image that its row of a data set's table gives in the column `image_type`.

    Args:
        metadata: The row, by column.

    Returns:
        `"dermoscopy"` or `"clinical"`; empty where it is not recorded.

    Examples:
        >>> recorded_type({"image_type": "clinical: close-up"}), recorded_type({"age": "45"})
        ('clinical', '')
    """
    return parse_image_type(metadata.get(COLUMN, ""))


def check_image_type(image_type: str) -> ImageType:
    """Raise DetectorError unless a type of image is one of the two.

    Args:
        image_type: What a user gave.

    Returns:
        The type.

    Raises:
        DetectorError: It is another one.

    Examples:
        >>> check_image_type("clinical")
        'clinical'
    """
    for known in IMAGE_TYPES:
        if image_type == known:
            return known
    raise DetectorError(f"image_type={image_type!r}; expected one of {', '.join(map(repr, IMAGE_TYPES))}")
