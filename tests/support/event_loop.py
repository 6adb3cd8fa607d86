"""Counts how often other tasks have their turn while something is done: its time depends on the machine, this not."""

import asyncio
from collections.abc import Awaitable


async def turns_of_others(work: Awaitable[object]) -> int:
    """How often another task has its turn until the work is done."""
    count, done = 0, False

    async def other() -> None:
        nonlocal count
        while not done:
            count += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await asyncio.sleep(0)
    before = count
    await work
    done = True
    await task
    return count - before
