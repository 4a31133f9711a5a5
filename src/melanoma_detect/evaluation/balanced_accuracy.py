"""Balanced accuracy over given diagnoses, such as the seven of HAM10000: comparable between sets with other labels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.answers import NO_CLASS, Answers
from melanoma_detect.evaluation.bootstrap import Figure, compute_figures
from melanoma_detect.evaluation.metrics import mean_recall
from melanoma_detect.evaluation.ratio import ratio
from melanoma_detect.utils.arrays import Float64Array

_VALUE = "balanced accuracy"


def balanced_accuracy(answers: Answers, labels: Sequence[str], *, seed: int = 123) -> Figure:
    """Compute the mean recall over given labels; see `Evaluation.balanced_accuracy_over`.

    Args:
        answers: The detector's answers.
        labels: Classes or coarse labels, in any spelling of the taxonomy; no two cover one class of the detector.
        seed: Seed of the bootstrap.

    Returns:
        The figure; nan where no image has one of the labels.

    Raises:
        DetectorError: There is no label, a label covers no class of the detector, or two labels cover one class.

    Examples:
        >>> rows = np.array([[0.4, 0.3, 0.3], [0.2, 0.1, 0.7]])
        >>> classes = ("nevus", "actinic keratosis", "squamous cell carcinoma")
        >>> answers = Answers(rows, np.array([1, 2]), ("a", "b"), classes, np.zeros(2, bool))
        >>> balanced_accuracy(answers, ["akiec", "nv"]).value, balanced_accuracy(answers, classes).value
        (1.0, 0.5)
    """
    probabilities, classes = answers.unmerged or (answers.probabilities, answers.classes)
    groups = _groups(labels, classes)
    truth = _truth(answers, labels)
    # Classes of the detector that no label covers stay: a prediction of one counts as wrong.
    columns = np.where(groups == NO_CLASS, len(labels) + np.arange(len(classes)), groups)
    summed = probabilities @ np.eye(len(labels) + len(classes))[columns]
    correct, size = summed.argmax(axis=1) == truth, np.eye(len(labels))

    def metric(weights: Float64Array) -> dict[str, Float64Array]:
        members = size[truth] * (truth != NO_CLASS)[:, None]
        return {_VALUE: mean_recall(ratio(weights @ (members * correct[:, None]), weights @ members))}

    lesions = answers.count_lesions(truth != NO_CLASS)
    return compute_figures(metric, answers.groups, {_VALUE: lesions}, seed=seed)[_VALUE]


def _groups(labels: Sequence[str], classes: Sequence[str]) -> NDArray[np.int64]:
    """Return for each class of the detector the position of the label that covers it, or -1."""
    if not labels:
        raise DetectorError(f"no label; expected one or more that cover classes of the detector: {', '.join(classes)}")
    covered = [[_covers(label, name) for label in labels] for name in classes]
    table = np.array(covered, dtype=bool).reshape(len(classes), len(labels))
    for position in np.flatnonzero(~table.any(axis=0)).tolist():
        raise DetectorError(f"{labels[position]!r} covers no class of the detector; it knows {', '.join(classes)}")
    for position in np.flatnonzero(table.sum(axis=1) > 1).tolist():
        both = [label for label, covers in zip(labels, covered[position], strict=True) if covers]
        raise DetectorError(f"{' and '.join(map(repr, both))} both cover {classes[position]}; name one of them")
    return np.where(table.any(axis=1), table.argmax(axis=1), NO_CLASS)


def _truth(answers: Answers, labels: Sequence[str]) -> NDArray[np.int64]:
    """Return for each image the position of the label that covers its own, or -1."""
    pairs = list(zip(answers.names.tolist(), answers.labels.tolist(), strict=True))
    found = {}
    for name, column in set(pairs):
        position = _position(name, labels)
        if position == NO_CLASS != column:  # a label that the taxonomy does not know, but the detector does
            position = _position(answers.classes[column], labels)
        found[name, column] = position
    return np.array([found[pair] for pair in pairs], dtype=np.int64)


def _position(name: str, labels: Sequence[str]) -> int:
    parts = [name] if taxonomy.is_known(name) else name.split(" or ")
    return next((at for at, label in enumerate(labels) if all(_covers(label, part) for part in parts)), NO_CLASS)


def _covers(label: str, name: str) -> bool:
    return label == name or taxonomy.meaning(name) <= taxonomy.meaning(label)
