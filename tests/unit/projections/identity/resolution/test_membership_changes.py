"""The words for what a commit changed, and each customer before and after it."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.identity.resolution.membership_changes import Change, changes, grown

A, B, C, D = "web:shop:a", "web:shop:b", "web:shop:c", "web:shop:d"
IDS = {contact: UUID(int=number) for number, contact in enumerate((A, B, C, D), 1)}


def changes_by_founder(before: dict[str, str], after: dict[str, str]) -> dict[str, Change]:
    """Changes by founder; membership maps contacts to founders."""
    contact_of = {contact_id: contact for contact, contact_id in IDS.items()}
    found = changes(
        {contact: IDS[founder] for contact, founder in before.items()},
        {contact: IDS[founder] for contact, founder in after.items()},
        contact_of,
    )
    return {contact_of[change.customer_id]: change for change in found}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({}, {A: A}, {A: "created"}),
        ({}, {A: A, B: A}, {A: "created"}),
        ({A: A}, {A: A, B: A}, {A: "linked"}),
        ({A: A, B: B}, {A: A, B: A}, {A: "merged", B: "merged"}),
        ({A: A, B: B, C: B}, {A: A, B: A, C: A, D: A}, {A: "merged", B: "merged"}),
        ({A: A, B: A}, {A: A, B: B}, {A: "split", B: "split"}),
        ({A: A, B: A}, {A: B, B: B}, {A: "renamed", B: "renamed"}),
        ({B: B}, {A: A, B: A}, {A: "renamed", B: "renamed"}),
        ({B: B, C: C}, {A: A, B: A, C: A}, {A: "merged", B: "merged", C: "merged"}),
        ({A: A, B: A, C: C}, {A: A, B: C, C: C}, {A: "unlinked", C: "linked"}),
        ({A: A, B: A, C: C}, {A: A, B: B, C: A}, {A: "merged", B: "split", C: "merged"}),
    ],
)
def test_word_fits_what_happened(before: dict[str, str], after: dict[str, str], words: dict[str, str]) -> None:
    assert {founder: change.type for founder, change in changes_by_founder(before, after).items()} == words


def test_an_unchanged_customer_has_no_change() -> None:
    assert changes_by_founder({A: A, B: A, C: C}, {A: A, B: A, C: C}) == {}
    assert changes_by_founder({A: A, B: A, C: C}, {A: A, B: A, C: C, D: C}).keys() == {C}


def test_change_says_whom_its_customer_held_and_holds_and_where_they_came_from() -> None:
    merged = changes_by_founder({A: A, B: B, C: B}, {A: A, B: A, C: A, D: A})[A]
    assert (merged.before, merged.after) == ((A,), (A, B, C, D))
    assert {(move.customer_id, move.contacts) for move in merged.came_from} == {(IDS[B], (B, C)), (None, (D,))}
    assert merged.went_to == ()


def test_change_says_where_contacts_went() -> None:
    gone = changes_by_founder({A: A, B: B, C: B}, {A: A, B: A, C: A})[B]
    assert (gone.before, gone.after) == ((B, C), ())
    assert [(move.customer_id, move.contacts) for move in gone.went_to] == [(IDS[A], (B, C))]


def test_losses_come_before_gains() -> None:
    found = changes({A: IDS[A], B: IDS[B]}, {A: IDS[A], B: IDS[A]}, {IDS[A]: A, IDS[B]: B})
    assert [change.customer_id for change in found] == [IDS[B], IDS[A]]


@given(st.sets(st.integers(0, 9)), st.sets(st.integers(10, 19), min_size=1))
def test_growth_gives_the_same_change_as_a_comparison(held: set[int], came: set[int]) -> None:
    before, new = sorted(f"web:shop:c{one}" for one in held), [f"line:oa:U{one}" for one in came]
    customer = UUID(int=7)
    belonged, belongs = dict.fromkeys(before, customer), dict.fromkeys([*before, *new], customer)
    founder = {customer: (before or new)[0]}
    assert [grown(customer, before, new)] == changes(belonged, belongs, founder)
