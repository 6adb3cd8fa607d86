"""Sends at a rate whether or not earlier answers have come."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

LOOK_EVERY: Final = 0.01  # s between two looks whether something is visible
_TICK: Final = 0.01


class Tasks:
    """Work that was started; its failures are raised in the end."""

    def __init__(self) -> None:
        self._all: set[asyncio.Future[Any]] = set()

    def start(self, work: Awaitable[Any]) -> None:
        """Start it."""
        self._all.add(asyncio.ensure_future(work))

    async def done(self) -> None:
        """Wait for all. Raises the first failure."""
        await asyncio.gather(*self._all)


async def send_at(rate: float, seconds: float, send_one: Callable[[], None]) -> None:
    """Call ``send_one`` so many times a second, in bursts of ten milliseconds each."""
    loop = asyncio.get_running_loop()
    began, sent = loop.time(), 0
    for tick in range(int(seconds / _TICK)):
        await asyncio.sleep(max(0.0, began + tick * _TICK - loop.time()))
        while sent < rate * (tick + 1) * _TICK:
            send_one()
            sent += 1
