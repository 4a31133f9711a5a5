"""Whether the class can be told without looking at the lesion: from the source that a picture comes from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier

from melanoma_detect.data.quality import Quality
from melanoma_detect.data.records import Record
from melanoma_detect.learning.bootstrap import Figure
from melanoma_detect.learning.evaluation import measure

MARKERS = ("picture size", "camera", "compression", "file-name number", "dark corners")
_FOLDS = 5


@dataclass(frozen=True)
class Confound:
    """How well the source tells the class.

    Attributes:
        balanced_accuracy: Of a classifier that sees the markers and no lesion, cross-validated by lesion.
        melanoma_auc: Of the same classifier.
        chance: The balanced accuracy of guessing: 1 over the number of classes.
        markers: The balanced accuracy of each marker alone.
        pictures: How many pictures were told.
        threshold: The number in the file names that best parts the classes; None where names have none.
        below: The classes that mostly lie below the threshold.
        above: The others.
        parted: How many pictures lie on their class's side of it.
    """

    balanced_accuracy: Figure
    melanoma_auc: Figure
    chance: float
    markers: dict[str, float]
    pictures: int
    threshold: float | None
    below: tuple[str, ...]
    above: tuple[str, ...]
    parted: int

    @property
    def telling(self) -> bool:
        """Whether the class is told better than by guessing, beyond its interval, and by a tenth at least."""
        return self.balanced_accuracy.low > self.chance + 0.1


def tell_by_source(records: Sequence[Record], qualities: Sequence[Quality], *, seed: int = 123) -> Confound | None:
    """Try to tell the class of pictures from picture size, camera, compression, file name and dark corners alone.

    Args:
        records: The records.
        qualities: What was measured on each.
        seed: Where folds and trees come from.

    Returns:
        How well it went; None where fewer than two classes have five lesions.

    Examples:
        >>> from melanoma_detect.data.quality import examine
        >>> found = tell_by_source(data.train.records, [examine(path)[0] for path in data.train.paths])
        >>> found.chance
        0.1111111111111111
    """
    records, qualities = _often_enough(records, qualities)
    classes = tuple(sorted({record.label for record in records}))
    if len(classes) < 2:
        return None
    labels = np.array([classes.index(record.label) for record in records])
    groups = np.unique([record.group for record in records], return_inverse=True)[1]
    columns = _columns(qualities)
    every = measure(
        _told(np.column_stack(list(columns.values())), labels, groups, seed),
        labels,
        [record.group for record in records],
        classes,
        seed=seed,
    )
    alone = {
        name: _balanced(_told(np.column_stack([column]), labels, groups, seed), labels)
        for name, column in columns.items()
    }
    threshold, below = _part(columns["file-name number"], labels, classes)
    return Confound(
        every.figures["balanced_accuracy"],
        every.figures["melanoma_auc"],
        1 / len(classes),
        alone,
        len(records),
        threshold,
        below,
        tuple(label for label in classes if label not in below),
        _parted(columns["file-name number"], labels, threshold),
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
        "picture size": np.array([[q.height, q.width, q.height / q.width] for q in qualities], float),
        "camera": np.array([[cameras.index(q.camera)] for q in qualities], float),
        "compression": np.array([[q.quantisation, formats.index(q.format)] for q in qualities], float),
        "file-name number": np.array([[q.number] for q in qualities], float),
        "dark corners": np.array([[q.corner] for q in qualities], float),
    }


def _told(
    features: NDArray[np.float64], labels: NDArray[np.int64], groups: NDArray[np.int64], seed: int
) -> NDArray[np.float64]:
    count = len(np.unique(labels))
    if not np.ptp(features, axis=0).any():
        return np.full((len(labels), count), 1 / count)  # nothing differs: nothing is told
    forest = RandomForestClassifier(60, min_samples_leaf=3, class_weight="balanced", random_state=seed, n_jobs=2)
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    told: NDArray[np.float64] = cross_val_predict(
        forest, features, labels, groups=groups, cv=folds, method="predict_proba"
    )
    return told


def _balanced(told: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    right = told.argmax(axis=1) == labels
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def _part(
    numbers: NDArray[np.float64], labels: NDArray[np.int64], classes: Sequence[str]
) -> tuple[float | None, tuple[str, ...]]:
    """Find the one number in the file names that parts the classes best."""
    tree = DecisionTreeClassifier(max_leaf_nodes=2, random_state=0).fit(numbers, labels)
    if tree.tree_.node_count < 3:
        return None, ()
    threshold = float(tree.tree_.threshold[0])
    low = numbers[:, 0] <= threshold
    return threshold, tuple(label for at, label in enumerate(classes) if low[labels == at].mean() > 0.5)


def _parted(numbers: NDArray[np.float64], labels: NDArray[np.int64], threshold: float | None) -> int:
    if threshold is None:
        return 0
    low = numbers[:, 0] <= threshold
    return sum(int(max(low[labels == at].sum(), (~low[labels == at]).sum())) for at in np.unique(labels))
