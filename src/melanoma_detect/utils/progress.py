"""Progress bars with remaining time: on a terminal's standard error, or as one line of HTML in a notebook.

A public function opens a bar for its whole call; what it calls reports its loops by `stage`, which draws on the bar that is
open, and costs nothing where none is. A bar appears after two seconds only, and only where somebody watches: neither in a log
file nor in a pipe. `MELANOMA_DETECT_PROGRESS=0` turns all bars off.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self, TypeVar

from melanoma_detect.printable import printable_lines
from melanoma_detect.utils.notebook import in_notebook

Item = TypeVar("Item")

PROGRESS_VARIABLE = "MELANOMA_DETECT_PROGRESS"
DELAY = 2.0  # seconds until a bar appears
_REFRESH = {"terminal": 0.1, "notebook": 0.5}  # seconds; a notebook sends each picture to a browser


class ProgressBar:
    """How far some work is: a count, perhaps a total, and what is being done.

    Counting is cheap: a thread looks at the count and draws, once two seconds have passed.

    Args:
        description: What is being done, in a word or two.
        total: How many there will be; None where that is not known.
        shown: False for a bar that draws and prints nothing.
        unit: What is counted, as `"images"`, to show how many a second; empty for no rate.

    Attributes:
        description: See above.
        total: See above.
        unit: See above.
        completed: How many are done.
        counted: How many of those were done since `started`; what an earlier run did says nothing of this one's speed.
        started: When this count began, in seconds of `time.monotonic`.
        lines: The lines that were printed.

    Examples:
        >>> with ProgressBar("reading", total=3, shown=False) as bar:
        ...     bar.advance()
        >>> bar.completed
        1
    """

    def __init__(self, description: str, total: int | None = None, *, shown: bool = True, unit: str = "") -> None:
        self.description, self.total, self.unit = description, total, unit
        self.completed = self.counted = 0
        self.started = time.monotonic()
        self.lines: list[str] = []
        self._is_shown = shown and os.environ.get(PROGRESS_VARIABLE) != "0"
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._painter: Any = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        where = find_screen() if self._is_shown else None
        if where:
            self._thread = threading.Thread(target=self._draw, args=(where,), daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()
        with self._lock:
            if self._painter:
                self._painter.close()

    def advance(self, count: int = 1) -> None:
        """Count what is done now.

        Args:
            count: How many more.
        """
        self.completed += count
        self.counted += count

    def restart(self, description: str | None = None, total: int | None = None, completed: int = 0) -> None:
        """Begin another count on the same bar.

        Args:
            description: What is being done now; None for what it was.
            total: How many there will be; None where that is not known.
            completed: How many an earlier run has done.
        """
        self.description = self.description if description is None else description
        self.total, self.completed, self.counted = total, completed, 0
        self.started = time.monotonic()

    def print(self, line: str) -> None:
        """Print a line above the bar; on standard error, also where no bar is drawn, unless nothing is shown.

        Args:
            line: The line.
        """
        if not self._is_shown:
            return
        with self._lock:
            self.lines.append(printable_lines(line))
            if self._painter:
                self._painter.print()
            elif in_notebook():  # where lines on standard error have a red background
                self._painter = _make_painter("notebook", self)
                self._painter.print()
            else:
                with contextlib.suppress(AttributeError, ValueError):  # no standard error, or a closed one
                    sys.stderr.write(f"{self.lines[-1]}\n")
                    sys.stderr.flush()

    def _draw(self, where: str) -> None:
        if self._ended.wait(DELAY):
            return
        while True:
            with self._lock:
                self._painter = self._painter or _make_painter(where, self)
                self._painter.draw()
            if self._ended.wait(_REFRESH[where]):
                return


_OPEN: ContextVar[ProgressBar | None] = ContextVar("open progress bar", default=None)


@contextlib.contextmanager
def progress_bar(
    description: str, total: int | None = None, *, shown: bool = True, unit: str = ""
) -> Iterator[ProgressBar]:
    """Open a progress bar for a block and whatever it calls; inside a bar that is open, that bar goes on with this count.

    Args:
        description: What is being done, in a word or two.
        total: How many there will be; None where that is not known.
        shown: False to draw nothing, whatever the block calls.
        unit: What is counted, as `"images"`, to show how many a second; empty for no rate.

    Yields:
        The bar to count on.

    Examples:
        >>> with progress_bar("reading", total=3, shown=False) as bar:
        ...     bar.advance(3)
        >>> bar.completed
        3
    """
    outer = _OPEN.get()
    if outer is not None:
        outer.restart(description, total)
        yield outer
        return
    with ProgressBar(description, total, shown=shown, unit=unit) as bar:
        token = _OPEN.set(bar)
        try:
            yield bar
        finally:
            _OPEN.reset(token)


def stage(items: Iterable[Item], description: str, total: int | None = None, *, each: int = 1) -> Iterable[Item]:
    """Count items on the bar that is open; where none is, they are returned as they are.

    Args:
        items: What to go through.
        description: What is being done, in a word or two.
        total: How many there will be; None where that is not known.
        each: How many one item counts for, such as the images of a batch; of the last one perhaps fewer.

    Returns:
        The items.

    Examples:
        >>> with progress_bar("loading", shown=False) as bar:
        ...     done = list(stage("abc", "spelling", total=3))
        >>> bar.description, bar.completed, bar.total
        ('spelling', 3, 3)
    """
    bar = _OPEN.get()
    return items if bar is None else _count(items, bar, description, total, each)


def describe_stage(description: str) -> None:
    """Show on the bar that is open what is being done now, without a count.

    Args:
        description: What is being done, in a word or two.

    Examples:
        >>> describe_stage("exporting")
    """
    bar = _OPEN.get()
    if bar is not None:
        bar.restart(description)


def track(items: Iterable[Item], description: str, total: int | None = None, *, shown: bool = True) -> Iterator[Item]:
    """Yield items while a progress bar is drawn: the one that is open, or one of its own.

    Args:
        items: What to yield.
        description: What is being done, in a word or two.
        total: How many items there will be; None where that is not known.
        shown: False for no bar.

    Yields:
        The items.

    Examples:
        >>> list(track("abc", "spelling", total=3, shown=False))
        ['a', 'b', 'c']
    """
    bar = _OPEN.get()
    if bar is not None:
        yield from _count(items, bar, description, total)
        return
    # Not open for what the caller does between two items.
    with ProgressBar(description, total, shown=shown) as own:
        yield from _count(items, own, description, total)


def find_screen() -> str | None:
    """Return where a bar can be drawn.

    Returns:
        `"notebook"`, `"terminal"`, or None where standard error is a file, a pipe or closed.

    Examples:
        >>> find_screen() in ("notebook", "terminal", None)
        True
    """
    if in_notebook():
        return "notebook"
    try:
        return "terminal" if sys.stderr.isatty() else None
    except (AttributeError, ValueError):  # none, or closed
        return None


def _count(
    items: Iterable[Item], bar: ProgressBar, description: str, total: int | None, each: int = 1
) -> Iterator[Item]:
    bar.restart(description, total)
    for item in items:
        yield item
        bar.advance(each if total is None else min(each, total - bar.completed))


def _make_painter(where: str, bar: ProgressBar) -> Any:
    # Importing rich takes a tenth of a second, which nobody has to wait for in a quick call.
    from melanoma_detect.utils.progress_painters import PAINTERS  # noqa: PLC0415

    return PAINTERS[where](bar)
