"""HTTP/1.1 by httptools with the limits that uvicorn leaves to a proxy, so that no connection can fill the memory."""

import asyncio
from typing import Any, Final

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from services.runtime.connections import Connections

# Bytes of request line, headers, trailers or chunk extensions since the request last made progress.
MAX_HEAD: Final = 65_536
# Bytes that are discarded after an early answer, so that a client that reads only after sending can receive it.
MAX_DISCARDED: Final = 33_554_432
# Seconds for a head from the connection's start or the last answer; longer where the last body was still being sent.
_HEAD_WITHIN: Final = 10.0
_REST_WITHIN: Final = 30.0
# Seconds that a client may leave an answer unread.
_READ_WITHIN: Final = 60.0
# In the extensions of a scope: the whole body has arrived, and ``receive`` gives it without waiting.
BODY_ARRIVED: Final = "onefold.body_arrived"
# In the extensions of such a scope: what ``WholeAnswer`` answers through.
WHOLE_ANSWER: Final = "onefold.whole_answer"
_LATE: Final = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_NO_REQUEST: Final = {"type": "/problems/bad-request", "title": "Bad Request", "status": 400}
_FULL: Final = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose head is too large or late, that sends on after its answer, or does not read it."""

    def __init__(self, *args: Any, connections: Connections, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bounds = connections
        self._head = 0
        self._discarded = 0
        self._complete = True  # the last request has arrived as a whole
        self._head_until: float | None = None
        self._read_until: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Take the connection, or refuse it where there are too many."""
        super().connection_made(transport)
        self._head_until = self.loop.time() + _HEAD_WITHIN
        if not self._bounds.opened(self, self.client[0] if self.client else ""):
            transport.write(_FULL)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        self._bounds.closed(self)
        super().connection_lost(exc)

    def give_way(self) -> None:
        """Close at once, for the benefit of another connection."""
        self._bounds.closed(self)
        self.transport.abort()

    def look(self, now: float) -> None:
        """Close if the head has taken too long, or the answer is left unread."""
        if self._read_until is not None and now > self._read_until:
            self.transport.abort()
        elif self._head_until is not None and now > self._head_until and not self.transport.is_closing():
            if self._head and self._complete:
                self.transport.write(_LATE)
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Parse the data, and close the connection if its head is too large."""
        self._head += len(data)
        if not self._complete or self._head_until is not None:
            self._bounds.waits(self)
        super().data_received(data)
        if self._head > MAX_HEAD and not self.transport.is_closing():
            cycle: RequestResponseCycle | None = self.cycle  # None until the first head is there
            if cycle is None or cycle.response_complete:
                self.send_400_response("The request's head is too large.")
            else:
                self.transport.close()

    def on_message_begin(self) -> None:
        """Start counting for a new request."""
        super().on_message_begin()
        self._discarded = 0

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._head = 0
        self._head_until, self._complete = None, False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body has arrived."""
        self._head = 0
        if self.cycle.response_complete:
            self._discarded += len(body)
            if self._discarded > MAX_DISCARDED:
                self.transport.close()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._head = 0
        self._complete = True
        self.scope["extensions"] = {BODY_ARRIVED: {}, WHOLE_ANSWER: {"answer": self._answer}}
        if self._head_until is None:  # not answered yet
            self._bounds.works(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The request is answered: wait for the next one."""
        super().on_response_complete()
        if not self.pipeline:
            self._head_until = self.loop.time() + (_HEAD_WITHIN if self._complete else _REST_WITHIN)
            self._bounds.waits(self)

    def _answer(self, scope: Scope, rest: bytes) -> bool:
        """Answer 200 with the server's own headers and ``rest``; False if it has to be sent in the usual way."""
        cycle = self.cycle
        if cycle.scope is not scope or self.pipeline or cycle.response_started or not cycle.keep_alive:
            return False
        if cycle.disconnected or cycle.flow.write_paused:
            return False
        cycle.response_started = cycle.response_complete = True
        own = b"".join(b"%b: %b\r\n" % header for header in cycle.default_headers)
        self.transport.write(STATUS_LINE[200] + own + rest)
        cycle.message_event.set()
        cycle.on_response()
        return True

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request with a problem document, and close the connection."""
        body = orjson.dumps(_NO_REQUEST | {"detail": msg})
        own = b"".join(b"%b: %b\r\n" % header for header in self.server_state.default_headers)
        rest = b"content-type: application/problem+json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[400] + own + rest + body)
        self.transport.close()

    def pause_writing(self) -> None:
        """The client does not read what was sent."""
        super().pause_writing()
        self._read_until = self.loop.time() + _READ_WITHIN

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._read_until = None


class WholeAnswer(Response):
    """A constant answer of status 200, which our server writes at once; another server gets it as any other."""

    def __init__(self, content: bytes, media_type: str) -> None:
        super().__init__(content, media_type=media_type)
        headers = b"".join(b"%b: %b\r\n" % header for header in self.raw_headers)
        self._rest = headers + b"\r\n" + content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer."""
        whole = scope.get("extensions", {}).get(WHOLE_ANSWER)
        if whole is None or not whole["answer"](scope, self._rest):
            await super().__call__(scope, receive, send)
