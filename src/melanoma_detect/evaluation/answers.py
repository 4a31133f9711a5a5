"""A detector's answers to images whose diagnosis is known: what every metric is computed from."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.data.record import Record
from melanoma_detect.evaluation.image_types import ImageTypes
from melanoma_detect.evaluation.truth import LabelTruth, label_truth
from melanoma_detect.inference.decisions import Decisions, decide
from melanoma_detect.inference.operating_points import OperatingPoint, Target
from melanoma_detect.inference.prediction import target_scores
from melanoma_detect.taxonomy import Malignancy
from melanoma_detect.utils.arrays import Float64Array

NO_CLASS = -1  # the label of an image whose label is no class of the detector, or covers several
COMMON = 20  # images from which on a class is common: with fewer, the 95 % interval of its recall may be over 0.4 wide


@dataclass(frozen=True, eq=False)
class Answers:
    """Predicted probabilities and true labels, one row per image.

    Attributes:
        probabilities: The predicted probabilities, `(n, classes)`, 0 to 1.
        labels: The true class of each image as a position in `classes`, `(n,)`; -1 for a label that is none of them.
        groups: The lesion that each image shows, `(n,)`.
        classes: Class names, in the order of the columns.
        abstained: For which images the detector abstained, `(n,)`.
        records: The dataset's record of each image, `(n,)`; empty if unknown.
        target: What sensitivity, specificity and calibration are measured for: `"melanoma"` or `"malignant"`.
        label_names: The label of each image as its data set names it, `(n,)`; empty where these are the classes.
        truths: What labels say about melanoma and malignancy; for a label that is not among them, the taxonomy's answer.
        unmerged: The probabilities before classes were merged, with the detector's own classes; None where none were.
        image_types: The type of each image, with the operating points of each type; None where all are judged alike.
        malignant_before: Which images are never cleared, see `Calibration.malignant_before`, `(n,)`; None for none.

    Examples:
        >>> rows = np.array([[0.9, 0.1], [0.2, 0.8]])
        >>> answers = Answers(rows, np.array([0, 1]), ("a", "b"), ("nevus", "melanoma"), np.zeros(2, bool))
        >>> answers.is_melanoma.tolist(), answers.predicted.tolist()
        ([False, True], [0, 1])
    """

    probabilities: Float64Array
    labels: NDArray[np.int64]
    groups: tuple[str, ...]
    classes: tuple[str, ...]
    abstained: NDArray[np.bool_]
    records: tuple[Record, ...] = ()
    target: Target = "melanoma"
    label_names: tuple[str, ...] = ()
    truths: Mapping[str, LabelTruth] = field(default_factory=dict)
    unmerged: tuple[Float64Array, tuple[str, ...]] | None = None
    image_types: ImageTypes | None = None
    malignant_before: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The most probable class of each image as a position in `classes`, `(n,)`."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def names(self) -> NDArray[np.str_]:
        """The label of each image, `(n,)`."""
        return np.array(self.label_names or [self.classes[label] for label in self.labels.tolist()], dtype=np.str_)

    @property
    def has_class(self) -> NDArray[np.bool_]:
        """Which images have a label that is one of the classes, `(n,)`."""
        return np.asarray(self.labels != NO_CLASS)

    @property
    def common_classes(self) -> tuple[str, ...]:
        """The classes that at least 20 images have as their label, in their order."""
        counts = np.bincount(self.labels[self.has_class], minlength=len(self.classes))
        return tuple(label for label, count in zip(self.classes, counts, strict=True) if count >= COMMON)

    def scores(self, target: Target) -> Float64Array:
        """Return the predicted probability of a target.

        Args:
            target: `"melanoma"` or `"malignant"`.

        Returns:
            `(n,)`; zeros if no class belongs to the target.
        """
        return target_scores(*self._unmerged, target)

    @property
    def melanoma_scores(self) -> Float64Array:
        """The predicted probability of melanoma of each image, `(n,)`; zeros if no class is melanoma."""
        return self.scores("melanoma")

    @property
    def target_scores(self) -> Float64Array:
        """The predicted probability of the target of each image, `(n,)`."""
        return self.scores(self.target)

    @property
    def is_melanoma(self) -> NDArray[np.bool_]:
        """Which images show a melanoma, `(n,)`."""
        return self._where(lambda truth: truth.melanoma is True)

    @property
    def is_malignant(self) -> NDArray[np.bool_]:
        """Which images show a malignant lesion, `(n,)`."""
        return self._where(lambda truth: truth.malignancy == "malignant")

    @property
    def is_benign(self) -> NDArray[np.bool_]:
        """Which images show a benign lesion, `(n,)`; neither malignant nor indeterminate, as actinic keratosis is."""
        return self._where(lambda truth: truth.malignancy == "benign")

    @property
    def is_positive(self) -> NDArray[np.bool_]:
        """Which images show the target, `(n,)`."""
        return self.is_melanoma if self.target == "melanoma" else self.is_malignant

    @property
    def is_negative(self) -> NDArray[np.bool_]:
        """Which images are known not to show the target, `(n,)`: not those whose label covers it and others, or is unknown."""
        if self.target == "melanoma":
            return self._where(lambda truth: truth.melanoma is False)
        return self._where(lambda truth: truth.malignancy in ("benign", "indeterminate"))

    @property
    def malignancies(self) -> NDArray[np.str_]:
        """What each label says: `"malignant"`, `"indeterminate"`, `"benign"`, or empty where it leaves that open, `(n,)`."""
        kinds: tuple[Malignancy, ...] = ("malignant", "indeterminate", "benign")
        found = np.full(len(self), "", dtype="<U13")
        for kind in kinds:
            found[self._where(lambda truth, kind=kind: truth.malignancy == kind)] = kind  # type: ignore[misc]
        return found

    @property
    def has_melanoma_class(self) -> bool:
        """Whether one of the classes is melanoma."""
        return bool(taxonomy.positions(self.classes, code=taxonomy.MELANOMA))

    @property
    def has_target_class(self) -> bool:
        """Whether one of the classes belongs to the target."""
        classes = self._unmerged[1]
        return (
            self.has_melanoma_class if self.target == "melanoma" else bool(taxonomy.positions(classes, malignant=True))
        )

    def thresholds(self, point: OperatingPoint) -> Float64Array:
        """Return the threshold that each image is judged by.

        Args:
            point: The operating point; an image of another type is judged by that type's point of the same sensitivity.

        Returns:
            `(n,)`, 0 to 1; nan for an image of a type without a point, which is always referred.
        """
        thresholds = np.full(len(self), np.nan)
        for rows, own in self._rows_by_point(point):
            if own is not None:
                thresholds[rows] = own.threshold
        return thresholds

    def alerts(self, point: OperatingPoint) -> NDArray[np.bool_]:
        """Return which images raise an alert.

        Args:
            point: The operating point; an image of another type is judged by that type's point of the same sensitivity.

        Returns:
            `(n,)`; an image that the detector abstains from raises none.
        """
        return self._decided(point, lambda made: made.alert)

    def cleared(self, point: OperatingPoint) -> NDArray[np.bool_]:
        """Return which images are cleared: no alert, no abstention, and no malignant diagnosis that is likely.

        Args:
            point: The operating point; an image of another type is judged by that type's point of the same sensitivity.

        Returns:
            `(n,)`; all others raise an alert or are referred to a person.
        """
        return self._decided(point, lambda made: made.clear)

    def _decided(self, point: OperatingPoint, chosen: Callable[[Decisions], NDArray[np.bool_]]) -> NDArray[np.bool_]:
        """Return for which images a decision is made, by the rule that every prediction passes."""
        found, (probabilities, classes) = np.zeros(len(self), np.bool_), self._unmerged
        for rows, own in self._rows_by_point(point):
            before = None if self.malignant_before is None else self.malignant_before[rows]
            rejected = ["the detector abstains" if abstained else "" for abstained in self.abstained[rows].tolist()]
            found[rows] = chosen(decide(probabilities[rows], classes, own, rejected=rejected, malignant_before=before))
        return found

    def _rows_by_point(self, point: OperatingPoint) -> Iterable[tuple[NDArray[np.int64], OperatingPoint | None]]:
        if self.image_types is None:
            return [(np.arange(len(self)), point)]
        return self.image_types.rows_by_point(point)

    @property
    def lesions(self) -> int:
        """The number of lesions that the images show."""
        return len(set(self.groups))

    def count_lesions(self, chosen: NDArray[np.bool_]) -> int:
        """Return the number of lesions that the chosen images show.

        Args:
            chosen: Which images, `(n,)`.

        Returns:
            The number of distinct groups among them.
        """
        return len(np.unique(np.asarray(self.groups)[chosen]))

    def select(self, chosen: NDArray[np.bool_]) -> "Answers":
        """Return the answers for the chosen images only.

        Args:
            chosen: Which images, `(n,)`.

        Returns:
            Answers of as many rows as images are chosen.
        """
        return self.take(np.flatnonzero(chosen))

    def take(self, rows: NDArray[np.int64]) -> "Answers":
        """Return the answers for some images in a given order.

        Args:
            rows: Their positions, `(m,)`.

        Returns:
            Answers of as many rows.
        """
        chosen = rows.tolist()
        return replace(
            self,
            probabilities=self.probabilities[rows],
            labels=self.labels[rows],
            groups=tuple(self.groups[row] for row in chosen),
            abstained=self.abstained[rows],
            records=tuple(self.records[row] for row in chosen) if self.records else (),
            label_names=tuple(self.label_names[row] for row in chosen) if self.label_names else (),
            unmerged=self.unmerged and (self.unmerged[0][rows], self.unmerged[1]),
            image_types=self.image_types and replace(self.image_types, types=self.image_types.types[rows]),
            malignant_before=None if self.malignant_before is None else self.malignant_before[rows],
        )

    @property
    def _unmerged(self) -> tuple[Float64Array, tuple[str, ...]]:
        return self.unmerged or (self.probabilities, self.classes)

    def _where(self, says: Callable[[LabelTruth], bool]) -> NDArray[np.bool_]:
        """Return which images have a label that says so."""
        names, index = np.unique(self.names, return_inverse=True)
        classes = self._unmerged[1]
        truths = [self.truths.get(name) or label_truth(name, classes=classes) for name in names.tolist()]
        return np.array([says(truth) for truth in truths], dtype=np.bool_)[index]


def is_melanoma(labels: NDArray[np.int64], classes: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which labels mean melanoma.

    Args:
        labels: Positions in `classes`, `(n,)`.
        classes: Class names.

    Returns:
        bool `(n,)`.

    Examples:
        >>> is_melanoma(np.array([0, 1]), ("nevus", "melanoma")).tolist()
        [False, True]
    """
    return np.isin(labels, taxonomy.positions(classes, code=taxonomy.MELANOMA))
