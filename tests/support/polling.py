"""Waits for a condition by asking again and again."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import asyncpg
import httpx

# The last but one is what asyncpg raises where the server ends a connection in the middle of a statement.
_UNAVAILABLE: Final = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    httpx.TransportError,
)


async def until(
    condition: Callable[[], Awaitable[bool]], within: float, otherwise: str | Callable[[], str], every: float = 0.1
) -> None:
    """Return once the condition holds; fail after ``within`` seconds. An unavailable server counts as a no."""
    deadline = time.monotonic() + within
    while True:
        with suppress(*_UNAVAILABLE):
            if await condition():
                return
        if time.monotonic() > deadline:
            raise AssertionError(otherwise if isinstance(otherwise, str) else otherwise())
        await asyncio.sleep(every)
