"""Connections: each ends soon when its client sends no request, sends it too slowly, or does not take its answer.

uvicorn waits for a first request without end, and for a header that drips in: a few hundred such connections cost their client
nothing, and would leave no place for others. What a request does once its header is there has the time limits of the
application.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from melanoma_detect.serve.refusals import problem_response

HEADER_SECONDS = 10.0  # from the opening of a connection, or the last answer, to the end of a request's header
ANSWER_SECONDS = 60.0  # in which a client must take what waits for it
_SLOW_HEADER = "the header of the request came too slowly; send it again"


class TimedConnection(H11Protocol):
    """One connection of the service.

    Args:
        *arguments: uvicorn's.
        **options: uvicorn's.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._header_timer: asyncio.TimerHandle | None = None
        self._answer_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_waiting()
        self._stop_counting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the client has sent."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request, or for the rest of one whose answer needed no more of it."""
        super().on_response_complete()
        self._stop_waiting()
        self._watch()

    def pause_writing(self) -> None:
        """Note that the client does not take its answer as fast as it is written."""
        super().pause_writing()
        if self._answer_timer is None:
            self._answer_timer = self.loop.call_later(ANSWER_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Note that the client has taken nearly all that was written."""
        self._stop_counting()
        super().resume_writing()

    def _watch(self) -> None:
        """Let the time run while no request is served; pieces of a header do not make it longer."""
        if self.transport.is_closing() or (self.cycle is not None and not self.cycle.response_complete):
            self._stop_waiting()
        elif self._header_timer is None:
            self._header_timer = self.loop.call_later(HEADER_SECONDS, self._end)

    def _end(self) -> None:
        """Close the connection, with a word where a header had begun."""
        self._header_timer = None
        if self.transport.is_closing():
            return
        if self.conn.our_state is h11.IDLE and self.conn.trailing_data[0]:
            answer = problem_response(408, _SLOW_HEADER, {"Connection": "close"})
            head = h11.Response(status_code=408, headers=answer.raw_headers, reason=b"Request Timeout")
            for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _stop_waiting(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _stop_counting(self) -> None:
        if self._answer_timer is not None:
            self._answer_timer.cancel()
            self._answer_timer = None
