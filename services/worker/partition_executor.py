"""A few chunks at once: one lane folds while another waits for the database, and a partition keeps its order."""

import asyncio
from collections.abc import Awaitable, Callable

from services.worker.chunk import Chunk


class PartitionExecutor:
    """Runs ``handle`` on up to ``width`` chunks at a time, those of one partition one after the other.

    ``handle`` deals with its own errors: what it lets through is a defect and reaches ``failed``.
    """

    def __init__(
        self, handle: Callable[[Chunk], Awaitable[None]], failed: Callable[[BaseException], Awaitable[None]], width: int
    ) -> None:
        self._handle = handle
        self._failed = failed
        self._free = asyncio.Semaphore(width)
        self._last: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def submit(self, chunk: Chunk) -> None:
        """Returns once a lane is free, with the chunk on its way."""
        await self._free.acquire()
        place = (chunk.topic, chunk.partition)
        task = self._last[place] = asyncio.create_task(self._run(chunk, self._last.get(place)))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def drained(self) -> None:
        """Returns once nothing is on its way."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def abandon(self) -> None:
        """Give up what is on its way; returns once it has let go of everything."""
        for task in self._running:
            task.cancel()
        await self.drained()

    async def _run(self, chunk: Chunk, before: asyncio.Task[None] | None) -> None:
        try:
            if before is not None:
                await asyncio.wait([before])
            await self._handle(chunk)
        except Exception as error:  # noqa: BLE001 - passed on, whatever it is
            await self._failed(error)
        finally:
            self._free.release()
