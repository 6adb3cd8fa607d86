"""Cancelling tasks until they have ended."""

import asyncio
from typing import Any, Final

_AGAIN_AFTER: Final = 0.5


async def cancel_all(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel the tasks; return once all have ended, with whatever result.

    A task is cancelled again every half second until it ends: ``asyncio.wait_for``, which libraries below use, loses a
    cancellation that arrives just when the awaited task is done (until Python 3.12).
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN_AFTER)
    await asyncio.gather(*tasks, return_exceptions=True)
