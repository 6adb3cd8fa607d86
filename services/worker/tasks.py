"""Tasks bound to the life of something else: of a block, or of the process."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from services.runtime.cancelling import cancel_all

T = TypeVar("T")


class StoppedWhileWaiting(Exception):
    """The process was told to stop while it waited for a server."""


async def unless_stopped(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``. Cancels it and raises StoppedWhileWaiting as soon as ``stop`` is set."""
    task, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise StoppedWhileWaiting
    finally:
        await cancel_all(task, stopped)


@asynccontextmanager
async def in_background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs the coroutines as tasks until the block ends."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        await cancel_all(*tasks)
