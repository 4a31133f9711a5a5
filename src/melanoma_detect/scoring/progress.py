"""The progress of scoring: a bar with rate and remaining time, whose total is counted while the work goes on."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import count

from melanoma_detect.errors import MelanomaDetectError
from melanoma_detect.utils.progress import ProgressBar

_CHECK_EVERY = (
    1000  # images; counting them takes milliseconds, so a run that ends does not wait for the counting thread
)


class ScoringProgress:
    """How many images are done, shown in a progress bar.

    Attributes:
        resumed: Images that an earlier run had done.
        done: All images that are done.
        passed_over: Files that are no images.
        start: When scoring began, in seconds of `time.perf_counter`.

    Args:
        bar: The progress bar.

    Examples:
        >>> progress = ScoringProgress(ProgressBar("scoring", shown=False))
        >>> progress.skip(2)
        >>> progress.advance(3)
        >>> progress.resumed, progress.done
        (2, 5)
    """

    def __init__(self, bar: ProgressBar) -> None:
        self._bar = bar
        self.resumed = self.done = self.passed_over = 0
        self.start = time.perf_counter()

    def skip(self, images: int) -> None:
        """Count images that an earlier run had done.

        Args:
            images: How many.
        """
        self.resumed += images
        self.done += images
        # They took no time: reset the clock, or they would inflate the rate and shorten the estimate of what remains.
        self._bar.restart(total=self._bar.total, completed=self.done)

    def advance(self, images: int) -> None:
        """Count images that are done now.

        Args:
            images: How many.
        """
        self.done += images
        self._bar.advance(images)

    def pass_over(self, *_: object) -> None:
        """Count a file that is no image."""
        self.passed_over += 1

    def set_total(self, images: int) -> None:
        """Set how many images there are in all.

        Args:
            images: How many.
        """
        self._bar.total = images


@contextlib.contextmanager
def track_scoring(images: Callable[[], Iterable[object]], *, shown: bool) -> Iterator[ScoringProgress]:
    """Draw a progress bar for the duration of a block.

    Args:
        images: Returns all images; if the bar is shown, a thread calls it to count them.
        shown: Whether to draw the bar.

    Yields:
        The progress to update.

    Examples:
        >>> with track_scoring(lambda: "abc", shown=False) as progress:
        ...     progress.advance(3)
        >>> progress.done
        3
    """
    ended = threading.Event()
    with ProgressBar("scoring", shown=shown, unit="images") as bar:
        progress = ScoringProgress(bar)
        if shown:
            # Listing millions of files takes long: scoring starts at once, and the total follows.
            threading.Thread(target=_count, args=(images, progress, ended), daemon=True).start()
        try:
            yield progress
            progress.set_total(progress.done)
        finally:
            ended.set()


def _count(images: Callable[[], Iterable[object]], progress: ScoringProgress, ended: threading.Event) -> None:
    total = 0
    with contextlib.suppress(MelanomaDetectError):  # the run itself meets the same error and raises it
        for total, _ in zip(count(1), images(), strict=False):
            if total % _CHECK_EVERY == 0 and ended.is_set():
                return
    if not ended.is_set():
        progress.set_total(total)
