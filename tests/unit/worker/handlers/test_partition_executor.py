import asyncio
from random import Random

import pytest

from projections.engine.offsets import Ownership
from services.runtime.decoding import Decoded
from services.worker.core.chunk import Chunk
from services.worker.handlers.partition_executor import PartitionExecutor


def chunk(partition: int, number: int) -> Chunk:
    return Chunk("t", partition, number, number + 1, Ownership(partition, 0, 1), [])


def decode(_: Chunk) -> Decoded:
    return Decoded([], [])


class RecordingHandler:
    """Records which chunks run at the same time, and in which order they end."""

    def __init__(self) -> None:
        self.running: set[tuple[int, int]] = set()
        self.most = 0
        self.done: list[tuple[int, int]] = []
        self.rng = Random(3)

    async def __call__(self, one: Chunk, _: Decoded) -> None:
        assert one.partition not in {partition for partition, _ in self.running}, "two chunks of one partition at once"
        place = (one.partition, one.start)
        self.running.add(place)
        self.most = max(self.most, len(self.running))
        await asyncio.sleep(self.rng.uniform(0, 0.004))
        self.running.remove(place)
        self.done.append(place)


async def unexpected(error: BaseException) -> None:
    raise AssertionError(error)


@pytest.mark.parametrize("width", [1, 2, 3])
async def test_a_partition_keeps_its_order_and_no_more_than_the_width_run(width: int) -> None:
    handler = RecordingHandler()
    executor = PartitionExecutor(decode, handler, unexpected, width)
    for number in range(15):
        for partition in range(4):
            await executor.submit(chunk(partition, number))
    await executor.drain()
    assert len(handler.done) == 60
    assert handler.most == width
    for partition in range(4):
        assert [number for place, number in handler.done if place == partition] == list(range(15))


async def test_submit_waits_while_width_chunks_run() -> None:
    gate = asyncio.Event()

    async def hold(_: Chunk, _decoded: Decoded) -> None:
        await gate.wait()

    executor = PartitionExecutor(decode, hold, unexpected, 2)
    await executor.submit(chunk(0, 0))
    await executor.submit(chunk(1, 0))
    third = asyncio.create_task(executor.submit(chunk(2, 0)))
    await asyncio.sleep(0.01)
    assert not third.done()
    gate.set()
    await third
    await executor.drain()


async def test_an_error_is_passed_on_and_the_next_chunk_runs() -> None:
    errors: list[BaseException] = []

    async def fail(one: Chunk, _: Decoded) -> None:
        raise ValueError(one.start)

    async def failed(error: BaseException) -> None:
        errors.append(error)

    executor = PartitionExecutor(decode, fail, failed, 1)
    for number in range(3):
        await executor.submit(chunk(0, number))
    await executor.drain()
    assert [error.args for error in errors] == [(0,), (1,), (2,)]


async def test_cancel_ends_the_running_chunk_and_never_starts_the_next() -> None:
    ended = []

    async def hold(one: Chunk, _: Decoded) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(one.start)

    executor = PartitionExecutor(decode, hold, unexpected, 2)
    await executor.submit(chunk(0, 0))
    await executor.submit(chunk(0, 1))
    await asyncio.sleep(0)
    await executor.cancel()
    assert ended == [0]


async def test_the_next_chunk_of_a_partition_is_decoded_while_one_is_handled() -> None:
    decoded: list[int] = []
    gate = asyncio.Event()

    def note(one: Chunk) -> Decoded:
        decoded.append(one.start)
        return Decoded([], [])

    async def hold(_: Chunk, _decoded: Decoded) -> None:
        await gate.wait()

    executor = PartitionExecutor(note, hold, unexpected, 2)
    await executor.submit(chunk(0, 0))
    await executor.submit(chunk(0, 1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert decoded == [0, 1]
    gate.set()
    await executor.drain()
