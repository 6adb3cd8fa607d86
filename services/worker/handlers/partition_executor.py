"""Saves a few sets of chunks at the same time; what comes meanwhile waits, and is saved together.

So little waits for nothing while there is little to do, and fewer transactions are needed while there is much. The
chunks of one partition are handled one after the other, in their order; the next ones are decoded meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from services.runtime.decoding import Decoded
from services.worker.core.chunk import Chunk, DecodedChunk
from services.worker.core.waiting_chunks import WaitingChunks

CHUNKS_AT_ONCE: Final = 2  # transactions an agent; each needs a connection of the pool


class PartitionExecutor:
    """Runs ``decode`` on each chunk, and then ``handle`` on those that wait, up to ``width`` times at once.

    ``handle`` returns the chunks that it has to be given again, each by itself. It must deal with expected errors; any
    other error goes to ``on_error``.
    """

    def __init__(
        self,
        decode: Callable[[Chunk], Awaitable[Decoded]],
        handle: Callable[[Sequence[DecodedChunk]], Awaitable[Sequence[DecodedChunk]]],
        on_error: Callable[[BaseException], Awaitable[None]],
        waiting: WaitingChunks,
        width: int = CHUNKS_AT_ONCE,
    ) -> None:
        self._decode = decode
        self._handle = handle
        self._on_error = on_error
        self._waiting = waiting
        self._width = width
        self._room = asyncio.Event()
        self._busy: set[tuple[str, int]] = set()
        self._running: set[asyncio.Task[None]] = set()

    async def submit(self, chunk: Chunk) -> None:
        """Decode the chunk as soon as there is room for it, and have it handled; returns then.

        Call it again once it has returned: chunks are handled in the order in which they were decoded.
        """
        while not self._waiting.has_room(len(chunk.records)):
            self._room.clear()
            await self._room.wait()
        try:
            self._waiting.add(DecodedChunk(chunk, await self._decode(chunk)))
        except Exception as error:  # noqa: BLE001 - every error is passed on
            await self._on_error(error)
        self._start()

    async def drain(self) -> None:
        """Return once no chunk is running or waiting."""
        while self._running:
            await asyncio.gather(*self._running, return_exceptions=True)

    async def cancel(self) -> None:
        """Cancel the running chunks; returns once all have ended."""
        self._width = 0
        for task in self._running:
            task.cancel()
        await self.drain()

    def _start(self) -> None:
        """Start what can be started."""
        while len(self._running) < self._width and (work := self._waiting.take(self._busy)):
            self._busy.update(one.chunk.place for one in work)
            self._room.set()
            task = asyncio.create_task(self._run(work))
            self._running.add(task)
            task.add_done_callback(partial(self._ended, work))

    def _ended(self, work: Sequence[DecodedChunk], task: asyncio.Task[None]) -> None:
        self._busy.difference_update(one.chunk.place for one in work)
        self._running.discard(task)
        self._start()

    async def _run(self, work: Sequence[DecodedChunk]) -> None:
        try:
            self._waiting.put_back(await self._handle(work))
        except Exception as error:  # noqa: BLE001 - every error is passed on
            await self._on_error(error)
