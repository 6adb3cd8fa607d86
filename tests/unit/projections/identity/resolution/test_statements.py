"""What counts of what was stated: assurances, retractions, copies, erasures, merged member ids, the cap on claims."""

from collections.abc import Callable
from itertools import permutations

import pytest

from schemas.events import Event
from tests.support.identity_events import (
    T0,
    bound,
    claimed,
    decided,
    erased,
    event,
    groups,
    merged,
    refusals,
    resolved,
    seen,
    stated,
    unbound,
)

A, B, C = (f"web:shop:{letter}" for letter in "abc")
LINE, OTHER_LINE = "line:oa1:U1", "line:oa2:U1"
CRM = "crm:erp:1"
PHONE, OTHER_PHONE = "+886911111111", "+886922222222"


def tiers(*events: Event) -> dict[str, int]:
    """The tier of each accepted link, by contact."""
    return {link.node[0]: link.tier for link in resolved(*events).accepted}


class TestAssurances:
    def test_the_tier_is_of_the_type_and_the_assurance(self) -> None:
        events = (bound(A, phone=PHONE), stated(B, phone=PHONE), claimed(C, phone=PHONE))
        assert tiers(*events) == {A: 2, B: 3, C: 4}

    def test_an_assurance_that_is_left_out_is_stated(self) -> None:
        identifiers = [{"type": "phone", "value": PHONE}, {"type": "email", "value": "a@x.tw", "assurance": None}]
        resolution = resolved(event(A, "identity.bound", {"identifiers": identifiers}))
        assert [link.tier for link in resolution.accepted] == [3, 3]

    def test_an_intrinsic_identifier_counts_as_verified(self) -> None:
        assert tiers(seen(LINE, phone=PHONE)) == {LINE: 2}

    def test_a_linked_contact_is_verified(self) -> None:
        assert tiers(claimed(A, link=B)) == {A: 2}

    def test_a_statement_to_which_the_policy_gives_no_tier_links_nothing(self) -> None:
        assert groups(claimed(A, line_user="p:U1"), seen(LINE, line_user="p:U1")) == [{LINE}, {A}]
        assert groups(stated(A, line_user="p:U1"), seen(LINE, line_user="p:U1")) == [{LINE}, {A}]

    def test_the_tier_is_the_strongest_and_since_is_the_earliest_of_what_is_live(self) -> None:
        (link,) = resolved(claimed(A, phone=PHONE, at=1), bound(A, phone=PHONE, at=2)).accepted
        assert (link.tier, link.since) == (2, T0 + 1)


class TestLive:
    def test_the_statement_latest_by_time_then_event_id_decides(self) -> None:
        events = (bound(A, phone=PHONE, at=5, event_id="m"), bound(B, phone=PHONE))
        assert groups(*events, unbound(A, phone=PHONE, at=5, event_id="l")) == [{A, B}]
        assert groups(*events, unbound(A, phone=PHONE, at=5, event_id="n")) == [{A}, {B}]

    def test_a_retraction_takes_back_every_assurance(self) -> None:
        events = (bound(A, phone=PHONE, at=1), stated(A, phone=PHONE, at=1), claimed(A, phone=PHONE, at=2))
        assert groups(*events, bound(B, phone=PHONE)) == [{A, B}]
        assert groups(*events, bound(B, phone=PHONE), unbound(A, phone=PHONE, at=3)) == [{A}, {B}]

    def test_only_the_assurance_that_is_stated_again_comes_back(self) -> None:
        events = (bound(A, phone=PHONE, at=1), unbound(A, phone=PHONE, at=2), claimed(A, phone=PHONE, at=3))
        (link,) = resolved(*events).accepted
        assert (link.tier, link.since) == (4, T0 + 3)

    def test_what_is_stated_again_is_live_from_its_first_assertion_on(self) -> None:
        events = (bound(A, phone=PHONE, at=1), unbound(A, phone=PHONE, at=2), bound(A, phone=PHONE, at=3))
        (link,) = resolved(*events).accepted
        assert link.since == T0 + 1

    def test_another_spelling_is_the_same_identifier(self) -> None:
        events = (bound(A, phone="0911-111-111", at=1), bound(B, phone=PHONE))
        assert groups(*events) == [{A, B}]
        assert groups(*events, unbound(A, phone="+886 911 111 111", at=2)) == [{A}, {B}]

    def test_unbinding_takes_back_a_linked_contact_of_its_own_side_only(self) -> None:
        assert groups(bound(A, link=B, at=1), unbound(A, link=B, at=2)) == [{A}, {B}]
        assert groups(bound(A, link=B, at=1), unbound(B, link=A, at=2)) == [{A, B}]


class TestIntrinsic:
    def test_it_rides_on_any_event_and_cannot_be_retracted(self) -> None:
        known = event(LINE, "nobody.knows", {}, intrinsic=[{"type": "line_user", "value": "p:U1"}])
        also = seen(OTHER_LINE, line_user="p:U1")
        assert groups(known, also, unbound(LINE, line_user="p:U1", at=9)) == [{LINE, OTHER_LINE}]

    def test_an_unbinding_may_itself_carry_one(self) -> None:
        vouched = [{"type": "phone", "value": PHONE}]
        assert groups(unbound(A, phone=PHONE, intrinsic=vouched), bound(B, phone=PHONE)) == [{A, B}]

    def test_it_makes_no_other_assertion_live(self) -> None:
        events = (bound(LINE, phone=PHONE, at=1), unbound(LINE, phone=PHONE, at=2), seen(LINE, phone=PHONE, at=3))
        (link,) = resolved(*events).accepted
        assert link.since == T0 + 3

    def test_of_a_contacts_assertions_of_one_identifier_the_earliest_counts(self) -> None:
        crm = [seen(CRM, member_id=member, at=at) for member, at in (("M1", 1), ("M2", 3), ("M1", 5))]
        for order in permutations(crm):
            assert [one.member_id for one in resolved(*order).customers] == ["M2"]


class TestCopies:
    @pytest.mark.parametrize("reverse", [False, True])
    def test_of_one_event_ids_contents_the_earliest_counts(self, *, reverse: bool) -> None:
        events = [bound(A, phone=PHONE, at=2, event_id="x"), bound(A, phone=OTHER_PHONE, at=1, event_id="x")]
        events += [bound(B, phone=PHONE), bound(C, phone=OTHER_PHONE)]
        assert groups(*(reversed(events) if reverse else events)) == [{B}, {A, C}]

    def test_at_one_time_the_least_type_and_then_the_least_content_counts(self) -> None:
        partner = bound(B, phone=PHONE)
        for order in permutations([bound(A, phone=PHONE, event_id="x"), unbound(A, phone=PHONE, event_id="x")]):
            assert groups(*order, partner) == [{A, B}]
        for order in permutations([bound(A, phone=PHONE, event_id="x"), bound(A, phone=OTHER_PHONE, event_id="x")]):
            assert groups(*order, partner) == [{A, B}]

    def test_one_event_id_of_two_contacts_is_two_events(self) -> None:
        assert groups(bound(A, phone=PHONE, event_id="x"), bound(B, phone=PHONE, event_id="x")) == [{A, B}]

    def test_a_tenant_event_is_one_by_its_id_alone(self) -> None:
        events = (bound(CRM, member_id="M7"), bound(LINE, member_id="N7"), bound(OTHER_LINE, member_id="N8"))
        for order in permutations([merged("M7", "N8", at=2, event_id="x"), merged("M7", "N7", at=1, event_id="x")]):
            assert groups(*events, *order) == [{CRM, LINE}, {OTHER_LINE}]


class TestErasure:
    def test_what_the_contact_stated_until_then_is_as_if_never_made(self) -> None:
        events = (bound(A, phone=PHONE, at=1), bound(B, phone=PHONE, at=1))
        assert groups(*events, erased(A, at=1, event_id="zz")) == [{A}, {B}]
        assert groups(*events, erased(A, at=0)) == [{A, B}]

    def test_what_others_stated_or_decided_about_it_until_then_is_as_if_never_made(self) -> None:
        assert groups(bound(A, link=B, at=1), erased(B, at=2)) == [{A}, {B}]
        assert groups(decided(A, B, "same", at=1), erased(B, at=2)) == [{A}, {B}]
        assert groups(bound(A, link=B, at=3), decided(A, C, "same", at=3), erased(B, at=2), erased(C, at=2)) == [
            {A, B, C}
        ]

    def test_what_the_erasing_event_itself_carries_is_erased_too(self) -> None:
        vouched = [{"type": "phone", "value": PHONE}]
        assert groups(erased(A, at=1, intrinsic=vouched), bound(B, phone=PHONE)) == [{A}, {B}]

    def test_what_comes_later_counts(self) -> None:
        events = (bound(A, phone=PHONE, at=1), erased(A, at=2), bound(B, phone=PHONE))
        assert groups(*events, bound(A, phone=PHONE, at=3)) == [{A, B}]

    def test_an_erased_contact_is_founded_by_what_came_later(self) -> None:
        events = (
            bound(A, phone=PHONE, at=1),
            erased(A, at=2),
            bound(A, phone=PHONE, at=5),
            bound(B, phone=PHONE, at=3),
        )
        assert resolved(*events).customers[0].founder == B

    def test_a_contact_that_only_an_erased_statement_named_is_none(self) -> None:
        assert groups(bound(A, link=B, at=1), erased(A, at=2)) == [{A}]

    def test_intrinsic_identifiers_and_logins_are_erased_too(self) -> None:
        assert groups(seen(A, phone=PHONE, at=1), bound(B, phone=PHONE), erased(A, at=2)) == [{A}, {B}]
        resolution = resolved(bound(A, member_id="M7", at=1), erased(A, at=2), bound(A, phone=PHONE, at=3))
        assert [link.node for link in resolution.accepted] == [(A, "")]


class TestMemberMerges:
    RECORDS = (bound(CRM, member_id="M7", at=1), bound(LINE, member_id="N7", at=2))

    def test_every_member_id_is_read_as_the_end_of_its_chain(self) -> None:
        assert groups(*self.RECORDS) == [{CRM}, {LINE}]
        (customer,) = resolved(*self.RECORDS, merged("M7", "X"), merged("X", " N7 ")).customers
        assert (customer.member_id, customer.member_ids) == ("N7", ("M7", "N7"))

    def test_null_or_the_id_itself_takes_it_back(self) -> None:
        for into in (None, "M7"):
            assert groups(*self.RECORDS, merged("M7", "N7", at=1), merged("M7", into, at=2)) == [{CRM}, {LINE}]
            assert groups(*self.RECORDS, merged("M7", "N7", at=3), merged("M7", into, at=2)) == [{CRM, LINE}]

    def test_of_one_id_the_latest_by_time_then_event_id_counts(self) -> None:
        first, second = merged("M7", "N7", at=1, event_id="a"), merged("M7", "N8", at=1, event_id="b")
        assert groups(*self.RECORDS, second, first) == [{CRM}, {LINE}]

    def test_a_value_that_is_none_or_blocked_on_either_side_says_nothing(self) -> None:
        for nonsense in (merged("M7", "guest", at=9), merged("M7", "  ", at=9), merged("null", "M7", at=9)):
            assert groups(*self.RECORDS, merged("M7", "N7", at=1), nonsense) == [{CRM, LINE}]

    def test_a_chain_into_a_cycle_ends_at_the_cycles_least_id_by_code_point(self) -> None:
        cycle = (merged("M7", "b"), merged("b", "B"), merged("B", "a"), merged("a", "b"))
        resolution = resolved(bound(CRM, member_id="M7"), *cycle)
        assert resolution.customers[0].member_id == "B"
        assert groups(bound(CRM, member_id="M7"), bound(LINE, member_id="a"), *cycle) == [{CRM, LINE}]

    def test_retracting_one_spelling_retracts_the_canonical_id(self) -> None:
        events = (bound(CRM, member_id="M7", at=1), bound(LINE, member_id="N7", at=1), merged("M7", "N7"))
        assert groups(*events, unbound(CRM, member_id="N7", at=2)) == [{CRM}, {LINE}]

    @pytest.mark.parametrize("contact", [CRM, A])
    @pytest.mark.parametrize("still", [bound, seen, claimed])
    def test_a_spelling_that_was_taken_back_is_listed_no_more(self, contact: str, still: Callable[..., Event]) -> None:
        events = (merged("M7", "N7"), still(contact, member_id="N7", at=3))
        taken_back = (stated(contact, member_id="M7", at=1), unbound(contact, member_id="M7", at=2))
        for before, expected in (((), ("N7",)), (taken_back, ("N7",)), (taken_back[:1], ("M7", "N7"))):
            assert [one.member_ids for one in resolved(*events, *before).customers] == [expected]


class TestCap:
    CLAIMS = tuple(claimed(A, x_card=f"c{number:03d}", at=number) for number in range(101))

    def test_a_contact_claims_only_the_hundred_latest_values_of_a_type(self) -> None:
        resolution = resolved(*self.CLAIMS)
        assert [(one.value, one.reason) for one in resolution.set_aside] == [("c000", "too_many_claims")]
        assert "c000" not in {one.link.value for one in resolution.refused}

    def test_of_claims_of_one_stamp_the_greater_values_count(self) -> None:
        values = [f"c{number:03d}" for number in range(101)]
        assert [one.value for one in resolved(claimed(A, x_card=values)).set_aside] == ["c000"]

    def test_what_is_stated_too_is_kept_at_its_stronger_tier(self) -> None:
        events = (*self.CLAIMS, stated(A, x_card="c000", at=0), bound(B, x_card="c000"))
        assert groups(*events) == [{A, B}]

    def test_a_retracted_claim_makes_room(self) -> None:
        assert resolved(*self.CLAIMS, unbound(A, x_card="c050", at=500)).set_aside == ()

    def test_member_ids_are_not_capped(self) -> None:
        assert resolved(*(claimed(CRM, member_id=f"M{number:03d}", at=number) for number in range(120))).set_aside == ()


class TestContacts:
    def test_every_event_makes_its_contact(self) -> None:
        assert groups(seen(A), event(B, "nobody.knows", {})) == [{A}, {B}]

    def test_a_binding_a_retraction_and_a_decision_name_a_contact_that_is_unseen(self) -> None:
        for naming in (unbound(A, link=B), decided(A, B, "undecided"), bound(A, contact=B), unbound(A, contact=B)):
            resolution = resolved(naming)
            assert resolution.evidence.unseen == {B}
            assert {contact for one in resolution.customers for contact in one.contacts} == {A, B}

    def test_a_contact_that_is_only_named_may_found_a_customer(self) -> None:
        events = (bound(B, link=A, at=1), bound(B, phone=PHONE, at=1))
        assert resolved(*events).customers[0].founder == A

    def test_superseding_names_no_contact_and_links_nothing(self) -> None:
        by = {"channel": "web", "account": "shop", "uid": "b"}
        assert groups(event(A, "contact.superseded", {"by": by})) == [{A}]

    def test_an_event_without_a_contact_states_nothing(self) -> None:
        assert groups(event(None, "identity.bound", {"identifiers": [{"type": "phone", "value": PHONE}]})) == []

    def test_values_that_are_none_or_blocked_are_no_evidence_name_nobody_and_are_set_aside(self) -> None:
        statements = bound(
            A, phone="12", email="nobody", line_user="U1", contact="nobody", shoe_size="42", member_id="0"
        )
        resolution = resolved(statements)
        assert (resolution.accepted, resolution.refused) == ((), ())
        assert {one.type: one.reason for one in resolution.set_aside} == {
            **dict.fromkeys(("phone", "email", "line_user", "contact", "shoe_size"), "no_value"),
            "member_id": "blocked",
        }
        assert groups(bound(A, link=B), also_blocked=["web:shop:.*"]) == [{A}]
        assert refusals(statements) == []
