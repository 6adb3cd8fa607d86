"""Workers join and leave while they fold: partitions move, no event is lost or counted twice, all workers get work."""

import asyncio

import pytest

from tests.support.polling import until
from tests.support.rounds import rounds
from tests.support.worker_processes import WorkerProcess
from tests.support.worlds import World, log_grows

pytestmark = pytest.mark.kafka


async def gets_work(worker: WorkerProcess) -> None:
    """Wait until the worker has folded something from now on."""
    before = await worker.metric("onefold_events_committed_total")
    await until(
        lambda: _more(worker, before), 240, lambda: f"the worker gets no work; {worker.running=}\n{worker.output}"
    )


async def _more(worker: WorkerProcess, before: float) -> bool:
    return await worker.metric("onefold_events_committed_total") > before


@pytest.mark.long
@pytest.mark.repeated
async def test_workers_join_and_leave_at_any_moment(world: World) -> None:
    async with log_grows(world, seed=4):
        first = world.start_worker()
        await gets_work(first)
        for _ in range(rounds(1)):
            for leaves in ("stopped", "killed"):
                await _joins_and_leaves(world, first, leaves)
            for moment in (_starts, _owns_some):
                guest = world.start_worker()
                await moment(guest)
                await guest.stop()
    await world.settle()
    await world.verify_holds()
    assert first.running, first.output
    assert await first.stop() == 0


async def _joins_and_leaves(world: World, first: WorkerProcess, leaves: str) -> None:
    second = world.start_worker()
    await gets_work(second)
    await until(lambda: _owns(first, 4), 240, lambda: world.output)  # its share of two topics with four each
    await gets_work(first)
    if leaves == "stopped":
        assert await second.stop() == 0
    else:
        second.kill()
    await until(lambda: _owns(first, 8), 240, lambda: world.output)  # also those of the one that left
    await gets_work(first)


async def _starts(worker: WorkerProcess) -> None:
    await until(lambda: asyncio.sleep(0, worker.has_logged("worker_started")), 240, lambda: worker.output)


async def _owns_some(worker: WorkerProcess) -> None:
    await until(lambda: _owns_any(worker), 240, lambda: worker.output, every=0.02)


async def _owns_any(worker: WorkerProcess) -> bool:
    return await worker.metric("onefold_partitions_owned") > 0


async def _owns(worker: WorkerProcess, partitions: int) -> bool:
    return await worker.metric("onefold_partitions_owned") == partitions
