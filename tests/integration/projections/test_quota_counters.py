"""The counters of valid contacts on PostgreSQL: exact in every snapshot, while partitions and a rebuild are written."""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any, cast

import asyncpg

from projections.contacts.tables import TABLE as CONTACTS
from projections.engine.generation_tables import create_generation
from projections.engine.metadata import Rows
from projections.engine.projection import ContactEvent
from projections.engine.queries import all_rows
from projections.quota.folds import added_up, counted
from projections.quota.tables import TABLE as QUOTA_DAYS
from projections.reference import fold_log
from projections.registry import PROJECTIONS, SCHEMA
from services.runtime.settings import Settings
from services.worker.agent_spec import WorkerResources
from services.worker.agents.contacts import contacts
from tests.support.contact_records import event
from tests.support.strategies import DAY_MS
from tests.support.twin import contact_events

PARTITIONS = 3
KINDS = ["broadcast", "cart_remarketing", "web_push"]


def history(seed: int, size: int) -> list[ContactEvent]:
    """Events that make contacts valid and invalid, out of order, some of them twice."""
    rng = Random(seed)
    made = []
    for number in range(size):
        contact, at = f"line:oa{rng.randrange(2)}:U{rng.randrange(60)}", rng.randrange(5 * DAY_MS)
        name, data = rng.choice(
            [
                ("contact.followed", {}),
                ("contact.followed", {}),
                ("contact.blocked", {}),
                ("contact.erased", {"request_id": "r"}),
                ("marketing.opted_out", {"kinds": KINDS}),
                ("marketing.opted_in", {"kinds": KINDS[:1]}),
            ]
        )
        made.append(event(name, at, contact=contact, event_id=f"e{number}", **cast("dict[str, Any]", data)))
    return contact_events([*made, *rng.sample(made, size // 10)])


def partition_of(one: ContactEvent) -> int:
    return one.contact_id.int % PARTITIONS


async def write(url: str, schema: str, partition: int, events: Sequence[ContactEvent], *, bulk: bool) -> None:
    """Save the partition's events by the real agent, in chunks."""

    async def send(*_: object) -> None:
        """Nothing reads the evidence."""

    nothing = cast("Any", None)
    agent = contacts(WorkerResources(Settings(database=url), nothing, nothing, send, nothing, nothing, bulk=bulk))
    mine = [one for one in events if partition_of(one) == partition]
    connection = await asyncpg.connect(url, server_settings={"search_path": schema})
    try:
        for start in range(0, len(mine), 20):
            async with connection.transaction():
                await agent.save(connection, mine[start : start + 20], partition)
    finally:
        await connection.close()


async def found(connection: Any) -> tuple[Rows, Rows]:
    """What the counters add up to, and a recount of the contacts in the same snapshot."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        days, rows = await all_rows(connection, QUOTA_DAYS), await all_rows(connection, CONTACTS)
    return added_up(days), counted(rows)


async def test_every_snapshot_equals_a_recount_while_writers_and_a_rebuild_run(database: str) -> None:
    events = history(seed=5, size=900)
    readers = {name: await asyncpg.connect(database, server_settings={"search_path": name}) for name in ("g1", "g2")}
    for name, connection in readers.items():
        await create_generation(connection, name, SCHEMA)
    writers = [
        asyncio.create_task(write(database, schema, partition, events, bulk=bulk))
        for schema, bulk in (("g1", False), ("g2", True))
        for partition in range(PARTITIONS)
    ]
    while not all(one.done() for one in writers):
        for connection in readers.values():
            counters, recount = await found(connection)
            assert counters == recount
    await asyncio.gather(*writers)
    expected = counted(fold_log(PROJECTIONS, events)[CONTACTS])
    for connection in readers.values():
        assert await found(connection) == (expected, expected)
        await connection.close()
    assert sum(cast("Any", row).valid for row in expected.values()) > 0
