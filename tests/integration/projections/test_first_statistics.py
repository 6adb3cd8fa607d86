"""PostgreSQL plans the statements of a new generation by the whole of their keys, and keeps to that as it grows."""

import re

import asyncpg
import pytest

from projections.engine import store
from projections.engine.chunk import project
from projections.engine.generations import create_generation
from projections.identity.store import selects
from projections.registry import PROJECTIONS, SCHEMA
from projections.timeline import store as timeline
from projections.timeline.bulk import BulkStore
from projections.timeline.tables import TABLE
from schemas.codec import decode
from services.runtime.database import BY_KEY
from tests.support.twin import contact_events
from tests.support.workload import workload

_STATEMENTS = {
    "conflicts of nodes": (selects.CONFLICTS, "conflicts_pk"),
    "links of nodes": (selects.LINKS, "holdings_pk"),
    "contacts of customers": (selects.CONTACTS_OF, "members_of_customer"),
    "other events of a message": (timeline._OTHERS, "timeline_messages"),
    "known events": (store._load_statement(TABLE), "timeline_pk"),
}


@pytest.mark.parametrize(
    ("name", "events"), [*((one, 0) for one in _STATEMENTS), ("known events", 3), ("links of nodes", 3)]
)
async def test_a_small_table_is_read_by_the_whole_key(database: str, name: str, events: int) -> None:
    """It may be large before it is planned again."""
    statement, index = _STATEMENTS[name]
    connection = await asyncpg.connect(database, server_settings={"search_path": "g1", **BY_KEY})
    await create_generation(connection, "g1", SCHEMA)
    if events:
        some = contact_events(decode(value) for _, value in workload(events, events, seed=3))
        async with connection.transaction():
            await project(BulkStore(connection), PROJECTIONS, some)
        await connection.execute("ANALYZE")
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.execute(f"PREPARE asked AS {statement}")
    nothing = ", ".join("NULL" for _ in set(re.findall(r"\$\d+", statement)))
    plan = "\n".join(one[0] for one in await connection.fetch(f"EXPLAIN EXECUTE asked ({nothing})"))
    await connection.close()
    assert re.search(rf"Function Scan on given.*\n *->.* (using|on) {index} |Bitmap Index Scan on {index} ", plan), plan
    assert plan.index("Function Scan on given") < plan.index(index), plan  # the outer one
    assert "Filter: ((contact_id" not in plan, plan
