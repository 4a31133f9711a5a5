"""Admission: how many requests with images, and how many bytes of their bodies, are in memory at once."""

import contextlib
from collections.abc import Iterator

from melanoma_detect.serve.metrics import Metrics
from melanoma_detect.serve.refusals import busy
from melanoma_detect.serve.settings import ServeSettings


class Admission:
    """Admits requests up to a number and their bytes up to an amount; refuses the others with 503.

    Args:
        settings: The limits.
        metrics: What counts.

    Examples:
        >>> admission = Admission(ServeSettings(max_requests=1), Metrics("mine", []))
        >>> with admission.admit() as body:
        ...     body.hold(1000)
        ...     admission.total_bytes
        1000
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
            Refusal: There are too many requests.
        """
        if self.requests >= self._settings.max_requests:
            raise busy(
                f"{self.requests} requests are in progress, as many as are taken at once; come again in a moment"
            )
        self.requests += 1
        self._metrics.in_progress.inc()
        body = Body(self)
        try:
            yield body
        finally:
            self.requests -= 1
            self._metrics.in_progress.dec()
            self.hold(-body.size)

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
    """

    def __init__(self, admission: Admission) -> None:
        self._admission, self.size = admission, 0

    def hold(self, count: int) -> None:
        """Hold more bytes.

        Args:
            count: How many.

        Raises:
            Refusal: All requests together would hold too many.
        """
        self._admission.hold(count)
        self.size += count
