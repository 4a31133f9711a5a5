"""Worklists: rows of a score table sorted by risk, with an external merge sort for tables of any length."""

import contextlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from melanoma_detect.scoring.table import Row, format_rows, parse_rows

_RUN_ROWS = 50_000  # rows sorted in memory at once; ten million rows are 200 files, few enough to be open together
_DECISION_RANKS = {"alert": 0, "refer": 1, "clear": 2}


def sort_by_risk(rows: Iterable[Row], names: Sequence[str], scratch: Path) -> Iterator[Row]:
    """Sort rows by how soon a person should look at the image.

    Alerts come first, then referred images, then cleared ones; each group by descending probability of any malignant
    diagnosis, melanoma included, so that likely cancers of other kinds lead the referred ones. Unreadable images have no
    probability and come last among the referred ones: they need a new image before anybody can look. Rows that compare equal
    keep their order.

    Args:
        rows: Rows.
        names: Their columns.
        scratch: A folder for temporary files.

    Returns:
        The sorted rows.

    Examples:
        >>> names = ("path", "malignant", "decision")
        >>> rows = [["a", "0.1", "clear"], ["b", "", "refer"], ["c", "0.8", "alert"], ["d", "0.9", "alert"]]
        >>> [row[0] for row in sort_by_risk(rows, names, Path())]
        ['d', 'c', 'b', 'a']
    """
    decision, malignant = names.index("decision"), names.index("malignant")

    def key(row: Row) -> tuple[int, float]:
        return _DECISION_RANKS[row[decision]], -float(row[malignant] or -1)

    stream = iter(rows)
    runs: list[Path] = []
    # Rows are held as CSV text: lists of short texts would take five times the memory.
    while block := [(key(row), format_rows([row])) for row in islice(stream, _RUN_ROWS)]:
        block.sort(key=lambda pair: pair[0])
        runs.append(scratch / f"run-{len(runs)}.csv")
        with runs[-1].open("w", encoding="utf-8", newline="") as file:
            file.writelines(text for _, text in block)
    return _merge(runs, key)


def _merge(runs: Sequence[Path], key: Callable[[Row], tuple[int, float]]) -> Iterator[Row]:
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(run.open(encoding="utf-8", newline="")) for run in runs]
        yield from heapq.merge(*map(parse_rows, files), key=key)  # stable: equal rows come in the order of their runs
