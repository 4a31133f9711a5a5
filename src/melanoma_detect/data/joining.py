"""Classes that a collection's labels do not tell apart, measured as one: HAM10000's `akiec` is two diagnoses."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.data.dataset import Split
from melanoma_detect.utils.arrays import Float64Array


class Joined(NamedTuple):
    """How a detector's classes become those that the labels tell apart.

    Attributes:
        classes: Their names; several that are one are written with "or".
        columns: For each class of the detector, which of them it is.
        labels: For each label of the images, which of them it is.
    """

    classes: tuple[str, ...]
    columns: NDArray[np.int64]
    labels: dict[str, int]

    def probabilities(self, rows: Float64Array) -> Float64Array:
        """Add the probabilities of what is one.

        Args:
            rows: `(n, classes of the detector)`.

        Returns:
            `(n, classes)`.

        Examples:
            >>> one = Joined(("a or b", "c"), np.array([0, 0, 1]), {})
            >>> one.probabilities(np.array([[0.1, 0.2, 0.7]])).round(1)
            array([[0.3, 0.7]])
        """
        summed: Float64Array = rows @ np.eye(len(self.classes))[self.columns]
        return summed

    def truth(self, part: Split) -> NDArray[np.int64]:
        """Return the label of each image, as a position in `classes`.

        Args:
            part: The images.

        Returns:
            `(n,)`.
        """
        return np.array([self.labels[record.label] for record in part], dtype=np.int64)


def joined(part: Split) -> Joined:
    """Join the classes that a coarse label covers, where no image tells them apart.

    A label that covers melanoma and others is not joined: an alert to one is right, and to the other is not.

    Args:
        part: A split, in the detector's words.

    Returns:
        The classes; those of the split where nothing is joined. Labels that stay coarse are not among its labels.

    Examples:
        >>> joined(data.test).classes == data.classes
        True
    """
    used = {record.label for record in part}
    groups: dict[str, tuple[str, ...]] = {label: (label,) for label in part.classes}
    for label, members in part.coarse.items():
        alone = not used.intersection(members) and all(groups[one] == (one,) for one in members)
        if label in used and alone and not taxonomy.positions(members, code=taxonomy.MELANOMA):
            groups |= dict.fromkeys(members, members)
    names = tuple(dict.fromkeys(" or ".join(groups[label]) for label in part.classes))
    columns = np.array([names.index(" or ".join(groups[label])) for label in part.classes], dtype=np.int64)
    labels = {label: names.index(" or ".join(groups[label])) for label in part.classes}
    labels |= {
        label: names.index(" or ".join(members))
        for label, members in part.coarse.items()
        if " or ".join(members) in names
    }
    return Joined(names, columns, labels)
