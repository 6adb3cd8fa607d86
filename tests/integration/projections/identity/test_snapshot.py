"""Reading who is who, and why, from the tables."""

from random import Random

import pytest

from projections.engine.connection import Connection
from projections.identity import queries
from projections.identity.conflict_queries import ConflictOrder, conflicts, position_of
from projections.identity.customer_links import BEGINNING, CustomerPages
from projections.identity.keys import ResolutionKey
from projections.identity.resolution.explain import ACCEPTED, ChainStep
from projections.identity.resolution.links import Link
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import Resolution, evidence_in, resolve
from projections.identity.resolution.statements import log_of
from projections.identity.snapshot import read_snapshot
from projections.identity.tables import CUSTOMERS, MEMBERS, ConflictRow, SetAsideRow
from tests.support.identity import Identity
from tests.support.identity_events import bound, claimed, decided, merged, seen, stated, unbound
from tests.support.rounds import rounds
from tests.support.rule_histories import random_policy, rule_history
from tests.support.streams import id_of
from tests.support.worked_example import ALL, C1, C2, LINE, PHONE, WHATSAPP

DEMO = ResolutionKey("demo", "default")
C1_ID, C2_ID, LINE_ID, WHATSAPP_ID = (id_of("demo", contact) for contact in (C1, C2, LINE, WHATSAPP))
UNKNOWN = id_of("demo", "web:shop:nobody")
Step = tuple[object, ...]


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


async def test_holders_of_a_value_are_found_page_by_page(identity: Identity) -> None:
    await identity.save(*ALL[:5])
    found = await queries.holders(identity.connection, DEMO, ("phone", PHONE), limit=1)
    assert [(one.tier, one.contact, one.accepted) for one in found] == [(2, WHATSAPP, True)]
    place = found[-1][:3]
    rest = await queries.holders(identity.connection, DEMO, ("phone", PHONE), after=place, limit=9)
    assert {(one.tier, one.contact, one.session, one.accepted) for one in rest} == {
        (4, C1, "M7", False),
        (4, C2, "M8", False),
    }


async def test_a_member_id_has_every_spelling_that_led_to_it(identity: Identity) -> None:
    await identity.save(
        bound("crm:erp:1", member_id="N7"), bound(C1, member_id=" M7 "), bound(C2, member_id="X9"), merged("M7", "N7")
    )
    customers = await queries.customers_of(identity.connection, DEMO, [C1_ID])
    assert await queries.member_ids_of(identity.connection, DEMO, customers[C1_ID], "N7") == ["M7", "N7"]
    assert await queries.canonical_of(identity.connection, DEMO, ["M7", "N7", "X9"]) == ["N7", "N7", "X9"]


@pytest.mark.parametrize("contact", ["crm:erp:1", C1])
async def test_what_was_taken_back_is_shown_no_more(identity: Identity, contact: str) -> None:
    connection = identity.connection

    async def shown() -> tuple[list[str], str | None]:
        (customer,) = set((await queries.customers_of(connection, DEMO, [id_of("demo", contact)])).values())
        head = await queries.customer_head(connection, DEMO, customer)
        (row,) = await identity.rows(CUSTOMERS)
        return await queries.member_ids_of(connection, DEMO, customer, head.member_id if head else "N7"), row.phone

    await identity.save(merged("M7", "N7"), seen(contact, member_id="N7", phone="551187654321", at=9))
    await identity.save(stated(contact, member_id="M7", phone="+5511987654321", at=1))
    assert await shown() == (["M7", "N7"], "+5511987654321")
    await identity.save(unbound(contact, member_id="M7", phone="+5511987654321", at=2))
    assert await shown() == (["N7"], "+551187654321")
    await identity.save(claimed(contact, member_id="M7", at=3))
    assert (await shown())[0] == ["M7", "N7"]
    await identity.save(merged("M7", None, at=4))
    assert {row.member_id for row in await identity.rows(CUSTOMERS)} <= {"M7", "N7"}
    await identity.save(unbound(contact, member_id="M7", at=5))
    assert (await shown())[0] == ["N7"]


async def test_what_joins_nothing_comes_newest_first_page_by_page(identity: Identity) -> None:
    await identity.save(*ALL[:5], *(claimed(C1, at=5, phone=["12", "13"], email=f"bad{n}") for n in range(3)))
    connection = identity.connection
    whole = await conflicts(connection, DEMO, limit=20)
    assert [row.reason for row in whole if isinstance(row, ConflictRow)] == ["shared", "shared"]
    assert sum(isinstance(row, SetAsideRow) for row in whole) == 9
    times = [row.since if isinstance(row, ConflictRow) else row.at for row in whole]
    assert times == sorted(times, reverse=True)
    assert await pages(connection, "newest") == whole


async def test_the_strongest_of_what_joins_nothing_comes_first_page_by_page(identity: Identity) -> None:
    events = [bound("line:oa1:U9", member_id="M9", at=3), decided(LINE, "line:oa1:U9", "same", at=4)]
    events += [claimed("crm:erp:1", phone=["0911222333", "0911222334"], at=8), claimed(C1, at=5, phone=["12", "13"])]
    events += [stated("crm:erp:2", phone=["0911222335", "0911222336"], at=9)]
    await identity.save(*ALL[:5], *events)
    connection = identity.connection
    whole = await conflicts(connection, DEMO, limit=20, order="strongest")
    ties = [(row.tier, row.since, row.reason) for row in whole if isinstance(row, ConflictRow)]
    assert ties == sorted(ties, key=lambda one: (one[0], -one[1]))
    assert {tier for tier, _, _ in ties} == {2, 3, 4}
    values = [row for row in whole if isinstance(row, SetAsideRow)]
    assert [row.at for row in values] == sorted((row.at for row in values), reverse=True)
    assert whole[len(ties) :] == values
    assert set(whole) == set(await conflicts(connection, DEMO, limit=20))
    assert await pages(connection, "strongest") == whole


async def pages(connection: Connection, order: ConflictOrder) -> list[ConflictRow | SetAsideRow]:
    """All conflicts, the first alone and the others two by two."""
    paged = await conflicts(connection, DEMO, limit=1, order=order)
    while more := await conflicts(connection, DEMO, after=position_of(paged[-1], order), limit=2, order=order):
        paged += more
    return paged


async def test_recorded_evidence_resolves_as_the_events_do(identity: Identity) -> None:
    events = (*ALL, merged("M7", "M8", at=9))
    await identity.save(*events)
    async with identity.connection.transaction():
        stored = await read_snapshot(identity.connection, DEMO, id_of)
    assert stored.ids == {contact: id_of("demo", contact) for contact in (LINE, C1, C2, WHATSAPP)}
    assert resolve(stored.evidence, Policy()).customers == resolve(evidence_in(log_of(events)), Policy()).customers


@pytest.mark.repeated
@pytest.mark.parametrize("seed", range(rounds(5)))
async def test_the_pages_of_all_customers_have_every_link_of_the_resolution(identity: Identity, seed: int) -> None:
    chance = Random(seed)
    events = rule_history(chance, 30)
    policy = Policy.from_json(random_policy(chance))
    for first in range(0, len(events), 5):
        await identity.save(*events[first : first + 5], policy=policy)
    found, aside = await _all_pages(identity, policy, limit=chance.choice([1, 2, 7, 100]))
    whole = resolve(evidence_in(log_of(events)), policy)
    placed = {(row.contact, row.session) for row in await identity.rows(MEMBERS) if row.customer_id is not None}
    expected = [one for one in _steps(whole) if one[0] in placed]  # a past session may be no customer's
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    assert aside == {tuple(one) for one in whole.set_aside if one.reason != "too_many_claims"}


async def _all_pages(identity: Identity, policy: Policy, limit: int) -> tuple[list[Step], set[tuple[str, ...]]]:
    """Every link of every customer, accepted or refused, and what is no evidence."""
    members = await identity.rows(MEMBERS)
    found: list[Step] = []
    aside: set[tuple[str, ...]] = set()
    for customer_id in {row.customer_id for row in members if row.customer_id is not None}:
        pages = CustomerPages(identity.connection, DEMO, policy, id_of, customer_id)
        position = BEGINNING
        while True:
            page = await pages.page(position, limit)
            found += [_of_step(one.step) for one in page.links if one.step.tier is not None]
            aside |= {(row.contact, row.type, row.value, row.reason) for row in page.set_aside}
            if page.last is None:
                break
            assert page.last != position
            position = page.last
    return found, aside


def _of_step(step: ChainStep) -> Step:
    return (step.node, step.type, step.value, step.tier, step.since, step.fate, step.detail)


def _steps(whole: Resolution) -> list[Step]:
    """Every link of a resolution, accepted or refused."""
    return [
        *(_of_link(one) for one in whole.accepted),
        *((*_of_link(one.link)[:5], one.reason, one.detail) for one in whole.refused),
    ]


def _of_link(link: Link) -> Step:
    return (link.node, link.type, link.value, link.tier, link.since, ACCEPTED, ())
