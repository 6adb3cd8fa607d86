"""Identity through Kafka: the tables and the customer changes agree, whatever breaks and whatever the order."""

import asyncio
import itertools
from collections import Counter
from contextlib import suppress
from functools import partial
from random import Random
from uuid import UUID

import pytest

from projections.engine.ids import personal_id
from projections.engine.metadata import Key, Row
from projections.identity.reference import determined
from projections.identity.resolution.statements import EVIDENCE_TYPES
from projections.identity.tables import ERASED_STATEMENTS, STATEMENTS
from schemas.changes import decode_change
from schemas.events import ContactRef
from services.query.adapters.single_connection import SingleConnection
from services.query.core.errors import NotFound
from services.query.core.models import ContactView, CustomerView
from services.query.handlers.customer_lookup import CustomerLookup
from services.query.handlers.reader import CustomerReader
from services.runtime.secrets import tenant_id_key
from services.verify.snapshot import CONTACTS, take_snapshot
from tests.support.families import TENANTS, contacts_of, history
from tests.support.identity_events import ref
from tests.support.polling import until
from tests.support.rounds import rounds
from tests.support.streams import consumed
from tests.support.worked_example import ALL, C1, C2, LINE, WHATSAPP
from tests.support.worker_processes import WorkerProcess
from tests.support.worlds import World

pytestmark = pytest.mark.kafka

_KILLS = rounds(3)
_NOW = 1_735_660_800_000 + 86_400_000


@pytest.mark.long
@pytest.mark.repeated
async def test_the_changes_rebuild_the_membership_after_many_kills(world: World) -> None:
    chance = Random(31)
    events = history(chance)
    hasty = {"chunk_records": 20, "session_timeout": 1.0}
    pair = [world.start_worker(**hasty) for _ in range(2)]
    for number in range(_KILLS):
        relayed = await _relayed(world)
        growing = asyncio.create_task(world.append(*itertools.islice(events, 200)))
        await until(partial(_relays_more, world, relayed), 240, lambda: world.output, every=0.02)
        await asyncio.sleep(chance.uniform(0, 0.3))
        victim = await _who_relays(pair) if number % 3 else chance.randrange(2)
        pair[victim].kill()
        pair[victim] = world.start_worker(**hasty)
        await growing
    await world.settle()
    await world.verify_holds()
    changes = await world.changes()
    assert consumed(changes) == await world.membership()  # `consumed` checks that none is missing or comes twice
    kinds = Counter(decode_change(row.payload.encode()).type for row in changes)
    assert min(kinds[kind] for kind in ("created", "linked", "unlinked", "merged", "split")) > 0
    assert all([await worker.stop() == 0 for worker in pair])


async def _relayed(world: World) -> int:
    async with world.connection() as connection:
        return int(await connection.fetchval("SELECT coalesce(sum(next_offset), 0) FROM onefold.outbox_positions"))


async def _relays_more(world: World, relayed: int) -> bool:
    return await _relayed(world) > relayed


async def _who_relays(workers: list[WorkerProcess]) -> int:
    relayed = [await worker.metric("onefold_changes_relayed_total") for worker in workers]
    return relayed.index(max(relayed))


async def test_a_defect_in_the_relay_ends_its_worker(world: World) -> None:
    async with world.connection() as connection:
        await connection.execute("ALTER TABLE onefold.outbox_positions RENAME TO elsewhere")
    worker = world.start_worker()
    assert await worker.ended(240) == 75
    assert worker.has_logged("UndefinedTableError")


async def test_the_worked_example_in_several_orders(world: World) -> None:
    orders = [ALL, ALL[::-1], *(Random(seed).sample(ALL, len(ALL)) for seed in range(4))]
    tenants = [f"brand-{number}" for number in range(len(orders))]
    world.start_worker()
    for step in range(len(ALL)):
        now = [order[step].model_copy(update={"tenant": one}) for one, order in zip(tenants, orders, strict=True)]
        await world.append(*now)
        await world.settle()
    await world.verify_holds()
    assert await world.membership() == {
        customer: contacts
        for tenant in tenants
        for customer, contacts in (
            (id_of(tenant, C1), sorted([LINE, C1, WHATSAPP])),
            (id_of(tenant, C2), [C2]),
        )
    }
    changes = await world.changes()
    assert consumed(changes) == await world.membership()
    decoded = [decode_change(row.payload.encode()) for row in changes]
    whatsapp = [one.after for one in decoded if one.customer_id == id_of(tenants[0], WHATSAPP)]
    assert whatsapp == [[WHATSAPP], []]  # it left, and came back


def id_of(tenant: str, contact: str) -> UUID:
    return personal_id(tenant_id_key("a master key", tenant), contact)


async def test_folding_again_into_empty_tables_gives_the_same_rows(world: World) -> None:
    events = list(itertools.islice(history(Random(5)), 1000))
    worker = world.start_worker()
    await world.append(*events)
    await world.settle()
    await world.verify_holds()
    before = await _rows(world)
    assert await worker.stop() == 0
    async with world.connection() as connection:
        await connection.execute("DROP SCHEMA g1 CASCADE; DELETE FROM onefold.generations")
        await connection.execute(
            "TRUNCATE onefold.change_sequences, onefold.outbox, onefold.outbox_positions"
        )  # another topic of changes begins
    settings = world.settings.model_copy(update={"topic_prefix": f"{world.settings.topic_prefix}-again"})
    again = World(settings.model_copy(update={"partitions": 7, "chunk_records": 60}), world.home, world.fork_server)
    again.workers = world.workers  # they share a home, and an end
    await again.prepare()
    Random(6).shuffle(events)
    await again.append(*events)
    for _ in range(2):
        again.start_worker()
    await again.settle()
    await again.verify_holds()
    assert await _rows(again) == before


async def _rows(world: World) -> dict[str, dict[Key, Row]]:
    snapshot = await take_snapshot(world.settings.database_url, world.settings.default_region)
    rows = {table.name: snapshot.tables[table] for table in CONTACTS}
    identity = determined(snapshot.tables)
    del identity[ERASED_STATEMENTS]  # of what was given
    # Which events are given for nothing but the channel's own ids depends on the order in which they come.
    identity[STATEMENTS] = {key: row for key, row in identity[STATEMENTS].items() if row[5] in EVIDENCE_TYPES}
    return rows | {table.name: found for table, found in identity.items()}


async def test_customers_are_exactly_their_contacts_while_both_agents_fold(world: World) -> None:
    chance = Random(8)
    events = history(chance)
    world.start_worker(chunk_records=20)
    seen: set[str] = set()
    async with world.connection() as connection:
        await world.append(*itertools.islice(events, 60))
        await world.settle()
        while len(seen) < 40:  # families as they were at moments that differ, however long that takes
            await world.append(*itertools.islice(events, 30))
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                reader = CustomerReader(SingleConnection(connection), CustomerLookup.of(world.settings))
                for tenant, family in itertools.product(TENANTS[:2], range(3)):
                    customers = await _read(reader, tenant, contacts_of(family))
                    seen.add(f"{tenant} {[(one.id, [it.contact for it in one.contacts]) for one in customers]}")
    await world.settle()
    await world.verify_holds()


async def _read(reader: CustomerReader, tenant: str, family: list[str]) -> list[CustomerView]:
    """The family's customers, each contact's; whom they consist of is checked."""
    contacts: list[ContactView] = []
    customers: dict[UUID, CustomerView] = {}
    for key in family:
        try:
            contacts.append(await reader.contact(tenant, ContactRef.model_validate(ref(key)), _NOW))
        except NotFound:
            await _check_unlisted(reader, tenant, key)
            continue
        customer = await reader.customer(tenant, f"contact:{key}", _NOW)
        assert customer.id == contacts[-1].customer_id
        assert customers.setdefault(customer.id, customer) == customer
    for customer in customers.values():
        assert customer.contacts == sorted(
            (one for one in contacts if one.customer_id == customer.id), key=lambda one: one.contact
        )
        _check_sums(customer)
    return list(customers.values())


async def _check_unlisted(reader: CustomerReader, tenant: str, key: str) -> None:
    """A contact without an event of its own is in no customer; its name leads to the contacts that named it."""
    with suppress(NotFound):
        customer = await reader.customer(tenant, f"contact:{key}", _NOW)
        assert key not in {one.contact for one in customer.contacts}


def _check_sums(customer: CustomerView) -> None:
    tags: Counter[str] = Counter()
    for contact in customer.contacts:
        tags.update({tag.tag: tag.count for tag in contact.tags})
    assert {tag.tag: tag.count for tag in customer.tags} == tags
    times = [one.last_customer_interaction_at for one in customer.contacts if one.last_customer_interaction_at]
    assert customer.last_customer_interaction_at == max(times, default=None)
    assert customer.first_seen_at == min((one.first_seen_at for one in customer.contacts), default=None)
