"""Bounds the bodies that FastAPI reads by itself, which it does before a route's dependencies look at any key."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from services.runtime.budget import Budget, BudgetExceeded, BudgetLease

MAX_SMALL_BODY: Final = 1_048_576
_WITHIN: Final = 10.0  # s
# Of one process; nothing else is known of a body's sender yet.
_IN_FLIGHT: Final = Budget(33_554_432)

RequestHandler = Callable[[Request], Coroutine[Any, Any, Response]]


def bounded(handle: RequestHandler) -> RequestHandler:
    """The handler, with a body that has a limit of size and time. Where there is no room, the largest gives way."""

    async def handle_bounded(request: Request) -> Response:
        with _IN_FLIGHT.lease() as lease:
            return await handle(Request(request.scope, _Body(request, lease).receive))

    return handle_bounded


class _Body:
    """Receives a body. Raises an HTTPException, which FastAPI passes on."""

    def __init__(self, request: Request, lease: BudgetLease) -> None:
        self._receive = request.receive
        self._lease = lease
        self._until = asyncio.get_running_loop().time() + _WITHIN
        self._complete = False

    async def receive(self) -> Message:
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until) as waiting:
                self._lease.arrives(lambda: None if waiting.expired() else waiting.reschedule(0))
                message = await self._receive()
            self._lease.grow(len(message.get("body", b"")))
        except TimeoutError:
            raise HTTPException(503 if self._lease.revoked else 408) from None
        except BudgetExceeded:
            raise HTTPException(503) from None
        self._complete = not message.get("more_body", False)
        if self._complete:
            self._lease.arrived()
        if self._lease.size > MAX_SMALL_BODY:
            raise HTTPException(413)
        return message
