"""Reading who is who, and why, from the tables."""

from itertools import product
from uuid import UUID

from projections.identity import queries
from projections.identity.keys import ResolutionKey
from projections.identity.resolution.explain import graph, why
from projections.identity.resolution.gather import gather
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import resolve
from projections.identity.snapshot import resolution_of
from projections.identity.tables import CUSTOMERS, CustomerRow
from tests.support.identity import Identity
from tests.support.identity_events import bound, claimed
from tests.support.streams import id_of
from tests.support.worked_example import ALL, C1, C2, LINE, PHONE, WHATSAPP

DEMO = ResolutionKey("demo", "default")
CONTACTS = {id_of("demo", contact): contact for contact in (LINE, C1, C2, WHATSAPP)}
C1_ID, C2_ID, LINE_ID, WHATSAPP_ID = (id_of("demo", contact) for contact in (C1, C2, LINE, WHATSAPP))
UNKNOWN = id_of("demo", "web:shop:nobody")


async def customer_row(identity: Identity, customer_id: UUID) -> CustomerRow:
    found: dict[UUID, CustomerRow] = {row.customer_id: row for row in await identity.rows(CUSTOMERS)}
    return found[customer_id]


async def test_any_id_leads_to_the_customer_that_holds_its_contact(identity: Identity) -> None:
    await identity.save(*ALL)
    connection = identity.connection
    assert await queries.customers_of(connection, DEMO, [WHATSAPP_ID, LINE_ID, C2_ID, UNKNOWN]) == {
        WHATSAPP_ID: C1_ID,
        LINE_ID: C1_ID,
        C2_ID: C2_ID,
    }
    held = await queries.contacts_of_customer(connection, DEMO, LINE_ID)
    assert {one.contact_id for one in held} == {C1_ID, LINE_ID, WHATSAPP_ID}
    assert {one.customer_id for one in held} == {C1_ID}
    assert await queries.contacts_of_customer(connection, DEMO, UNKNOWN) == []
    assert await queries.contacts_of_customer(connection, ResolutionKey("other", "default"), LINE_ID) == []


async def test_customer_row_has_the_strongest_then_latest_phone(identity: Identity) -> None:
    await identity.save(*ALL)
    customer = await customer_row(identity, C1_ID)
    assert (customer.founder, customer.contacts, customer.member_id) == (C1, 3, "M7")
    assert (customer.phone, customer.phone_tier, customer.email) == (PHONE, 2, None)
    await identity.save(bound(C1, phone="+886922222222", at=7))
    customer = await customer_row(identity, C1_ID)
    assert (customer.phone, customer.phone_tier) == ("+886922222222", 2)
    await identity.save(bound(C1, phone=PHONE, at=8))
    customer = await customer_row(identity, C1_ID)
    assert (customer.phone, customer.phone_tier) == (PHONE, 2)


async def test_phone_that_too_many_hold_is_nobodys_best(identity: Identity) -> None:
    await identity.save(*(claimed(f"web:shop:h{n}", phone=PHONE, at=n) for n in range(12)))
    first = id_of("demo", "web:shop:h0")
    assert (await customer_row(identity, first)).phone is None


async def test_holders_of_a_value_are_found_page_by_page(identity: Identity) -> None:
    await identity.save(*ALL)
    found = await queries.holders(identity.connection, DEMO, ("phone", PHONE), limit=1)
    assert [(one.tier, one.contact, one.customer_id) for one in found] == [(2, WHATSAPP, C1_ID)]
    place = (found[-1].tier, found[-1].contact_id)
    found = await queries.holders(identity.connection, DEMO, ("phone", PHONE), after=place, limit=9)
    assert [(one.tier, one.contact) for one in found] == [(3, C1)]


async def test_conflicts_come_newest_first_page_by_page(identity: Identity) -> None:
    await identity.save(*ALL[:5])
    connection = identity.connection
    whole = await queries.conflicts(connection, DEMO, limit=10)
    assert {(row.contact, row.type, row.reason) for row in whole} == {
        (C1, "phone", "shared"),
        (C2, "phone", "shared"),
    }
    assert {row.at - ALL[4].occurred_at for row in whole} == {0}
    first, second = whole
    assert await queries.conflicts(connection, DEMO, limit=1) == [first]
    assert await queries.conflicts(connection, DEMO, after=queries.position_of(first), limit=1) == [second]
    assert await queries.conflicts(connection, DEMO, after=queries.position_of(second), limit=1) == []
    assert await queries.conflicts(connection, DEMO, reasons=["generic"], limit=10) == []


async def test_why_is_told_from_the_tables_as_from_all_events(identity: Identity) -> None:
    policy = Policy()
    for events in (ALL[:5], ALL):
        await identity.save(*events)
        whole = resolve(gather(events), policy)
        for (one_id, one), (other_id, other) in product(CONTACTS.items(), repeat=2):
            part = await resolution_of(identity.connection, DEMO, {one_id: one, other_id: other}, policy)
            assert why(part, one, other) == why(whole, one, other)
            assert graph(part, one) == graph(whole, one)


async def test_why_knows_of_crowds_that_it_does_not_read(identity: Identity) -> None:
    await identity.save(*(claimed(f"web:shop:h{n}", phone=PHONE, at=n) for n in range(12)))
    pair = {id_of("demo", contact): contact for contact in ("web:shop:h0", "web:shop:h1")}
    part = await resolution_of(identity.connection, DEMO, pair, Policy())
    found = why(part, *pair.values())
    assert (found.together, [step.fate for step in found.chain]) == (False, ["generic", "generic"])
