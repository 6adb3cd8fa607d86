"""Reading a body: never past its limit, never for ever, and never more of them than there is memory for."""

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request

from services.ingress.core.unpacking import NotGzip, UnpacksTooLarge, gunzip
from services.runtime.budget import Lease, Spent
from services.runtime.problems import TOO_LARGE, UNAVAILABLE, Kind, Problem

SLOW_BODY: Final = Kind("slow-body", "The body took too long to arrive", 408)
CUT_OFF: Final = Kind("cut-off-body", "The body ended early", 400)
UNSUPPORTED_ENCODING: Final = Kind("unsupported-encoding", "This content encoding is not understood", 415)
MALFORMED_BODY: Final = Kind("malformed-body", "The body can't be read", 400)
_WITHIN: Final = 30.0


async def read_body(request: Request, limit: int, lease: Lease) -> bytes:
    """The body as it came. Raises a 400, 408, 413 or 503 problem."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:_LONGEST_NUMBER]) > limit:
        raise too_large(limit)
    try:
        async with asyncio.timeout(_WITHIN):
            return await _read(request, limit, lease)
    except TimeoutError:
        raise Problem(SLOW_BODY, f"a body has to arrive within {_WITHIN:.0f} seconds") from None
    except ClientDisconnect:
        raise Problem(CUT_OFF) from None
    except Spent:
        raise busy() from None


_LONGEST_NUMBER: Final = 20


async def _read(request: Request, limit: int, lease: Lease) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        lease.grow(len(piece))
        pieces.append(piece)
    return b"".join(pieces)


def unpacked(request: Request, raw: bytes, limit: int, lease: Lease) -> bytes:
    """The body without its content encoding. Raises a 400, 413, 415 or 503 problem."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return raw
    if encoding not in ("gzip", "x-gzip"):
        raise Problem(UNSUPPORTED_ENCODING, "send the body plain or as gzip", headers={"Accept-Encoding": "gzip"})
    try:
        body = gunzip(raw, limit)
        lease.grow(len(body))
    except NotGzip as error:
        raise Problem(MALFORMED_BODY, str(error)) from None
    except UnpacksTooLarge:
        raise too_large(limit) from None
    except Spent:
        raise busy() from None
    return body


def too_large(limit: int) -> Problem:
    """The 413 for a body."""
    return Problem(TOO_LARGE, f"a body has at most {limit} bytes; send the events in several", limit=limit)


def busy() -> Problem:
    """The 503 for when there is too much in flight already."""
    return Problem(UNAVAILABLE, "too much is in flight just now", headers={"Retry-After": "1"})
