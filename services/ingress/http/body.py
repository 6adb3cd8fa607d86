"""Reads bodies within limits of size, time and total memory."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Final

from starlette.requests import ClientDisconnect, Request

from services.ingress.core.unpacking import Gunzip, NotGzip, UnpacksTooLarge, gunzip
from services.runtime.budget import BudgetExceeded, BudgetLease
from services.runtime.problems import TOO_LARGE, UNAVAILABLE, Kind, Problem

SLOW_BODY: Final = Kind("slow-body", "The body took too long to arrive", 408)
CUT_OFF: Final = Kind("cut-off-body", "The body ended early", 400)
UNSUPPORTED_ENCODING: Final = Kind("unsupported-encoding", "This content encoding is not understood", 415)
MALFORMED_BODY: Final = Kind("malformed-body", "The body can't be read", 400)
_WITHIN: Final = 30.0
_STREAMED_WITHIN: Final = 600.0


async def read_body(request: Request, limit: int, lease: BudgetLease) -> bytes:
    """The body as it came. Raises a 400, 408, 413 or 503 problem."""
    _check_declared(request, limit)
    try:
        async with asyncio.timeout(_WITHIN):
            return await _read(request, limit, lease)
    except TimeoutError:
        raise Problem(SLOW_BODY, f"a body has to arrive within {_WITHIN:.0f} seconds") from None
    except ClientDisconnect:
        raise Problem(CUT_OFF) from None
    except BudgetExceeded:
        raise busy() from None


_LONGEST_NUMBER: Final = 20


def _check_declared(request: Request, limit: int) -> None:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:_LONGEST_NUMBER]) > limit:
        raise too_large(limit)


async def _read(request: Request, limit: int, lease: BudgetLease) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        lease.grow(len(piece))
        pieces.append(piece)
    return b"".join(pieces)


async def stream_body(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body unpacked, piece by piece as it comes in. Raises a 400, 408, 413 or 415 problem.

    It may take longer than a body that is read at once, since whoever takes the pieces may be slow; but not for ever.
    """
    _check_declared(request, limit)
    gzip = Gunzip(limit) if _is_packed(request) else None
    size, until, stream = 0, monotonic() + _STREAMED_WITHIN, aiter(request.stream())
    try:
        while (raw := await _next(stream)) is not None:
            size += len(raw)
            if size > limit:
                raise too_large(limit)
            if monotonic() > until:
                raise Problem(SLOW_BODY, f"a body has to arrive within {_STREAMED_WITHIN:.0f} seconds")
            for piece in gzip.feed(raw) if gzip else (raw,):
                yield piece
        if gzip:
            gzip.finish()
    except NotGzip as error:
        raise Problem(MALFORMED_BODY, str(error)) from None
    except UnpacksTooLarge:
        raise too_large(limit) from None


async def _next(stream: AsyncIterator[bytes]) -> bytes | None:
    try:
        async with asyncio.timeout(_WITHIN):
            return await anext(stream, None)
    except TimeoutError:
        raise Problem(SLOW_BODY, f"a body may not stand still for {_WITHIN:.0f} seconds") from None
    except ClientDisconnect:
        raise Problem(CUT_OFF) from None


def _is_packed(request: Request) -> bool:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return False
    if encoding not in ("gzip", "x-gzip"):
        raise Problem(UNSUPPORTED_ENCODING, "send the body plain or as gzip", headers={"Accept-Encoding": "gzip"})
    return True


def unpacked(request: Request, raw: bytes, limit: int, lease: BudgetLease) -> bytes:
    """The body without its content encoding. Raises a 400, 413, 415 or 503 problem."""
    if not _is_packed(request):
        return raw
    try:
        body = gunzip(raw, limit)
        lease.grow(len(body))
    except NotGzip as error:
        raise Problem(MALFORMED_BODY, str(error)) from None
    except UnpacksTooLarge:
        raise too_large(limit) from None
    except BudgetExceeded:
        raise busy() from None
    return body


def too_large(limit: int) -> Problem:
    """The 413 for a body."""
    return Problem(TOO_LARGE, f"a body has at most {limit} bytes; send the events in several", limit=limit)


def busy() -> Problem:
    """The 503 for when there is too much in flight already."""
    return Problem(UNAVAILABLE, "too much is in flight just now", headers={"Retry-After": "1"})
