"""How a progress bar is drawn: by rich on a terminal, as one line of HTML in a notebook."""

import sys
import time
from html import escape
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from melanoma_detect.printable import printable

_WIDTH = 30  # of the bar, in characters


class State(Protocol):
    """What a painter draws: a `ProgressBar`."""

    description: str
    total: int | None
    unit: str
    completed: int
    counted: int
    started: float
    lines: list[str]


def describe_time(seconds: float) -> str:
    """Return a duration as a clock shows it.

    Args:
        seconds: The duration.

    Returns:
        Minutes and seconds, with hours where there are any.

    Examples:
        >>> describe_time(71.6), describe_time(3671)
        ('1:11', '1:01:11')
    """
    minutes, second = divmod(int(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"


def describe_state(state: State, now: float) -> str:
    """Return count, rate, and elapsed and remaining time of some work.

    Args:
        state: The bar.
        now: The time, in seconds of `time.monotonic`.

    Returns:
        A text such as `"120/480 · 0:04 elapsed, 0:12 left"`.

    Examples:
        >>> from melanoma_detect.utils.progress import ProgressBar
        >>> bar = ProgressBar("reading", total=480, unit="images")
        >>> bar.advance(120)
        >>> describe_state(bar, bar.started + 4)
        '120/480 · 30 images/s · 0:04 elapsed, 0:12 left'
    """
    elapsed = now - state.started
    speed = state.counted / elapsed if elapsed > 0 else 0.0
    count = "" if state.total is None and not state.completed else f"{state.completed:,}"
    if state.total is not None:
        count += f"/{state.total:,}"
    rate = f"{speed:,.0f} {state.unit}/s" if state.unit and speed else ""
    left = f", {describe_time((state.total - state.completed) / speed)} left" if state.total and speed else ""
    return " · ".join(filter(None, (count, rate, f"{describe_time(elapsed)} elapsed{left}")))


class TerminalPainter:
    """Draws on standard error; the bar is gone at the end.

    Args:
        state: What to draw.

    Examples:
        >>> from melanoma_detect.utils.progress import ProgressBar
        >>> TerminalPainter(ProgressBar("reading")).close()
    """

    def __init__(self, state: State) -> None:
        self._state = state
        # Not as rich does it in notebooks, by widgets that most of them lack.
        console = Console(stderr=True, force_jupyter=False, highlight=False)
        self._rich = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=_WIDTH),
            TextColumn("{task.fields[state]}", markup=False),
            console=console,
            auto_refresh=False,
            transient=True,
        )
        self._task = self._rich.add_task(printable(state.description), total=None, state="")
        self._rich.start()

    def draw(self) -> None:
        """Draw the bar anew."""
        state = self._state
        self._rich.update(
            self._task,
            description=printable(state.description),
            completed=state.completed,
            state=describe_state(state, time.monotonic()),
        )
        self._rich.tasks[0].total = state.total  # `update` takes None for "as before"
        self._rich.refresh()

    def print(self) -> None:
        """Print the last line above the bar."""
        self._rich.console.print(self._state.lines[-1], markup=False, soft_wrap=True)

    def close(self) -> None:
        """Remove the bar."""
        self._rich.stop()


class NotebookPainter:
    """Draws in one output of the cell; at the end it holds the printed lines, and is empty where there are none.

    Args:
        state: What to draw.

    Examples:
        >>> from melanoma_detect.utils.progress import ProgressBar
        >>> NotebookPainter(ProgressBar("reading", total=2)).contents("1/2")["text/plain"]
        'reading: 1/2'
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._handle: Any = None

    def draw(self) -> None:
        """Draw the bar anew."""
        self._show(self.contents(describe_state(self._state, time.monotonic())))

    def print(self) -> None:
        """Show the lines with the last one."""
        self.draw()

    def close(self) -> None:
        """Leave the lines."""
        self._show(self.contents(""))

    def contents(self, progress: str) -> dict[str, str]:
        """Return what the output holds, by media type.

        Args:
            progress: Count and times; empty at the end.

        Returns:
            The printed lines, and below them the bar, as text and as HTML.
        """
        state, lines = self._state, "\n".join(self._state.lines)
        label = f"{printable(state.description)}: {progress}" if progress else ""
        html = f"<pre>{escape(lines)}</pre>" if lines else ""
        if label:
            value = "" if state.total is None else f' value="{state.completed}" max="{max(state.total, 1)}"'
            html += f'<div><progress{value} style="width: 16em" aria-label="{escape(label)}"></progress> {escape(label)}</div>'
        return {"text/plain": "\n".join(filter(None, (lines, label))), "text/html": html}

    def _show(self, contents: dict[str, str]) -> None:
        if self._handle is None:
            self._handle = sys.modules["IPython"].display.display(contents, raw=True, display_id=True)
        else:
            self._handle.update(contents, raw=True)


PAINTERS = {"terminal": TerminalPainter, "notebook": NotebookPainter}
