"""The token: every request but those for /health must bring it, where the service has one."""

import base64
import binascii
import hmac
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from melanoma_detect.serve.refusals import Reason, discard_body, problem_response

OPEN_PATHS = ("/health",)
# Each in a header of its own: browsers read the first challenge of a header only.
_CHALLENGES = ('Basic realm="melanoma-detect", charset="UTF-8"', 'Bearer realm="melanoma-detect"')
_SENTENCE = (
    "this service asks for its token: send the header 'Authorization: Bearer TOKEN', or in a browser the token as the "
    "password of any user"
)


class TokenMiddleware:
    """Answers 401 to requests without the token; nothing of such a request is kept.

    The token is taken as a bearer token (RFC 6750), and as the password of HTTP Basic (RFC 7617) with any user name: so a
    browser asks for it by itself, and the page at `/` opens in one. It is compared in constant time and never logged.

    Args:
        app: The application.
        token: The token.
        on_refusal: Called for each request that is refused.
    """

    def __init__(self, app: ASGIApp, token: str, on_refusal: Callable[[Reason], object]) -> None:
        self._app, self._token, self._on_refusal = app, token.encode(), on_refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401."""
        if scope["type"] != "http" or route_path(scope) in OPEN_PATHS or self._is_allowed(scope):
            await self._app(scope, receive, send)
            return
        self._on_refusal("token")
        answer = problem_response(401, _SENTENCE, await discard_body(scope, receive))
        for challenge in _CHALLENGES:
            answer.headers.append("WWW-Authenticate", challenge)
        await answer(scope, receive, send)

    def _is_allowed(self, scope: Scope) -> bool:
        headers = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(headers) == 1 and hmac.compare_digest(sent_token(headers[0]), self._token)


def sent_token(authorization: bytes) -> bytes:
    """Return the token in a header Authorization.

    Args:
        authorization: The header's value.

    Returns:
        The bearer token, or the password of HTTP Basic; empty where there is neither.

    Examples:
        >>> sent_token(b"Bearer nobody-guesses-this"), sent_token(b"Basic YW55Ym9keTpub2JvZHk=")
        (b'nobody-guesses-this', b'nobody')
    """
    scheme, _, credentials = authorization.strip().partition(b" ")
    if scheme.lower() == b"bearer":
        return credentials.strip()
    if scheme.lower() != b"basic":
        return b""
    try:
        return base64.b64decode(credentials.strip(), validate=True).partition(b":")[2]
    except binascii.Error:
        return b""


def route_path(scope: Scope) -> str:
    """Return the path of a request below the place that the service is mounted at.

    Args:
        scope: The request.

    Returns:
        Such as `"/v1/predict"`.

    Examples:
        >>> route_path({"path": "/lesions/v1/card", "root_path": "/lesions"})
        '/v1/card'
    """
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(root) if root and path.startswith(f"{root}/") else path
