"""Uploads: the files of a multipart request, read into memory piece by piece and never written to disk.

Starlette's own parser, and `UploadFile` with it, spools files over 1 MB to the temporary folder, and has no limit for a file.
This one drives the same library, python-multipart, and checks every limit before it keeps a piece.
"""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, NamedTuple

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from melanoma_detect.serve.admission import Body
from melanoma_detect.serve.refusals import WHOLE_BODY, Refusal
from melanoma_detect.serve.settings import ServeSettings

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_EXPECTED = "expected multipart/form-data, as from a form or: curl --form"


class Upload(NamedTuple):
    """One uploaded file.

    Attributes:
        name: Its name, as the client gave it; `"file 1"` where it gave none.
        content: Its bytes.
    """

    name: str
    content: bytes


class NamedBytes(io.BytesIO):
    """The bytes of a file under its name, which messages about it use.

    Args:
        upload: The file.

    Examples:
        >>> NamedBytes(Upload("photo.jpg", b"")).name
        'photo.jpg'
    """

    def __init__(self, upload: Upload) -> None:
        super().__init__(upload.content)
        self.name = upload.name


async def read_uploads(
    request: Request, field: str, settings: ServeSettings, body: Body, deadline: float
) -> list[Upload]:
    """Read the files of a request.

    Args:
        request: The request; of its body nothing has been read.
        field: The name of the form's field that holds the files.
        settings: The limits.
        body: Holds the bytes.
        deadline: When the body must be there, by the clock of the event loop.

    Returns:
        The files, at least one.

    Raises:
        Refusal: The request is no multipart form, too large, too slow, malformed, or has other fields or no file; or there are
            too many requests.
    """
    parser = _FormReader(request.headers.get("content-type", ""), field, settings)
    _check_length(request.headers.get("content-length"), settings)
    async for piece in _pieces(request, settings.idle_seconds, deadline):
        body.hold(len(piece))
        if body.size > settings.max_request_bytes:
            raise _too_large("the request", settings.max_request_bytes)
        parser.write(piece)
    setattr(request.state, WHOLE_BODY, True)
    body.complete()
    return parser.finish()


class _FormReader:
    """Collects the files of a multipart body in memory."""

    def __init__(self, content_type: str, field: str, settings: ServeSettings) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data":
            raise Refusal(415, f"Content-Type {content_type or 'is missing'!r}; {_EXPECTED}", "form")
        self._field, self._settings = field, settings
        self._files: list[Upload] = []
        self._pieces: list[bytes] = []
        self._header, self._value, self._disposition, self._name = b"", b"", b"", ""
        self._size, self._ended = 0, False
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._on_part_begin,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_end": self._on_end,
        }
        with _refusing_malformed():
            boundary = options.get(b"boundary", b"")
            if not boundary:
                raise FormParserError("its Content-Type has no boundary")
            self._parser = MultipartParser(boundary, callbacks)

    def write(self, piece: bytes) -> None:
        """Take a piece of the body."""
        with _refusing_malformed():
            self._parser.write(piece)

    def finish(self) -> list[Upload]:
        """Return the files of the whole body."""
        if not self._ended:
            raise Refusal(400, "the body of the request ends before its last boundary; send it again", "form")
        if not self._files:
            raise Refusal(422, f"the form has no file; send at least one as {self._field!r}", "form")
        return self._files

    def _on_part_begin(self) -> None:
        self._header = self._value = self._disposition = b""
        self._size = 0

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        field = _decode(options.get(b"name", b""))
        if field != self._field:
            raise Refusal(422, f"the form has a field {field!r}; expected files as {self._field!r} only", "form")
        if len(self._files) >= self._settings.max_files:
            raise Refusal(
                413,
                f"over {self._settings.max_files} files in one request; send fewer, or use 'melanoma-detect score'",
                "too many files",
            )
        self._name = _decode(options.get(b"filename", b"")) or f"file {len(self._files) + 1}"

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._size += end - start
        if self._size > self._settings.max_file_bytes:
            raise _too_large(self._name, self._settings.max_file_bytes)
        self._pieces.append(data[start:end])

    def _on_part_end(self) -> None:
        self._files.append(Upload(self._name, b"".join(self._pieces)))
        self._pieces.clear()

    def _on_end(self) -> None:
        self._ended = True


@contextlib.contextmanager
def _refusing_malformed() -> Iterator[None]:
    try:
        yield
    except FormParserError as error:
        raise Refusal(400, f"the body of the request is no multipart form ({error}); {_EXPECTED}", "form") from error


async def _pieces(request: Request, idle_seconds: float, deadline: float) -> AsyncIterator[bytes]:
    """Yield the pieces of a body; each must arrive soon after the one before, and all by the deadline."""
    more, now = True, asyncio.get_running_loop().time
    while more:
        try:
            async with asyncio.timeout_at(min(now() + idle_seconds, deadline)):
                message = await request.receive()
        except TimeoutError:
            raise slow_body() from None
        if message["type"] != "http.request":
            raise Refusal(400, "the client closed the connection before the end of its request", "form")
        more = message.get("more_body", False)
        yield message.get("body", b"")


def slow_body() -> Refusal:
    """Return the refusal of a request whose body takes too long to arrive.

    Returns:
        The refusal, which closes the connection.

    Examples:
        >>> slow_body().status
        408
    """
    sentence = "the body of the request came too slowly; send it again, or fewer files at once"
    return Refusal(408, sentence, "slow", {"Connection": "close"})


def _check_length(announced: str | None, settings: ServeSettings) -> None:
    if announced is not None and announced.isdecimal() and int(announced) > settings.max_request_bytes:
        raise _too_large("the request", settings.max_request_bytes)


def _too_large(what: str, limit: int) -> Refusal:
    return Refusal(413, f"{what}: over {limit / 1e6:g} MB; expected at most that much: send less at once", "too large")


def _decode(name: bytes) -> str:
    """Return a name as text; bytes that are not UTF-8 are written with backslashes, as in a table of scores."""
    return name.decode("utf-8", "backslashreplace")
