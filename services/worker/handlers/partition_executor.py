"""Runs a few chunks at the same time: one is decoded while another waits for the database.

The chunks of one partition are handled one after the other, in their order; the next one is decoded meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from services.runtime.decoding import Decoded
from services.worker.core.chunk import Chunk

CHUNKS_AT_ONCE: Final = 2  # per agent; each needs a connection of the pool


class PartitionExecutor:
    """Runs ``decode`` and then ``handle`` on up to ``width`` chunks at a time.

    ``handle`` must deal with expected errors itself; any other error goes to ``on_error``.
    """

    def __init__(
        self,
        decode: Callable[[Chunk], Decoded],
        handle: Callable[[Chunk, Decoded], Awaitable[None]],
        on_error: Callable[[BaseException], Awaitable[None]],
        width: int = CHUNKS_AT_ONCE,
    ) -> None:
        self._decode = decode
        self._handle = handle
        self._on_error = on_error
        self._free = asyncio.Semaphore(width)
        self._last: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def submit(self, chunk: Chunk) -> None:
        """Start the chunk as soon as fewer than ``width`` are running; returns then."""
        await self._free.acquire()
        place = (chunk.topic, chunk.partition)
        task = self._last[place] = asyncio.create_task(self._run(chunk, self._last.get(place)))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def drain(self) -> None:
        """Return once no chunk is running."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def cancel(self) -> None:
        """Cancel the running chunks; returns once all have ended."""
        for task in self._running:
            task.cancel()
        await self.drain()

    async def _run(self, chunk: Chunk, before: asyncio.Task[None] | None) -> None:
        try:
            decoded = self._decode(chunk)
            if before is not None:
                await asyncio.wait([before])
            await self._handle(chunk, decoded)
        except Exception as error:  # noqa: BLE001 - every error is passed on
            await self._on_error(error)
        finally:
            self._free.release()
