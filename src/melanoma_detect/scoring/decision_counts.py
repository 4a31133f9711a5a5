"""How many images of a score table have which decision, and which could not be read."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from melanoma_detect.scoring.table import UNREADABLE, Row

_NAMED = 5  # unreadable images whose errors are kept; the table has all of them


class DecisionCounts:
    """The decisions of rows, counted while they pass.

    Attributes:
        decisions: How many images have which decision.
        unreadable: How many could not be read.
        errors: Why, for the first five of those.

    Args:
        names: The columns of the rows.

    Examples:
        >>> names = ("decision", "reason", "error")
        >>> counts = DecisionCounts(names)
        >>> len(list(counts.count([["alert", "", ""], ["refer", "unreadable", "a.jpg: no such file"]])))
        2
        >>> counts.decisions["alert"], counts.unreadable, counts.errors
        (1, 1, ['a.jpg: no such file'])
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.decisions: Counter[str] = Counter()
        self.unreadable = 0
        self.errors: list[str] = []
        self._columns = [names.index(name) for name in ("decision", "reason", "error")]

    def count(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield rows while their decisions are counted.

        Args:
            rows: Rows.

        Yields:
            The rows.
        """
        for row in rows:
            decision, reason, error = (row[column] for column in self._columns)
            self.decisions[decision] += 1
            if reason == UNREADABLE:
                self.unreadable += 1
                if len(self.errors) < _NAMED:
                    self.errors.append(error)
            yield row
