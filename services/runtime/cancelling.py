"""Ending tasks for good."""

import asyncio
from typing import Any, Final

_AGAIN_AFTER: Final = 0.5


async def end(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel the tasks; returns once all have ended, however they did.

    They are told again and again: ``asyncio.wait_for``, which the libraries below us use, loses a cancellation that
    comes just as what it waits for is done (until Python 3.12).
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_AGAIN_AFTER)
    await asyncio.gather(*tasks, return_exceptions=True)
