"""Admission: how many requests with images, and how many bytes of their bodies, are in memory at once."""

import contextlib
from collections.abc import Iterator

from melanoma_detect.serve.metrics import Metrics
from melanoma_detect.serve.refusals import busy
from melanoma_detect.serve.settings import ServeSettings


class Admission:
    """Admits requests up to a number and their bytes up to an amount; refuses the others with 503.

    A request counts from when its body is there: clients that send theirs slowly take nobody's place.

    Attributes:
        requests: How many are admitted.
        total_bytes: The bytes of bodies that are in memory.

    Args:
        settings: The limits.
        metrics: What counts.

    Examples:
        >>> admission = Admission(ServeSettings(max_requests=1), Metrics("mine", []))
        >>> with admission.admit() as body:
        ...     body.hold(1000)
        ...     body.complete()
        ...     admission.requests, admission.total_bytes
        (1, 1000)
        >>> admission.total_bytes
        0
    """

    def __init__(self, settings: ServeSettings, metrics: Metrics) -> None:
        self._settings, self._metrics = settings, metrics
        self.requests, self.total_bytes = 0, 0

    @contextlib.contextmanager
    def admit(self) -> "Iterator[Body]":
        """Admit a request for as long as the block runs.

        Yields:
            What its bytes are held by.

        Raises:
            Refusal: There are too many requests: nothing of this one is read.
        """
        self.check_number()
        self._metrics.in_progress.inc()
        body = Body(self)
        try:
            yield body
        finally:
            self.requests -= body.is_complete
            self._metrics.in_progress.dec()
            self.hold(-body.size)

    def check_number(self) -> None:
        """Raise if there are as many requests as are taken.

        Raises:
            Refusal: There are.
        """
        if self.requests >= self._settings.max_requests:
            raise busy(
                f"{self.requests} requests are in progress, as many as are taken at once; come again in a moment"
            )

    def hold(self, count: int) -> None:
        """Hold more bytes, or give them back.

        Args:
            count: How many; negative to give them back.

        Raises:
            Refusal: All requests together would hold too many.
        """
        if count > 0 and self.total_bytes + count > self._settings.max_total_bytes:
            raise busy(f"{self.total_bytes // 10**6} MB of images are in progress; come again in a moment")
        self.total_bytes += count
        self._metrics.bytes.set(self.total_bytes)


class Body:
    """The bytes of one request's body.

    Args:
        admission: What admits them.

    Attributes:
        size: How many are held.
        is_complete: Whether it is all there.
    """

    def __init__(self, admission: Admission) -> None:
        self._admission, self.size, self.is_complete = admission, 0, False

    def complete(self) -> None:
        """Note that the body is all there: from now on the request counts.

        Raises:
            Refusal: There are too many requests.
        """
        self._admission.check_number()
        self._admission.requests += 1
        self.is_complete = True

    def hold(self, count: int) -> None:
        """Hold more bytes.

        Args:
            count: How many.

        Raises:
            Refusal: All requests together would hold too many.
        """
        self._admission.hold(count)
        self.size += count
