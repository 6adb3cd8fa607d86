"""What a chunk costs, in rows and statements: nothing of it grows with the contacts, or with one value's holders."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import pytest

from projections.identity import handlers
from projections.identity.keys import ResolutionKey
from projections.identity.loads import LoadHolders
from projections.identity.resolution.holders import MOST_HOLDERS
from projections.identity.resolution.policy import Policy
from projections.identity.store.loading import IdentityStore
from schemas.events import Event
from tests.support.identity import Identity
from tests.support.identity_events import bound, claimed, merged, unbound
from tests.support.plans import PLAN_CACHE_MODES
from tests.support.streams import id_of, membership, policies_for

HUB, SMALL = "+886911111111", "+886922222222"
_HOLDERS = """
INSERT INTO holdings
SELECT 'demo', 'default', gen_random_uuid(), '', 'phone', $1, '', '[null,null,null,null,null,[]]', 4, 1, 0, 1, 'e'
FROM generate_series(1, $2)
"""
_YOUNG = """
ALTER TABLE holdings SET (autovacuum_enabled = off);
INSERT INTO holdings
SELECT 'demo', 'default', gen_random_uuid(), '', 'phone', n::text, '', '[null,null,null,null,null,[]]', 4, 1, 0, 1, 'e'
FROM generate_series(1, 16000) n
"""
_SCANS = "SELECT pg_stat_get_xact_numscans('holdings_pk'::regclass)"
_READ = """
SELECT coalesce(sum(seq_tup_read), 0)::int AS scanned, coalesce(sum(idx_tup_fetch), 0)::int AS fetched
FROM pg_stat_xact_user_tables WHERE schemaname = 'g1'
"""


class Cost(NamedTuple):
    """Statements, rows read by scans and rows read by index."""

    statements: int
    scanned: int
    fetched: int


class Counting:
    """A connection that counts what it is asked."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.statements = 0

    def __getattr__(self, name: str) -> Any:
        self.statements += name in {"fetch", "execute", "copy_records_to_table"}
        return getattr(self._connection, name)


async def cost(identity: Identity, *events: Event) -> Cost:
    """The cost of one chunk, which is given up."""
    counting: Any = Counting(identity.connection)
    transaction = identity.connection.transaction()
    await transaction.start()
    policies = policies_for({one.tenant for one in events}, Policy())
    await handlers.save_events(counting, events, policies, id_of)
    [read] = await identity.connection.fetch(_READ)
    await transaction.rollback()
    return Cost(counting.statements, read["scanned"], read["fetched"])


@pytest.fixture
async def brand(identity: Identity) -> Identity:
    """Two thousand contacts, each with a phone of its own, and a value that a hundred thousand hold."""
    await identity.save(*(claimed(f"web:shop:w{n}", phone=f"+8869330{n:05d}", at=n) for n in range(2000)))
    await identity.save(*(claimed(f"web:shop:s{n}", phone=SMALL, at=n) for n in range(3)))
    await identity.save(*strangers(MOST_HOLDERS + 1))
    await identity.connection.execute(_HOLDERS, HUB, 100_000)
    await identity.connection.execute("VACUUM ANALYZE")
    return identity


def strangers(number: int) -> Iterable[Event]:
    """So many browsers that claim one phone."""
    return (claimed(f"web:shop:h{n}", phone=HUB, at=n) for n in range(number))


async def test_a_value_that_a_hundred_thousand_hold_costs_a_bounded_number_of_rows(brand: Identity) -> None:
    small = await cost(brand, claimed("web:shop:new", phone=SMALL, at=99))
    hub = await cost(brand, claimed("web:shop:new", phone=HUB, at=99))
    assert hub.statements <= small.statements + 1
    assert hub.scanned <= small.scanned + 10
    assert hub.fetched <= small.fetched + 4 * (MOST_HOLDERS + 1)


async def test_no_table_is_read_from_end_to_end(brand: Identity) -> None:
    for _ in range(8):  # PostgreSQL settles on a plan after some executions of a statement
        found = await cost(brand, claimed("web:shop:new", phone="+886933000007", email="a@example.tw", at=99))
    assert found.scanned < 100
    assert found.fetched < 100


@pytest.mark.parametrize("mode", PLAN_CACHE_MODES)
async def test_holders_are_read_by_their_own_index_where_the_table_has_no_statistics(
    identity: Identity, mode: str
) -> None:
    connection = identity.connection
    await connection.execute(_YOUNG)  # at this size the primary key seems to cost as little
    await connection.execute(f"SET plan_cache_mode = {mode}")
    wanted = LoadHolders(frozenset(("phone", str(number)) for number in range(1, 100)))
    async with connection.transaction():
        [found] = await IdentityStore(connection, id_of).answer([(ResolutionKey("demo", "default"), wanted)])
        assert len(found) == len(wanted.identifiers)
        assert await connection.fetchval(_SCANS) == 0


async def test_a_late_login_on_one_browser_reads_that_browser_alone(brand: Identity) -> None:
    browser = "web:shop:w7"
    said = [claimed(browser, email=f"{n}@example.tw", at=2000 + n) for n in range(20)]
    await brand.save(bound(browser, member_id="M1", at=1), *said, bound(browser, member_id="M2", at=5000))
    found = await cost(brand, bound(browser, member_id="M3", at=2010))
    assert found.scanned < 100
    assert found.fetched < 40 * len(said)


async def test_a_merged_member_id_of_a_thousand_holders_reads_these_alone(brand: Identity) -> None:
    holders = 1000
    await brand.save(*(bound(f"line:oa1:U{n}", member_id="M1", at=n) for n in range(holders)))
    await brand.connection.execute("VACUUM ANALYZE")
    found = await cost(brand, merged("M1", "N1", at=5000))
    few = await cost(brand, merged("M2", "N2", at=5000))
    assert found.statements <= few.statements + 40
    assert found.scanned <= few.scanned + 100
    assert found.fetched < 40 * holders


async def test_hundred_times_the_events_take_as_many_statements(identity: Identity) -> None:
    few = await cost(identity, bound("web:shop:f0", member_id="M0"), bound("web:shop:f1", member_id="M0"))
    many = await cost(identity, *(bound(f"web:shop:m{n}", member_id=f"M{n % 100}", at=n % 7) for n in range(180)))
    assert many.statements <= few.statements


async def test_hundred_tenants_take_as_many_statements_as_one(identity: Identity) -> None:
    pair = [bound("web:shop:f0", member_id="M0"), bound("web:shop:f1", member_id="M0")]
    one = await cost(identity, *pair)
    tenants = [event.model_copy(update={"tenant": f"brand-{n}"}) for event in pair for n in range(60)]
    assert (await cost(identity, *tenants)).statements <= one.statements


async def test_a_chunk_that_says_nothing_new_looks_at_erasures_and_at_the_evidence(identity: Identity) -> None:
    events = [bound("web:shop:c1", member_id="M7"), claimed("web:shop:c2", member_id="M7", phone=SMALL)]
    await identity.save(*events)
    assert (await cost(identity, *events)).statements == 2


async def test_a_value_that_becomes_everybodys_lets_go_of_those_it_tied(identity: Identity) -> None:
    strange = [claimed(f"web:shop:h{n:02d}", phone=HUB, email=f"{n}@example.tw", at=n) for n in range(5)]
    await identity.save(*strange[:4])
    assert await _customers(identity) == 1
    await identity.save(strange[4])
    assert await _customers(identity) == 5
    await identity.save(unbound("web:shop:h04", phone=HUB, at=20))
    assert await _customers(identity) == 2


async def _customers(identity: Identity) -> int:
    return len(membership(await identity.tables()))
