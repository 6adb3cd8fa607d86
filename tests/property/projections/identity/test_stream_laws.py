"""The stream in memory: any order, repetition and batching comes to what the rules give for all events at once."""

from itertools import chain, islice, permutations
from random import Random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.identity.reference import resolve_log
from projections.identity.resolution.policy import Policy
from schemas.events import Event
from tests.support.examples import examples
from tests.support.histories import CONTACTS, cut, dice, histories, listing, made, patient, policies, random_history
from tests.support.identity_events import bound, decided, seen, unbound
from tests.support.identity_memory import Memory
from tests.support.streams import by_log, by_tables, consumed, content, id_of, membership, policies_for


def check(events: list[Event], policy: Policy, chance: Random) -> None:
    """After some chunk, and in the end, the tables are those of the events so far, as is what consumers have."""
    memory = Memory(policy)
    chunks = cut(events, chance)
    middle = chance.randint(0, len(chunks))
    memory.fold_all(chunks[:middle])
    assert by_tables(memory.tables) == by_log(chain.from_iterable(chunks[:middle]), policy)
    assert consumed(memory.outbox) == membership(memory.tables)
    memory.fold_all(chunks[middle:])
    assert by_tables(memory.tables) == by_log(events, policy)
    assert consumed(memory.outbox) == membership(memory.tables)
    reference = resolve_log(events, policies_for(["demo"], policy), id_of)
    assert content(memory.tables) == content(reference)
    assert content(memory.tables) == content(Memory(policy, in_full=True).fold_all(cut(events, chance)).tables)


@given(histories(), policies, st.randoms(use_true_random=False))
@settings(patient, max_examples=examples(200))
def test_any_batching_of_a_history_comes_to_the_same_rows(events: list[Event], policy: Policy, chance: Random) -> None:
    check(events, policy, chance)


@given(st.randoms(use_true_random=False), st.integers(5, 60), policies)
@settings(dice, max_examples=examples(200))
def test_any_batching_of_a_long_history_comes_to_the_same_rows(chance: Random, size: int, policy: Policy) -> None:
    check(random_history(chance, size), policy, chance)


SPELT: Final = (
    bound("web:shop:c1", email="a@example.tw", at=3),
    seen("web:shop:c1", email="a@example.tw", at=2),
    seen("web:shop:c1", email=" A@Example.TW ", at=1),
    unbound("web:shop:c1", email="A@example.tw", at=4),
)


def test_a_value_that_is_spelt_in_several_ways_counts_once_in_any_order() -> None:
    reference = content(resolve_log(SPELT, policies_for(["demo"], Policy()), id_of))
    for order in permutations(SPELT):
        assert content(Memory(Policy()).fold_all([event] for event in order).tables) == reference


BROWSER, LINE = "web:shop:c1", "line:oa1:U1"
PAST_SESSION: Final = (
    bound(BROWSER, member_id="M7", at=1),
    bound(BROWSER, member_id="M8", at=5),
    unbound(BROWSER, member_id="M7", at=6),
    bound(BROWSER, email="a@example.tw", at=2),
    bound("facebook:pg:7", email="a@example.tw", at=1),
)


@pytest.mark.parametrize(
    "tie",
    [bound(LINE, link=BROWSER, at=3), decided(LINE, BROWSER, "same", at=3), decided(BROWSER, LINE, "same", at=3)],
    ids=["binding", "decision", "decision of the browser"],
)
def test_a_past_session_ties_others_also_where_it_states_nothing_so_far(tie: Event) -> None:
    events = (*PAST_SESSION, tie)
    expected = by_log(events, Policy())
    for order in islice(permutations(events), 0, None, 5):
        memory = Memory(Policy()).fold_all([event] for event in order)
        assert by_tables(memory.tables) == expected
        assert sorted(membership(memory.tables).values()) == [["facebook:pg:7", LINE], [BROWSER]]


LOW: Final = Policy.from_json({"types": {"phone": {"limit": 2}, "email": {"limit": 3, "claimed_limit": 3}}})
repeated: Final = st.builds(
    lambda number, assurance, said, at: bound(f"web:shop:c{number}", assurance=assurance, at=at, **said),
    st.integers(0, 5),
    st.sampled_from(["verified", "stated", "claimed"]),
    st.fixed_dictionaries(
        {},
        optional={
            "member_id": st.just("M7"),
            "phone": st.sampled_from(["+886911111111", "+886922222222"]),
            "email": st.sampled_from(["a@example.tw", "b@example.tw"]),
            "link": st.sampled_from(["web:shop:c0", "web:shop:c1"]),
        },
    ),
    st.integers(0, 9),
)


@given(st.lists(repeated, min_size=8, max_size=30), st.randoms(use_true_random=False))
@settings(patient, max_examples=examples(200))
def test_any_batching_of_a_household_without_conflicts_comes_to_the_same_rows(
    events: list[Event], chance: Random
) -> None:
    check(events, LOW, chance)


def _claims(chance: Random) -> list[Event]:
    """More claims of one browser than count, some taken back, some also stated, in two sessions."""
    events: list[Event] = []
    for number in range(260):
        email, at = f"a{chance.randrange(140)}@example.tw", chance.randrange(400)
        if number % 30 == 0:
            events.append(unbound("web:shop:c1", at=at, email=email))
        else:
            assurance = "stated" if number % 20 == 0 else "claimed"
            events.append(bound("web:shop:c1", assurance=assurance, at=at, email=email))
    return events + [bound("web:shop:c1", member_id=member, at=at) for member, at in (("M7", 100), ("M8", 300))]


def test_any_batching_of_more_claims_than_count_comes_to_the_same_rows() -> None:
    for seed in range(4):
        chance = Random(seed)
        events = _claims(chance)
        reference = content(resolve_log(events, policies_for(["demo"], Policy()), id_of))
        assert content(Memory(Policy()).fold_all(cut(events, chance)).tables) == reference


def test_what_only_a_copy_of_an_erasure_lists_is_announced() -> None:
    said = made(
        CONTACTS[0],
        "identity.bound",
        {"identifiers": [{"type": "phone", "value": "+886911111111"}]},
        at=1,
        event_id="e1",
    )
    first, copy = (
        made(CONTACTS[0], "contact.events_erased", listing(name), at=at, event_id="e2")
        for at, name in ((2, "e9"), (3, "e1"))
    )
    memory = Memory(Policy()).fold_all([[said], [first], [copy]])
    assert memory.outbox
    assert consumed(memory.outbox) == membership(memory.tables) == {}
