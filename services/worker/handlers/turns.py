"""Work and rest in turn, so that a rebuild gives way to the service.

A worker that is paced runs one transaction at a time. After it, the worker rests as long as the pace asks for.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

A = TypeVar("A")
T = TypeVar("T")
FULL: Final = 1.0
_LONGEST_REST: Final = 5.0  # seconds
_LOOK_EVERY: Final = 0.2  # seconds; the pace may change during a rest


def rest_after(worked: float, pace: float) -> float:
    """How many seconds to rest after so many of work, so that work takes the share ``pace`` of the time.

    Work that takes long has mostly waited for others already, so no rest is longer than a few seconds.
    """
    return min(worked * (FULL - pace) / pace, _LONGEST_REST)


class PacedTurns:
    """The turns of one worker. ``pace`` is the share of the time at work; at 1 nobody waits for anybody.

    ``on_rest`` is called again and again during a rest. Once ``stop`` is set, there is no rest any more.
    """

    def __init__(
        self,
        stop: asyncio.Event,
        on_rest: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.pace = FULL
        self._stop = stop
        self._on_rest = on_rest
        self._clock = clock
        self._sleep = sleep
        self._one = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Do the work of the block. While the worker is paced, it waits for its turn first, and rests afterwards."""
        if self.pace >= FULL:
            yield
            return
        async with self._one:
            began = self._clock()
            yield
            await self._rest(self._clock() - began)

    def paced(self, work: Callable[[A], Awaitable[T]]) -> Callable[[A], Awaitable[T]]:
        """The function that does the work in a turn."""

        async def in_turn(given: A) -> T:
            async with self.turn():
                return await work(given)

        return in_turn

    async def _rest(self, worked: float) -> None:
        began = self._clock()
        while not self._stop.is_set():
            left = rest_after(worked, self.pace) - (self._clock() - began)
            if left <= 0:
                return
            self._on_rest()
            await self._sleep(min(left, _LOOK_EVERY))
