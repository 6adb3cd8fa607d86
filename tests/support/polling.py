"""Waits for a condition by asking again and again."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg
import httpx


async def until(
    condition: Callable[[], Awaitable[bool]], within: float, otherwise: str | Callable[[], str], every: float = 0.1
) -> None:
    """Return once the condition holds; fail after ``within`` seconds. An unavailable server counts as a no."""
    deadline = time.monotonic() + within
    while True:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, httpx.TransportError):
            if await condition():
                return
        if time.monotonic() > deadline:
            raise AssertionError(otherwise if isinstance(otherwise, str) else otherwise())
        await asyncio.sleep(every)
