"""Rows of the read models as what is compared of customers."""

from typing import Any
from uuid import UUID

from projections.candidates.assembly import (
    AttributeJson,
    BoundNode,
    CustomerRows,
    NodeDecision,
    NodeLink,
    NodeOwner,
    SeenContact,
    contact_in,
    customers_in,
)
from projections.candidates.folds import CustomerProfiles
from projections.candidates.profiles import Hold

A, B, C, D = (UUID(int=n) for n in range(1, 5))
OWN = [NodeOwner(A, A, "", "crm:m:a", current=True), NodeOwner(B, B, "", "crm:m:b", current=True)]
SEEN = [SeenContact(A, "Ann", shared=False), SeenContact(B, "Bob", shared=False)]


def customers(*, merged: tuple[str, ...] = (), **rows: Any) -> CustomerProfiles:
    empty = CustomerRows(OWN, frozenset(), SEEN, [], [], [], [])
    return customers_in(empty._replace(**rows), merged)


def decision(at: int, verdict: str, one: UUID = A, other: UUID = B) -> NodeDecision:
    return NodeDecision(at, f"e{at}", f"crm:m:{one.int}", one, "", other, "", verdict)


def test_a_contact_that_only_others_named_is_no_customer() -> None:
    assert customers(contacts=SEEN[:1]).profiles.keys() == {A}


def test_a_contact_of_which_identity_knows_nothing_is_a_customer() -> None:
    found = customers(alone=frozenset({C, D}), contacts=[SeenContact(C, "Cyd", shared=False)]).profiles
    assert {key: one.names for key, one in found.items()} == {C: ("cyd",)}


def test_what_was_said_on_a_browser_of_several_people_counts_for_none() -> None:
    attributes = [AttributeJson(A, "birthday", '"1990-01-31"'), AttributeJson(B, "birthday", '"1990-01-31"')]
    found = customers(contacts=[SeenContact(A, "Ann", shared=True), SEEN[1]], attributes=attributes).profiles
    assert (found[A].names, found[A].birthdays) == ((), ())
    assert (found[B].names, found[B].birthdays) == (("bob",), ("1990-01-31",))


def test_a_first_and_a_last_name_are_one_name() -> None:
    attributes = [AttributeJson(A, "first_name", '"Mei"'), AttributeJson(A, "last_name", '"Lin"')]
    assert customers(attributes=[*attributes, AttributeJson(B, "first_name", '"Mei"')]).profiles[A].names == (
        "ann",
        "lin mei",
    )


def test_an_attribute_that_is_no_text_says_nothing() -> None:
    found = customers(attributes=[AttributeJson(A, "birthday", "19900131"), AttributeJson(A, "address", "true")])
    assert (found.profiles[A].birthdays, found.profiles[A].addresses) == ((), ())


def test_identifiers_are_those_of_all_nodes_with_the_strongest_tier_and_every_reason() -> None:
    nodes = [*OWN, NodeOwner(A, C, "M1", "web:s:c", current=False)]
    links = [
        NodeLink(A, "", "phone", "+1", "", 4, None),
        NodeLink(C, "M1", "phone", "+1", "", 2, "shared"),
        NodeLink(C, "M2", "phone", "+2", "", 2, None),
    ]
    assert customers(nodes=nodes, links=links).profiles[A].identifiers == {
        ("phone", "+1"): Hold(2, frozenset({"shared"}))
    }


def test_a_contact_that_another_was_bound_to_shares_an_identifier_with_it() -> None:
    found = customers(
        links=[NodeLink(A, "", "contact", "crm:m:b", "", 2, "exclusive_conflict")], bound=[BoundNode("crm:m:b", "", 2)]
    ).profiles
    (shared,) = found[A].identifiers.keys() & found[B].identifiers.keys()
    assert (shared[0], contact_in(shared[1])) == ("contact", "crm:m:b")


def test_the_latest_decision_of_a_pair_settles_it() -> None:
    assert customers(decisions=[decision(1, "different")]).settled == {(A, B)}
    assert customers(decisions=[decision(1, "same"), decision(2, "undecided", B, A)]).settled == set()
    assert customers(decisions=[decision(2, "same"), decision(1, "undecided", B, A)]).settled == {(A, B)}


def test_customers_with_a_member_id_that_another_became_are_settled() -> None:
    links = [NodeLink(one, "", "member_id", "M1", "", 1, None) for one in (A, B)]
    assert customers(links=links).settled == set()
    assert customers(links=links, merged=("M1",)).settled == {(A, B)}
