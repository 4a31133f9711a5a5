"""Labels: several sources united under one list of classes, and the labels of other collections in a detector's classes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.data.sources.table import image_name
from melanoma_detect.data.split import Split
from melanoma_detect.errors import DetectorError
from melanoma_detect.utils.arrays import Float64Array

_ISIC = re.compile(r"ISIC_\d{7}")


class UnitedLabels(NamedTuple):
    """The labels of several sources under one list of classes.

    Attributes:
        labels: The new label of each image.
        classes: The classes, sorted.
        label_groups: For a label that covers several classes, those classes.
    """

    labels: list[str]
    classes: tuple[str, ...]
    label_groups: dict[str, tuple[str, ...]]


class MergedClasses(NamedTuple):
    """A detector's classes, merged where the labels of the images do not separate them.

    HAM10000's `akiec`, say, is two diagnoses.

    Attributes:
        classes: The names; merged ones are joined with "or".
        columns: For each class of the detector its position in `classes`.
        labels: For each label of the images its position in `classes`.
    """

    classes: tuple[str, ...]
    columns: NDArray[np.int64]
    labels: dict[str, int]

    def probabilities(self, rows: Float64Array) -> Float64Array:
        """Add the probabilities of merged classes.

        Args:
            rows: `(n, classes of the detector)`.

        Returns:
            `(n, classes)`.

        Examples:
            >>> merged = MergedClasses(("a or b", "c"), np.array([0, 0, 1]), {})
            >>> merged.probabilities(np.array([[0.1, 0.2, 0.7]])).round(1)
            array([[0.3, 0.7]])
        """
        summed: Float64Array = rows @ np.eye(len(self.classes))[self.columns]
        return summed

    def label_indices(self, split: Split) -> NDArray[np.int64]:
        """Return the label of each image as a position in `classes`.

        Args:
            split: The images.

        Returns:
            `(n,)`.

        Examples:
            >>> merge_classes(data.test).label_indices(data.test).shape == (len(data.test),)
            True
        """
        return np.array([self.labels[record.label] for record in split], dtype=np.int64)


def isic_id(path: Path) -> str | None:
    """Return the id of an image in the ISIC archive, which names it in every collection.

    Args:
        path: An image file.

    Returns:
        The id, or None for a file with another name.

    Examples:
        >>> isic_id(Path("ISIC_0025601(1).jpg"))
        'ISIC_0025601'
    """
    name = image_name(path)
    return name if _ISIC.fullmatch(name) else None


def unite_labels(labels: Sequence[str]) -> UnitedLabels:
    """Map the labels of several sources to one list of classes.

    Labels of the same diagnosis become one class, under the taxonomy's name. A label that covers several diagnoses, of which
    another source has at least one, is not a class: its images keep it, and `label_groups` gives the classes that it covers.

    Args:
        labels: The label of each image of all sources.

    Returns:
        The new labels and the classes.

    Examples:
        >>> united = unite_labels(["akiec", "mel", "AK", "melanoma", "SCC"])
        >>> united.classes
        ('actinic keratosis', 'melanoma', 'squamous cell carcinoma')
        >>> united.label_groups
        {'akiec': ('actinic keratosis', 'squamous cell carcinoma')}
    """
    meanings = {label: taxonomy.meaning(label) for label in dict.fromkeys(labels)}
    unique = set(meanings.values())
    fine = {meaning for meaning in unique if not any(other < meaning for other in unique)}
    names = {meaning: _class_name(meaning, meanings) for meaning in unique}
    label_groups = {
        names[meaning]: tuple(sorted(names[part] for part in fine if part < meaning))
        for meaning in sorted(unique - fine, key=sorted)
    }
    classes = tuple(sorted(names[meaning] for meaning in fine))
    return UnitedLabels([names[meanings[label]] for label in labels], classes, label_groups)


def translate_labels(split: Split, classes: tuple[str, ...]) -> Split:
    """Translate the labels of a split to a detector's classes.

    Args:
        split: The split.
        classes: The detector's classes.

    Returns:
        The same images with those classes, in their order. A label that covers one of them becomes that class; a label that
        covers several stays, and `label_groups` gives them.

    Raises:
        DetectorError: A label covers none of the detector's classes.

    Examples:
        >>> translate_labels(replace(data.test, classes=data.classes[::-1]), data.classes).classes == data.classes
        True
    """
    covered = {label: _covered(label, split, classes) for label in (*split.classes, *split.label_groups)}
    unknown = sorted(label for label, names in covered.items() if not names)
    if unknown:
        raise DetectorError(
            f"the detector does not know the classes {', '.join(unknown)}; it knows {', '.join(classes)}"
        )
    translation = {label: names[0] if len(names) == 1 else label for label, names in covered.items()}
    records = tuple(replace(record, label=translation[record.label]) for record in split.records)
    label_groups = {label: names for label, names in covered.items() if len(names) > 1}
    return replace(split, records=records, classes=classes, label_groups=label_groups)


def merge_classes(split: Split) -> MergedClasses:
    """Merge the classes that one label covers, where no image has a label of one of them alone.

    A label that covers melanoma and others is not merged: an alert is right for the one and wrong for the others.

    Args:
        split: A split with a detector's classes.

    Returns:
        The classes; those of the split where nothing is merged. A label that covers several classes which were not merged is
        not among its labels.

    Examples:
        >>> merge_classes(data.test).classes == data.classes
        True
    """
    used = {record.label for record in split}
    members: dict[str, tuple[str, ...]] = {label: (label,) for label in split.classes}
    for label, group in split.label_groups.items():
        separate = used.intersection(group) or any(members[name] != (name,) for name in group)
        if label in used and not separate and not taxonomy.positions(group, code=taxonomy.MELANOMA):
            members |= dict.fromkeys(group, group)
    merged = {label: " or ".join(group) for label, group in members.items()}
    names = tuple(dict.fromkeys(merged.values()))
    labels = {label: names.index(name) for label, name in merged.items()}
    columns = np.array([labels[label] for label in split.classes], dtype=np.int64)
    for label, group in split.label_groups.items():
        if " or ".join(group) in names:
            labels[label] = names.index(" or ".join(group))
    return MergedClasses(names, columns, labels)


def _class_name(meaning: frozenset[str], labels: Mapping[str, frozenset[str]]) -> str:
    single = [diagnosis.name for diagnosis in taxonomy.DIAGNOSES if frozenset([diagnosis.code]) == meaning]
    shared = [coarse.name for coarse in taxonomy.COARSE if frozenset(coarse.codes) == meaning]
    return next(iter(single + shared), min(label for label, codes in labels.items() if codes == meaning))


def _covered(label: str, split: Split, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the classes of a detector that a label covers."""
    if label in classes:
        return (label,)
    codes = frozenset[str]().union(*(taxonomy.meaning(name) for name in split.label_groups.get(label, (label,))))
    return tuple(name for name in classes if taxonomy.meaning(name) <= codes)
