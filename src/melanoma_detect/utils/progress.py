"""Progress bars on standard error, by rich.

Importing rich takes a tenth of a second: modules that a prediction needs must not import this one.
"""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

Item = TypeVar("Item")


def progress_bar(*, shown: bool = True, transient: bool = False, unit: str = "") -> Progress:
    """Return a progress bar on standard error with a count, elapsed and remaining time.

    Args:
        shown: False for a bar that draws nothing.
        transient: Remove the bar at the end.
        unit: What is counted, as `"images"`, to show how many a second; empty for no rate.

    Returns:
        A rich `Progress`, not yet started.

    Examples:
        >>> with progress_bar(shown=False) as bar:
        ...     task = bar.add_task("reading", total=3)
    """
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        *([_RateColumn(unit)] if unit else []),
        TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=False),
        console=Console(stderr=True),
        disable=not shown,
        transient=transient,
    )


def track(items: Iterable[Item], description: str, total: int, *, shown: bool = True) -> Iterator[Item]:
    """Yield items while a progress bar is drawn.

    Args:
        items: What to yield.
        description: What is being done, in a word or two.
        total: How many items there will be.
        shown: False for no bar.

    Yields:
        The items.

    Examples:
        >>> list(track("abc", "spelling", total=3, shown=False))
        ['a', 'b', 'c']
    """
    with progress_bar(shown=shown) as bar:
        yield from bar.track(items, total=total, description=description)


class _RateColumn(ProgressColumn):
    """How many a second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        # At the end, rich's own speed is that of the last samples only, and none at all for a short task.
        speed = task.completed / task.finished_time if task.finished_time else task.speed
        return Text(f"{speed:,.0f} {self._unit}/s" if speed else "", style="progress.data.speed")
