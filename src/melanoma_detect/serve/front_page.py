"""The page at `/`: the detector as one HTML file that runs in the visitor's browser alone."""

import gzip
import hashlib
import html
import re
import threading
import zlib
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from melanoma_detect import page
from melanoma_detect.detector import Detector
from melanoma_detect.errors import MelanomaDetectError
from melanoma_detect.utils.disclaimer import DISCLAIMER

_POLICY = re.compile(r'http-equiv="?Content-Security-Policy"?\s+content="([^"]+)"', re.IGNORECASE)
PLAIN_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_FRAMES = "; frame-ancestors 'none'"  # which only a header may say
_PIECE_BYTES = 2**17  # written at once: a visitor who takes it slowly holds no more of the memory
_LEVEL = 1  # of gzip: most of the page is compressed already, and only its base64 shrinks
_MISSING = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>melanoma-detect</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; }}
</style>
</head>
<body>
<h1>melanoma-detect</h1>
<p>This service answers programs. It has no page that runs the detector in a browser:</p>
<p>{reason}</p>
<p><a href="docs">How to call the service</a></p>
<p><small>{disclaimer}</small></p>
</body>
</html>
"""


class FrontPage:
    """The page, made at its first visit and kept compressed.

    Args:
        detector: The detector that the page runs.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._making = threading.Lock()
        self._compressed, self._size = b"", 0
        self._headers: dict[str, str] = {}

    def response(self, request: Request) -> Response:
        """Return the page.

        Args:
            request: The visit; a browser that has the page already is told so.

        Returns:
            The page, compressed where the browser takes that.
        """
        with self._making:
            if not self._compressed:
                self._make()
        if request.headers.get("if-none-match") == self._headers["ETag"]:
            return Response(status_code=304, headers=self._headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            sent = {"Content-Encoding": "gzip", "Content-Length": str(len(self._compressed))}
            return StreamingResponse(_pieces(self._compressed), media_type="text/html", headers=self._headers | sent)
        sent = {"Content-Length": str(self._size)}
        return StreamingResponse(_unpacked(self._compressed), media_type="text/html", headers=self._headers | sent)

    def _make(self) -> None:
        try:
            text = page.html(self._detector)
            found = _POLICY.search(text)
            policy = html.unescape(found[1]) if found else PLAIN_POLICY
        except MelanomaDetectError as error:
            text = _MISSING.format(reason=html.escape(str(error)), disclaimer=html.escape(DISCLAIMER))
            policy = PLAIN_POLICY
        content = text.encode()
        self._compressed, self._size = gzip.compress(content, _LEVEL, mtime=0), len(content)
        self._headers = {
            "Content-Security-Policy": policy + _FRAMES,
            "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
            "Cache-Control": "private, no-cache",
            "Vary": "Accept-Encoding",
        }


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _PIECE_BYTES):
        yield content[start : start + _PIECE_BYTES]


async def _unpacked(compressed: bytes) -> AsyncIterator[bytes]:
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)  # with the header of gzip
    async for piece in _pieces(compressed):
        yield unpacker.decompress(piece)
    yield unpacker.flush()
