import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any, cast

import pytest

from projections.engine.offsets import Ownership
from services.runtime.decoding import Decoded
from services.worker.core.chunk import Chunk, DecodedChunk
from services.worker.core.waiting_chunks import WaitingChunks
from services.worker.handlers.partition_executor import PartitionExecutor

OWNERS = [Ownership(partition, 0, 1) for partition in range(4)]


def chunk(partition: int, number: int) -> Chunk:
    """A chunk of one record."""
    return Chunk("t", partition, number, number + 1, OWNERS[partition], [cast("Any", None)])


async def decode(_: Chunk) -> Decoded:
    return Decoded([], [])


def waiting(most_records: int = 4, *, together: bool = True) -> WaitingChunks:
    return WaitingChunks(lambda: most_records, together=together)


class RecordingHandler:
    """Records which chunks run at the same time, and which offsets of each partition ended in which order."""

    def __init__(self) -> None:
        self.running: set[int] = set()
        self.most = 0
        self.at_once = 0
        self.calls = 0
        self.done: list[tuple[int, int]] = []
        self.rng = Random(3)

    async def __call__(self, work: Sequence[DecodedChunk]) -> list[DecodedChunk]:
        places = {one.chunk.partition for one in work}
        assert len(places) == len(work), "two chunks of one partition at once"
        assert not places & self.running, "two chunks of one partition at once"
        self.running |= places
        self.calls += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(self.rng.uniform(0, 0.004))
        self.at_once -= 1
        self.running -= places
        for one in work:
            self.done += [(one.chunk.partition, offset) for offset in range(one.chunk.start, one.chunk.end)]
        return []


class Gate:
    """A handler that ends when it is opened."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.begun: list[list[tuple[int, int, int]]] = []

    async def __call__(self, work: Sequence[DecodedChunk]) -> list[DecodedChunk]:
        self.begun.append(offsets(work))
        await self.opened.wait()
        return []


def offsets(work: Sequence[DecodedChunk]) -> list[tuple[int, int, int]]:
    return [(one.chunk.partition, one.chunk.start, one.chunk.end) for one in work]


async def unexpected(error: BaseException) -> None:
    raise AssertionError(error)


async def turns(number: int = 5) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("width", [1, 2, 3])
async def test_a_partition_keeps_its_order_and_no_more_than_the_width_run(width: int, together: bool) -> None:
    handler = RecordingHandler()
    executor = PartitionExecutor(decode, handler, unexpected, waiting(together=together), width)
    for number in range(15):
        for partition in range(4):
            await executor.submit(chunk(partition, number))
    await executor.drain()
    assert handler.most == width
    for partition in range(4):
        assert [number for place, number in handler.done if place == partition] == list(range(15))


async def test_what_waits_while_others_run_is_handled_at_once() -> None:
    gate = Gate()
    executor = PartitionExecutor(decode, gate, unexpected, waiting(), 1)
    for place in ((0, 0), (0, 1), (1, 0), (0, 2), (2, 0)):
        await executor.submit(chunk(*place))
    gate.opened.set()
    await executor.drain()
    assert gate.begun == [[(0, 0, 1)], [(0, 1, 3), (1, 0, 1), (2, 0, 1)]]


async def test_little_waits_for_what_runs_and_much_does_not() -> None:
    gate = Gate()
    executor = PartitionExecutor(decode, gate, unexpected, waiting(1_000), 2, join_within=3_600)
    for place in ((0, 0), (1, 0)):
        await executor.submit(chunk(*place))
    await turns()
    assert gate.begun == [[(0, 0, 1)]]
    await executor.submit(Chunk("t", 2, 0, 250, OWNERS[2], [cast("Any", None)] * 250))
    await turns()
    assert gate.begun == [[(0, 0, 1)], [(1, 0, 1), (2, 0, 250)]]
    gate.opened.set()
    await executor.drain()


async def test_little_waits_no_longer_than_it_should_for_what_runs() -> None:
    gate = Gate()
    executor = PartitionExecutor(decode, gate, unexpected, waiting(), 2, join_within=0.001)
    for place in ((0, 0), (1, 0)):
        await executor.submit(chunk(*place))
    async with asyncio.timeout(60):
        while len(gate.begun) < 2:
            await asyncio.sleep(0.001)
    assert gate.begun == [[(0, 0, 1)], [(1, 0, 1)]]
    gate.opened.set()
    await executor.drain()


async def rested(executor: PartitionExecutor) -> None:
    """A first chunk is handled, for some milliseconds; then the executor rests."""
    await executor.submit(chunk(0, 0))
    while executor.at_work:
        await asyncio.sleep(0)


class Slow:
    """A handler that takes some milliseconds."""

    def __init__(self) -> None:
        self.begun: list[list[tuple[int, int, int]]] = []

    async def __call__(self, work: Sequence[DecodedChunk]) -> list[DecodedChunk]:
        self.begun.append(offsets(work))
        await asyncio.sleep(0.03)
        return []


async def test_what_comes_during_a_rest_is_handled_together_after_it() -> None:
    slow = Slow()
    executor = PartitionExecutor(decode, slow, unexpected, waiting(), 2, rest=3)
    await rested(executor)
    for place in ((1, 0), (0, 1), (2, 0)):
        await executor.submit(chunk(*place))
        await turns()
    assert slow.begun == [[(0, 0, 1)]]
    async with asyncio.timeout(60):
        while len(slow.begun) < 2:
            await asyncio.sleep(0.001)
    await executor.drain()
    assert slow.begun == [[(0, 0, 1)], [(1, 0, 1), (0, 1, 2), (2, 0, 1)]]


async def test_much_ends_a_rest_and_so_does_the_stop_of_the_worker() -> None:
    slow = Slow()
    executor = PartitionExecutor(decode, slow, unexpected, waiting(1_000), 1, rest=3)
    await rested(executor)
    await executor.submit(Chunk("t", 1, 0, 250, OWNERS[1], [cast("Any", None)] * 250))
    while executor.at_work:
        await asyncio.sleep(0)
    await executor.submit(chunk(2, 0))
    assert slow.begun == [[(0, 0, 1)], [(1, 0, 250)]]
    await executor.drain()
    assert slow.begun[2:] == [[(2, 0, 1)]]


async def test_what_is_returned_is_handled_alone_and_holds_up_no_other_partition() -> None:
    begun: list[list[tuple[int, int, int]]] = []
    opened = asyncio.Event()

    async def alone(work: Sequence[DecodedChunk]) -> Sequence[DecodedChunk]:
        begun.append(offsets(work))
        if len(work) > 1:
            return work
        if work[0].chunk.partition == 0:
            await opened.wait()
        return []

    executor = PartitionExecutor(decode, alone, unexpected, waits := waiting(), 2)
    for place in ((0, 0), (1, 0), (2, 0)):
        waits.add(DecodedChunk(chunk(*place), await decode(chunk(*place))))
    await executor.submit(chunk(0, 1))
    await turns(20)
    assert begun == [[(0, 0, 2), (1, 0, 1), (2, 0, 1)], [(0, 0, 2)], [(1, 0, 1)], [(2, 0, 1)]]
    await executor.submit(chunk(1, 1))
    await turns()
    assert begun[4:] == [[(1, 1, 2)]]
    opened.set()
    await executor.drain()


async def test_an_agent_that_saves_each_partition_by_itself_is_given_one_at_a_time() -> None:
    gate = Gate()
    executor = PartitionExecutor(decode, gate, unexpected, waiting(together=False), 1)
    for place in ((0, 0), (0, 1), (1, 0), (0, 2)):
        await executor.submit(chunk(*place))
    gate.opened.set()
    await executor.drain()
    assert gate.begun == [[(0, 0, 1)], [(0, 1, 3)], [(1, 0, 1)]]


async def test_submit_waits_while_the_most_records_wait() -> None:
    gate = Gate()
    executor = PartitionExecutor(decode, gate, unexpected, waiting(2), 1)
    for number in range(3):
        await executor.submit(chunk(0, number))
    fourth = asyncio.create_task(executor.submit(chunk(1, 0)))
    await turns()
    assert not fourth.done()
    gate.opened.set()
    await fourth
    await executor.drain()


async def test_an_error_is_passed_on_and_the_next_chunk_runs() -> None:
    errors: list[BaseException] = []

    async def fail(work: Sequence[DecodedChunk]) -> list[DecodedChunk]:
        raise ValueError(work[0].chunk.start)

    async def failed(error: BaseException) -> None:
        errors.append(error)

    executor = PartitionExecutor(decode, fail, failed, waiting(1), 1)
    for number in range(3):
        await executor.submit(chunk(0, number))
    await executor.drain()
    assert [error.args for error in errors] == [(0,), (1,), (2,)]


async def test_cancel_ends_the_running_chunk_and_never_starts_the_next() -> None:
    ended = []

    async def hold(work: Sequence[DecodedChunk]) -> list[DecodedChunk]:
        try:
            return await asyncio.sleep(60, [])
        finally:
            ended.append(work[0].chunk.start)

    executor = PartitionExecutor(decode, hold, unexpected, waiting(), 2)
    await executor.submit(chunk(0, 0))
    await executor.submit(chunk(0, 1))
    await turns()
    await executor.cancel()
    assert ended == [0]


async def test_cancel_ends_though_the_chunk_had_not_begun() -> None:
    executor = PartitionExecutor(decode, Gate(), unexpected, waiting(), 2)
    await executor.submit(chunk(0, 0))
    async with asyncio.timeout(240):
        await executor.cancel()


async def test_the_next_chunk_of_a_partition_is_decoded_while_one_is_handled() -> None:
    decoded: list[int] = []
    gate = Gate()

    async def note(one: Chunk) -> Decoded:
        decoded.append(one.start)
        return Decoded([], [])

    executor = PartitionExecutor(note, gate, unexpected, waiting(), 2)
    await executor.submit(chunk(0, 0))
    await executor.submit(chunk(0, 1))
    assert decoded == [0, 1]
    gate.opened.set()
    await executor.drain()
