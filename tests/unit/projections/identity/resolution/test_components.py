"""Which contacts have to be resolved together, and which a crowd doesn't tie."""

from projections.identity.resolution.components import closure, components
from projections.identity.resolution.gather import gather
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import resolve
from tests.support.identity_events import bound, claimed, decided, seen, unbound

A, B, C, D = (f"web:shop:{letter}" for letter in "abcd")
PHONE = "+886911111111"
CLAIMS = [claimed(f"web:shop:v{number:03d}", phone=PHONE) for number in range(11)]


def test_who_meets_in_an_identifier_belongs_together_also_if_it_links_nothing() -> None:
    evidence = gather([bound(A, member_id="M7", phone=PHONE), bound(B, member_id="M8", phone=PHONE), seen(C)])
    assert components(evidence, Policy()) == [{A, B}, {C}]


def test_any_decision_ties_and_what_was_taken_back_does_not() -> None:
    evidence = gather([decided(A, B, "undecided"), bound(C, phone=PHONE, at=1), unbound(C, phone=PHONE, at=2)])
    assert components(evidence, Policy()) == [{A, B}, {C}]


def test_a_crowd_of_claims_ties_only_those_who_verified() -> None:
    evidence = gather([*CLAIMS, bound(A, phone=PHONE), bound(B, phone=PHONE)])
    parts = components(evidence, Policy())
    assert {A, B} in parts
    assert len(parts) == 12
    assert resolve(evidence.of(frozenset({A, B})), Policy()).customers[0].contacts == (A, B)


def test_a_part_takes_over_limit_identifiers_from_outside() -> None:
    evidence = gather(CLAIMS)
    (part, *_) = components(evidence, Policy())
    alone = resolve(evidence.of(part), Policy(), {("phone", PHONE): 3})
    assert [one.reason for one in alone.refused] == ["generic"]


def test_the_closure_is_the_whole_of_each_part_that_was_touched() -> None:
    evidence = gather([bound(A, link=B), bound(C, phone=PHONE), bound(D, phone=PHONE)])
    assert closure(evidence, Policy(), {}, [A]) == {A, B}
    assert closure(evidence, Policy(), {}, [A, D]) == {A, B, C, D}
