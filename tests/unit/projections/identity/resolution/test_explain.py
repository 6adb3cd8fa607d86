"""Why two contacts are one person, and why not."""

import pytest

from projections.identity.resolution.explain import ChainStep, UnknownContact, graph, why
from tests.support.identity_events import T0, bound, claimed, decided, resolved, seen, unbound

A, B, C, D = (f"web:shop:{letter}" for letter in "abcd")
PHONE = "+886911111111"


def links_of(chain: tuple[ChainStep, ...]) -> list[tuple[str, str, str]]:
    return [(step.contact, step.type, step.fate) for step in chain]


def test_together_by_the_shortest_chain_of_accepted_links_with_their_events() -> None:
    resolution = resolved(
        claimed(A, phone="0911111111", at=1, event_id="first"),
        bound(A, phone=PHONE, at=3, event_id="proof"),
        bound(B, phone=PHONE, at=2, event_id="other"),
        bound(B, link=C, at=4),
    )
    because = why(resolution, A, B)
    assert because.together
    assert links_of(because.chain) == [(A, "phone", "accepted"), (B, "phone", "accepted")]
    assert because.chain[0].sources == (
        ("first", T0 + 1, "first"),
        ("proof", T0 + 3, "verified"),
        ("first", T0 + 1, "claimed"),
    )
    assert links_of(why(resolution, C, A).chain) == [(B, "contact", "accepted"), *reversed(links_of(because.chain))]


def test_together_by_staff() -> None:
    (step,) = why(resolved(decided(B, A, "same", event_id="d")), A, B).chain
    assert (step.type, step.tier, step.sources) == ("staff", 0, (("d", T0, "verified"),))


def test_apart_by_the_links_that_were_refused_and_what_stood_against_them() -> None:
    resolution = resolved(bound(A, member_id="M7", phone=PHONE), bound(B, member_id="M8", phone=PHONE))
    because = why(resolution, A, B)
    assert not because.together
    assert links_of(because.chain) == [(A, "phone", "shared"), (B, "phone", "shared")]
    assert because.chain[0].detail == ("member_id", "M7", "M8")


def test_apart_with_the_fewest_obstacles() -> None:
    resolution = resolved(
        bound(A, phone=PHONE, member_id="null"),
        bound(B, phone=PHONE, member_id="null"),
        decided(A, B, "different", at=1),
    )
    because = why(resolution, A, B)
    assert links_of(because.chain) == [(A, "phone", "accepted"), (B, "phone", "decided_different")]
    assert because.decided == (A, B)


def test_a_longer_chain_with_fewer_obstacles_tells_more() -> None:
    resolution = resolved(
        bound(A, member_id="M7", phone=PHONE),
        bound(B, member_id="M8", phone=PHONE),
        decided(A, C, "same"),
        decided(C, D, "same"),
        decided(D, B, "same", at=1),
    )
    assert links_of(why(resolution, A, B).chain) == [
        (A, "staff", "accepted"),
        (C, "staff", "accepted"),
        (B, "staff", "exclusive_conflict"),
    ]


def test_apart_by_what_was_taken_back() -> None:
    resolution = resolved(bound(A, phone=PHONE), bound(B, phone=PHONE), unbound(B, phone=PHONE, at=2, event_id="undo"))
    last = why(resolution, A, B).chain[-1]
    assert (last.contact, last.fate, last.tier) == (B, "retracted", None)
    assert last.sources[-1] == ("undo", T0 + 2, "retracted")


def test_apart_by_values_that_are_nobodys() -> None:
    chain = why(resolved(bound(A, member_id="null"), bound(B, member_id="null")), A, B).chain
    assert links_of(chain) == [(A, "member_id", "blocked"), (B, "member_id", "blocked")]


def test_apart_for_want_of_evidence() -> None:
    because = why(resolved(bound(A, phone=PHONE), seen(B)), A, B)
    assert (because.together, because.chain, because.decided) == (False, (), None)


def test_a_contact_is_one_with_itself_by_nothing() -> None:
    assert why(resolved(seen(A)), A, A) == (True, (), None)


def test_nobody_knows_why_of_an_unknown_contact() -> None:
    with pytest.raises(UnknownContact):
        why(resolved(seen(A)), A, B)


def test_a_customers_graph_has_its_links_and_those_refused() -> None:
    resolution = resolved(
        bound(A, phone=PHONE, at=1), bound(B, phone=PHONE, at=2), bound(B, link=C, at=3), decided(A, C, "different")
    )
    whole = graph(resolution, A)
    assert whole.customer.contacts == (A, B)
    assert links_of(whole.accepted) == [(A, "phone", "accepted"), (B, "phone", "accepted")]
    assert links_of(whole.refused) == [(B, "contact", "decided_different")]
    assert links_of(graph(resolution, C).refused) == links_of(whole.refused)
