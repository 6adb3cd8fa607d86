"""PostgreSQL plans the statements of a new generation by the whole of their keys, and keeps to that as it grows."""

import re
from collections.abc import Iterator
from random import Random

import asyncpg
import pytest

from projections.engine import store
from projections.engine.chunk import project
from projections.engine.connection import Connection
from projections.engine.first_statistics import plan_anew
from projections.engine.generation_tables import create_generation
from projections.identity import link_queries
from projections.identity.store import saving, selects
from projections.registry import PROJECTIONS, SCHEMA
from projections.timeline import store as timeline
from projections.timeline.bulk import BulkStore
from projections.timeline.tables import TABLE
from schemas.codec import decode
from schemas.events import Event
from services.runtime.database import BY_KEY
from tests.support.identity import Identity
from tests.support.identity_events import bound, decided, merged
from tests.support.twin import contact_events
from tests.support.workload import workload

_USES = {  # each statement, an index that it must use, and how many of its columns
    "conflicts of nodes": (selects.CONFLICTS, "conflicts_pk", 4),
    "links of nodes": (selects.LINKS, "holdings_pk", 4),
    "nodes whose components are read": (selects.COMPONENTS, "members_pk", 4),
    "components": (selects.COMPONENTS, "members_of_component", 3),
    "member ids": (selects.CANONICAL, "canonical_ids_pk", 3),
    "all ids of a member": (selects.CANONICAL, "canonical_ids_of_end", 3),
    "contacts of customers": (selects.CONTACTS_OF, "members_of_customer", 3),
    "other events of a message": (timeline._OTHERS, "timeline_messages", 3),
    "known events": (store._load_statement(TABLE), "timeline_pk", 3),
    "links shown": (link_queries._LINKED, "holdings_pk", 4),
    "links to nodes": (link_queries._BOUND_TO, "holdings_holders", 5),
    "links to values": (link_queries._LINKS_TO_VALUES, "holdings_pk", 5),
    "refused links": (link_queries._REFUSED, "conflicts_pk", 4),
    "holders in components": (link_queries._HOLDERS_IN, "members_pk", 4),
    "what nodes hold": (link_queries._HOLDINGS_OF_NODES, "holdings_pk", 4),
    "holdings that go": (saving._DELETES["holdings"], "holdings_pk", 7),
    "members that go": (saving._DELETES["members"], "members_pk", 4),
    "conflicts that go": (saving._DELETES["conflicts"], "conflicts_pk", 7),
    "contacts that go": (store._delete_contacts_statement(TABLE), "timeline_", 2),
}
_FEW, _MANY = 3, 1500
_VALUES = {"UUID": "00000000-0000-0000-0000-000000000000", "TEXT": "demo", "SMALLINT": "1", "BIGINT": "1"}


@pytest.mark.parametrize("loaded", [False, True])
async def test_statements_find_rows_by_the_whole_key(database: str, *, loaded: bool) -> None:
    """In tables that are new, and may be large before they are planned again, and in a generation half loaded."""
    connection = await _generation(database)
    if loaded:
        await _load(connection, 0, _MANY)
        await connection.execute("ANALYZE")
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await _require_whole_keys(connection, "NULL")
    await connection.close()


async def test_while_a_generation_is_loaded_an_early_analysis_spoils_no_plan(database: str) -> None:
    """Of three rows it says that all columns are alike."""
    connection = await _generation(database)
    await _load(connection, 0, _FEW)
    await connection.execute("ANALYZE; SET plan_cache_mode = force_generic_plan")
    await _plans(connection, "NULL")
    await _load(connection, _FEW, _MANY)
    async with connection.transaction():
        await plan_anew(connection)
        await _require_whole_keys(connection, None)
    await connection.close()


async def test_autovacuum_analyses_no_table_of_few_rows(database: str) -> None:
    connection = await _generation(database)
    options = await connection.fetch("SELECT reloptions FROM pg_class WHERE oid = ANY ($1::regclass[])", ["members"])
    assert [one["reloptions"] for one in options] == [["fillfactor=70", "autovacuum_analyze_threshold=1000"]]
    await connection.close()


async def _generation(database: str) -> asyncpg.Connection:
    connection = await asyncpg.connect(database, server_settings={"search_path": "g1", **BY_KEY})
    await create_generation(connection, "g1", SCHEMA, for_readers=False)
    await connection.execute("CREATE TEMPORARY TABLE one (n int)")  # a session's first one has it plan all anew
    return connection


async def _load(connection: Connection, first: int, end: int) -> None:
    events = list(_evidence(first, end))
    others = (decode(value) for _, value in workload(end - first, max(1, end // 10), seed=first))
    async with connection.transaction():
        await project(BulkStore(connection), PROJECTIONS, contact_events([*events, *others]))
    await Identity(connection).save(*events)


def _evidence(first: int, end: int) -> Iterator[Event]:
    chance = Random(first)
    for number in range(first, end):
        contact, member = f"web:shop:u{number}", f"M{number // 3}"
        yield bound(contact, member_id=member, phone=f"+88690{number // 4:07d}", at=number)
        if number % 5 == 0:
            yield bound(f"line:oa1:U{number}", link=contact, at=number)
            yield decided(contact, f"web:shop:u{number // 2}", chance.choice(["same", "different"]), at=number)
            yield merged(member, f"M{number // 6}", at=number)


async def _plans(connection: asyncpg.Connection, argument: str | None) -> dict[str, str]:
    """The statements' plans. ``argument`` is that of every parameter; without one, each is two hundred values."""
    plans = {}
    for number, (name, (statement, _, _)) in enumerate(_USES.items()):
        if not await connection.fetchval("SELECT count(*) FROM pg_prepared_statements WHERE name = $1", f"p{number}"):
            await connection.execute(f"PREPARE p{number} AS {statement}")
        kinds = dict(re.findall(r"\$(\d+)::([A-Z]+(?:\[\])?)", statement))
        numbers = sorted({int(one) for one in re.findall(r"\$(\d+)", statement)})
        given = ", ".join(argument or _literal(kinds.get(str(one), "")) for one in numbers)
        lines = await connection.fetch(f"EXPLAIN EXECUTE p{number} ({given})")
        plans[name] = "\n".join(one[0] for one in lines)
    return plans


async def _require_whole_keys(connection: asyncpg.Connection, argument: str | None) -> None:
    bad = {}
    for name, plan in (await _plans(connection, argument)).items():
        _, index, columns = _USES[name]
        found = re.search(rf"(using|on) {index}\S* ?.*\n *Index Cond: (.*)", plan)
        if found is None or len(re.findall(r"\w\)* = ", found[2])) < columns:
            bad[name] = plan
    assert not bad, "\n".join(f"{name}\n{plan}" for name, plan in bad.items())


def _literal(kind: str) -> str:
    if kind.endswith("[]"):
        return "'{" + ",".join([_VALUES.get(kind.removesuffix("[]"), "1")] * 200) + "}'"
    return f"'{_VALUES[kind]}'" if kind in _VALUES else "NULL"
