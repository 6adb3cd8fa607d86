"""Workers come and go while they fold: partitions move, nothing is lost or doubled, and everyone gets work."""

import asyncio
from random import Random

import pytest

from tests.support.worlds import Worker, World, log_grows, until

pytestmark = pytest.mark.kafka


async def gets_work(worker: Worker) -> None:
    """Wait until the worker has folded something from now on."""
    before = await worker.metric("onefold_events_committed_total")
    await until(lambda: _more(worker, before), 45, lambda: f"the worker gets no work; {worker.running=}\n{worker.said}")


async def _more(worker: Worker, before: float) -> bool:
    return await worker.metric("onefold_events_committed_total") > before


@pytest.mark.timeout(240)
@pytest.mark.parametrize("leaves", ["told to", "killed"])
async def test_a_second_worker_joins_and_leaves(world: World, leaves: str) -> None:
    async with log_grows(world, seed=4):
        first = world.start_worker()
        await gets_work(first)
        second = world.start_worker()
        await gets_work(second)
        await until(lambda: _owns(first, 4), 30, "the first keeps more than its share")  # of two topics with four each
        await gets_work(first)
        if leaves == "told to":
            assert await second.stop() == 0
        else:
            second.kill()
        await until(lambda: _owns(first, 8), 30, "the partitions of the one that left are nobody's")
        await gets_work(first)
    await world.settle()
    await world.verify_holds()
    assert first.running
    assert await first.stop() == 0


@pytest.mark.timeout(240)
async def test_many_rebalances_one_after_the_other(world: World) -> None:
    rng = Random(7)
    async with log_grows(world, seed=5):
        steady = world.start_worker()
        await gets_work(steady)
        for _ in range(4):
            guest = world.start_worker()
            await asyncio.sleep(rng.uniform(1.5, 4))
            await guest.stop()
    await world.settle()
    await world.verify_holds()
    assert steady.running, steady.said


async def _owns(worker: Worker, partitions: int) -> bool:
    return await worker.metric("onefold_partitions_owned") == partitions
