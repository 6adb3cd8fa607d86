"""Paces a rebuild: looks at the service again and again, and sets how much of the time the rebuild's workers work.

That is measured in a process of ordinary priority, which hardly works itself. What builds the generation runs at a low
one and follows the pace.
"""

import asyncio
import math
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Final

from projections.engine.connection import Connection
from projections.engine.paces import keep_pace, read_pace, set_pace
from projections.engine.sessions import service_reads
from services.rebuild.adapters.postgres import connected
from services.rebuild.core.pacing import (
    FULL,
    LOOKS_A_SECOND,
    START,
    AnswerTimes,
    ReadsSeen,
    ServiceLoad,
    WorkersLag,
    next_pace,
)
from services.rebuild.pair import GenerationPair
from services.runtime.cancelling import cancel_all
from services.runtime.database import DATABASE_ERRORS

_ANSWERS: Final = 5  # that are timed in a look
_EVERY: Final = 1 / LOOKS_A_SECOND / _ANSWERS  # seconds between two of them
_LAG_EVERY: Final = 1.0  # seconds; to ask Kafka costs more
_SET_EVERY: Final = 10.0  # seconds; it holds for a minute
_RISEN: Final = 1.2  # times; a pace that rises may be set a little later
_ENDS_WITHIN: Final = 10.0  # seconds that a look may still take
_FOLLOW_EVERY: Final = 0.5  # seconds


class Pace(ABC):
    """How much of the time may be worked. ``pace`` is the latest; once this has ended, it is all of the time."""

    def __init__(self, connection: Connection, generation: str, pace: float) -> None:
        self.pace = pace
        self._connection, self._generation = connection, generation
        self._ending = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def check(self) -> None:
        """Raises what has ended the pacing."""
        if self._task.done() and not self._task.cancelled():
            self._task.result()

    async def end(self) -> None:
        """Let the workers work all the time from now on, whoever measures what."""
        await self._ended()
        self.pace = FULL
        await set_pace(self._connection, self._generation, None)

    async def _ended(self) -> None:
        """Return once nothing uses the connection any more.

        A look that is under way may end by itself: where it is cancelled, its transaction may stay open, in which
        nothing can be written.
        """
        self._ending.set()
        await asyncio.wait([self._task], timeout=_ENDS_WITHIN)
        await cancel_all(self._task)

    @abstractmethod
    async def _run(self) -> None:
        """Keep ``pace`` up to date until it is to end."""


class Pacer(Pace):
    """Sets the pace of the generation that is built, again and again.

    With a ``share`` it is that one; otherwise it depends on what the service has to do.
    """

    def __init__(self, pair: GenerationPair, share: float | None) -> None:
        self._share = share
        self._pair = pair
        self._answers = AnswerTimes()
        self._reads = ReadsSeen()
        self._lag = WorkersLag()
        self._behind: float | None = None
        self._lag_at = self._set_at = -math.inf
        self._set = 0.0
        super().__init__(pair.control, pair.building.name, START if share is None else share)

    async def _run(self) -> None:
        while not self._ending.is_set():
            await self._set_pace()
            load = await self._load()
            self.pace = next_pace(self.pace, load) if self._share is None else self._share

    async def _set_pace(self) -> None:
        """Set the pace that has changed, or that holds no longer soon: each time is a write."""
        now = time.monotonic()
        about_the_same = self._set == self.pace or self._set < self.pace < min(self._set * _RISEN, FULL)
        if now - self._set_at > _SET_EVERY or not about_the_same:
            set_first = set_pace if self._set == 0 else keep_pace
            await set_first(self._connection, self._generation, self.pace)
            self._set, self._set_at = self.pace, now

    async def _load(self) -> ServiceLoad:
        """What the service has to do; takes a look's time."""
        times, reads = list[float](), list[bool]()
        for _ in range(_ANSWERS):
            began = time.perf_counter()
            reads.append(await service_reads(self._connection))
            times.append(time.perf_counter() - began)
            if self._ending.is_set():
                break
            await asyncio.sleep(_EVERY)
        behind = await self._seconds_behind()
        read = self._reads.note(reads)
        return ServiceLoad(read or behind is not None, behind or 0.0, self._answers.note(times))

    async def _seconds_behind(self) -> float | None:
        """How far the service's workers are behind, as of the last second."""
        now = time.monotonic()
        if now - self._lag_at >= _LAG_EVERY:
            self._lag_at = now
            self._behind = self._lag.note(now, *await self._pair.active_progress())
        return self._behind


class PaceFollower(Pace):
    """The pace that another process sets, which has started this one."""

    async def _run(self) -> None:
        while not self._ending.is_set():
            self.pace = await read_pace(self._connection, self._generation)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), _FOLLOW_EVERY)


@asynccontextmanager
async def pacing(pair: GenerationPair, share: float | None) -> AsyncIterator[Pacer]:
    """Pace the workers while the block runs; afterwards they work all the time."""
    async with connected(pair.url) as connection:
        pacer = Pacer(replace(pair, control=connection), share)
        try:
            yield pacer
        finally:
            with suppress(*DATABASE_ERRORS):  # the pace holds for a minute only
                await pacer.end()


@asynccontextmanager
async def following_pace(pair: GenerationPair) -> AsyncIterator[PaceFollower]:
    """Follow the pace while the block runs; afterwards there is none."""
    async with connected(pair.url) as connection:
        follower = PaceFollower(connection, pair.building.name, START)
        try:
            yield follower
        finally:
            with suppress(*DATABASE_ERRORS):
                await follower.end()
