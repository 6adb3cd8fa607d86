"""HTTP/1.1 by httptools with the bounds that uvicorn leaves to a proxy: no connection fills this process's memory."""

from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

# Request line, headers, trailers or chunk extensions: bytes that came without getting the request any further.
MAX_HEAD: Final = 65_536
# What is read and thrown away after an early answer, so that a client that sends first and reads then gets to see it.
MAX_DISCARDED: Final = 33_554_432


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose head has no end, or that goes on sending long after it was answered."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head = 0
        self._discarded = 0

    def data_received(self, data: bytes) -> None:
        """Parse what came, and look at what it amounts to."""
        self._head += len(data)
        super().data_received(data)
        if self._head > MAX_HEAD and not self.transport.is_closing():
            cycle: RequestResponseCycle | None = self.cycle  # None until the first head is there
            if cycle is None or cycle.response_complete:
                self.send_400_response("The request's head is too large.")
            else:
                self.transport.close()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._discarded = 0

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._head = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of the body is there."""
        self._head = 0
        if self.cycle.response_complete:
            self._discarded += len(body)
            if self._discarded > MAX_DISCARDED:
                self.transport.close()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of the body is there."""
        self._head = 0
        super().on_message_complete()
