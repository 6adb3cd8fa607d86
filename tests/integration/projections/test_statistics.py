"""Tables of a new generation are analysed once they have rows, so that PostgreSQL finds events by their whole key."""

import asyncpg

from projections.engine.chunk import project
from projections.engine.generations import create_generation
from projections.engine.statistics import analyse_new_tables
from projections.registry import PROJECTIONS, SCHEMA
from projections.timeline.store import PostgresStore
from schemas.codec import decode
from tests.support.twin import contact_events
from tests.support.workload import workload

_BY_KEY = "SELECT 1 FROM unnest($1::text[], $2::uuid[], $3::text[]) given (a, b, c) JOIN timeline t"
_PLAN = f"EXPLAIN {_BY_KEY} ON t.tenant = a AND t.contact_id = b AND t.event_id = c"


async def test_tables_are_analysed_once_they_have_rows(database: str) -> None:
    connection = await asyncpg.connect(database, server_settings={"search_path": "g1", "enable_seqscan": "off"})
    await create_generation(connection, "g1", SCHEMA)
    assert await analyse_new_tables(connection) == []
    events = contact_events(decode(value) for _, value in workload(2000, 20, seed=3))
    async with connection.transaction():
        await project(PostgresStore(connection), PROJECTIONS, events)
    analysed = await analyse_new_tables(connection)
    assert {"contacts", "tags", "timeline"} <= set(analysed)
    assert "erasures" not in analysed
    assert await analyse_new_tables(connection) == []
    plan = await connection.fetch(_PLAN, ["demo"], [events[0].contact_id], [events[0].event.event_id])
    assert any("timeline_pk" in line for (line,) in plan), plan
    await connection.close()
