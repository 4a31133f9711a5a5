"""Whether the class can be told without looking at the lesion: from the source that an image comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from melanoma_detect.data.record import Record
from melanoma_detect.data_audit.quality import Quality
from melanoma_detect.evaluation.bootstrap import Figure
from melanoma_detect.evaluation.evaluation import measure

MARKERS = ("image size", "camera", "compression", "file-name number", "dark corners")
_FOLDS = 5


@dataclass(frozen=True)
class Confound:
    """How well the source tells the class.

    Attributes:
        balanced_accuracy: Of a classifier that sees the markers and no lesion, cross-validated by lesion.
        melanoma_auc: Of the same classifier.
        chance: The balanced accuracy of guessing: 1 over the number of classes.
        markers: The balanced accuracy of each marker alone.
        images: How many images were told.
        threshold: The number in the file names that best parts the classes; None where names have none.
        below: The classes that mostly lie below the threshold.
        above: The others.
        parted: How many images lie on their class's side of it.
    """

    balanced_accuracy: Figure
    melanoma_auc: Figure
    chance: float
    markers: dict[str, float]
    images: int
    threshold: float | None
    below: tuple[str, ...]
    above: tuple[str, ...]
    parted: int

    @property
    def telling(self) -> bool:
        """Whether the class is told better than by guessing, beyond its interval, and by a tenth at least."""
        return self.balanced_accuracy.low > self.chance + 0.1


def tell_by_source(records: Sequence[Record], qualities: Sequence[Quality], *, seed: int = 123) -> Confound | None:
    """Try to tell the class of images from image size, camera, compression, file name and dark corners alone.

    Args:
        records: The records.
        qualities: What was measured on each.
        seed: Where folds and trees come from.

    Returns:
        How well it went; None where fewer than two classes have five lesions.

    Examples:
        >>> from melanoma_detect.data_audit.quality import examine
        >>> found = tell_by_source(data.train.records, [examine(path)[0] for path in data.train.paths])
        >>> found.balanced_accuracy.value > found.chance
        True
    """
    threshold, below, parted = _part(records, np.array([quality.number for quality in qualities], float))
    every_class, every_image = sorted({record.label for record in records}), len(records)
    records, qualities = _often_enough(records, qualities)
    classes = tuple(sorted({record.label for record in records}))
    if len(classes) < 2:
        return None
    labels = np.array([classes.index(record.label) for record in records])
    groups = np.unique([record.group for record in records], return_inverse=True)[1]
    columns = _columns(qualities)
    folder = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    folds = list(folder.split(labels, labels, groups))  # one folding for all: it takes longer than the trees
    every = measure(
        _told(np.column_stack(list(columns.values())), labels, folds, seed),
        labels,
        [record.group for record in records],
        classes,
        seed=seed,
    )
    alone = {name: _balanced(_told(column, labels, folds, seed), labels) for name, column in columns.items()}
    return Confound(
        every.figures["balanced_accuracy"],
        every.figures["melanoma_auc"],
        1 / len(classes),
        alone,
        every_image,
        threshold,
        below,
        tuple(label for label in every_class if label not in below),
        parted,
    )


def _often_enough(records: Sequence[Record], qualities: Sequence[Quality]) -> tuple[list[Record], list[Quality]]:
    lesions: dict[str, set[str]] = {}
    for record in records:
        lesions.setdefault(record.label, set()).add(record.group)
    kept = [
        (record, quality)
        for record, quality in zip(records, qualities, strict=True)
        if len(lesions[record.label]) >= _FOLDS
    ]
    return [record for record, _ in kept], [quality for _, quality in kept]


def _columns(qualities: Sequence[Quality]) -> dict[str, NDArray[np.float64]]:
    cameras = sorted({quality.camera for quality in qualities})
    formats = sorted({quality.format for quality in qualities})
    return {
        "image size": np.array([[q.height, q.width, q.height / q.width] for q in qualities], float),
        "camera": np.array([[cameras.index(q.camera)] for q in qualities], float),
        "compression": np.array([[q.quantisation, formats.index(q.format)] for q in qualities], float),
        "file-name number": np.array([[q.number] for q in qualities], float),
        "dark corners": np.array([[q.corner] for q in qualities], float),
    }


def _told(features: NDArray[np.float64], labels: NDArray[np.int64], folds: Any, seed: int) -> NDArray[np.float64]:
    count = len(np.unique(labels))
    if not np.ptp(features, axis=0).any():
        return np.full((len(labels), count), 1 / count)  # nothing differs: nothing is told
    forest = RandomForestClassifier(30, min_samples_leaf=3, class_weight="balanced", random_state=seed)
    told: NDArray[np.float64] = cross_val_predict(forest, features, labels, cv=folds, method="predict_proba")
    return told


def _balanced(told: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    right = told.argmax(axis=1) == labels
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def _part(records: Sequence[Record], numbers: NDArray[np.float64]) -> tuple[float | None, tuple[str, ...], int]:
    """Find the number in the file names that tells most about the class, the classes below it, and how many images agree."""
    order = np.argsort(numbers, kind="stable")
    classes, labels = np.unique([records[at].label for at in order], return_inverse=True)
    below = np.cumsum(np.eye(len(classes))[labels], axis=0)
    gaps = np.diff(numbers[order])
    cuts = np.flatnonzero(gaps > 0)
    if not len(cuts):
        return None, (), 0
    told = _information(below[cuts], below[-1])
    # Of cuts that tell as much, the one in the widest gap is where two collections meet.
    near = cuts[told >= 0.98 * told.max()]
    cut = near[gaps[near].argmax()]
    low, high = below[cut], below[-1] - below[cut]
    return float(numbers[order][cut]), tuple(classes[low > high].tolist()), int(np.maximum(low, high).sum())


def _information(below: NDArray[np.float64], every: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mutual information of side and class for each cut, in nats."""
    joint = np.stack([below, every - below]) / every.sum()
    sides = joint.sum(axis=2, keepdims=True) * (every / every.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        told: NDArray[np.float64] = np.where(joint > 0, joint * np.log(joint / sides), 0).sum(axis=(0, 2))
    return told
