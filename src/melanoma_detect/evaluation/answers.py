"""A detector's answers to images whose diagnosis is known: what every metric is computed from."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from melanoma_detect import taxonomy
from melanoma_detect.data.record import Record
from melanoma_detect.inference.prediction import melanoma_scores
from melanoma_detect.utils.arrays import Float64Array


@dataclass(frozen=True, eq=False)
class Answers:
    """Predicted probabilities and true labels, one row per image.

    Attributes:
        probabilities: The predicted probabilities, `(n, classes)`, 0 to 1.
        labels: The true class of each image as a position in `classes`, `(n,)`.
        groups: The lesion that each image shows, `(n,)`.
        classes: Class names, in the order of the columns.
        abstained: For which images the detector abstained, `(n,)`.
        records: The dataset's record of each image, `(n,)`; empty if unknown.

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

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The most probable class of each image as a position in `classes`, `(n,)`."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def melanoma_scores(self) -> Float64Array:
        """The predicted probability of melanoma of each image, `(n,)`; zeros if no class is melanoma."""
        return melanoma_scores(self.probabilities, self.classes)

    @property
    def is_melanoma(self) -> NDArray[np.bool_]:
        """Which images show a melanoma, `(n,)`."""
        return is_melanoma(self.labels, self.classes)

    @property
    def has_melanoma_class(self) -> bool:
        """Whether one of the classes is melanoma."""
        return bool(taxonomy.positions(self.classes, code=taxonomy.MELANOMA))

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
        rows = np.flatnonzero(chosen).tolist()
        return replace(
            self,
            probabilities=self.probabilities[chosen],
            labels=self.labels[chosen],
            groups=tuple(self.groups[row] for row in rows),
            abstained=self.abstained[chosen],
            records=tuple(self.records[row] for row in rows) if self.records else (),
        )


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
