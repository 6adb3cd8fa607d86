"""Why two nodes are one customer, and why not."""

from typing import Any

import pytest

from projections.identity.resolution.explain import (
    ACCEPTED,
    ChainStep,
    chain_between,
    obstacles,
    remedies,
    unlinked_reason,
)
from projections.identity.resolution.links import SESSION, Node
from projections.identity.resolution.policy import Policy

A, B, C, D = ((f"web:shop:{letter}", "") for letter in "abcd")
PHONE = "+886911111111"


def step(node: Node, type_name: str, value: Any, fate: Any = ACCEPTED, *detail: str, tier: int | None = 2) -> ChainStep:
    return ChainStep(node, type_name, value, tier, 1 if tier is not None else None, fate, detail)


def test_together_by_the_shortest_chain_of_accepted_links() -> None:
    long = [step(A, "email", "a"), step(C, "email", "a"), step(C, "phone", "c"), step(B, "phone", "c")]
    short = [step(A, "x_card", "1"), step(B, "x_card", "1")]
    assert chain_between([*long, *short], A, B) == tuple(short)
    assert chain_between(long, B, A) == tuple(reversed(long))


def test_a_link_between_nodes_leads_from_one_to_the_other() -> None:
    staff = step(A, "staff", B, tier=0)
    assert chain_between([staff], B, A) == (staff,)


def test_apart_by_the_fewest_obstacles_rather_than_by_the_fewest_links() -> None:
    direct = [step(A, "phone", PHONE, "shared"), step(B, "phone", PHONE, "shared")]
    around = [step(A, "staff", C), step(C, "staff", D), step(D, "staff", B, "exclusive_conflict")]
    chain = chain_between([*direct, *around], A, B)
    assert (chain, obstacles(chain)) == (tuple(around), 1)


def test_there_is_no_chain_between_nodes_that_share_nothing() -> None:
    assert chain_between([step(A, "phone", "1"), step(B, "phone", "2")], A, B) == ()


def test_the_order_of_the_links_does_not_show() -> None:
    links = [step(node, kind, "v") for kind in ("phone", "email") for node in (A, B)]
    assert chain_between(links, A, B) == chain_between(links[::-1], A, B)


def test_a_statement_without_a_link_says_why() -> None:
    policy = Policy.from_json({"types": {"phone": {"claimed": None}}})
    assert unlinked_reason("phone", ["claimed"], policy, retracted=True) == "retracted"
    assert unlinked_reason("phone", ["claimed"], policy, retracted=False) == "no_tier"
    assert unlinked_reason("email", ["claimed"], policy, retracted=False) == "too_many_claims"


@pytest.mark.parametrize(
    ("obstacle", "sentence", "request_begins"),
    [
        (step(A, "phone", PHONE, "shared", "member_id", "M7", "M 8"), "merge them", "POST /v1/members/M%208/merge "),
        (step(A, "staff", B, "exclusive_conflict", "member_id", "M7", "M8"), "merge", "POST /v1/members/M8/merge "),
        (step(A, "phone", PHONE, "shared", "line_user", "p:1", "p:2"), "login of both", "POST /v1/identity/decisions "),
        (step(A, "x_card", "1", "exclusive_conflict", "line_user", "p:1", "p:2"), "take it back", None),
        (step(A, "phone", PHONE, "generic"), "More people", "POST /v1/identity/decisions "),
        (step(A, "member_id", "demo", "generic"), "More people", None),
        (step(A, "line_user", "p:1", "shared_device"), "Too many people", "POST /v1/identity/decisions "),
        (step(A, "phone", PHONE, "superseded"), "a later phone", None),
        (step(A, "contact", B, "decided_different", A[0], B[0]), "decision of staff", "POST /v1/identity/decisions "),
        (step(A, "phone", PHONE, "retracted", tier=None), "was taken back", None),
        (step(A, "phone", PHONE, "no_tier", tier=None), "policy", None),
        (step(A, "phone", PHONE, "too_many_claims", tier=None), "too many values", None),
        (step((A[0], "M7"), SESSION, A, "other_session", tier=None), "while M7 was logged in", None),
    ],
)
def test_each_obstacle_says_what_would_make_the_two_one(
    obstacle: ChainStep, sentence: str, request_begins: str | None
) -> None:
    found = remedies((obstacle,), A[0], B[0])
    assert any(sentence in one.text for one in found)
    requests = [one.request for one in found if one.request is not None]
    assert len(requests) == (request_begins is not None)
    assert all(one.startswith(request_begins or "") for one in requests)


def test_what_was_accepted_needs_no_remedy() -> None:
    assert remedies((step(A, "phone", PHONE),), A[0], B[0]) == ()


def test_without_any_evidence_a_login_or_staff_would_join_the_two() -> None:
    login, decision = remedies((), A[0], B[0])
    assert "login" in login.text
    assert decision.request is not None
    assert '"decision":"same"' in decision.request


def test_two_members_are_to_be_merged_and_staff_is_not_asked() -> None:
    (merge,) = remedies((), A[0], B[0], ("M8", "M7"))
    assert merge.request == 'POST /v1/members/M8/merge {"into":"M7"}'
    (again,) = remedies((), A[0], B[0], ("M7", "M8"))
    assert again == merge
    assert remedies((), A[0], B[0], ("M7", "M7")) == remedies((), A[0], B[0]) == remedies((), A[0], B[0], ("M7", None))
