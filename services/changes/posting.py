"""Sends one outbound webhook: once, to an address that was checked, without redirects, within a bounded time."""

import asyncio
import time
from collections.abc import Mapping
from typing import Final, NamedTuple, Self

import httpcore

from services.changes.destinations import CheckedNetwork, DestinationRules, RefusedDestination, check_url
from services.runtime.unreachable import trouble_with_http

_WITHIN: Final = 15.0  # seconds for the whole attempt
_MOST_OF_ANSWER: Final = 65_536  # bytes that are read of an answer; nothing of it is kept
_MOST_CONNECTIONS: Final = 64
_ACCEPTED: Final = range(200, 300)


class Attempt(NamedTuple):
    """What came of it: the answer's status, or why there is none; how long it took, in ms."""

    status: int | None
    problem: str | None
    duration: int

    @property
    def succeeded(self) -> bool:
        """Whether the receiver took the message."""
        return self.status in _ACCEPTED


class WebhookPoster:
    """Posts bodies to receivers; open it with ``async with``."""

    def __init__(self, rules: DestinationRules, *, within: float = _WITHIN) -> None:
        """``within`` is seconds for one attempt, from the look-up of the name to the end of the answer."""
        self._rules, self._within = rules, within
        self._pool = httpcore.AsyncConnectionPool(
            network_backend=CheckedNetwork(rules),
            max_connections=_MOST_CONNECTIONS,
            max_keepalive_connections=0,  # each send resolves and checks the host anew
        )

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close what is open."""
        await self._pool.aclose()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        """Try once. Whatever goes wrong is in the attempt; no error holds anything that the receiver sent."""
        began = time.monotonic()
        status, problem = None, None
        try:
            async with asyncio.timeout(self._within):
                status = await self._post(check_url(url, self._rules), headers, body)
        except RefusedDestination as error:
            problem = str(error)
        except (TimeoutError, httpcore.TimeoutException):
            problem = f"no answer within {self._within:g} s"
        except (OSError, httpcore.NetworkError, httpcore.ProtocolError) as error:
            problem = f"the receiver can't be reached: {trouble_with_http(error).found}"
        return Attempt(status, problem, round((time.monotonic() - began) * 1000))

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """The status of the answer, of which no more is read than is needed to end it in order."""
        sent = [(b"Host", host_header(url)), (b"Content-Length", str(len(body)).encode())]
        sent += [(name.encode(), value.encode()) for name, value in headers.items()]
        async with self._pool.stream("POST", url, headers=sent, content=body) as answer:
            read = 0
            async for part in answer.aiter_stream():
                read += len(part)
                if read > _MOST_OF_ANSWER:
                    break
            return int(answer.status)


def host_header(url: str) -> bytes:
    """The host of a URL, with its port unless it is the scheme's own."""
    parsed = httpcore.URL(url)
    default = {b"https": 443, b"http": 80}.get(parsed.scheme)
    host = b"[%b]" % parsed.host if b":" in parsed.host else parsed.host
    return host if parsed.port in {None, default} else b"%b:%d" % (host, parsed.port)
