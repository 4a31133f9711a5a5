"""The page at `/`: the detector as one HTML file that runs in the visitor's browser alone."""

import gzip
import hashlib
import html
import re
import threading

from starlette.requests import Request
from starlette.responses import Response

from melanoma_detect import page
from melanoma_detect.detector import Detector
from melanoma_detect.errors import MelanomaDetectError
from melanoma_detect.utils.disclaimer import DISCLAIMER

_POLICY = re.compile(r'http-equiv="?Content-Security-Policy"?\s+content="([^"]+)"', re.IGNORECASE)
PLAIN_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_FRAMES = "; frame-ancestors 'none'"  # which only a header may say
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
        self._compressed = b""
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
            headers = self._headers | {"Content-Encoding": "gzip"}
            return Response(self._compressed, media_type="text/html", headers=headers)
        return Response(gzip.decompress(self._compressed), media_type="text/html", headers=self._headers)

    def _make(self) -> None:
        try:
            text = page.html(self._detector)
            found = _POLICY.search(text)
            policy = html.unescape(found[1]) if found else PLAIN_POLICY
        except MelanomaDetectError as error:
            text = _MISSING.format(reason=html.escape(str(error)), disclaimer=html.escape(DISCLAIMER))
            policy = PLAIN_POLICY
        content = text.encode()
        self._compressed = gzip.compress(content, _LEVEL, mtime=0)
        self._headers = {
            "Content-Security-Policy": policy + _FRAMES,
            "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
            "Cache-Control": "private, no-cache",
            "Vary": "Accept-Encoding",
        }
