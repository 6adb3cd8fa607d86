"""Each rule of resolution by example. A, B, C… are browsers of one shop unless a test says otherwise."""

from typing import Any

import pytest

from tests.support.identity_events import T0, bound, claimed, decided, event, groups, refusals, resolved, seen, unbound

A, B, C, D, E = (f"web:shop:{letter}" for letter in "abcde")
LINE, OTHER_LINE = "line:oa1:U1", "line:oa2:U1"
CRM = "crm:erp:1"
PHONE, OTHER_PHONE = "+886911111111", "+886922222222"
CARDS = {"x_card": {"exclusive": {"scope": "tenant", "guards": 2}}}


def browsers(count: int) -> list[str]:
    return [f"web:shop:v{number:03d}" for number in range(count)]


class TestLiveEvidence:
    def test_the_statement_latest_by_time_then_event_id_decides(self) -> None:
        events = bound(A, phone=PHONE, at=5, event_id="m")
        partner = bound(B, phone=PHONE)
        assert groups(events, partner, unbound(A, phone=PHONE, at=5, event_id="l")) == [{A, B}]
        assert groups(events, partner, unbound(A, phone=PHONE, at=5, event_id="n")) == [{A}, {B}]

    def test_unbinding_takes_back_both_assurances(self) -> None:
        events = (bound(A, phone=PHONE, at=1), claimed(A, phone=PHONE, at=2), bound(B, phone=PHONE))
        assert groups(*events) == [{A, B}]
        assert groups(*events, unbound(A, phone=PHONE, at=3)) == [{A}, {B}]

    def test_unbinding_takes_back_a_linked_contact_of_its_own_side_only(self) -> None:
        assert groups(bound(A, link=B, at=1), unbound(A, link=B, at=2)) == [{A}, {B}]
        assert groups(bound(A, link=B, at=1), unbound(B, link=A, at=2)) == [{A, B}]

    def test_what_was_taken_back_can_be_said_again(self) -> None:
        events = (bound(A, phone=PHONE, at=1), unbound(A, phone=PHONE, at=2), bound(A, phone=PHONE, at=3))
        assert groups(*events, bound(B, phone=PHONE)) == [{A, B}]

    def test_an_intrinsic_identifier_rides_on_any_event_and_cant_be_taken_back(self) -> None:
        known = event(LINE, "nobody.knows", {}, intrinsic=[{"type": "line_user", "value": "p:U1"}])
        also = seen(OTHER_LINE, line_user="p:U1")
        assert groups(known, also, unbound(LINE, line_user="p:U1", at=9)) == [{LINE, OTHER_LINE}]

    def test_every_event_asserts_the_intrinsic_identifiers_that_ride_on_it(self) -> None:
        crm = [seen(CRM, member_id=member, at=at) for member, at in (("M1", 1), ("M2", 3), ("M1", 5))]
        assert groups(*crm, bound(A, member_id="M1", at=2), bound(B, member_id="M2", at=2)) == [{CRM, A}, {B}]
        assert groups(*crm[:2], bound(A, member_id="M1", at=2), bound(B, member_id="M2", at=2)) == [{CRM, B}, {A}]

    def test_an_assertion_that_was_taken_back_is_no_latest_one_of_what_is_intrinsic(self) -> None:
        vouched = (seen(CRM, member_id="M1", at=1), seen(CRM, member_id="M2", at=3))
        stated = (bound(CRM, member_id="M1", at=4), unbound(CRM, member_id="M1", at=5))
        assert [one.member_id for one in resolved(*vouched, *stated[:1]).customers] == ["M1"]
        assert [one.member_id for one in resolved(*vouched, *stated).customers] == ["M2"]

    def test_an_unbinding_may_itself_carry_what_it_cant_take_back(self) -> None:
        vouched = [{"type": "phone", "value": PHONE}]
        assert groups(unbound(A, phone=PHONE, intrinsic=vouched), bound(B, phone=PHONE)) == [{A, B}]

    def test_another_spelling_is_the_same_identifier(self) -> None:
        events = (bound(A, phone="0911-111-111", at=1), bound(B, phone=PHONE))
        assert groups(*events) == [{A, B}]
        assert groups(*events, unbound(A, phone="+886 911 111 111", at=2)) == [{A}, {B}]

    def test_since_is_the_first_assertion_also_if_it_was_taken_back(self) -> None:
        events = (bound(A, phone=PHONE, at=1), unbound(A, phone=PHONE, at=2), bound(A, phone=PHONE, at=3))
        (link,) = resolved(*events).accepted
        assert (link.tier, link.since) == (2, T0 + 1)

    def test_the_tier_is_the_strongest_of_the_live_assurances(self) -> None:
        (link,) = resolved(claimed(A, phone=PHONE, at=1), bound(A, phone=PHONE, at=2)).accepted
        assert (link.tier, link.since) == (2, T0 + 1)

    def test_a_claim_that_the_policy_gives_no_tier_links_nothing(self) -> None:
        assert groups(claimed(A, line_user="p:U1"), seen(LINE, line_user="p:U1")) == [{LINE}, {A}]

    def test_an_event_without_a_contact_states_nothing(self) -> None:
        assert groups(event(None, "identity.bound", {"identifiers": [{"type": "phone", "value": PHONE}]})) == []

    @pytest.mark.parametrize("reverse", [False, True])
    def test_of_one_event_ids_two_contents_the_earlier_counts(self, *, reverse: bool) -> None:
        events = [bound(A, phone=PHONE, at=2, event_id="x"), bound(A, phone=OTHER_PHONE, at=1, event_id="x")]
        events += [bound(B, phone=PHONE), bound(C, phone=OTHER_PHONE)]
        assert groups(*(reversed(events) if reverse else events)) == [{B}, {A, C}]


class TestContacts:
    def test_every_event_makes_its_contact(self) -> None:
        assert groups(seen(A), event(B, "nobody.knows", {})) == [{A}, {B}]

    def test_a_binding_an_unbinding_and_a_decision_make_the_contact_they_name(self) -> None:
        assert groups(unbound(A, link=B)) == [{A}, {B}]
        assert groups(decided(A, B, "undecided")) == [{A}, {B}]
        assert groups(bound(A, contact=[B])) == [{A, B}]

    def test_superseding_makes_no_contact_and_links_nothing(self) -> None:
        by = {"channel": "web", "account": "shop", "uid": "b"}
        assert groups(event(A, "contact.superseded", {"by": by})) == [{A}]


class TestRule1Blocked:
    @pytest.mark.parametrize("junk", ["0", "000", "-", "0-0", "-1", "null", "NULL", " None ", "undefined", "Anonymous"])
    def test_junk_is_no_evidence(self, junk: str) -> None:
        assert groups(bound(A, member_id=junk), bound(B, member_id=junk)) == [{A}, {B}]

    def test_a_value_that_is_none_of_its_type_is_no_evidence(self) -> None:
        identifiers: dict[str, Any] = {
            "phone": "12",
            "email": "nobody",
            "line_user": "U1",
            "contact": "nobody",
            "shoe_size": "42",
        }
        resolution = resolved(bound(A, **identifiers), bound(B, **identifiers))
        assert resolution.accepted == ()
        assert {one.reason for one in resolution.excluded} == {"blocked"}

    def test_the_tenant_adds_to_the_list_or_replaces_it(self) -> None:
        events = (
            bound(A, member_id="VIP-3"),
            bound(B, member_id="VIP-3"),
            bound(C, member_id="0"),
            bound(D, member_id="0"),
        )
        assert groups(*events) == [{A, B}, {C}, {D}]
        assert groups(*events, also_blocked=["vip-[0-9]+"]) == [{A}, {B}, {C}, {D}]
        assert groups(*events, blocked=[]) == [{A, B}, {C, D}]

    def test_blocked_values_found_nobody(self) -> None:
        events = (bound(B, member_id="null", at=1), bound(A, member_id="M7", at=2), bound(B, member_id="M7", at=3))
        assert resolved(*events).customers[0].founder == A


class TestRule2ExclusiveRegister:
    def test_only_the_latest_member_id_counts(self) -> None:
        events = (bound(A, member_id="M7", at=1), bound(A, member_id="M8", at=2))
        assert groups(*events, bound(B, member_id="M8"), bound(C, member_id="M7")) == [{A, B}, {C}]

    def test_said_again_an_earlier_value_is_the_latest(self) -> None:
        events = (bound(A, member_id="M7", at=1), bound(A, member_id="M8", at=2), claimed(A, member_id="M7", at=3))
        assert resolved(*events).customers[0].member_id == "M7"

    def test_taking_the_latest_back_leaves_the_one_before(self) -> None:
        events = (bound(A, member_id="M7", at=1), bound(A, member_id="M8", at=2), unbound(A, member_id="M8", at=3))
        assert resolved(*events).customers[0].member_id == "M7"

    def test_two_values_of_one_event_leave_the_greater(self) -> None:
        assert resolved(bound(A, member_id=["M8", "M7"])).customers[0].member_id == "M8"

    def test_each_provider_has_its_own_register(self) -> None:
        events = bound(A, line_user=["p:U1", "q:U2"])
        assert groups(events, seen(LINE, line_user="p:U1"), seen("line:oa9:U2", line_user="q:U2")) == [
            {LINE, A, "line:oa9:U2"}
        ]


class TestRule3SharedDevice:
    def test_with_more_than_three_member_ids_ever_a_contact_links_through_none(self) -> None:
        events = [bound(A, member_id=f"M{n}", at=n) for n in range(1, 5)]
        assert groups(*events[:3], bound(B, member_id="M3", at=9)) == [{A, B}]
        assert groups(*events, bound(B, member_id="M4", at=9)) == [{A}, {B}]
        assert refusals(*events, bound(B, member_id="M4", at=9)) == [(A, "member_id", "shared_device")]

    def test_values_taken_back_count_and_blocked_ones_do_not(self) -> None:
        events = [bound(A, member_id=f"M{n}", at=n) for n in range(1, 4)]
        partner = bound(B, member_id="M3", at=9)
        assert groups(*events, bound(A, member_id="null", at=1), partner) == [{A, B}]
        assert groups(*events, bound(A, member_id="M0", at=1), unbound(A, member_id="M0", at=2), partner) == [{A}, {B}]

    def test_it_still_links_through_other_types(self) -> None:
        events = [bound(A, member_id=f"M{n}", at=n) for n in range(1, 5)]
        assert groups(*events, bound(A, link=B), bound(B, member_id="M4")) == [{A, B}]

    def test_the_limit_is_counted_within_one_scope(self) -> None:
        events = [bound(A, line_user=[f"p:U{n}", f"q:U{n}"], at=n) for n in range(1, 4)]
        assert groups(*events, seen(LINE, line_user="p:U3")) == [{A, LINE}]


class TestRule4Generic:
    def test_a_phone_of_ten_links_and_of_eleven_does_not(self) -> None:
        events = [bound(contact, phone=PHONE) for contact in browsers(11)]
        assert len(groups(*events[:10])) == 1
        assert len(groups(*events)) == 11
        assert {reason for _, _, reason in refusals(*events)} == {"generic"}

    def test_claims_beyond_the_limit_dont_spoil_the_verified(self) -> None:
        claims = [claimed(contact, phone=PHONE) for contact in browsers(11)]
        assert groups(bound(A, phone=PHONE), bound(B, phone=PHONE), *claims)[0] == {A, B}

    def test_a_contact_is_itself_among_those_bound_to_it(self) -> None:
        events = [bound(contact, link=A) for contact in browsers(20)]
        assert len(groups(*events[:19])) == 1
        assert len(groups(*events)) == 21
        assert len(groups(*events[:19], bound(A, link=A))) == 1

    def test_a_generic_member_id_tells_nobody_apart(self) -> None:
        crowd = [bound(contact, member_id="SHOP", at=1) for contact in browsers(51)]
        events = (bound(browsers(1)[0], phone=PHONE), bound(A, phone=PHONE, member_id="M7"))
        assert {browsers(1)[0], A} in groups(*crowd, *events)


class TestRule5Shared:
    def test_a_familys_phone_does_not_merge_the_family(self) -> None:
        events = (bound(A, member_id="M7", phone=PHONE), bound(B, member_id="M8", phone=PHONE), bound(C, phone=PHONE))
        assert groups(*events) == [{A}, {B}, {C}]
        assert {reason for _, _, reason in refusals(*events)} == {"shared"}

    def test_a_shops_tablet_does_not_merge_its_visitors(self) -> None:
        assert groups(bound(A, member_id="M7", link=D), bound(B, member_id="M8", link=D)) == [{A}, {B}, {D}]

    def test_binding_to_a_contact_with_another_member_id_is_shared(self) -> None:
        events = (bound(A, member_id="M7", link=B), bound(B, member_id="M8"))
        assert refusals(*events) == [(A, "contact", "shared")]

    def test_a_claim_of_somebody_elses_phone_cant_split_who_verified_it(self) -> None:
        verified = (bound(A, member_id="M7", phone=PHONE), bound(B, phone=PHONE))
        assert groups(*verified, claimed(C, member_id="M8", phone=PHONE)) == [{A, B}, {C}]

    def test_two_line_users_of_one_provider_share_a_phone_but_not_a_member_id(self) -> None:
        users = [seen(LINE, line_user="p:U1"), seen("line:oa1:U2", line_user="p:U2")]
        both = (LINE, "line:oa1:U2")
        assert groups(*users, *(bound(one, phone=PHONE) for one in both)) == [{LINE}, {"line:oa1:U2"}]
        assert groups(*users, *(bound(one, member_id="M7") for one in both)) == [set(both)]


class TestRule6Decisions:
    def test_same_joins_and_undecided_takes_it_back(self) -> None:
        assert groups(decided(A, B, "same", at=1)) == [{A, B}]
        assert groups(decided(A, B, "same", at=1), decided(B, A, "undecided", at=2)) == [{A}, {B}]

    def test_different_forbids_and_undecided_takes_it_back(self) -> None:
        events = (bound(A, phone=PHONE), bound(B, phone=PHONE), decided(A, B, "different", at=1))
        assert groups(*events) == [{A}, {B}]
        assert refusals(*events) == [(B, "phone", "decided_different")]
        assert groups(*events, decided(B, A, "undecided", at=2)) == [{A, B}]

    def test_the_latest_decision_counts_whichever_side_it_was_made_on(self) -> None:
        assert groups(decided(A, B, "different", at=1), decided(B, A, "same", at=2)) == [{A, B}]
        assert groups(decided(B, A, "same", at=1), decided(A, B, "different", at=2)) == [{A}, {B}]

    def test_of_two_decisions_of_one_stamp_the_careful_one_counts(self) -> None:
        events = (decided(A, B, "same", event_id="x"), decided(B, A, "different", event_id="x"))
        assert groups(*events) == groups(*reversed(events)) == [{A}, {B}]

    def test_a_decision_about_oneself_ties_nothing(self) -> None:
        assert groups(decided(A, A, "different"), decided(A, A, "same", at=1)) == [{A}]
        assert resolved(decided(A, A, "same")).accepted == ()
        assert refusals(decided(A, A, "different")) == []


class TestRule7Kruskal:
    def test_not_even_staff_join_two_members(self) -> None:
        events = (bound(A, member_id="M7"), bound(B, member_id="M8"), decided(A, B, "same"))
        assert groups(*events) == [{A}, {B}]
        (refused,) = resolved(*events).refused
        assert tuple(refused.link) == (0, T0, "staff", B, A)
        assert (refused.reason, refused.detail) == ("exclusive_conflict", ("member_id", "M7", "M8"))

    def test_the_stronger_tier_comes_first(self) -> None:
        events = (bound(A, member_id="M7"), bound(B, member_id="M8"))
        weak, strong = claimed(A, email="c@example.tw", at=1), bound(B, phone=PHONE, at=2)
        between = (claimed(C, email="c@example.tw", at=1), bound(C, phone=PHONE, at=2))
        assert groups(*events, weak, strong, *between) == [{A}, {B, C}]

    def test_within_a_tier_what_was_said_first_comes_first(self) -> None:
        events = (bound(A, member_id="M7"), bound(B, member_id="M8"))
        first, second = bound(A, email="c@example.tw", at=1), bound(B, phone=PHONE, at=2)
        between = (bound(C, email="c@example.tw", at=1), bound(C, phone=PHONE, at=2))
        assert groups(*events, first, second, *between) == [{A, C}, {B}]

    def test_at_the_same_time_the_order_is_by_type_value_and_contact(self) -> None:
        events = (bound(A, member_id="M7"), bound(B, member_id="M8"))
        between = (bound(A, phone=PHONE), bound(B, email="c@example.tw"), bound(C, phone=PHONE, email="c@example.tw"))
        assert groups(*events, *between) == [{A}, {B, C}]  # email comes before phone

    def test_a_member_id_joins_two_line_users_and_a_binding_does_not(self) -> None:
        users = (seen(A, line_user="p:U1"), seen(B, line_user="p:U2"))
        assert groups(*users, bound(A, member_id="M7"), bound(B, member_id="M7")) == [{A, B}]
        assert refusals(*users, bound(C, link=A, at=1), bound(D, link=C, at=1), bound(D, link=B, at=2)) == [
            (D, "contact", "exclusive_conflict")
        ]

    def test_a_side_with_two_values_takes_neither_by_a_guarded_link(self) -> None:
        events = (bound(A, member_id="M7", x_card="1", at=1), bound(B, member_id="M7", x_card="2", at=1))
        other = bound(C, x_card="1", at=2)
        assert groups(*events, other) == [{A, B, C}]
        assert groups(*events, other, types=CARDS) == [{A, B}, {C}]
        assert refusals(*events, other, types=CARDS) == [
            (A, "x_card", "exclusive_conflict"),
            (B, "x_card", "exclusive_conflict"),
        ]

    def test_two_sides_that_both_have_the_same_two_values_differ(self) -> None:
        one = (bound(A, member_id="M7", x_card="1"), bound(B, member_id="M7", x_card="2"))
        other = (bound(C, line_user="p:U1", x_card="1"), bound(D, line_user="p:U1", x_card="2"))
        between = (bound(E, link=A), bound(E, email="e@example.tw"), bound(D, email="e@example.tw", at=1))
        wishes = {"x_card": {"verified": 3, "exclusive": {"scope": "tenant", "guards": 2}}}
        assert refusals(*one, *other, *between, types=wishes)[0] == (D, "email", "exclusive_conflict")
        assert len(groups(*one, *other, *between, types=wishes)) == 2

    def test_a_pair_kept_apart_stays_apart_through_others(self) -> None:
        chain = (bound(A, phone=PHONE, at=1), bound(B, phone=PHONE, at=2), bound(B, email="b@example.tw", at=3))
        last = bound(C, email="b@example.tw", at=4)
        assert groups(*chain, last) == [{A, B, C}]
        assert groups(*chain, last, decided(C, A, "different", at=5)) == [{A, B}, {C}]
        assert refusals(*chain, last, decided(C, A, "different", at=5)) == [(C, "email", "decided_different")]

    def test_a_tenants_own_type_may_be_exclusive(self) -> None:
        events = (bound(A, x_card="1", link=C, at=1), bound(C, phone=PHONE, at=2), bound(D, phone=PHONE, at=3))
        last = bound(D, link=B, at=4), bound(B, x_card="2", at=5)
        assert groups(*events, *last) == [{A, B, C, D}]
        assert groups(*events, *last, types=CARDS) == [{A, C, D}, {B}]
        assert refusals(*events, *last, types=CARDS) == [(D, "contact", "exclusive_conflict")]


class TestFounders:
    def test_the_contact_with_the_earliest_statement_founds_the_customer(self) -> None:
        events = (bound(B, phone=PHONE, at=1), bound(A, phone=PHONE, at=2))
        assert [customer.founder for customer in resolved(*events).customers] == [B]

    def test_on_a_tie_the_least_contact_key_founds(self) -> None:
        events = (bound(B, phone=PHONE, at=1), bound(A, phone=PHONE, at=1))
        assert [customer.founder for customer in resolved(*events).customers] == [A]

    def test_what_others_say_about_a_contact_founds_it_too(self) -> None:
        assert resolved(bound(B, phone=PHONE, at=1), bound(B, link=A, at=2)).customers[0].founder == B
        assert resolved(bound(B, link=A, at=1)).customers[0].founder == A

    def test_retractions_and_decisions_found_too(self) -> None:
        linked = bound(A, link=B, at=5)
        assert resolved(linked, unbound(B, phone=PHONE, at=1)).customers[0].founder == B
        assert resolved(linked, decided(B, C, "undecided", at=1)).customers[0].founder == B

    def test_plain_messages_found_nobody(self) -> None:
        assert (
            resolved(seen(B, at=1), bound(A, phone=PHONE, at=5), bound(B, phone=PHONE, at=6)).customers[0].founder == A
        )
