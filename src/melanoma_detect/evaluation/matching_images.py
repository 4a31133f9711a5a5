"""Which images two evaluations have in common, for a paired comparison."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from melanoma_detect.errors import DetectorError
from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.per_image import PerImage


class MatchedAnswers(NamedTuple):
    """The answers of two detectors to the same images, row by row.

    Attributes:
        first: The first detector's answers.
        second: The second detector's.
        only_first: The number of images that only the first evaluated, since the second has seen them in training.
        only_second: The number that only the second did.
    """

    first: Answers
    second: Answers
    only_first: int
    only_second: int


def match_images(first: PerImage, second: PerImage) -> MatchedAnswers:
    """Find the images that two evaluations have in common.

    Args:
        first: An evaluation.
        second: An evaluation of another detector on the same data.

    Returns:
        The answers to the common images, in the order of the first.

    Raises:
        DetectorError: The data differ: no image is common, one of the two evaluated more images than the other can have set
            aside, or images have other labels.

    Examples:
        >>> evaluation = detector.evaluate(data.test)
        >>> len(match_images(evaluation, evaluation).first) == len(data.test)
        True
    """
    keys_of_first, keys_of_second = _keys(first), _keys(second)
    rows_of_second = {key: row for row, key in enumerate(keys_of_second)}
    common = [row for row, key in enumerate(keys_of_first) if key in rows_of_second]
    only_first, only_second = len(keys_of_first) - len(common), len(keys_of_second) - len(common)
    if not common or only_first > second.set_aside or only_second > first.set_aside:
        raise DetectorError(
            f"the evaluations are not of the same images: {len(common)} in both, {only_first} only in the first, {only_second} "
            f"only in the second (seen in training and set aside: {first.set_aside} and {second.set_aside}); evaluate both "
            "detectors on the same data"
        )
    # Each answer once, in the order of the first.
    order = np.array([rows_of_second[keys_of_first[row]] for row in common])
    chosen_first = first.per_image.take(np.array(common))
    chosen_second = second.per_image.take(order)
    _check_labels(chosen_first, chosen_second)
    return MatchedAnswers(chosen_first, chosen_second, only_first, only_second)


def _keys(evaluation: PerImage) -> list[tuple[str, ...]]:
    """Return what tells an image: its id and contents; without records its place."""
    if evaluation.records:
        return [(record.id, record.key) for record in evaluation.records]
    return [(str(row), group) for row, group in enumerate(evaluation.groups)]


def _check_labels(first: Answers, second: Answers) -> None:
    """Raise DetectorError if an image is a melanoma, or malignant, in one evaluation only."""
    differ: NDArray[np.bool_] = (first.is_melanoma != second.is_melanoma) | (first.is_malignant != second.is_malignant)
    if differ.any():
        row = int(differ.argmax())
        raise DetectorError(
            f"the labels of {differ.sum()} of {len(differ)} images differ between the evaluations: the first is "
            f"{first.names[row]} and {second.names[row]}; evaluate both detectors on the same data"
        )
