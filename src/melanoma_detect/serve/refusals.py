"""Requests that are refused: the status, one sentence, and what the metrics call the reason."""

import asyncio
from typing import Literal, TypeAlias

from starlette.responses import Response
from starlette.types import Receive, Scope

from melanoma_detect.printable import printable
from melanoma_detect.serve.ascii_json import AsciiJSONResponse

Reason: TypeAlias = Literal["token", "too large", "too many files", "busy", "slow", "form", "parameters", "image"]

RETRY_SECONDS = 1  # after which a client may come again: batches take less
_LINGER_SECONDS, _LINGER_BYTES = 1.0, 16_000_000
WHOLE_BODY = "whole_body"  # in the state of a request whose body was read to its end
_CLOSE = {"Connection": "close"}


class Refusal(Exception):  # noqa: N818 - what a service does, and no error of its own
    """A request that is not served.

    Args:
        status: The HTTP status, 400 to 503.
        sentence: What was found, what was expected and what to do.
        reason: What the metrics count it as.
        headers: More headers of the answer.

    Examples:
        >>> raise Refusal(413, "photo.jpg: 60 MB; expected at most 50 MB", "too large")
        Traceback (most recent call last):
        melanoma_detect.serve.refusals.Refusal: photo.jpg: 60 MB; expected at most 50 MB
    """

    def __init__(self, status: int, sentence: str, reason: Reason, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.reason, self.headers = status, sentence, reason, headers or {}


def busy(sentence: str, reason: Reason = "busy") -> Refusal:
    """Return the refusal of a request that may come again in a moment.

    Args:
        sentence: Why it is refused.
        reason: What the metrics count it as.

    Returns:
        The refusal, with status 503 and the header Retry-After.

    Examples:
        >>> busy("64 requests are in progress").headers
        {'Retry-After': '1'}
    """
    return Refusal(503, sentence, reason, {"Retry-After": str(RETRY_SECONDS)})


def problem_response(status: int, sentence: str, headers: dict[str, str] | None = None) -> Response:
    """Return the answer to a request that failed: a JSON object with the sentence as `error`.

    Args:
        status: The HTTP status.
        sentence: What went wrong.
        headers: More headers.

    Returns:
        The answer, which no cache keeps.

    Examples:
        >>> problem_response(422, "sensitivity=2").body
        b'{"error":"sensitivity=2"}'
    """
    return AsciiJSONResponse({"error": printable(sentence)}, status, {"Cache-Control": "no-store"} | (headers or {}))


async def discard_body(scope: Scope, receive: Receive) -> dict[str, str]:
    """Take what a refused client is still sending, for a second at most, so that it reads the answer.

    A server that answers and closes while the client still sends resets the connection, and the client sees no answer.

    Args:
        scope: The request.
        receive: Receives the rest of its body.

    Returns:
        The header that closes the connection, where the client has more to send; else none.
    """
    headers = dict(scope["headers"])
    if scope.get("state", {}).get(WHOLE_BODY):
        return {}
    if b"transfer-encoding" not in headers and headers.get(b"content-length", b"0") == b"0":
        return {}
    if b"expect" in headers:  # it waits for a word before it sends anything
        return _CLOSE
    taken = 0
    try:
        async with asyncio.timeout(_LINGER_SECONDS):
            while taken < _LINGER_BYTES:
                message = await receive()
                taken += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return {}
    except TimeoutError:
        pass
    return _CLOSE
