"""Who is who balances only if every contact is in one customer, and a listener comes to the same."""

from dataclasses import replace
from uuid import UUID

import pytest

from schemas.changes import ChangeType, CustomerChange
from services.demo.membership import Listener, Tables, faults, largest

A, B, C, D = (UUID(int=number) for number in range(1, 5))
CONTACTS = {A: "line:oa:a", B: "web:shop:b", D: "web:shop:d"}
MEMBERS = {A: ("line:oa:a", A), B: ("web:shop:b", A), C: ("web:shop:c", C)}  # c was only spoken of
TABLES = Tables(CONTACTS, MEMBERS, sizes={A: 2, C: 1})


def change(customer: UUID, seq: int, type_name: ChangeType, before: str, after: str) -> CustomerChange:
    keys = {"a": "line:oa:a", "b": "web:shop:b", "c": "web:shop:c"}
    return CustomerChange(
        tenant="demo",
        customer_id=customer,
        seq=seq,
        type=type_name,
        at=1_790_000_000_000,
        cause="e",
        causes=["e"],
        policy_version="default",
        before=[keys[one] for one in before],
        after=[keys[one] for one in after],
    )


STORY = (
    change(A, 1, "created", "", "a"),
    change(B, 1, "created", "", "b"),
    change(B, 2, "merged", "b", ""),
    change(A, 2, "merged", "a", "ab"),
    change(A, 3, "linked", "ab", "abc"),
    change(A, 4, "split", "abc", "ab"),
    change(C, 1, "split", "", "c"),
)


def heard(*changes: CustomerChange) -> Listener:
    listener = Listener()
    for one in changes:
        listener.hear(one)
    return listener


def test_a_listener_has_the_membership_and_counts_each_merge_and_split_once() -> None:
    listener = heard(*STORY)
    assert listener.membership == TABLES.membership
    assert (listener.merges, listener.splits, listener.missed) == (1, 1, 0)
    assert listener.told == {"created": 2, "merged": 2, "linked": 1, "split": 2}
    assert faults(TABLES, listener) == []


def test_what_was_heard_twice_counts_once() -> None:
    again = heard(*STORY, *STORY[2:5])
    assert (again.membership, again.told, again.merges) == (TABLES.membership, heard(*STORY).told, 1)
    assert faults(TABLES, again) == []


def test_contacts_that_nothing_was_stated_of_are_customers_of_one() -> None:
    assert TABLES.alone == ["web:shop:d"]
    assert TABLES.distribution == {1: 2, 2: 1}
    assert TABLES.customers == 3


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (replace(TABLES, sizes={A: 3, C: 1}), "another number of contacts"),
        (replace(TABLES, sizes={A: 2}), "another number of contacts"),
        (replace(TABLES, sizes={A: 2, C: 1, D: 1}), "another number of contacts"),
        (replace(TABLES, contacts=CONTACTS | {D: "line:oa:a"}), "in no customer or in several"),
        (replace(TABLES, contacts=CONTACTS | {A: "line:oa:z"}), "in no customer or in several"),
        (replace(TABLES, members=MEMBERS | {B: ("web:shop:b", C)}, sizes={A: 1, C: 2}), "elsewhere"),
    ],
)
def test_tables_that_are_wrong_are_found_out(wrong: Tables, said: str) -> None:
    assert any(said in sentence for sentence in faults(wrong, heard(*STORY)))


@pytest.mark.parametrize("missing", range(len(STORY)))
def test_no_change_can_be_missing(missing: int) -> None:
    assert faults(TABLES, heard(*STORY[:missing], *STORY[missing + 1 :]))


def test_the_large_customers_are_counted_together() -> None:
    assert largest({1: 5, 2: 3, 4: 2, 9: 1}, 4) == [("1", 5), ("2", 3), ("4 or more", 3)]
    assert largest({1: 5}, 4) == [("1", 5)]
