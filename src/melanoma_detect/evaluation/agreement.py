"""How two detectors decide the same images: a table of their decisions, and McNemar's test of their alerts."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from melanoma_detect.evaluation.answers import Answers
from melanoma_detect.evaluation.matching_images import MatchedAnswers
from melanoma_detect.inference.operating_points import PLURALS, OperatingPoint

DECISIONS = ("alert", "refer", "clear")
_SMALLEST = 0.0005  # of p-values that do not read 0.000 with three decimals


class Agreement(NamedTuple):
    """How two detectors decide the same images of one kind.

    Attributes:
        name: `"melanomas"` (or malignant lesions), or `"other images"`.
        table: Images by the first detector's decision (rows) and the second's (columns): alert, refer, clear.
        only_first: Images with an alert of the first detector only.
        only_second: Images with an alert of the second only.
        p_value: McNemar's exact test of these two counts. It counts images as if each showed another lesion; the p-value of
            sensitivity (or false-positive rate) counts lesions.
    """

    name: str
    table: tuple[tuple[int, int, int], ...]
    only_first: int
    only_second: int
    p_value: float

    def lines(self) -> Iterator[str]:
        """Yield the table of decisions, rows by the first detector and columns by the second.

        Yields:
            Lines of text.

        Examples:
            >>> print(list(Agreement("melanomas", ((3, 0, 0), (0, 1, 0), (0, 0, 0)), 0, 0, 1.0).lines())[2])
            alert            3       0       0
        """
        yield f"Decisions for {self.name}: rows by the first detector, columns by the second"
        yield f"{'':<10}" + "".join(f"{name:>8}" for name in DECISIONS)
        for name, counts in zip(DECISIONS, self.table, strict=True):
            yield f"{name:<10}" + "".join(f"{count:>8}" for count in counts)
        yield (
            f"An alert of the first only: {self.only_first}; of the second only: {self.only_second} (McNemar's exact test by "
            f"image: {p_text(self.p_value, sign=True)})."
        )


def p_text(p_value: float, *, sign: bool = False) -> str:
    """Return a p-value as text.

    Args:
        p_value: 0 to 1.
        sign: Put "p " before it.

    Returns:
        Three decimals; "< 0.001" below that.

    Examples:
        >>> p_text(0.0123), p_text(2e-16), p_text(2e-16, sign=True)
        ('0.012', '< 0.001', 'p < 0.001')
    """
    text = "< 0.001" if p_value < _SMALLEST else f"{p_value:.3f}"
    return f"p {text}" if sign else text


def agreements_of(
    matched: MatchedAnswers, first: OperatingPoint | None, second: OperatingPoint | None
) -> tuple[Agreement, ...]:
    """Count how two detectors decide the same images.

    Args:
        matched: Their answers.
        first: The first detector's operating point.
        second: The second's.

    Returns:
        Agreements for the target and for other images; empty where one has no operating point.

    Examples:
        >>> from melanoma_detect.evaluation.matching_images import match_images
        >>> evaluation = detector.evaluate(data.test)
        >>> point = evaluation.operating_point
        >>> [agreement.name for agreement in agreements_of(match_images(evaluation, evaluation), point, point)]
        ['melanomas', 'other images']
    """
    if first is None or second is None:
        return ()
    decisions = _decisions(matched.first, first), _decisions(matched.second, second)
    kinds = {PLURALS[matched.first.target]: matched.first.is_positive, "other images": matched.first.is_negative}
    return tuple(_agreement(name, chosen, *decisions) for name, chosen in kinds.items() if chosen.any())


def _decisions(answers: Answers, point: OperatingPoint) -> NDArray[np.int64]:
    """Return the decision for each image as a position in alert, refer, clear."""
    return np.where(answers.alerts(point), 0, np.where(answers.cleared(point), 2, 1))


def _agreement(name: str, chosen: NDArray[np.bool_], first: NDArray[np.int64], second: NDArray[np.int64]) -> Agreement:
    table = np.zeros((3, 3), dtype=np.int64)
    np.add.at(table, (first[chosen], second[chosen]), 1)
    only_first, only_second = int(table[0, 1:].sum()), int(table[1:, 0].sum())
    differing = only_first + only_second
    p_value = float(binomtest(only_first, differing).pvalue) if differing else 1.0
    rows = tuple((int(row[0]), int(row[1]), int(row[2])) for row in table)
    return Agreement(name, rows, only_first, only_second, p_value)
