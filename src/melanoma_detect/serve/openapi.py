"""The OpenAPI document: what each endpoint takes and answers, as `describe` gives it to FastAPI."""

from typing import Any

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi

from melanoma_detect.serve.authentication import OPEN_PATHS
from melanoma_detect.serve.parameters import Parameter
from melanoma_detect.serve.schemas import CardAnswer, Health, PredictAnswer, Problem
from melanoma_detect.serve.settings import ServeSettings

_IMAGE_KINDS = "image/jpeg, image/png, image/webp, image/bmp, image/tiff, image/gif, image/avif, application/dicom"
_PROBLEMS = {
    400: "The body is no multipart form, or ends too early.",
    401: "The token is missing or wrong.",
    408: "The body came too slowly.",
    413: "A file or the request is too large, or there are too many files.",
    415: "The body is not multipart/form-data.",
    422: "A parameter, or what the form holds, cannot be used; the sentence says why.",
    503: "The service is busy; come again after the seconds in the header Retry-After.",
}
_IMAGES = (400, 408, 413, 415, 422, 503)


class _Described(Response):
    """An answer whose content the description names by itself."""

    media_type = None


class _Endpoint:
    """What an endpoint answers with status 200, and which problems it has."""

    def __init__(
        self,
        summary: str,
        example: str,
        media_types: tuple[str, ...],
        problems: tuple[int, ...] = (),
        model: Any = None,
    ) -> None:
        self.summary, self.example = summary, example
        self.media_types, self.problems, self.model = media_types, problems, model


ENDPOINTS = {
    "/v1/predict": _Endpoint(
        "Predict the diagnosis of each image, and whether to alert.\n\nA file that cannot be read has its error in place of a "
        "prediction; it is referred, and the others are answered. Images are not written to disk, logged or kept.",
        "curl --form files=@photo.jpg --form files=@other.png 'http://127.0.0.1:8000/v1/predict?sensitivity=0.9'",
        ("application/json",),
        _IMAGES,
        PredictAnswer,
    ),
    "/v1/explain": _Endpoint(
        "Draw which parts of one image are evidence for a diagnosis: the image, the heat map over it, and what it shows.",
        "curl --form file=@photo.jpg --output explanation.png 'http://127.0.0.1:8000/v1/explain?diagnosis=melanoma'",
        ("image/png",),
        _IMAGES,
    ),
    "/v1/card": _Endpoint(
        "Return the detector's model card: intended use, training data, operating points, metrics, limits.",
        "curl 'http://127.0.0.1:8000/v1/card?format=markdown'",
        ("application/json", "text/markdown"),
        (422,),
        CardAnswer,
    ),
    "/health": _Endpoint(
        "Say that the service answers. Asks for no token.",
        "curl http://127.0.0.1:8000/health",
        ("application/json",),
        (),
        Health,
    ),
    "/metrics": _Endpoint(
        "Return what the service has done since it started, for Prometheus: numbers only.",
        "curl http://127.0.0.1:8000/metrics",
        ("text/plain",),
    ),
    "/": _Endpoint(
        "Return the page that runs the detector in a browser. It sends nothing anywhere.",
        "curl --compressed --output detector.html http://127.0.0.1:8000/",
        ("text/html",),
    ),
}


def describe(
    path: str, parameters: tuple[Parameter, ...] = (), settings: ServeSettings | None = None
) -> dict[str, Any]:
    """Return what FastAPI is told of an endpoint.

    Args:
        path: Its path, one of `ENDPOINTS`.
        parameters: Its query parameters.
        settings: The limits, for an endpoint that takes files.

    Returns:
        Keywords of `FastAPI.get` and `FastAPI.post`.

    Examples:
        >>> describe("/health")["response_model"]
        <class 'melanoma_detect.serve.schemas.Health'>
    """
    endpoint = ENDPOINTS[path]
    content: dict[str, Any] = {
        kind: {"schema": {"type": "string"} | ({"format": "binary"} if kind == "image/png" else {})}
        for kind in endpoint.media_types
        if kind != "application/json"
    }
    responses: dict[int | str, dict[str, Any]] = {200: {"description": "The answer.", "content": content}}
    for status in endpoint.problems:
        responses[status] = _problem(status)
    extra: dict[str, Any] = {"x-example": endpoint.example}
    if parameters:
        extra["parameters"] = [parameter.document() for parameter in parameters]
    if settings is not None:
        extra["requestBody"] = _form(path, settings)
    return {
        "summary": endpoint.summary.partition("\n")[0],
        "description": endpoint.summary,
        "operation_id": path.rpartition("/")[2] or "page",
        "response_model": endpoint.model,
        "responses": responses,
        "openapi_extra": extra,
    } | ({} if endpoint.model else {"response_class": _Described})


def complete(app: FastAPI, *, has_token: bool) -> None:
    """Let an application's document name the token, where there is one.

    Args:
        app: The application, with its endpoints.
        has_token: Whether clients need a token.
    """

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                servers=app.servers,
            )
            if has_token:
                _add_token(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _add_token(document: dict[str, Any]) -> None:
    schemes = {"token": {"type": "http", "scheme": "bearer"}, "password": {"type": "http", "scheme": "basic"}}
    document.setdefault("components", {})["securitySchemes"] = schemes
    unauthorised = {
        "description": _PROBLEMS[401],
        "headers": {
            "WWW-Authenticate": {"schema": {"type": "string"}, "description": "Bearer and Basic.", "required": True}
        },
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for path, methods in document["paths"].items():
        if path not in OPEN_PATHS:
            for operation in methods.values():
                operation["security"] = [{"token": []}, {"password": []}]
                operation["responses"]["401"] = unauthorised
    document["components"].setdefault("schemas", {}).setdefault("Problem", Problem.model_json_schema())


def _problem(status: int) -> dict[str, Any]:
    described: dict[str, Any] = {"model": Problem, "description": _PROBLEMS[status]}
    if status == 503:
        seconds = {"schema": {"type": "integer"}, "description": "Seconds to wait.", "required": True}
        described["headers"] = {"Retry-After": seconds}
    return described


def _form(path: str, settings: ServeSettings) -> dict[str, Any]:
    file = {"type": "string", "format": "binary"}
    megabytes = f"{settings.max_file_bytes / 1e6:g} MB"
    field = "file"
    schema: dict[str, Any] = file | {"description": f"The image, of at most {megabytes}."}
    if path == "/v1/predict":
        limits = (
            f"1 to {settings.max_files} files of at most {megabytes}, {settings.max_request_bytes / 1e6:g} MB together"
        )
        field = "files"
        schema = {"type": "array", "items": file, "minItems": 1, "maxItems": settings.max_files}
        schema["description"] = f"The images: {limits}."
    form: dict[str, Any] = {
        "type": "object",
        "required": [field],
        "properties": {field: schema},
        "additionalProperties": False,
    }
    content = {"schema": form, "encoding": {field: {"contentType": _IMAGE_KINDS}}}
    return {"required": True, "content": {"multipart/form-data": content}}
