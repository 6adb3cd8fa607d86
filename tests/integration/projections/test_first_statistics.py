"""PostgreSQL plans the statements of a new, empty generation by the whole of their keys."""

import re

import asyncpg
import pytest

from projections.engine.generations import create_generation
from projections.identity.store import selects
from projections.registry import SCHEMA
from projections.timeline import store as timeline
from services.runtime.database import BY_KEY

_STATEMENTS = {
    "conflicts of nodes": (selects.CONFLICTS, "conflicts_pk"),
    "links of nodes": (selects.LINKS, "holdings_pk"),
    "contacts of customers": (selects.CONTACTS_OF, "members_of_customer"),
    "other events of a message": (timeline._OTHERS, "timeline_messages"),
}


@pytest.mark.parametrize("name", _STATEMENTS)
async def test_an_empty_table_is_read_by_the_whole_key(database: str, name: str) -> None:
    statement, index = _STATEMENTS[name]
    connection = await asyncpg.connect(database, server_settings={"search_path": "g1", **BY_KEY})
    await create_generation(connection, "g1", SCHEMA)
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.execute(f"PREPARE asked AS {statement}")
    nothing = ", ".join("NULL" for _ in set(re.findall(r"\$\d+", statement)))
    plan = "\n".join(one[0] for one in await connection.fetch(f"EXPLAIN EXECUTE asked ({nothing})"))
    await connection.close()
    assert f"using {index} " in plan, plan
    assert "Filter: ((contact_id" not in plan, plan
