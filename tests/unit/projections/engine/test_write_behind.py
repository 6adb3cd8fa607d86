import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from projections.engine.write_behind import WriteBehind, writing_behind


class Writes:
    """Writes by number, each of which ends when it is let go; what began and what ended, in order."""

    def __init__(self) -> None:
        self.began: list[int] = []
        self.ended: list[int] = []
        self.cancelled: list[int] = []
        self.may_end = asyncio.Event()

    async def __call__(self, number: int) -> None:
        self.began.append(number)
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        self.ended.append(number)


async def fail() -> None:
    raise ValueError("refused")


async def test_a_write_is_on_its_way_when_start_returns() -> None:
    write = Writes()
    async with writing_behind() as writes:
        await writes.start(write(1))
        assert (write.began, write.ended) == ([1], [])
        write.may_end.set()
    assert write.ended == [1]


async def test_a_write_begins_when_the_one_before_has_ended() -> None:
    write = Writes()
    async with writing_behind() as writes:
        await writes.start(write(1))
        second = asyncio.create_task(writes.start(write(2)))
        await asyncio.sleep(0)
        assert write.began == [1]
        write.may_end.set()
        await second
        assert write.began == [1, 2]
    assert write.ended == [1, 2]


async def run(*steps: Coroutine[Any, Any, None], error: Exception | None = None) -> None:
    """A block that starts these writes, and then raises the error."""
    async with writing_behind() as writes:
        for one in steps:
            await writes.start(one)
        if error is not None:
            raise error


async def test_no_write_begins_after_one_that_failed() -> None:
    write = Writes()
    with pytest.raises(ValueError, match="refused"):
        await run(fail(), write(1))
    assert write.began == []


async def test_the_block_raises_what_the_last_write_raised() -> None:
    with pytest.raises(ValueError, match="refused"):
        await run(fail())


async def test_an_error_of_the_block_is_raised_once_the_write_under_way_has_ended() -> None:
    write = Writes()
    block = asyncio.create_task(run(write(1), error=KeyError()))
    for _ in range(20):
        await asyncio.sleep(0)
    assert (write.began, block.done()) == ([1], False)
    write.may_end.set()
    with pytest.raises(KeyError):
        await block
    assert write.ended == [1]


async def test_a_cancelled_block_cancels_the_write_under_way() -> None:
    write = Writes()

    async def block() -> None:
        async with writing_behind() as writes:
            await writes.start(write(1))
            await asyncio.Event().wait()

    running = asyncio.create_task(block())
    while not write.began:
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert write.cancelled == [1]


async def test_an_error_of_the_block_counts_more_than_that_of_a_write() -> None:
    with pytest.raises(KeyError):
        await run(fail(), error=KeyError())


async def test_a_cancelled_caller_cancels_the_write_that_it_waits_for() -> None:
    write, writes = Writes(), WriteBehind()
    await writes.start(write(1))
    waiting = asyncio.create_task(writes.finish())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert write.cancelled == [1]
