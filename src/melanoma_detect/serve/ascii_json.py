"""JSON in ASCII: a program reads the same, and a terminal that shows an answer obeys no name of a file."""

import json
from typing import Any

from starlette.responses import JSONResponse


class AsciiJSONResponse(JSONResponse):
    """A JSON answer whose other letters are escaped, as control characters and marks of direction are among them."""

    def render(self, content: Any) -> bytes:
        r"""Return the bytes of the answer.

        Args:
            content: Plain values.

        Returns:
            JSON in ASCII.

        Examples:
            >>> AsciiJSONResponse({"file": "\u202egnp.exe"}).body
            b'{"file":"\\u202egnp.exe"}'
        """
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()
