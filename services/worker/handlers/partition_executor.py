"""Saves a few sets of chunks at the same time; what comes meanwhile waits, and is saved together.

A transaction costs much the same for one event as for a hundred. So while little waits, it is saved by one transaction
after the other; while much waits, or a transaction takes long, others run beside it. The chunks of one partition are
handled one after the other, in their order; the next ones are decoded meanwhile.

After a transaction there is a rest, in proportion to it, unless much waits: what comes meanwhile is saved together, and
the processor is free for others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from services.runtime.decoding import Decoded
from services.worker.core.chunk import Chunk, DecodedChunk
from services.worker.core.waiting_chunks import WaitingChunks

CHUNKS_AT_ONCE: Final = 2  # transactions an agent; each needs a connection of the pool
JOIN_WITHIN: Final = 0.05  # seconds; several times what a small transaction takes
_LONGEST_REST: Final = 0.25  # seconds
_MANY: Final = 200  # records that are worth a transaction of their own


class PartitionExecutor:
    """Runs ``decode`` on each chunk, and then ``handle`` on those that wait, up to ``width`` times at once.

    While fewer than some hundred records wait, nothing more is started beside a ``handle`` until that has run for
    ``join_within`` seconds, nor until ``rest`` times what the last one took has passed since its end.
    ``handle`` returns the chunks that it has to be given again, each by itself. It must deal with expected errors; any
    other error goes to ``on_error``.
    """

    def __init__(  # noqa: PLR0913 - what it runs, and how much at once
        self,
        decode: Callable[[Chunk], Awaitable[Decoded]],
        handle: Callable[[Sequence[DecodedChunk]], Awaitable[Sequence[DecodedChunk]]],
        on_error: Callable[[BaseException], Awaitable[None]],
        waiting: WaitingChunks,
        width: int = CHUNKS_AT_ONCE,
        *,
        join_within: float = 0,
        rest: float = 0,
    ) -> None:
        self._decode = decode
        self._handle = handle
        self._on_error = on_error
        self._waiting = waiting
        self._width = width
        self._join_within = join_within
        self._rest = rest
        self._began = 0.0  # when work was last started, by the clock of the loop
        self._resting: asyncio.TimerHandle | None = None
        self._room = asyncio.Event()
        self._busy: set[tuple[str, int]] = set()
        self._running: set[asyncio.Task[None]] = set()

    @property
    def at_work(self) -> bool:
        """Whether chunks are being handled."""
        return bool(self._running)

    async def submit(self, chunk: Chunk) -> None:
        """Decode the chunk, or piece after piece of it, as soon as there is room, and have it handled; returns then.

        Call it again once it has returned: chunks are handled in the order in which they were decoded.
        """
        for piece in self._waiting.pieces(chunk):
            await self._submit(piece)

    async def _submit(self, chunk: Chunk) -> None:
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
        self._rest = 0
        self._end_rest()
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
        while len(self._running) < self._width and self._is_worth_it() and (work := self._waiting.take(self._busy)):
            self._busy.update(one.chunk.place for one in work)
            self._room.set()
            task = asyncio.create_task(self._run(work))
            self._running.add(task)
            task.add_done_callback(partial(self._ended, work))
            self._began = asyncio.get_running_loop().time()
            if self._join_within:
                asyncio.get_running_loop().call_later(self._join_within, self._start)

    def _is_worth_it(self) -> bool:
        if self._waiting.records >= _MANY:
            return True
        joins = self._running and asyncio.get_running_loop().time() - self._began < self._join_within
        return self._resting is None and not joins

    def _ended(self, work: Sequence[DecodedChunk], task: asyncio.Task[None]) -> None:
        self._busy.difference_update(one.chunk.place for one in work)
        self._running.discard(task)
        if self._rest:
            loop = asyncio.get_running_loop()
            if self._resting is not None:
                self._resting.cancel()
            seconds = min(self._rest * (loop.time() - self._began), _LONGEST_REST)
            self._resting = loop.call_later(seconds, self._end_rest)
        self._start()

    def _end_rest(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        self._start()

    async def _run(self, work: Sequence[DecodedChunk]) -> None:
        try:
            self._waiting.put_back(await self._handle(work))
        except Exception as error:  # noqa: BLE001 - every error is passed on
            await self._on_error(error)
