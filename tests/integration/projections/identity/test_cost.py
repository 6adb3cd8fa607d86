"""What a chunk costs, in rows and statements: nothing of it grows with the contacts, or with one value's holders."""

from collections.abc import Iterable
from typing import Any

import pytest

from projections.identity import handlers
from projections.identity.resolution.policy import Policy
from projections.identity.store import PostgresIdentityStore
from schemas.events import Event
from tests.support.identity import Identity
from tests.support.identity_events import bound, claimed, unbound
from tests.support.streams import rules_of

HUB, SMALL = "+886911111111", "+886922222222"
_HOLDERS = """
INSERT INTO links SELECT 'demo', 'default', 'phone', $1, 3, gen_random_uuid() FROM generate_series(1, $2)
"""
_READ = """
SELECT sum(seq_tup_read)::int AS scanned, sum(idx_tup_fetch)::int AS fetched
FROM pg_stat_xact_user_tables WHERE schemaname = 'g1'
"""


class Counting:
    """A connection that counts what it is asked."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.statements = 0

    def __getattr__(self, name: str) -> Any:
        self.statements += name in {"fetch", "execute", "copy_records_to_table"}
        return getattr(self._connection, name)


async def cost(identity: Identity, events: Iterable[Event]) -> tuple[int, int, int]:
    """Statements, rows read by scans and rows read by index of one chunk, which is given up."""
    counting: Any = Counting(identity.connection)
    transaction = identity.connection.transaction()
    await transaction.start()
    await handlers.save(PostgresIdentityStore(counting, lambda _: "default"), events, rules_of(Policy()))
    [read] = await identity.connection.fetch(_READ)
    await transaction.rollback()
    return counting.statements, read["scanned"], read["fetched"]


@pytest.fixture
async def brand(identity: Identity) -> Identity:
    """Two thousand contacts, each with a phone of its own, and a value that a hundred thousand hold."""
    await identity.save(*(claimed(f"web:shop:w{n}", phone=f"+8869330{n:05d}", at=n) for n in range(2000)))
    await identity.save(*(claimed(f"web:shop:s{n}", phone=SMALL, at=n) for n in range(3)))
    await identity.save(*(claimed(f"web:shop:h{n}", phone=HUB, at=n) for n in range(12)))
    await identity.connection.execute(_HOLDERS, HUB, 100_000)
    await identity.connection.execute("VACUUM ANALYZE")
    return identity


async def test_one_more_for_a_hundred_thousand_costs_no_more_than_one_more_for_three(brand: Identity) -> None:
    statements, scanned, fetched = await cost(brand, [claimed("web:shop:new", phone=SMALL, at=99)])
    hub_statements, hub_scanned, hub_fetched = await cost(brand, [claimed("web:shop:new", phone=HUB, at=99)])
    assert hub_statements <= statements + 1
    assert hub_scanned <= scanned + 10
    assert hub_fetched <= fetched + 2 * (Policy().types["phone"].limit + 1)


async def test_no_table_is_read_from_end_to_end(brand: Identity) -> None:
    for _ in range(8):  # PostgreSQL settles on a plan after some executions of a statement
        _, scanned, _ = await cost(brand, [claimed("web:shop:new", phone="+886933000007", email="a@example.tw", at=99)])
    assert scanned < 100


async def test_hundred_times_the_events_take_as_many_statements(identity: Identity) -> None:
    few, *_ = await cost(identity, [bound("web:shop:f0", member_id="M0"), bound("web:shop:f1", member_id="M0")])
    many, *_ = await cost(identity, [bound(f"web:shop:m{n}", member_id=f"M{n % 100}", at=n % 7) for n in range(200)])
    assert many <= few


async def test_chunk_that_says_nothing_new_costs_one_look(identity: Identity) -> None:
    events = [bound("web:shop:c1", member_id="M7"), claimed("web:shop:c2", member_id="M7", phone=SMALL)]
    await identity.save(*events)
    assert (await cost(identity, events))[0] == 1


async def test_a_value_that_becomes_everybodys_lets_go_of_those_it_tied(identity: Identity) -> None:
    holders = [claimed(f"web:shop:h{n:02d}", phone=HUB, at=n) for n in range(11)]
    await identity.save(*holders[:10])
    assert await _customers(identity) == 1
    await identity.save(holders[10])
    assert await _customers(identity) == 11
    await identity.save(unbound("web:shop:h10", phone=HUB, at=20))
    assert await _customers(identity) == 2


async def _customers(identity: Identity) -> int:
    return int(await identity.connection.fetchval("SELECT count(DISTINCT customer_id) FROM members"))
