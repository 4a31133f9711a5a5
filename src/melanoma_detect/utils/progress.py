"""How a progress bar looks; imports rich, which takes a tenth of a second."""

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


def bar(*, shown: bool, transient: bool, rate: str) -> Progress:
    """Return a progress bar on standard error; see `console.progress_bar`.

    Args:
        shown: False for a bar that draws nothing.
        transient: Take the bar away in the end.
        rate: What is counted, to show how many a second; empty for no rate.

    Returns:
        The bar, not yet started.

    Examples:
        >>> bar(shown=False, transient=False, rate="images").finished
        True
    """
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        *([_Rate(rate)] if rate else []),
        TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=False),
        console=Console(stderr=True),
        disable=not shown,
        transient=transient,
    )


class _Rate(ProgressColumn):
    """How many a second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        # rich's own speed in the end is that of the last moment, which for a short task is no moment at all.
        speed = task.completed / task.finished_time if task.finished_time else task.speed
        return Text(f"{speed:,.0f} {self._unit}/s" if speed else "", style="progress.data.speed")
