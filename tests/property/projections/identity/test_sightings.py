"""Identity gets few of the events that carry intrinsic identifiers, and its result is that of all of them."""

import asyncio
from collections.abc import Iterable
from itertools import chain, permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.identity.reference import resolve_log
from projections.identity.resolution.gather import from_stream
from projections.identity.resolution.policy import Policy
from projections.identity.statements import record_of
from projections.identity.tables import CONFLICTS, CUSTOMERS, MEMBERS, STATEMENTS
from projections.intrinsics.folds import rows_of
from schemas.events import Event
from schemas.restatements import RESTATED
from services.verify.check_evidence import compare_evidence
from tests.support.contacts_agent import ContactsAgent, contact_events
from tests.support.examples import examples
from tests.support.histories import chances, cut, dice, distinct, histories, patient, policies, random_history
from tests.support.identity_events import bound, event, seen, unbound
from tests.support.memory import Memory, fold
from tests.support.streams import by_log, by_tables, content, rules_of

WHATSAPP, OWN, OTHER = "whatsapp:n1:886911111111", "+886911111111", "+886922222222"
CRM, CRM_TOO = "crm:erp:1", "crm:erp:2"
LIVES = {
    "one number all the time": (
        seen(WHATSAPP, phone=OWN, at=5),
        seen(WHATSAPP, phone=OWN, at=1),
        seen(WHATSAPP, phone=OWN, at=9),
    ),
    "one sighting twice, and another number": (
        seen(WHATSAPP, phone=OWN, at=1),
        seen(WHATSAPP, phone=OWN, at=1),
        bound(WHATSAPP, phone=OTHER, at=5),
        seen(WHATSAPP, phone=OWN, at=9),
    ),
    "a member id that comes back": (
        seen(CRM, member_id="M1", at=1),
        seen(CRM, member_id="M2", at=3),
        seen(CRM, member_id="M1", at=5),
        seen(CRM_TOO, member_id="M1", at=2),
    ),
    "a member id that was stated in between": (
        seen(CRM, member_id="M1", at=1),
        bound(CRM, member_id="M2", at=3),
        seen(CRM, member_id="M1", at=5),
        seen(CRM_TOO, member_id="M1", at=2),
    ),
    "a member id that was taken back and is vouched for": (
        seen(CRM, member_id="M1", at=2),
        bound(CRM, member_id="M1", at=4),
        unbound(CRM, member_id="M1", at=5),
        seen(CRM, member_id="M2", at=3),
    ),
}
MEMBERS_OF = {
    "a member id that comes back": "M1",
    "a member id that was stated in between": "M1",
    "a member id that was taken back and is vouched for": "M2",
}


def result(memory: Memory) -> object:
    tables = memory.tables
    customers = {row.customer_id: row.member_id for row in tables[CUSTOMERS].values()}
    return by_tables(tables[MEMBERS].values(), customers, tables[CONFLICTS].values())


def sent(chunks: Iterable[Iterable[Event]]) -> list[list[Event]]:
    contacts = ContactsAgent()
    return [contacts.send(chunk) for chunk in chunks]


@pytest.mark.parametrize("life", LIVES)
def test_the_order_of_a_contacts_events_changes_nothing(life: str) -> None:
    events = LIVES[life]
    found = [
        asyncio.run(resolve_log(chain.from_iterable(sent([one] for one in order)), rules_of(Policy())))
        for order in permutations(events)
    ]
    for tables in found:
        del tables[STATEMENTS]  # how much is sent depends on the order
        assert tables == found[0]
    one_by_one = [rows(fold(sent([one] for one in order), Policy())) for order in permutations(events)]
    assert all(tables == {table.name: {*kept.values()} for table, kept in found[0].items()} for tables in one_by_one)
    memory = fold(sent([[one] for one in events]), Policy())
    assert result(memory) == by_log(events, Policy())
    if life in MEMBERS_OF:
        assert {row.member_id for row in memory.tables[CUSTOMERS].values()} == {MEMBERS_OF[life]}


def test_a_contact_with_one_value_of_a_type_is_sent_once() -> None:
    life = [seen(WHATSAPP, phone=OWN, whatsapp_user="TW.1:1", at=at) for at in range(9)]
    contacts = ContactsAgent()
    assert contacts.send(life[:3]) == [life[0]]
    assert contacts.send(life[3:]) == []
    assert contacts.send(life) == []
    other = bound(WHATSAPP, phone=OTHER, at=5)
    first, *again = contacts.send([other])
    assert (first, [one.type for one in again]) == (other, [RESTATED])
    assert again[0].occurred_at == life[-1].occurred_at
    assert contacts.send([other, *life]) == [other]


def test_foreign_events_named_restatement_change_nothing() -> None:
    data = {"identifiers": [{"type": "member_id", "value": "M1"}], "event_id": "e"}
    theirs = [
        event(CRM, RESTATED, data, at=9),
        event(CRM, RESTATED, data, at=9, intrinsic=[{"type": "member_id", "value": "M2"}]),
        event(CRM, RESTATED, {"identifiers": 1}, at=9),
    ]
    history = [seen(CRM, member_id="M1", at=1), seen(CRM, member_id="M2", at=2), *theirs]
    for order in permutations(history):
        memory = fold(sent([[one] for one in order]), Policy())
        assert result(memory) == by_log(history, Policy())
        assert {row.member_id for row in memory.tables[CUSTOMERS].values()} == {"M2"}
    assert sent([[theirs[0]], [theirs[2]]]) == [[], []]


def test_a_restatement_is_stored_as_it_was_sent() -> None:
    events = list(chain.from_iterable(sent([[one] for one in LIVES["a member id that comes back"]])))
    memory = fold([events], Policy())
    rows = memory.tables[STATEMENTS].values()
    assert {row.event_id: record_of(row) for row in rows} == {one.event_id: from_stream(one) for one in events}
    assert sum(record_of(row).assertions != () for row in rows) == 3


def check(events: list[Event], policy: Policy, chance: Random) -> None:
    chunks = cut(events, chance)
    contacts = ContactsAgent()
    evidence: list[Event] = []
    steps = []
    for number, chunk in enumerate(chunks, 1):
        steps.append(contacts.send(chunk))
        evidence += steps[-1]
        so_far = contact_events(event for chunk in chunks[:number] for event in chunk)
        assert contacts.rows == rows_of(so_far)
        assert compare_evidence(so_far, dict(contacts.rows), contact_events(evidence)).difference is None
    memory = fold(steps, policy)
    assert result(memory) == by_log(events, policy)
    otherwise = fold(sent(cut(events, chance)), policy)
    assert rows(memory) == rows(otherwise)


def rows(memory: Memory) -> dict[str, set[tuple[object, ...]]]:
    """Without the statements: how much is sent depends on the order."""
    found = content(memory.tables_of_rows())
    del found[STATEMENTS.name]
    return found


@given(histories(), policies, st.randoms(use_true_random=False))
@settings(patient, max_examples=examples(200))
def test_evidence_sent_of_any_history_gives_the_result_of_the_whole(
    events: list[Event], policy: Policy, chance: Random
) -> None:
    check(distinct(events), policy, chance)


@given(chances, st.integers(5, 60), policies)
@settings(dice, max_examples=examples(200))
def test_evidence_sent_of_long_histories_gives_the_result_of_the_whole(
    chance: Random, size: int, policy: Policy
) -> None:
    check(distinct(random_history(chance, size, intrinsic_share=0.5)), policy, chance)
