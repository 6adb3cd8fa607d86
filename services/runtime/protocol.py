"""HTTP/1.1 by httptools with the limits that uvicorn leaves to a proxy, so that no connection can fill the memory."""

from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

# Bytes of request line, headers, trailers or chunk extensions since the request last made progress.
MAX_HEAD: Final = 65_536
# Bytes that are discarded after an early answer, so that a client that reads only after sending can receive it.
MAX_DISCARDED: Final = 33_554_432


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose head is too large, or that goes on sending long after it was answered."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head = 0
        self._discarded = 0

    def data_received(self, data: bytes) -> None:
        """Parse the data, and close the connection if its head is too large."""
        self._head += len(data)
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
        super().on_message_complete()
