"""Reads bodies within limits of size, time and total memory."""

import asyncio
from codecs import BOM_UTF8
from collections.abc import AsyncIterator
from time import monotonic
from typing import Final

from starlette.requests import Request
from starlette.types import Message, Receive

from services.ingress.core.unpacking import Gunzip, NotGzip, UnpacksTooLarge, gunzip
from services.runtime.budget import BudgetExceeded, BudgetLease
from services.runtime.problems import SLOW_BODY, TOO_LARGE, UNAVAILABLE, Kind, Problem
from services.runtime.protocol import BODY_ARRIVED

CUT_OFF: Final = Kind("cut-off-body", "The body ended early", 400)
UNSUPPORTED_ENCODING: Final = Kind("unsupported-encoding", "This content encoding is not understood", 415)
MALFORMED_BODY: Final = Kind("malformed-body", "The body can't be read", 400)
_WITHIN: Final = 30.0
_STREAMED_WITHIN: Final = 600.0
_PATIENCE: Final = 10.0
_LEAST_RATE: Final = 1024  # bytes a second
_LONGEST_NUMBER: Final = 20


async def read_body(request: Request, limit: int, lease: BudgetLease) -> bytes:
    """The body as it came. Raises a 400, 408, 413 or 503 problem.

    Until it is complete, the lease gives way to those of smaller bodies.
    """
    if has_arrived(request):
        body = await arrived_body(request, limit)
        try:
            lease.grow(len(body))
        except BudgetExceeded:
            raise busy() from None
        return body
    _check_declared(request, limit)
    arrival = _Arrival(request.receive, _WITHIN)
    lease.arrives(arrival.stop)
    pieces = bytearray()
    try:
        while (piece := await arrival.next()) is not None:
            if len(pieces) + len(piece) > limit:
                raise too_large(limit)
            lease.grow(len(piece))
            pieces += piece
    except BudgetExceeded:
        raise busy() from None
    finally:
        lease.arrived()
    return bytes(pieces)


def has_arrived(request: Request) -> bool:
    """Whether the server has the whole body, as it has of most requests."""
    return BODY_ARRIVED in request.scope.get("extensions", ())


async def arrived_body(request: Request, limit: int) -> bytes:
    """The body of a request that has arrived: there is nothing to wait for. Raises a 400 or 413 problem.

    It is on no lease. Whoever waits for something with it in hand puts it on one before.
    """
    body = _piece_in(await request.receive())
    if len(body) > limit:
        raise too_large(limit)
    return body


def _piece_in(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise Problem(CUT_OFF)
    piece: bytes = message.get("body", b"")
    return piece


async def stream_body(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body unpacked, piece by piece as it comes in. Raises a 400, 408, 413 or 415 problem.

    It may take longer than a body that is read at once, since whoever takes the pieces may be slow; but not for ever.
    """
    _check_declared(request, limit)
    gzip = Gunzip(limit) if _is_packed(request) else None
    size, arrival = 0, _Arrival(request.receive, _STREAMED_WITHIN)
    try:
        while (raw := await arrival.next()) is not None:
            size += len(raw)
            if size > limit:
                raise too_large(limit)
            for piece in gzip.feed(raw) if gzip else (raw,):
                yield piece
        if gzip:
            gzip.finish()
    except NotGzip as error:
        raise Problem(MALFORMED_BODY, str(error)) from None
    except UnpacksTooLarge:
        raise too_large(limit) from None


def _check_declared(request: Request, limit: int) -> None:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:_LONGEST_NUMBER]) > limit:
        raise too_large(limit)


class _Arrival:
    """The pieces of a body, at no less than the least rate: only time in which the sender is waited for counts."""

    def __init__(self, receive: Receive, within: float) -> None:
        self._receive = receive
        self._patience = _PATIENCE
        self._within = within
        self._until = monotonic() + within
        self._waiting: asyncio.Timeout | None = None
        self._stopped = False
        self.ended = False

    async def next(self) -> bytes | None:
        """The next piece; None after the last. Raises a 400 or 408 problem, and BudgetExceeded if it was stopped."""
        if self.ended:
            return None
        began = monotonic()
        left = min(self._patience, self._until - began)
        if left <= 0:
            raise self._slow()
        try:
            async with asyncio.timeout(left) as self._waiting:
                message = await self._receive()
        except TimeoutError:
            if self._stopped:
                raise BudgetExceeded from None
            raise self._slow() from None
        piece = _piece_in(message)
        self.ended = not message.get("more_body", False)
        self._patience = min(_PATIENCE, self._patience - (monotonic() - began) + len(piece) / _LEAST_RATE)
        return piece

    def stop(self) -> None:
        """Wait for nothing more: the room for the body went to others."""
        self._stopped = True
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(0)

    def _slow(self) -> Problem:
        detail = f"a body has to arrive within {self._within:.0f} seconds, at {_LEAST_RATE} bytes a second or more"
        return Problem(SLOW_BODY, detail)


def _is_packed(request: Request) -> bool:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return False
    if encoding not in ("gzip", "x-gzip"):
        raise Problem(UNSUPPORTED_ENCODING, "send the body plain or as gzip", headers={"Accept-Encoding": "gzip"})
    return True


def unpacked(request: Request, raw: bytes, limit: int, lease: BudgetLease) -> bytes:
    """The body without its content encoding and its byte order mark. Raises a 400, 413, 415 or 503 problem."""
    if not _is_packed(request):
        return raw.removeprefix(BOM_UTF8)
    try:
        body = gunzip(raw, limit)
        lease.grow(len(body))
    except NotGzip as error:
        raise Problem(MALFORMED_BODY, str(error)) from None
    except UnpacksTooLarge:
        raise too_large(limit) from None
    except BudgetExceeded:
        raise busy() from None
    return body.removeprefix(BOM_UTF8)


def too_large(limit: int) -> Problem:
    """The 413 for a body."""
    return Problem(TOO_LARGE, f"a body has at most {limit} bytes; send the events in several", limit=limit)


def busy() -> Problem:
    """The 503 for when there is too much in flight already."""
    return Problem(UNAVAILABLE, "too much is in flight just now", headers={"Retry-After": "1"})
