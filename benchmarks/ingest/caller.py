"""A cheap HTTP client: one connection, one request at a time, with bytes made beforehand."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from benchmarks.figures import BenchmarkFailed

_HEAD_ENDS: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_STATUS: Final = slice(9, 12)  # of "HTTP/1.1 200 OK"


class HttpResponse(NamedTuple):
    """A response."""

    status: int
    body: bytes


class Caller(asyncio.Protocol):
    """One connection to the service."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._buffer = b""
        self._answer: asyncio.Future[HttpResponse] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = transport

    def call(self, request: bytes) -> "asyncio.Future[HttpResponse]":
        """Send a request; return the response."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._buffer += data
        head = self._buffer.find(_HEAD_ENDS)
        if head < 0 or self._answer is None:
            return
        length = _LENGTH.search(self._buffer, 0, head)
        end = head + len(_HEAD_ENDS) + (int(length[1]) if length else 0)
        if len(self._buffer) >= end:
            body, status = self._buffer[head + len(_HEAD_ENDS) : end], int(self._buffer[_STATUS])
            self._buffer, answer, self._answer = self._buffer[end:], self._answer, None
            answer.set_result(HttpResponse(status, body))

    def connection_lost(self, error: Exception | None) -> None:
        """See asyncio."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(BenchmarkFailed(f"the service closed the connection: {error}"))

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """Return a request's bytes."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + _HEAD_ENDS + body


@asynccontextmanager
async def callers(port: int, number: int) -> AsyncIterator[list[Caller]]:
    """Yield so many connections, closed afterwards."""
    loop = asyncio.get_running_loop()
    made = [(await loop.create_connection(Caller, "127.0.0.1", port))[1] for _ in range(number)]
    try:
        yield made
    finally:
        for one in made:
            one.close()


async def send_all(made: Iterable[Caller], requests: list[bytes], status: int) -> None:
    """Send every request, one after the other on each connection. Raises BenchmarkFailed for any other status."""
    waiting = iter(requests)

    async def carry(caller: Caller) -> None:
        for one in waiting:
            answer = await caller.call(one)
            if answer.status != status:
                raise BenchmarkFailed(f"the service answered {answer.status}: {answer.body[:300]!r}")

    await asyncio.gather(*(carry(one) for one in made))
