"""Identity gets few of the events that carry intrinsic identifiers, and its result is that of all of them."""

from itertools import chain, permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.erasures.folds import unlisted
from projections.erasures.tables import TABLE as ERASURES
from projections.identity.resolution.policy import Policy
from projections.identity.tables import ERASED_STATEMENTS, MEMBER_MERGES, SET_ASIDE, STATEMENTS
from projections.intrinsics.folds import rows_of
from projections.reference import fold_log
from projections.timeline.folds import distinct
from schemas.events import Event
from services.verify.check_evidence import compare_evidence
from tests.support.contacts_agent import ContactsAgent, contact_events, sent
from tests.support.examples import examples
from tests.support.histories import chances, cut, dice, histories, patient, policies, random_history
from tests.support.identity_events import bound, erased, event, seen, unbound
from tests.support.identity_memory import Memory
from tests.support.streams import by_log, by_tables, content

WHATSAPP, OWN, OTHER = "whatsapp:n1:886911111111", "+886911111111", "+886922222222"
CRM, CRM_TOO, BROWSER = "crm:erp:1", "crm:erp:2", "web:shop:c1"
MESSAGE = {"message_id": "m", "kind": "text"}
VOUCHED = {"type": "phone", "value": OWN}
LIVES = {
    "one number all the time": (
        seen(WHATSAPP, phone=OWN, at=5),
        seen(WHATSAPP, phone=OWN, at=1),
        seen(WHATSAPP, phone=OWN, at=9),
    ),
    "one event twice, and another number": (
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
    "a member id that was taken back and is vouched for": (
        seen(CRM, member_id="M1", at=2),
        bound(CRM, member_id="M1", at=4),
        unbound(CRM, member_id="M1", at=5),
        seen(CRM, member_id="M2", at=3),
    ),
    "logins that alternate on one browser": (
        seen(BROWSER, member_id="M1", at=1),
        seen(BROWSER, member_id="M2", at=3),
        seen(BROWSER, member_id="M1", at=5),
        seen(CRM_TOO, member_id="M1", at=2),
    ),
    "an erasure between two events": (
        seen(WHATSAPP, phone=OWN, at=1),
        erased(WHATSAPP, at=2),
        seen(WHATSAPP, phone=OWN, at=5),
        seen(WHATSAPP, phone=OWN, at=7),
    ),
    "a copy that says nothing counts instead of the first event": (
        event(WHATSAPP, "message.received", MESSAGE, at=3, event_id="copied", intrinsic=[VOUCHED]),
        event(WHATSAPP, "message.received", MESSAGE, at=2, event_id="copied"),
        seen(WHATSAPP, phone=OWN, at=7),
        seen(WHATSAPP, phone=OWN, at=9),
    ),
    "a later copy of an erased event": (
        seen(WHATSAPP, phone=OWN, at=1),
        event(WHATSAPP, "profile.updated", {}, at=2, event_id="row", intrinsic=[VOUCHED]),
        event(WHATSAPP, "profile.updated", {}, at=9, event_id="row", intrinsic=[VOUCHED]),
        erased(WHATSAPP, at=3),
    ),
}


@pytest.mark.parametrize("life", LIVES)
def test_the_order_of_a_contacts_events_changes_nothing(life: str) -> None:
    expected = rows(Memory(Policy()).fold_all([LIVES[life]]))
    for order in permutations(LIVES[life]):
        memory = Memory(Policy()).fold_all(sent([one] for one in order))
        assert by_tables(memory.tables) == by_log(order, Policy())
        assert rows(memory) == expected


def test_only_the_first_event_of_an_identifier_is_sent() -> None:
    life = [seen(WHATSAPP, phone=OWN, whatsapp_user="TW.1:1", at=at) for at in range(1, 9)]
    earlier = seen(WHATSAPP, phone=OWN, whatsapp_user="TW.1:1", at=0)
    assert sent([life[:3], life[3:], life, [earlier], [earlier]]) == [[life[0]], [], [], [earlier], []]


def test_every_login_on_a_browser_is_sent_once() -> None:
    logins = [seen(BROWSER, member_id="M1", at=at) for at in (5, 1, 9)]
    assert sent([[one] for one in (*logins, *logins)]) == [[logins[0]], [logins[1]], [logins[2]], [], [], []]


def test_after_an_erasure_the_first_event_that_still_counts_is_sent() -> None:
    before, first, second = (seen(WHATSAPP, phone=OWN, at=at) for at in (1, 5, 7))
    erasure = erased(WHATSAPP, at=3)
    (all_at_once,) = sent([[before, first, second, erasure]])
    assert {one.event_id for one in all_at_once} == {erasure.event_id, first.event_id}
    late = sent([[before], [second], [first], [erasure]])
    assert [[one.event_id for one in chunk] for chunk in late] == [
        [before.event_id],
        [],
        [],
        [erasure.event_id, first.event_id],
    ]


def test_a_copy_that_says_nothing_is_sent_where_the_other_was() -> None:
    loud, silent = LIVES["a copy that says nothing counts instead of the first event"][:2]
    assert sent([[loud], [silent], [loud]]) == [[loud], [silent], []]
    assert sent([[silent], [loud]]) == [[], []]
    assert sent([[silent, loud]]) == [[]]


def check(events: list[Event], policy: Policy, chance: Random) -> None:
    """After every chunk the sent events suffice, and no more rows are kept than they need."""
    agent = ContactsAgent()
    known: list[Event] = []
    evidence: list[Event] = []
    memory = Memory(policy)
    for chunk in cut(events, chance):
        (passed_on,) = sent([chunk], agent)
        known += chunk
        evidence += passed_on
        memory.fold(passed_on)
        so_far = [one for _, one in distinct(unlisted(contact_events(known))).values()]
        assert agent.rows == rows_of(so_far, fold_log([], contact_events(known))[ERASURES])
        assert compare_evidence(so_far, dict(agent.rows), contact_events(evidence)).difference is None
    assert by_tables(memory.tables) == by_log(events, policy)
    assert rows(memory) == rows(Memory(policy).fold_all(sent(cut(events, chance))))


def rows(memory: Memory) -> dict[str, set[tuple[object, ...]]]:
    """Without the rows of single events: how many are sent depends on the order."""
    of_events = {STATEMENTS.name, ERASED_STATEMENTS.name, MEMBER_MERGES.name, SET_ASIDE.name}
    return {name: of_table for name, of_table in content(memory.tables).items() if name not in of_events}


@given(histories(), policies, st.randoms(use_true_random=False))
@settings(patient, max_examples=examples(200))
def test_evidence_sent_of_any_history_gives_the_result_of_the_whole(
    events: list[Event], policy: Policy, chance: Random
) -> None:
    check(events, policy, chance)


@given(chances, st.integers(5, 60), policies)
@settings(dice, max_examples=examples(200))
def test_evidence_sent_of_long_histories_gives_the_result_of_the_whole(
    chance: Random, size: int, policy: Policy
) -> None:
    check(random_history(chance, size, intrinsic_share=0.5), policy, chance)


def test_evidence_has_each_event_of_a_chunk_once() -> None:
    both = bound(WHATSAPP, phone=OTHER, at=1, intrinsic=[VOUCHED])
    assert list(chain.from_iterable(sent([[both, both]]))) == [both]
