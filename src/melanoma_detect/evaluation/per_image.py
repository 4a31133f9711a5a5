"""The single images of an evaluation: labels, probabilities, groups, decisions and records, as attributes and as a table."""

import functools
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from melanoma_detect.data.record import Record
from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.independent_units import IndependentUnits, find_units
from melanoma_detect.inference.image_types import IMAGE_TYPES, ImageType
from melanoma_detect.inference.operating_points import OperatingPoint, Target
from melanoma_detect.inference.prediction import Decision
from melanoma_detect.utils.arrays import Float64Array
from melanoma_detect.utils.deprecation import warn_renamed


class PerImage:
    """What an evaluation knows of each image.

    Attributes:
        per_image: The answers and true labels that everything is computed from.
        operating_point: The operating point of sensitivity and specificity; None if the detector has none.
        set_aside: The number of images set aside because the detector was trained on them or on their lesions.
        detector: A description of the detector.
        seen_in_training: The number of images that are evaluated although the detector has seen them in training.
    """

    per_image: Answers
    operating_point: OperatingPoint | None
    set_aside: int
    detector: str
    seen_in_training: int

    def __len__(self) -> int:
        return len(self.per_image)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the confusion matrix."""
        return self.per_image.classes

    @property
    def common_classes(self) -> tuple[str, ...]:
        """The classes that at least 20 images have as their label: those of `balanced_accuracy_common`."""
        return self.per_image.common_classes

    @property
    def target(self) -> Target:
        """What sensitivity, specificity and calibration are measured for: `"melanoma"` or `"malignant"`."""
        return self.per_image.target

    @property
    def labels(self) -> NDArray[np.int64]:
        """The true class of each image as a position in `classes`, `(n,)`; -1 for a label that is none of them."""
        return self.per_image.labels

    @property
    def probabilities(self) -> Float64Array:
        """The predicted probabilities, `(n, classes)`."""
        return self.per_image.probabilities

    @property
    def abstained(self) -> NDArray[np.bool_]:
        """Which images the detector abstained from, `(n,)`."""
        return self.per_image.abstained

    @property
    def groups(self) -> tuple[str, ...]:
        """The lesion that each image shows, `(n,)`."""
        return self.per_image.groups

    @property
    def records(self) -> tuple[Record, ...]:
        """The dataset's record of each image, `(n,)`; empty if unknown."""
        return self.per_image.records

    @property
    def ids(self) -> tuple[str, ...]:
        """The id of each image, `(n,)`; empty if unknown."""
        return tuple(record.id for record in self.records)

    @property
    def lesions(self) -> int:
        """The number of independent lesions (groups) that the images show."""
        return self.per_image.lesions

    @functools.cached_property
    def units(self) -> IndependentUnits:
        """What the intervals count as independent: lesions, patients or single images, and how many there are."""
        return find_units(self.groups, self.records)

    @property
    def melanoma_scores(self) -> Float64Array:
        """The predicted probability of melanoma of each image, `(n,)`."""
        return self.per_image.melanoma_scores

    @property
    def is_melanoma(self) -> NDArray[np.bool_]:
        """Which images show a melanoma, `(n,)`."""
        return self.per_image.is_melanoma

    @property
    def knows_melanoma(self) -> bool:
        """Deprecated: use `per_image.has_melanoma_class`."""
        warn_renamed("Evaluation.knows_melanoma", "Evaluation.per_image.has_melanoma_class")
        return self.per_image.has_melanoma_class

    @property
    def decisions(self) -> NDArray[np.str_]:
        """The decision for each image, `"alert"`, `"clear"` or `"refer"`, `(n,)`; all refer without an operating point."""
        refer: Decision = "refer"
        decisions = np.full(len(self), refer, dtype="<U5")
        if self.operating_point is not None:
            decisions[self.per_image.alerts(self.operating_point)] = "alert"
            decisions[self.per_image.cleared(self.operating_point)] = "clear"
        return decisions

    @property
    def operating_points_used(self) -> dict[ImageType | Literal[""], OperatingPoint]:
        """The operating points that these images were judged by, by their type: `"dermoscopy"` or `"clinical"`.

        The name is empty for a detector that judges all images alike. A type that no image has, or whose images are all
        referred, is left out.
        """
        if self.operating_point is None:
            return {}
        types = self.per_image.image_types
        if types is None:
            return {"": self.operating_point}
        found = {
            kind: types.point_of(kind, self.operating_point) for kind in IMAGE_TYPES if (types.types == kind).any()
        }
        return {kind: point for kind, point in found.items() if point is not None}

    @property
    def abstained_melanomas(self) -> int:
        """The number of melanomas that the detector abstained from: referred, neither true positives nor false negatives."""
        return int((self.abstained & self.is_melanoma).sum())

    @property
    def cleared_melanomas(self) -> int:
        """The number of melanomas that the detector clears: missed."""
        return int((self.is_melanoma & (self.decisions == "clear")).sum())

    @property
    def cleared_malignant(self) -> int:
        """The number of images of malignant lesions, melanomas among them, that the detector clears."""
        return int((self.per_image.is_malignant & (self.decisions == "clear")).sum())

    @property
    def predictions(self) -> pd.DataFrame:
        """One row per image, its id as the index: what the figures are computed from.

        `truth`, `diagnosis`, the probability of each class (`p nevus`), of `melanoma` and of a `malignant` diagnosis; the
        `decision`; its `group`, which no interval separates; the `image_type` that the detector recognises, the `threshold`
        of that type, and whether it `abstained`; and what the truth means: `is_melanoma` (missing where the label leaves it
        open) and `malignancy` (`"malignant"`, `"indeterminate"`, `"benign"` or empty).
        """
        table = pd.DataFrame(self.probabilities, columns=[f"p {label}" for label in self.classes])
        table.insert(0, "truth", self.per_image.names)
        table.insert(1, "diagnosis", np.array(self.classes)[self.per_image.predicted])
        table["melanoma"] = self.melanoma_scores
        table["malignant"] = self.per_image.scores("malignant")
        table["decision"] = self.decisions
        table["group"] = self.groups
        types, point = self.per_image.image_types, self.operating_point
        table["image_type"] = "" if types is None else types.types
        table["threshold"] = np.nan if point is None else self.per_image.thresholds(point)
        table["abstained"] = self.abstained
        melanoma = replace(self.per_image, target="melanoma")
        known = melanoma.is_positive | melanoma.is_negative
        table["is_melanoma"] = pd.array(melanoma.is_positive, dtype="boolean")
        table.loc[~known, "is_melanoma"] = pd.NA
        table["malignancy"] = self.per_image.malignancies
        return table.set_axis(list(self.ids), axis="index") if self.ids else table

    @property
    def answers(self) -> pd.DataFrame:
        """Deprecated: use `predictions`."""
        warn_renamed("Evaluation.answers", "Evaluation.predictions")
        return self.predictions
