"""A result in the order in which people should look: sorted outside of memory, however long it is."""

import contextlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from melanoma_detect.scoring.table import Row, parsed, written

_RUN = 50_000  # rows sorted at once: two hundred files for ten million
_RANKS = {"alert": 0, "refer": 1, "clear": 2}


def by_risk(rows: Iterable[Row], names: Sequence[str], scratch: Path) -> Iterator[Row]:
    """Sort rows by what a person should look at first.

    Alerts come first, then what the detector refers to a person, then what it cleared; each with the highest probability of
    melanoma first. Unreadable images, of which nothing is known, stand after the other referred ones: they need a new image
    before anybody can look. Equals keep their order.

    Args:
        rows: Rows.
        names: Their columns.
        scratch: A folder for what does not fit into memory.

    Returns:
        The rows, sorted.

    Examples:
        >>> names = ("path", "melanoma", "decision")
        >>> found = [["a", "0.1", "clear"], ["b", "", "refer"], ["c", "0.8", "alert"], ["d", "0.9", "alert"]]
        >>> [row[0] for row in by_risk(found, names, Path())]
        ['d', 'c', 'b', 'a']
    """
    decision, melanoma = names.index("decision"), names.index("melanoma")

    def key(row: Row) -> tuple[int, float]:
        return _RANKS[row[decision]], -float(row[melanoma] or -1)

    stream = iter(rows)
    runs: list[Path] = []
    # As texts, for lists of small texts would take five times the memory.
    while part := [(key(row), written([row])) for row in islice(stream, _RUN)]:
        part.sort(key=lambda pair: pair[0])
        runs.append(scratch / f"run-{len(runs)}.csv")
        with runs[-1].open("w", encoding="utf-8", newline="") as file:
            file.writelines(text for _, text in part)
    return _merged(runs, key)


def _merged(runs: Sequence[Path], key: Callable[[Row], tuple[int, float]]) -> Iterator[Row]:
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(run.open(encoding="utf-8", newline="")) for run in runs]
        yield from heapq.merge(*map(parsed, files), key=key)
