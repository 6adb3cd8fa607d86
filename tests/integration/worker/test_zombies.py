"""A worker that was suspended and writes too late changes nothing, and does not block its successor."""

import asyncio
import itertools
from functools import partial

import pytest

from projections.engine.offsets import Counts, OffsetCommit, acquire, commit
from tests.support.polling import until
from tests.support.workload import workload
from tests.support.worlds import World

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize(
    "mode",
    [
        pytest.param("ACCESS EXCLUSIVE", id="preparing", marks=pytest.mark.soak),
        pytest.param("EXCLUSIVE", id="executing"),
    ],
)
async def test_a_worker_suspended_inside_its_transaction_is_fenced(world: World, mode: str) -> None:
    records = workload(6000, 300, seed=11)
    await world.produce(itertools.islice(records, 3000))
    async with world.connection() as connection, connection.transaction():
        # Its first chunk stops inside the transaction, when it comes to a table that is not the timeline.
        await connection.execute(f"LOCK TABLE contacts IN {mode} MODE")
        zombie = world.start_worker()
        await until(partial(_waits_for_a_lock, world), 240, lambda: zombie.output)
        zombie.suspend()
    successor = world.start_worker()
    await world.produce(itertools.islice(records, 1500))
    await world.settle()  # although the zombie's transaction is open when its successor begins
    await world.verify_holds()
    zombie.resume()
    await until(partial(_fenced, zombie.log.name, world), 240, lambda: f"it was never fenced\n{zombie.output}")
    await world.produce(itertools.islice(records, 1500))
    await world.settle()
    await world.verify_holds()
    assert zombie.running, zombie.output
    assert successor.running, successor.output


async def test_a_partition_acquired_outside_the_group_is_acquired_again(world: World) -> None:
    records = workload(4000, 300, seed=12)
    worker = world.start_worker()
    await world.produce(itertools.islice(records, 2000))
    await world.settle()
    async with world.connection() as connection:  # as a zombie does that wakes up just before it acquires
        await acquire(connection, world.topic, range(4))
    await world.produce(itertools.islice(records, 2000))
    await world.settle()
    await world.verify_holds()
    assert await worker.metric("onefold_chunks_fenced_total") > 0
    assert worker.running


async def test_a_commit_under_an_old_epoch_or_from_another_offset_changes_nothing(world: World) -> None:
    async with world.connection() as connection:
        old = (await acquire(connection, "a", [0]))[0]
        new = (await acquire(connection, "a", [0]))[0]
        assert (new.next_offset, new.epoch) == (0, old.epoch + 1)
        counts = Counts(committed=5)
        assert not await commit(connection, OffsetCommit("a", 0, old.epoch, 0, 5, counts))
        assert not await commit(connection, OffsetCommit("a", 0, new.epoch, 1, 5, counts))
        assert not await commit(connection, OffsetCommit("a", 1, new.epoch, 0, 5, counts))
        assert await connection.fetchval("SELECT sum(next_offset + committed) FROM offsets WHERE topic = 'a'") == 0
        assert await commit(connection, OffsetCommit("a", 0, new.epoch, 0, 5, counts, 5, 1))
        again = (await acquire(connection, "a", [0]))[0]
        assert (again.next_offset, again.recent_records, again.recent_dead) == (5, 5, 1)


async def test_several_offsets_move_by_their_own_counts_or_the_commit_is_refused(
    world: World,
) -> None:
    async with world.connection() as connection:
        owned = await acquire(connection, "c", range(3))
        moves = [OffsetCommit("c", it, owned[it].epoch, 0, it + 1, Counts(committed=it)) for it in range(3)]
        await acquire(connection, "c", [2])
        assert not await commit(connection, *moves)  # whoever calls it rolls back
        await connection.execute("UPDATE offsets SET next_offset = 0, committed = 0 WHERE topic = 'c'")
        assert await commit(connection, *moves[:2])
        rows = await connection.fetch("SELECT next_offset, committed FROM offsets WHERE topic = 'c' ORDER BY partition")
        assert [tuple(row) for row in rows] == [(1, 0), (2, 1), (0, 0)]


async def test_acquiring_a_partition_waits_for_the_commit_under_way(world: World) -> None:
    async with world.connection() as one, world.connection() as other:
        old = (await acquire(one, "b", [0]))[0]
        transaction = one.transaction()
        await transaction.start()
        assert await commit(one, OffsetCommit("b", 0, old.epoch, 0, 7, Counts(committed=7)))
        taking = asyncio.create_task(acquire(other, "b", [0]))
        await asyncio.sleep(0.3)
        assert not taking.done()
        await transaction.commit()
        assert (await taking)[0].next_offset == 7


async def _waits_for_a_lock(world: World) -> bool:
    async with world.connection() as connection:
        return bool(
            await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                "AND application_name = 'onefold-worker' AND datname = current_database()"
            )
        )


async def _fenced(name: str, world: World) -> bool:
    worker = next(one for one in world.workers if one.log.name == name)
    return worker.has_logged("chunk_fenced")
