"""The metrics of the HTTP service, in the text format of Prometheus; they hold numbers only, never a file's name."""

import logging
import time
import traceback

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from melanoma_detect import __version__
from melanoma_detect.serve.authentication import route_path
from melanoma_detect.serve.refusals import Reason, problem_response

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LATENCIES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)  # seconds
_BATCHES = (1, 2, 4, 8, 16, 32)  # images
_OTHER = "other"  # paths that are none of the service's: clients must not make labels

_logger = logging.getLogger("melanoma_detect.serve")


class Metrics:
    """What a service has done since it started, in a registry of its own.

    Args:
        detector: The detector's name.
        endpoints: The paths that are counted by themselves.

    Examples:
        >>> metrics = Metrics("mine", ["/v1/predict"])
        >>> metrics.images.labels("alert").inc()
        >>> 'melanoma_detect_images_total{decision="alert"} 1.0' in metrics.text().decode()
        True
    """

    def __init__(self, detector: str, endpoints: "list[str]") -> None:
        self.registry = registry = CollectorRegistry()
        self.endpoints = frozenset(endpoints)
        Info("melanoma_detect", "The version and the detector.", registry=registry).info(
            {"version": __version__, "detector": detector}
        )
        self.requests = Counter(
            "melanoma_detect_requests", "Answers, by endpoint and status.", ["endpoint", "status"], registry=registry
        )
        self.seconds = Histogram(
            "melanoma_detect_request_seconds",
            "From a request's first byte to the last of its answer.",
            ["endpoint"],
            buckets=_LATENCIES,
            registry=registry,
        )
        self.images = Counter(
            "melanoma_detect_images",
            "Images, by decision; 'unreadable' for those that are referred because they cannot be read.",
            ["decision"],
            registry=registry,
        )
        self.refusals = Counter(
            "melanoma_detect_refusals", "Requests that were refused, by reason.", ["reason"], registry=registry
        )
        self.batches = Histogram(
            "melanoma_detect_batch_images",
            "Images in one call of the model.",
            buckets=_BATCHES,
            registry=registry,
        )
        self.model_seconds = Histogram(
            "melanoma_detect_model_seconds", "One call of the model.", buckets=_LATENCIES, registry=registry
        )
        self.queue = Gauge("melanoma_detect_queue_images", "Decoded images that wait for the model.", registry=registry)
        self.in_progress = Gauge(
            "melanoma_detect_requests_in_progress", "Requests with images that are being served.", registry=registry
        )
        self.bytes = Gauge(
            "melanoma_detect_body_bytes", "Bytes of request bodies that are in memory.", registry=registry
        )
        ProcessCollector(registry=registry)

    def refuse(self, reason: Reason) -> None:
        """Count a refusal.

        Args:
            reason: Its reason.
        """
        self.refusals.labels(reason).inc()

    def text(self) -> bytes:
        """Return all of them in the text format of Prometheus."""
        return generate_latest(self.registry)


class MetricsMiddleware:
    """Counts requests and measures their time; the outermost layer, so that a failure of any other becomes a plain 500.

    A failure is logged as its class and the lines of code that it came from, without its message, which may hold a file's name.

    Args:
        app: The application.
        metrics: What counts.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, start = 0, time.perf_counter()

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        path = route_path(scope)
        endpoint = path if path in self._metrics.endpoints else _OTHER
        try:
            await self._app(scope, receive, send_and_note)
        except Exception as error:  # noqa: BLE001 - whatever it was, the client gets an answer and the log no image's name
            _log_failure(endpoint, error)
            if not status:
                answer = problem_response(500, "an error of the service, which its log describes")
                await answer(scope, receive, send_and_note)
        finally:
            self._metrics.requests.labels(
                endpoint, str(status or 499)
            ).inc()  # 499: the client is gone, as nginx counts it
            self._metrics.seconds.labels(endpoint).observe(time.perf_counter() - start)


def _log_failure(endpoint: str, error: Exception) -> None:
    lines = "".join(traceback.format_tb(error.__traceback__))
    _logger.error("%s failed with %s:\n%s", endpoint, type(error).__name__, lines)
