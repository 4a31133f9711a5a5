"""Confounding: whether the class can be predicted from the source of an image, without the lesion."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import parallel_config
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from melanoma_detect.data.properties import ImageProperties
from melanoma_detect.data.record import Record
from melanoma_detect.data.sources.table import image_name
from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.bootstrap import Figure, compute_figures
from melanoma_detect.evaluation.metrics import WeightedMetrics
from melanoma_detect.evaluation.ranking import weighted_auc
from melanoma_detect.evaluation.ratio import ratio
from melanoma_detect.utils.arrays import Float64Array

_FOLDS = 5
_TREES = 30  # more change the balanced accuracy by less than its interval
_MARGIN = 0.1  # over chance: with many images a tiny effect is significant, and harmless
_NEARLY_BEST = 0.98  # share of the highest information: thresholds that separate the classes as well
_MAX_DIGITS = 15  # what a float holds exactly


@dataclass(frozen=True)
class Confounding:
    """How well the source of an image predicts its class.

    Attributes:
        balanced_accuracy: Of a classifier that sees the markers and no lesion, cross-validated by lesion.
        melanoma_auc: Of the same classifier.
        chance: The balanced accuracy of guessing: 1 over the number of classes.
        markers: The balanced accuracy of each marker alone.
        images: How many images it was measured on.
        threshold: The number in the file names that best separates the classes; None where names have none.
        below: The classes that mostly lie below the threshold.
        above: The others.
        separated: How many images lie on their class's side of it.
    """

    balanced_accuracy: Figure
    melanoma_auc: Figure
    chance: float
    markers: dict[str, float]
    images: int
    threshold: float | None
    below: tuple[str, ...]
    above: tuple[str, ...]
    separated: int

    @property
    def significant(self) -> bool:
        """Whether the whole confidence interval lies over chance, by a tenth at least."""
        return self.balanced_accuracy.low > self.chance + _MARGIN

    def describe(self) -> str:
        """Describe the result in one sentence with its figures.

        Returns:
            The sentence.
        """
        best = max(self.markers, key=lambda name: self.markers[name])
        sentence = (
            "without a look at the lesion, image size, camera, compression, file name and dark corners predict the class with "
            f"a balanced accuracy of {self.balanced_accuracy} (chance {self.chance:.2f}); the best marker alone, {best}, with "
            f"{self.markers[best]:.2f}"
        )
        if self.threshold is None or best != "file-name number":
            return sentence
        return (
            f"{sentence}; whether the number in the file's name is over {self.threshold:.0f} separates "
            f"{{{', '.join(self.above)}}} from {{{', '.join(self.below)}}} in {self.separated} of {self.images} images"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values.

        Returns:
            Values that `json` takes.
        """
        return {
            "balanced accuracy": self.balanced_accuracy._asdict(),
            "melanoma AUC": self.melanoma_auc._asdict(),
            "chance": self.chance,
            "markers": self.markers,
            "parted": self.separated,
            "images": self.images,
            "below": list(self.below),
            "above": list(self.above),
        }


def source_confounding(
    records: Sequence[Record], properties: Sequence[ImageProperties], *, seed: int = 123
) -> Confounding | None:
    """Predict the class of images from image size, camera, compression, file name and dark corners alone.

    Args:
        records: The records.
        properties: The properties of each record's file.
        seed: Of the folds and the forests.

    Returns:
        How well the prediction works; None where fewer than two classes have five lesions.

    Examples:
        >>> from PIL import Image
        >>> from melanoma_detect.data.properties import read_properties
        >>> properties = [read_properties(path) for path in data.train.paths]
        >>> result = source_confounding(data.train.records, properties)
        >>> result.balanced_accuracy.value > result.chance
        True
    """
    numbers = np.array([_file_number(record) for record in records], float)
    threshold, below, separated = _best_threshold(records, numbers)
    chosen = _in_large_classes(records)
    labelled = [records[index] for index in chosen]
    classes, labels = np.unique([record.label for record in labelled], return_inverse=True)
    if len(classes) < 2:
        return None
    groups = np.unique([record.group for record in labelled], return_inverse=True)[1]
    markers = _marker_features([properties[index] for index in chosen], numbers[chosen])
    # One division into folds for all forests: it takes longer than they do.
    splitter = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    folds = list(splitter.split(labels, labels, groups))
    combined = _compute_figures(
        _predict(np.column_stack(list(markers.values())), labels, folds, seed),
        labels,
        [record.group for record in labelled],
        tuple(classes.tolist()),
        seed,
    )
    return Confounding(
        balanced_accuracy=combined["balanced_accuracy"],
        melanoma_auc=combined["melanoma_auc"],
        chance=1 / len(classes),
        markers={
            name: float(balanced_accuracy_score(labels, _predict(features, labels, folds, seed).argmax(axis=1)))
            for name, features in markers.items()
        },
        images=len(records),
        threshold=threshold,
        below=below,
        above=tuple(label for label in sorted({record.label for record in records}) if label not in below),
        separated=separated,
    )


def _file_number(record: Record) -> int:
    """Return the last number in a file's name; -1 where there is none."""
    numbers = re.findall(r"\d+", image_name(record.path))
    return int(numbers[-1][:_MAX_DIGITS]) if numbers else -1


def _in_large_classes(records: Sequence[Record]) -> list[int]:
    """Return the positions of the records whose class has a lesion for each fold."""
    lesions: dict[str, set[str]] = {}
    for record in records:
        lesions.setdefault(record.label, set()).add(record.group)
    return [index for index, record in enumerate(records) if len(lesions[record.label]) >= _FOLDS]


def _marker_features(properties: Sequence[ImageProperties], numbers: Float64Array) -> dict[str, Float64Array]:
    """Return the features of each marker, `(n, features)`; cameras and formats as their positions."""
    cameras = sorted({image.camera for image in properties})
    formats = sorted({image.format for image in properties})
    return {
        "image size": np.array(
            [[image.height, image.width, image.height / image.width] for image in properties], float
        ),
        "camera": np.array([[cameras.index(image.camera)] for image in properties], float),
        "compression": np.array([[image.quantisation, formats.index(image.format)] for image in properties], float),
        "file-name number": numbers[:, None],
        "dark corners": np.array([[image.pixels.corner] for image in properties], float),
    }


def _predict(features: Float64Array, labels: NDArray[np.int64], folds: Any, seed: int) -> Float64Array:
    """Return the cross-validated probabilities of a random forest, `(n, classes)`."""
    count = len(np.unique(labels))
    if not np.ptp(features, axis=0).any():
        return np.full((len(labels), count), 1 / count)  # constant features predict nothing
    forest = RandomForestClassifier(_TREES, min_samples_leaf=3, class_weight="balanced", random_state=seed)
    # Folds in threads, not trees: trees would add up in an order that changes from run to run.
    with parallel_config("threading"):
        probabilities: Float64Array = cross_val_predict(
            forest, features, labels, cv=folds, method="predict_proba", n_jobs=-1
        )
    return probabilities


def _compute_figures(
    probabilities: Float64Array, labels: NDArray[np.int64], groups: Sequence[str], classes: tuple[str, ...], seed: int
) -> dict[str, Figure]:
    """Return balanced accuracy and melanoma AUC with their intervals; all metrics of an evaluation take twice as long."""
    answers = Answers(probabilities, labels, tuple(groups), classes, np.zeros(len(labels), np.bool_))
    is_class = np.eye(len(classes))[labels]
    correct = is_class * (answers.predicted == labels)[:, None]

    def metrics(weights: Float64Array) -> dict[str, Float64Array]:
        recall = ratio(weights @ correct, weights @ is_class)
        occurring = np.isfinite(recall)  # a replicate may lack a class
        return {
            "balanced_accuracy": ratio(np.where(occurring, recall, 0).sum(axis=1), occurring.sum(axis=1)),
            "melanoma_auc": weighted_auc(answers.melanoma_scores, answers.is_melanoma, weights),
        }

    return compute_figures(metrics, answers.groups, WeightedMetrics(answers, None).lesions(), seed=seed)


def _best_threshold(records: Sequence[Record], numbers: Float64Array) -> tuple[float | None, tuple[str, ...], int]:
    """Find the number in the file names with the most information about the class.

    Returns:
        The number, the classes below it, and how many images lie on their class's side.
    """
    order = np.argsort(numbers, kind="stable")
    classes, labels = np.unique([records[index].label for index in order], return_inverse=True)
    below = np.cumsum(np.eye(len(classes))[labels], axis=0)
    gaps = np.diff(numbers[order])
    candidates = np.flatnonzero(gaps > 0)
    if not len(candidates):
        return None, (), 0
    information = _mutual_information(below[candidates], below[-1])
    # Of nearly equal candidates, the one in the widest gap of numbers is the border of two collections.
    best = candidates[information >= _NEARLY_BEST * information.max()]
    threshold = best[gaps[best].argmax()]
    low, high = below[threshold], below[-1] - below[threshold]
    return float(numbers[order][threshold]), tuple(classes[low > high].tolist()), int(np.maximum(low, high).sum())


def _mutual_information(below: Float64Array, total: Float64Array) -> Float64Array:
    """Return the mutual information of side and class for each threshold, in nats.

    Args:
        below: Images of each class below each threshold, `(thresholds, classes)`.
        total: All images of each class, `(classes,)`.
    """
    joint = np.stack([below, total - below]) / total.sum()
    independent = joint.sum(axis=2, keepdims=True) * (total / total.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        information: Float64Array = np.where(joint > 0, joint * np.log(joint / independent), 0).sum(axis=(0, 2))
    return information
