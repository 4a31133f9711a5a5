"""Labels: all spellings united under one list of classes, and the labels of other collections in a detector's classes."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.data.sources.table import image_name
from melanoma_detect.data.split import Split
from melanoma_detect.errors import DetectorError
from melanoma_detect.printable import printable
from melanoma_detect.utils.arrays import Float64Array

_ISIC = re.compile(r"ISIC_\d{7}")
# In the archive HAM10000's vascular lesions have no other label. Beside finer ones, it is a coarse label.
_STANDS_FOR = {"benign soft tissue proliferations vascular": "VASC"}


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


def unite_labels(labels: Sequence[str], *, own_names: bool = False) -> UnitedLabels:
    """Map the labels of one or several sources to one list of classes.

    Labels of the same diagnosis become one class, under the taxonomy's name. A label that covers several diagnoses, of which
    another image has at least one, is not a class: its images keep it, and `label_groups` gives the classes that it covers.
    "malignant" covers every class that the taxonomy takes for malignant, "benign" every benign one, those outside the nine
    included. A coarse label that covers no class stays a class. So does a label that the taxonomy does not know.

    Args:
        labels: The label of each image of all sources.
        own_names: A class keeps the label as its source writes it, where there is one spelling only.

    Returns:
        The new labels and the classes.

    Examples:
        >>> united = unite_labels(["akiec", "mel", "AK", "melanoma", "SCC"])
        >>> united.classes
        ('actinic keratosis', 'melanoma', 'squamous cell carcinoma')
        >>> united.label_groups
        {'akiec': ('actinic keratosis', 'squamous cell carcinoma')}
        >>> unite_labels(["mel", "nv", "NV"], own_names=True).classes
        ('mel', 'nevus')
    """
    meanings = {label: taxonomy.meaning(label) for label in dict.fromkeys(labels)}
    spellings: dict[frozenset[str], list[str]] = {}
    for label, meaning in meanings.items():
        spellings.setdefault(meaning, []).append(label)
    fine = {meaning for meaning in spellings if not any(other < meaning for other in spellings)}
    # A folder's name may hold anything, and the name of a class goes into files, tables, pages and figures.
    names = {
        meaning: printable(_class_name(written, meaning in fine, own_names)) for meaning, written in spellings.items()
    }
    label_groups = {
        names[meaning]: tuple(sorted(names[part] for part in fine if part < meaning))
        for meaning in sorted(spellings.keys() - fine, key=sorted)
    }
    classes = tuple(sorted(names[meaning] for meaning in fine))
    return UnitedLabels([names[meanings[label]] for label in labels], classes, label_groups)


def unknown_labels(labels: Sequence[str]) -> dict[str, int]:
    """Count the labels that the taxonomy does not know.

    Args:
        labels: The label of each image.

    Returns:
        The number of images of each such label, as written, the most frequent first. Nobody knows whether they are malignant.

    Examples:
        >>> unknown_labels(["nevus", "Foo", "Foo", "scar", "bar"])
        {'Foo': 2, 'bar': 1}
    """
    counts = Counter(label for label in labels if not taxonomy.is_known(label))
    return dict(counts.most_common())


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
    covered = {label: covered_classes(label, split, classes) for label in (*split.classes, *split.label_groups)}
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


def _class_name(spellings: Sequence[str], is_class: bool, own_names: bool) -> str:
    """Return the name of a class, or of a coarse label, that is spelled in these ways."""
    first = spellings[0]
    if is_class and (diagnosis := taxonomy.find(_STANDS_FOR.get(taxonomy.preferred_name(first), ""))):
        return diagnosis.name
    shared = len(taxonomy.meaning(first)) > 1 or taxonomy.find(first) is not None
    keep = len(spellings) == 1 and (own_names or not shared)
    return first if keep else taxonomy.preferred_name(first)


def covered_classes(label: str, split: Split, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the classes of a detector that a label covers.

    Args:
        label: A label of the split.
        split: The split, whose `label_groups` tell what a coarse label covers.
        classes: The detector's classes.

    Returns:
        One for most labels, several for a coarse one, none for a label that the detector does not know. A label that is finer
        than the classes is covered by the one that covers it.

    Examples:
        >>> covered_classes("mel", data.test, data.classes)
        ('melanoma',)
    """
    if label in classes:
        return (label,)
    # In its own data set a coarse label covers the classes that occur there; a detector may know more that it means.
    names = (label,) if taxonomy.is_known(label) else split.label_groups.get(label, (label,))
    codes = frozenset[str]().union(*(taxonomy.meaning(name) for name in names))
    meanings = {name: taxonomy.meaning(name) for name in classes}
    if covered := tuple(name for name in classes if meanings[name] <= codes):
        return covered
    # The detector's classes may be coarser than the label: "benign" for a nevus.
    return tuple(sorted((name for name in classes if codes < meanings[name]), key=lambda name: len(meanings[name]))[:1])
