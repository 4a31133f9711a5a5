"""How far scoring has come: a bar with the rate and what is left, whose total is counted while the work goes on."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import count

from rich.progress import Progress

from melanoma_detect.errors import MelanomaDetectError
from melanoma_detect.utils.files import progress_bar

_LOOK = 1000  # images counted between two looks at whether counting is still wanted


class Tally:
    """Counts what is done.

    Args:
        bar: The progress bar.

    Examples:
        >>> tally = Tally(progress_bar(shown=False))
        >>> tally.skip(2)
        >>> tally.advance(3)
        >>> tally.resumed, tally.done
        (2, 5)
    """

    def __init__(self, bar: Progress) -> None:
        self._bar, self._task = bar, bar.add_task("scoring", total=None)
        self.resumed = self.done = 0
        self.start = time.perf_counter()

    def skip(self, images: int) -> None:
        """Count images that an earlier run had done.

        Args:
            images: How many.
        """
        self.resumed += images
        self.done += images
        # They cost nothing: the rate, and what it says about the rest, begins after them.
        self._bar.reset(self._task, total=self._bar.tasks[0].total, completed=self.done)

    def advance(self, images: int) -> None:
        """Count images that are done now.

        Args:
            images: How many.
        """
        self.done += images
        self._bar.update(self._task, completed=self.done)

    def expect(self, images: int) -> None:
        """Say how many there are in all.

        Args:
            images: How many.
        """
        self._bar.update(self._task, total=images)


@contextlib.contextmanager
def tallied(images: Callable[[], Iterable[object]], *, shown: bool) -> Iterator[Tally]:
    """Draw a progress bar for the time of a block.

    Args:
        images: Lists the images; called in a thread, to count them, where the bar is drawn.
        shown: Whether it is.

    Yields:
        What to tell of each step.

    Examples:
        >>> with tallied(lambda: "abc", shown=False) as tally:
        ...     tally.advance(3)
        >>> tally.done
        3
    """
    ended = threading.Event()
    with progress_bar(shown=shown, rate="images") as bar:
        tally = Tally(bar)
        if shown:
            threading.Thread(target=_count, args=(images, tally, ended), daemon=True).start()
        try:
            yield tally
            tally.expect(tally.done)
        finally:
            ended.set()


def _count(images: Callable[[], Iterable[object]], tally: Tally, ended: threading.Event) -> None:
    total = 0
    with contextlib.suppress(MelanomaDetectError):  # the run itself meets it too, and says so
        for total, _ in zip(count(1), images(), strict=False):
            if total % _LOOK == 0 and ended.is_set():
                return
    if not ended.is_set():
        tally.expect(total)
