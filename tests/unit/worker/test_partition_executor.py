import asyncio
from random import Random

import pytest

from projections.engine.offsets import Ownership
from services.worker.chunk import Chunk
from services.worker.partition_executor import PartitionExecutor


def chunk(partition: int, number: int) -> Chunk:
    return Chunk("t", partition, number, number + 1, Ownership(partition, 0, 1), [])


class Folding:
    """Notes what runs, and when it ends."""

    def __init__(self) -> None:
        self.running: set[tuple[int, int]] = set()
        self.most = 0
        self.done: list[tuple[int, int]] = []
        self.rng = Random(3)

    async def __call__(self, one: Chunk) -> None:
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
    folding = Folding()
    lanes = PartitionExecutor(folding, unexpected, width)
    for number in range(15):
        for partition in range(4):
            await lanes.submit(chunk(partition, number))
    await lanes.drained()
    assert len(folding.done) == 60
    assert folding.most == width
    for partition in range(4):
        assert [number for place, number in folding.done if place == partition] == list(range(15))


async def test_submit_waits_for_a_free_lane() -> None:
    gate = asyncio.Event()

    async def hold(_: Chunk) -> None:
        await gate.wait()

    lanes = PartitionExecutor(hold, unexpected, 2)
    await lanes.submit(chunk(0, 0))
    await lanes.submit(chunk(1, 0))
    third = asyncio.create_task(lanes.submit(chunk(2, 0)))
    await asyncio.sleep(0.01)
    assert not third.done()
    gate.set()
    await third
    await lanes.drained()


async def test_a_failure_is_told_and_gives_its_lane_back() -> None:
    told: list[BaseException] = []

    async def fail(one: Chunk) -> None:
        raise ValueError(one.start)

    async def failed(error: BaseException) -> None:
        told.append(error)

    lanes = PartitionExecutor(fail, failed, 1)
    for number in range(3):
        await lanes.submit(chunk(0, number))
    await lanes.drained()
    assert [error.args for error in told] == [(0,), (1,), (2,)]


async def test_what_is_abandoned_lets_go() -> None:
    let_go = []

    async def hold(one: Chunk) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            let_go.append(one.start)

    lanes = PartitionExecutor(hold, unexpected, 2)
    await lanes.submit(chunk(0, 0))
    await lanes.submit(chunk(0, 1))
    await asyncio.sleep(0)
    await lanes.abandon()
    assert let_go == [0]
