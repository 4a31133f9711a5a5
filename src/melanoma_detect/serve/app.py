"""The application: `create_app`, its endpoints and its errors."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from melanoma_detect import __version__
from melanoma_detect.detector import Detector
from melanoma_detect.errors import DetectorError, ImageError
from melanoma_detect.serve import parameters
from melanoma_detect.serve.admission import Admission
from melanoma_detect.serve.ascii_json import AsciiJSONResponse
from melanoma_detect.serve.authentication import TokenMiddleware
from melanoma_detect.serve.card import describe_detector, detector_name
from melanoma_detect.serve.docs_page import docs_page
from melanoma_detect.serve.front_page import PLAIN_POLICY, FrontPage
from melanoma_detect.serve.images import ImageService
from melanoma_detect.serve.metrics import CONTENT_TYPE, Metrics, MetricsMiddleware
from melanoma_detect.serve.openapi import ENDPOINTS, complete, describe
from melanoma_detect.serve.refusals import WHOLE_BODY, Refusal, busy, discard_body, problem_response
from melanoma_detect.serve.settings import ServeSettings
from melanoma_detect.serve.uploads import read_uploads, slow_body
from melanoma_detect.utils.disclaimer import DISCLAIMER
from melanoma_detect.utils.json_values import to_json

_PREDICT = (parameters.SENSITIVITY, parameters.TARGET, parameters.IMAGE_TYPE, parameters.COVERAGE)
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def create_app(detector: Detector, settings: ServeSettings | None = None) -> FastAPI:
    """Return the HTTP service of a detector as an ASGI application, to be run by uvicorn or any other server.

    `melanoma-detect serve` runs it. No image is written to disk, logged or kept after its answer.

    Args:
        detector: The detector; with other settings it is that of `detector.at(...)`.
        settings: The token and the limits; None for no token and the usual limits.

    Returns:
        The application. Its endpoints: `/` (the page that runs the detector in a browser), `/v1/predict`, `/v1/explain`,
        `/v1/card`, `/health`, `/metrics`, `/docs` and `/openapi.json`.

    Examples:
        >>> import asyncio, httpx
        >>> content = (isic9 / "Test" / "melanoma" / "melanoma_5000.jpg").read_bytes()
        >>> async def ask():
        ...     service = httpx.ASGITransport(create_app(detector))
        ...     async with httpx.AsyncClient(transport=service, base_url="http://here") as client:
        ...         return (await client.post("/v1/predict", files={"files": ("a.jpg", content)})).json()
        >>> asyncio.run(ask())["predictions"][0]["melanoma"] == detector.predict(content).melanoma
        True
    """
    used = settings or ServeSettings()
    name = detector_name(detector)
    metrics = Metrics(name, list(ENDPOINTS))
    service = ImageService(detector, used, metrics)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.warm_up()
        yield
        service.close()

    app = FastAPI(
        title="melanoma-detect",
        version=__version__,
        description=f"Predictions of the detector {name!r} for images of skin lesions. {DISCLAIMER}",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    _add_errors(app, metrics)
    _add_images(app, detector, used, service, Admission(used, metrics))
    _add_descriptions(app, detector, metrics)
    complete(app, has_token=used.token is not None)
    if used.token is not None:
        app.add_middleware(TokenMiddleware, token=used.token, on_refusal=metrics.refuse)
    app.add_middleware(MetricsMiddleware, metrics=metrics)
    return app


def _add_images(
    app: FastAPI, detector: Detector, settings: ServeSettings, service: ImageService, admission: Admission
) -> None:
    """Add the endpoints that take images."""
    name, explained = detector_name(detector), (parameters.diagnosis_parameter(detector.classes), parameters.METHOD)

    @app.post("/v1/predict", **describe("/v1/predict", _PREDICT, settings))
    async def predict(request: Request) -> Response:
        chosen = parameters.read_parameters(request, _PREDICT)
        with admission.admit() as body:
            async with _time_limit(request, settings.seconds) as deadline:
                configured = await service.configured(**chosen)
                uploads = await read_uploads(request, "files", settings, body, deadline)
                found = await service.predict(uploads, configured)
        unreadable = sum("error" in each for each in found)
        answer = {"detector": name, "predictions": found, "unreadable": unreadable, "disclaimer": DISCLAIMER}
        return AsciiJSONResponse(to_json(answer), headers=_HEADERS)

    @app.post("/v1/explain", **describe("/v1/explain", explained, settings))
    async def explain(request: Request) -> Response:
        chosen = parameters.read_parameters(request, explained)
        with admission.admit() as body:
            async with _time_limit(request, settings.seconds) as deadline:
                uploads = await read_uploads(request, "file", settings, body, deadline)
                if len(uploads) > 1:
                    raise Refusal(422, f"{len(uploads)} files; expected one image to explain", "form")
                image = await service.explain(uploads[0], **chosen)
        return Response(image, media_type="image/png", headers=_HEADERS)


def _add_descriptions(app: FastAPI, detector: Detector, metrics: Metrics) -> None:
    """Add the endpoints that say what the service is and does."""
    name, card, front = detector_name(detector), describe_detector(detector), FrontPage(detector)

    @app.get("/", **describe("/"))
    async def page(request: Request) -> Response:
        return await run_in_threadpool(front.response, request)

    @app.get("/v1/card", **describe("/v1/card", (parameters.FORMAT,)))
    async def model_card(request: Request) -> Response:
        chosen = parameters.read_parameters(request, (parameters.FORMAT,))["format"]
        if chosen not in (None, "json", "markdown"):
            raise Refusal(422, f"format={chosen!r}; expected 'json' or 'markdown'", "parameters")
        if chosen == "markdown" or (chosen is None and "text/markdown" in request.headers.get("accept", "")):
            return Response(detector.model_card, media_type="text/markdown", headers=_HEADERS)
        return AsciiJSONResponse(card, headers=_HEADERS)

    @app.get("/health", **describe("/health"))
    async def health() -> Response:
        return AsciiJSONResponse({"status": "ok", "version": __version__, "detector": name}, headers=_HEADERS)

    @app.get("/metrics", **describe("/metrics"))
    async def show_metrics() -> Response:
        return Response(metrics.text(), headers={"Content-Type": CONTENT_TYPE} | _HEADERS)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(docs_page(app.openapi()), headers={"Content-Security-Policy": PLAIN_POLICY} | _HEADERS)


def _add_errors(app: FastAPI, metrics: Metrics) -> None:
    """Let every error be one JSON object with a sentence."""

    async def refuse(request: Request, error: Any) -> Response:
        metrics.refuse(error.reason)
        rest = {} if error.reason == "slow" else await discard_body(request.scope, request.receive)
        return problem_response(error.status, error.sentence, error.headers | rest)

    async def refuse_settings(request: Request, error: Any) -> Response:
        return await refuse(request, Refusal(422, str(error), "parameters"))

    async def refuse_image(request: Request, error: Any) -> Response:
        return await refuse(request, Refusal(422, str(error), "image"))

    async def refuse_path(_: Request, error: Any) -> Response:
        return problem_response(error.status_code, str(error.detail), dict(error.headers or {}))

    app.add_exception_handler(Refusal, refuse)
    app.add_exception_handler(DetectorError, refuse_settings)
    app.add_exception_handler(ImageError, refuse_image)
    app.add_exception_handler(HTTPException, refuse_path)


@contextlib.asynccontextmanager
async def _time_limit(request: Request, seconds: float) -> AsyncIterator[float]:
    """Give a request its time; what is not done by then is refused."""
    deadline = asyncio.get_running_loop().time() + seconds
    try:
        async with asyncio.timeout_at(deadline):
            yield deadline
    except TimeoutError:
        if not getattr(request.state, WHOLE_BODY, False):
            raise slow_body() from None
        raise busy(f"not answered within {seconds:g} s, since the service is busy; send it again", "slow") from None
