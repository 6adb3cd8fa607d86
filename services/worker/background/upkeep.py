"""Two periodic duties of every worker: commit hints for Kafka's lag dashboards, and ending stalled transactions."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, NoReturn

from services.runtime.database import DATABASE_ERRORS

HINT_EVERY: Final = 5.0  # seconds


async def commit_hints(commit_hint: Callable[[], Awaitable[None]], every: float = HINT_EVERY) -> NoReturn:
    """Commit the offsets to Kafka every ``every`` seconds. They are never read back."""
    while True:
        await asyncio.sleep(every)
        with suppress(Exception):  # a hint that fails is given again
            await commit_hint()


async def end_stalled_transactions(
    end_stalled: Callable[[float], Awaitable[None]], every: float, after: float
) -> NoReturn:
    """Every ``every`` seconds, end transactions whose worker has been silent for ``after`` seconds."""
    while True:
        await asyncio.sleep(every)
        with suppress(*DATABASE_ERRORS):  # the next round will do
            await end_stalled(after)
