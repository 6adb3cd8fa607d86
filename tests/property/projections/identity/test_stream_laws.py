"""The stream in memory: any order, repetition and cut into chunks comes to what the core says of the whole."""

import asyncio
from itertools import permutations
from random import Random
from typing import Final

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from projections.identity.reference import resolve_log
from projections.identity.resolution.policy import Policy
from projections.identity.tables import CONFLICTS, CUSTOMERS, MEMBERS
from schemas.events import Event
from tests.support.examples import examples
from tests.support.histories import cut, histories, policies, random_history
from tests.support.identity_events import bound, seen, unbound
from tests.support.memory import Memory, fold
from tests.support.streams import by_stream, by_tables, consumed, content, rules_of


def rows(memory: Memory) -> dict[str, set[tuple[object, ...]]]:
    return content(memory.tables_of_rows())


def check(events: list[Event], policy: Policy, chance: Random) -> None:
    """Of what was told, whatever of a log that is."""
    memory = fold(cut(events, chance), policy)
    tables = memory.tables
    members = list(tables[MEMBERS].values())
    customers = {row.customer_id: row.member_id for row in tables[CUSTOMERS].values()}
    assert by_tables(members, customers, tables[CONFLICTS].values()) == by_stream(events, policy)
    assert rows(memory) == rows(fold([events], policy, in_full=True))
    at_once = asyncio.run(resolve_log(events, rules_of(policy)))
    assert rows(memory) == {table.name: set(found.values()) for table, found in at_once.items()}
    held: dict[object, list[str]] = {}
    for row in sorted(members, key=lambda row: str(row.contact)):
        held.setdefault(row.customer_id, []).append(row.contact)
    assert consumed(memory.outbox) == held


@given(histories(), policies, st.randoms(use_true_random=False))
@settings(max_examples=examples(200), deadline=None)
def test_any_chunks_of_a_history_come_to_the_same(events: list[Event], policy: Policy, chance: Random) -> None:
    check(events, policy, chance)


SPELT: Final = (
    bound("web:shop:c1", email="a@example.tw", at=3),
    seen("web:shop:c1", email="a@example.tw", at=2),
    seen("web:shop:c1", email=" A@Example.TW ", at=1),
    unbound("web:shop:c1", email="A@example.tw", at=4),
)


def test_what_is_spelt_in_several_ways_counts_once_in_any_order() -> None:
    for order in permutations(SPELT):
        memory = fold([[event] for event in order], Policy())
        assert rows(memory) == rows(fold([list(SPELT)], Policy(), in_full=True))


@given(st.randoms(use_true_random=False), st.integers(5, 60), policies)
@settings(max_examples=examples(200), phases=[Phase.generate], deadline=None)
def test_any_chunks_of_a_long_history_come_to_the_same(chance: Random, size: int, policy: Policy) -> None:
    check(random_history(chance, size), policy, chance)


LOW: Final = Policy.from_json({"types": {"phone": {"limit": 2}, "email": {"limit": 3}}})
restated: Final = st.builds(
    lambda number, assurance, said, at: bound(f"web:shop:c{number}", assurance=assurance, at=at, **said),
    st.integers(0, 5),
    st.sampled_from(["verified", "claimed"]),
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


@given(st.lists(restated, min_size=8, max_size=30), st.randoms(use_true_random=False))
@settings(max_examples=examples(200), deadline=None)
def test_any_chunks_of_what_a_peaceful_household_restates_come_to_the_same(events: list[Event], chance: Random) -> None:
    check(events, LOW, chance)
