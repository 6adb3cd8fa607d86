"""Identity is told of few of the events that a channel's own ids ride on, and comes to what all of them say."""

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
from tests.support.examples import examples
from tests.support.histories import chances, crowd, cut, dice, distinct, histories, patient, policies
from tests.support.memory import Memory, fold
from tests.support.saying import bound, event, seen, unbound
from tests.support.sayings import Contacts, happened
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


def told(chunks: Iterable[Iterable[Event]]) -> list[list[Event]]:
    contacts = Contacts()
    return [contacts.say(chunk) for chunk in chunks]


@pytest.mark.parametrize("life", LIVES)
def test_the_order_in_which_a_contact_is_seen_changes_nothing(life: str) -> None:
    events = LIVES[life]
    found = [
        asyncio.run(resolve_log(chain.from_iterable(told([one] for one in order)), rules_of(Policy())))
        for order in permutations(events)
    ]
    for tables in found:
        del tables[STATEMENTS]  # how much is told does depend on the order
        assert tables == found[0]
    bit_by_bit = [rows(fold(told([one] for one in order), Policy())) for order in permutations(events)]
    assert all(tables == {table.name: {*kept.values()} for table, kept in found[0].items()} for tables in bit_by_bit)
    memory = fold(told([[one] for one in events]), Policy())
    assert result(memory) == by_log(events, Policy())
    if life in MEMBERS_OF:
        assert {row.member_id for row in memory.tables[CUSTOMERS].values()} == {MEMBERS_OF[life]}


def test_a_contact_with_one_value_of_a_type_is_told_once() -> None:
    life = [seen(WHATSAPP, phone=OWN, whatsapp_user="TW.1:1", at=at) for at in range(9)]
    contacts = Contacts()
    assert contacts.say(life[:3]) == [life[0]]
    assert contacts.say(life[3:]) == []
    assert contacts.say(life) == []
    other = bound(WHATSAPP, phone=OTHER, at=5)
    first, *again = contacts.say([other])
    assert (first, [one.type for one in again]) == (other, [RESTATED])
    assert again[0].occurred_at == life[-1].occurred_at
    assert contacts.say([other, *life]) == [other]


def test_what_others_call_a_restatement_changes_nothing() -> None:
    data = {"identifiers": [{"type": "member_id", "value": "M1"}], "event_id": "e"}
    theirs = [
        event(CRM, RESTATED, data, at=9),
        event(CRM, RESTATED, data, at=9, intrinsic=[{"type": "member_id", "value": "M2"}]),
        event(CRM, RESTATED, {"identifiers": 1}, at=9),
    ]
    history = [seen(CRM, member_id="M1", at=1), seen(CRM, member_id="M2", at=2), *theirs]
    for order in permutations(history):
        memory = fold(told([[one] for one in order]), Policy())
        assert result(memory) == by_log(history, Policy())
        assert {row.member_id for row in memory.tables[CUSTOMERS].values()} == {"M2"}
    assert told([[theirs[0]], [theirs[2]]]) == [[], []]


def test_a_restatement_is_remembered_as_it_was_told() -> None:
    events = list(chain.from_iterable(told([[one] for one in LIVES["a member id that comes back"]])))
    memory = fold([events], Policy())
    rows = memory.tables[STATEMENTS].values()
    assert {row.event_id: record_of(row) for row in rows} == {one.event_id: from_stream(one) for one in events}
    assert sum(record_of(row).assertions != () for row in rows) == 3


def check(events: list[Event], policy: Policy, chance: Random) -> None:
    chunks = cut(events, chance)
    contacts = Contacts()
    said: list[Event] = []
    steps = []
    for number, chunk in enumerate(chunks, 1):
        steps.append(contacts.say(chunk))
        said += steps[-1]
        so_far = happened(event for chunk in chunks[:number] for event in chunk)
        assert contacts.rows == rows_of(so_far)
        assert compare_evidence(so_far, dict(contacts.rows), happened(said)).difference is None
    memory = fold(steps, policy)
    assert result(memory) == by_log(events, policy)
    otherwise = fold(told(cut(events, chance)), policy)
    assert rows(memory) == rows(otherwise)


def rows(memory: Memory) -> dict[str, set[tuple[object, ...]]]:
    """Without the statements: how much is told does depend on the order."""
    found = content(memory.tables_of_rows())
    del found[STATEMENTS.name]
    return found


@given(histories(), policies, st.randoms(use_true_random=False))
@settings(patient, max_examples=examples(200))
def test_what_is_told_of_any_history_comes_to_what_the_whole_says(
    events: list[Event], policy: Policy, chance: Random
) -> None:
    check(distinct(events), policy, chance)


@given(chances, st.integers(5, 60), policies)
@settings(dice, max_examples=examples(200))
def test_what_is_told_of_long_histories_comes_to_what_the_whole_says(chance: Random, size: int, policy: Policy) -> None:
    check(distinct(crowd(chance, size, vouched=0.5)), policy, chance)
