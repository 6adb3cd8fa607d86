"""Writes that PostgreSQL works on while Python goes on.

A connection does one thing at a time: each write begins when the one before has ended, and nothing else may use the
connection before `WriteBehind.finish`. What runs meanwhile should let the event loop run now and then, since a write
may need several round trips.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


class WriteBehind:
    """At most one write under way. Make it by `writing_behind`, which waits for the last one."""

    def __init__(self) -> None:
        self._running: asyncio.Task[Any] | None = None

    async def start(self, write: Coroutine[Any, Any, object]) -> None:
        """Start a write once the one before has ended; raises what that one raised, and then starts nothing."""
        try:
            await self.finish()
        except BaseException:
            write.close()
            raise
        self._running = asyncio.create_task(write)
        await asyncio.sleep(0)

    async def finish(self) -> None:
        """Return once no write is under way; raises what the last one raised. A cancellation cancels it."""
        if self._running is not None:
            running, self._running = self._running, None
            await running

    async def end(self, *, cancel: bool) -> None:
        """Return once no write is under way, and cancel it first if so asked. Its error is dropped."""
        if self._running is not None:
            running, self._running = self._running, None
            if cancel:
                running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def writing_behind() -> AsyncIterator[WriteBehind]:
    """Writes that have all ended when the block has. Raises what a write raised.

    If the block raises, the write under way may end; if it is cancelled, so is the write.
    """
    writes = WriteBehind()
    try:
        yield writes
        await writes.finish()
    except Exception:
        await writes.end(cancel=False)
        raise
    except BaseException:
        await writes.end(cancel=True)
        raise
