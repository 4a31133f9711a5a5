"""A limit of time for reading an image: one that takes longer is given up, and the others go on.

A decoder cannot be interrupted. It goes on in a thread of its own, whose result nobody takes, and which ends with the process.
"""

import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

IMAGE_SECONDS = 60.0
_MOST_GIVEN_UP = 8  # decoders that go on at once: each holds its image in memory
_given_up: list[threading.Thread] = []


class Clock:
    """The time that one image has taken; its beginning may be put off, as while it comes over a network.

    Examples:
        >>> clock = Clock()
        >>> clock.stop()
        >>> clock.seconds()
        0.0
    """

    def __init__(self) -> None:
        self._started = time.monotonic()

    def start(self) -> None:
        """Begin, or begin again."""
        self._started = time.monotonic()

    def stop(self) -> None:
        """Count nothing until it is started again."""
        self._started = math.inf

    def seconds(self) -> float:
        """Return the time since it was started.

        Returns:
            Seconds.
        """
        return max(0.0, time.monotonic() - self._started)


def read_within(reads: Sequence[Callable[[Clock], T]], seconds: float) -> list[T | TimeoutError]:
    """Read images one after the other, each of which may take so long.

    Args:
        reads: Each reads an image; it gets a clock that is running. None may raise an exception.
        seconds: For each.

    Returns:
        What each has returned; a TimeoutError for one that took longer.

    Examples:
        >>> read_within([lambda clock: 1, lambda clock: 2], 60)
        [1, 2]
    """
    results: list[T | TimeoutError] = []
    while len(results) < len(reads):
        _await_given_up()
        run = _Run(reads[len(results) :])
        run.wait(seconds)
        results += run.results
        if run.given_up:
            _given_up.append(run.thread)
            results.append(TimeoutError(f"took longer than {seconds:g} seconds to read"))
    return results


class _Run(Generic[T]):
    """A thread that reads images until it is given up."""

    def __init__(self, reads: Sequence[Callable[[Clock], T]]) -> None:
        self.results: list[T] = []
        self.given_up = False
        self._reads, self._clock = reads, Clock()
        self._lock, self._done = threading.Lock(), threading.Event()
        self._error: BaseException | None = None
        self.thread = threading.Thread(target=self._read, name="read", daemon=True)
        self.thread.start()

    def wait(self, seconds: float) -> None:
        """Wait until all are read, or one has taken too long."""
        while not self._done.wait(max(0.01, seconds - self._clock.seconds())):
            with self._lock:
                if self._clock.seconds() >= seconds and not self._done.is_set():
                    self.given_up = True
                    return
        if self._error is not None:
            raise self._error

    def _read(self) -> None:
        try:
            for read in self._reads:
                self._clock.start()
                result = read(self._clock)
                with self._lock:
                    if self.given_up:
                        return
                    self.results.append(result)
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            self._error = error
        finally:
            self._done.set()


def _await_given_up() -> None:
    """Wait while too many decoders go on that were given up."""
    while len(running := [thread for thread in _given_up if thread.is_alive()]) >= _MOST_GIVEN_UP:
        running[0].join(1)
    _given_up[:] = running
