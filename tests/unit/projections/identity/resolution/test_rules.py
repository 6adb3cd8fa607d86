"""Each rule by example. A, B, C… are web browsers that never logged in unless a test says otherwise."""

import pytest

from schemas.events import Event
from tests.support.identity_events import T0, bound, claimed, decided, groups, refusals, resolved, seen, stated, unbound

A, B, C, D = (f"web:shop:{letter}" for letter in "abcd")
LINE, LINE2, OTHER_LINE = "line:oa1:U1", "line:oa1:U2", "line:oa2:U9"
CRM, CRM2, CRM3 = (f"crm:erp:{number}" for number in (1, 2, 3))
WHATSAPP = "whatsapp:n1:886911111111"
PHONE, OTHER_PHONE = "+886911111111", "+886922222222"
MAIL, OTHER_MAIL = "a@example.tw", "b@example.tw"


def browsers(count: int) -> list[str]:
    return [f"web:shop:v{number:04d}" for number in range(count)]


def reasons(*events: Event) -> set[str]:
    return {reason for _, _, reason in refusals(*events)}


class TestSharedContact:
    def test_with_more_than_three_values_of_an_exclusive_type_a_node_links_through_none(self) -> None:
        events = [bound(CRM, member_id=f"M{n}", at=n) for n in range(1, 5)]
        assert groups(*events[:3], bound(CRM2, member_id="M3")) == [{CRM, CRM2}]
        assert groups(*events, bound(CRM2, member_id="M4")) == [{CRM}, {CRM2}]
        assert refusals(*events) == [(CRM, "member_id", "shared_device")] * 4

    def test_the_policy_sets_the_limit(self) -> None:
        events = [bound(CRM, member_id=f"M{n}", at=n) for n in range(1, 3)]
        assert refusals(*events, shared_device_limit=1) == [(CRM, "member_id", "shared_device")] * 2

    def test_values_that_were_taken_back_or_blocked_do_not_count(self) -> None:
        events = [bound(CRM, member_id=f"M{n}", at=n) for n in range(1, 5)]
        assert groups(*events, unbound(CRM, member_id="M1", at=9), bound(CRM2, member_id="M4")) == [{CRM, CRM2}]
        assert groups(*events[1:], bound(CRM, member_id="null"), bound(CRM2, member_id="M4")) == [{CRM, CRM2}]

    def test_it_still_links_through_other_types_and_tells_people_apart(self) -> None:
        events = [bound(CRM, member_id=f"M{n}", at=n) for n in range(1, 5)]
        assert groups(*events, bound(CRM, link=A)) == [{CRM, A}]
        assert groups(*events, bound(CRM, link=CRM2), bound(CRM2, member_id="M9")) == [{CRM}, {CRM2}]

    def test_values_are_counted_within_one_scope(self) -> None:
        events = [bound(A, line_user=[f"p:U{n}", f"q:U{n}"], at=n) for n in range(1, 4)]
        assert groups(*events, seen(LINE, line_user="p:U3")) == [{A, LINE}]


class TestExclusiveRegister:
    def test_only_the_latest_value_counts(self) -> None:
        events = (bound(CRM, member_id="M7", at=1), bound(CRM, member_id="M8", at=2))
        assert groups(*events, bound(A, member_id="M8"), bound(B, member_id="M7")) == [{A, CRM}, {B}]
        assert refusals(*events) == [(CRM, "member_id", "superseded")]

    def test_a_claim_never_replaces_what_is_proven_or_stated(self) -> None:
        for word in (bound, stated):
            events = (word(CRM, member_id="M7", at=1), claimed(CRM, member_id="M8", at=2))
            assert resolved(*events).customers[0].member_id == "M7"

    def test_what_a_channel_vouches_for_replaces_any_other_word(self) -> None:
        events = (seen(CRM, member_id="M7", at=1), bound(CRM, member_id="M8", at=2))
        assert resolved(*events).customers[0].member_id == "M7"

    def test_of_one_event_the_greater_value_counts(self) -> None:
        assert resolved(bound(CRM, member_id=["M8", "M7"])).customers[0].member_id == "M8"

    def test_taking_the_latest_back_leaves_the_one_before(self) -> None:
        events = (
            bound(CRM, member_id="M7", at=1),
            bound(CRM, member_id="M8", at=2),
            unbound(CRM, member_id="M8", at=3),
        )
        assert resolved(*events).customers[0].member_id == "M7"

    def test_each_scope_has_its_own_register(self) -> None:
        events = bound(A, line_user=["p:U1", "q:U2"])
        assert groups(events, seen(LINE, line_user="p:U1"), seen(OTHER_LINE, line_user="q:U2")) == [
            {LINE, A, OTHER_LINE}
        ]


class TestOneAtATime:
    def test_of_what_a_node_claims_of_one_type_only_the_latest_counts(self) -> None:
        events = (claimed(A, phone=PHONE, at=1), claimed(A, phone=OTHER_PHONE, at=2), bound(WHATSAPP, phone=PHONE))
        assert groups(*events) == [{A}, {WHATSAPP}]
        assert refusals(*events) == [(A, "phone", "superseded")]

    def test_what_is_stated_stays_beside_a_claim_and_types_are_apart(self) -> None:
        events = (
            stated(A, phone=[PHONE, OTHER_PHONE]),
            claimed(A, phone="+886933333333", at=9),
            claimed(A, email=MAIL),
        )
        assert refusals(*events) == []

    def test_a_node_may_claim_any_number_of_bindings(self) -> None:
        assert refusals(claimed(A, contact=[B, C]), types={"contact": {"claimed": 3}}) == []

    def test_a_claim_at_a_tier_that_the_brands_word_has_too_is_no_claims(self) -> None:
        same_tier = {"phone": {"claimed": 3}}
        assert refusals(claimed(A, phone=[PHONE, OTHER_PHONE]), types=same_tier) == []

    def test_a_crm_record_has_one_phone_and_one_email(self) -> None:
        events = (stated(CRM, phone=PHONE, email=MAIL, at=1), stated(CRM, phone=OTHER_PHONE, email=OTHER_MAIL, at=2))
        assert refusals(*events) == [(CRM, "email", "superseded"), (CRM, "phone", "superseded")]
        assert {link.value for link in resolved(*events).accepted} == {OTHER_PHONE, OTHER_MAIL}

    def test_a_public_claim_does_not_replace_a_records_phone(self) -> None:
        events = (stated(CRM, phone=PHONE, at=1), claimed(CRM, phone=OTHER_PHONE, at=2))
        assert [link.value for link in resolved(*events).accepted] == [PHONE]

    def test_a_claim_at_the_tier_of_the_brands_word_replaces_it(self) -> None:
        events = (stated(CRM, phone=PHONE, at=1), claimed(CRM, phone=OTHER_PHONE, at=2))
        same_tier = {"phone": {"claimed": 3}}
        assert [link.value for link in resolved(*events, types=same_tier).accepted] == [OTHER_PHONE]

    def test_a_record_has_any_number_of_other_identifiers(self) -> None:
        assert refusals(stated(CRM, x_card=["1", "2"]), stated(CRM, contact=[A, B])) == []


class TestGenericValue:
    def test_holders_are_counted_as_the_people_that_they_must_be(self) -> None:
        events = [bound(one, member_id="M7", phone=PHONE) for one in browsers(60)]
        assert len(groups(*events)) == 1

    @pytest.mark.parametrize(("members", "reason"), [(10, "shared"), (11, "generic")])
    def test_different_member_ids_are_different_people(self, members: int, reason: str) -> None:
        events = [bound(f"crm:erp:{number}", member_id=f"M{number}", phone=PHONE) for number in range(members)]
        assert reasons(*events) == {reason}

    def test_without_member_ids_the_most_values_of_one_type_are_the_least_number_of_people(self) -> None:
        def crowd(count: int) -> list[Event]:
            return [bound(one, phone=PHONE, email=f"{number}@x.tw") for number, one in enumerate(browsers(count))]

        assert len(groups(*crowd(10))) == 1
        assert len(groups(*crowd(11))) == 11
        assert reasons(*crowd(11)) == {"generic"}

    def test_the_numbers_of_two_types_are_not_added(self) -> None:
        events = [bound(one, phone=PHONE, email=f"{number}@x.tw") for number, one in enumerate(browsers(8))]
        events += [bound(f"{one}x", phone=PHONE, x_card=f"{number}") for number, one in enumerate(browsers(8))]
        assert len(groups(*events)) == 1

    def test_member_ids_and_those_without_are_added(self) -> None:
        events = [bound(f"crm:erp:{number}", phone=PHONE, member_id="M7") for number in range(3)]
        events += [bound(one, phone=PHONE, email=f"{number}@x.tw") for number, one in enumerate(browsers(10))]
        assert reasons(*events) == {"generic"}

    def test_the_identifier_itself_is_left_out(self) -> None:
        events = [bound(one, phone=[PHONE, f"+88692222222{number}"]) for number, one in enumerate(browsers(10))]
        assert len(groups(*events)) == 1

    def test_contacts_of_one_account_are_people_unless_it_is_a_site_or_a_crm(self) -> None:
        def crowd(channel: str) -> list[Event]:
            return [bound(f"{channel}:a:{number}", phone=PHONE) for number in range(11)]

        for channel in ("line", "facebook", "instagram", "whatsapp"):
            assert len(groups(*crowd(channel))) == 11
        for channel in ("web", "crm"):
            assert len(groups(*crowd(channel))) == 1

    def test_contacts_of_two_accounts_are_not_added(self) -> None:
        events = [bound(f"line:oa{number % 2}:U{number}", phone=PHONE) for number in range(20)]
        assert len(groups(*events)) == 1

    def test_at_a_claims_tier_the_claimed_limit_counts(self) -> None:
        def crowd(count: int) -> list[Event]:
            return [claimed(one, phone=PHONE, email=f"{number}@x.tw") for number, one in enumerate(browsers(count))]

        assert len(groups(*crowd(4))) == 1
        assert len(groups(*crowd(5))) == 5

    def test_what_is_only_claimed_does_not_count_against_stronger_links(self) -> None:
        events = [stated(one, phone=PHONE) for one in browsers(11)]
        events += [claimed(one, email=f"{number}@x.tw") for number, one in enumerate(browsers(11))]
        assert len(groups(*events)) == 1

    def test_claims_beyond_the_limit_do_not_spoil_the_verified(self) -> None:
        claims = [claimed(one, phone=PHONE, email=f"{number}@x.tw") for number, one in enumerate(browsers(20))]
        assert {CRM, CRM2} in groups(bound(CRM, phone=PHONE), bound(CRM2, phone=PHONE), *claims)

    def test_a_node_holds_the_contact_that_it_is(self) -> None:
        events = [bound(f"line:oa:{number}", link="line:oa:hub") for number in range(20)]
        assert len(groups(*events[:19])) == 1
        assert reasons(*events) == {"generic"}

    def test_a_member_id_is_generic_by_values_and_accounts_of_all_its_holders_but_not_by_x_types(self) -> None:
        logins = [bound(f"crm:erp:{number:02d}", member_id="M7") for number in range(51)]
        mails = [bound(f"crm:erp:{number:02d}", email=f"{number}@x.tw") for number in range(51)]
        cards = [bound(f"crm:erp:{number:02d}", x_card=f"{number}") for number in range(51)]
        assert len(groups(*logins, *cards)) == 1
        assert len(groups(*logins[:50], *mails[:50])) == 1
        assert len(groups(*logins, *mails)) == 51

    def test_a_generic_member_id_ties_nobody_and_still_tells_people_apart(self) -> None:
        crowd = [bound(f"line:oa:{number:02d}", member_id="SHOP") for number in range(51)]
        events = (bound("line:oa:00", phone=PHONE), bound(A, phone=PHONE, member_id="M7"))
        assert {"line:oa:00"} in groups(*crowd, *events)

    def test_holders_of_a_generic_member_id_are_counted_by_what_else_they_have(self) -> None:
        few = {"member_id": {"limit": 1}, "phone": {"limit": 2}}
        crowd = [bound(f"crm:erp:{n}", member_id="SHOP", phone=PHONE, email=f"{n}@x.tw") for n in range(3)]
        assert {reason for _, _, reason in refusals(*crowd, types=few)} == {"generic"}
        assert ("crm:erp:0", "phone", "generic") in refusals(*crowd, types=few)

    def test_more_than_a_thousand_holders_are_too_many(self) -> None:
        events = [claimed(one, member_id="M7") for one in browsers(1001)]
        assert len(groups(*events[:1000])) == 1
        assert len(groups(*events)) == 1001


class TestSharedValue:
    FAMILY = (bound(CRM, member_id="M7", phone=PHONE), bound(CRM2, member_id="M8", phone=PHONE))

    def test_a_familys_phone_does_not_join_the_family(self) -> None:
        assert groups(*self.FAMILY, bound(A, phone=PHONE)) == [{CRM}, {CRM2}, {A}]
        assert reasons(*self.FAMILY) == {"shared"}

    def test_holders_that_are_linked_to_one_member_id_are_one_person(self) -> None:
        users = (seen(LINE, line_user="p:U1"), seen(LINE2, line_user="p:U2"))
        phones = [bound(one, phone=PHONE) for one in (LINE, LINE2)]
        assert groups(*users, *phones) == [{LINE}, {LINE2}]
        assert groups(*users, *phones, *(bound(one, member_id="M7") for one in (LINE, LINE2))) == [{LINE, LINE2}]
        assert refusals(*users, *phones, *(bound(one, member_id="M7") for one in (LINE, LINE2))) == []

    def test_it_holds_for_bindings_of_contacts_too(self) -> None:
        assert groups(bound(CRM, member_id="M7", link=A), bound(CRM2, member_id="M8", link=A)) == [{CRM}, {CRM2}, {A}]
        assert refusals(bound(CRM, member_id="M7", link=CRM2), bound(CRM2, member_id="M8")) == [
            (CRM, "contact", "shared")
        ]

    def test_an_exclusive_type_counts_only_where_it_guards_the_tier(self) -> None:
        cards = {"x_card": {"exclusive": {"scope": "tenant", "guards": 3}}}
        events = (bound(CRM, x_card="1"), bound(CRM2, x_card="2"))
        verified, stated_ = (
            [bound(one, phone=PHONE) for one in (CRM, CRM2)],
            [stated(one, phone=PHONE) for one in (CRM, CRM2)],
        )
        assert refusals(*events, *verified, types=cards) == []
        assert {row[2] for row in refusals(*events, *stated_, types=cards)} == {"shared"}

    def test_a_claim_of_somebody_elses_phone_cannot_split_those_who_verified_it(self) -> None:
        verified = (bound(CRM, member_id="M7", phone=PHONE), bound(WHATSAPP, phone=PHONE))
        assert groups(*verified, claimed(C, member_id="M8", phone=PHONE)) == [{CRM, WHATSAPP}, {C}]

    def test_an_exclusive_identifier_is_never_shared(self) -> None:
        users = (seen(LINE, line_user="p:U1", member_id="M7"), seen(LINE2, line_user="p:U2", member_id="M7"))
        assert groups(*users) == [{LINE, LINE2}]

    def test_a_holder_carries_its_value_also_where_a_rule_took_the_link(self) -> None:
        many = [bound(CRM, member_id=f"M{n}", at=n) for n in range(1, 5)]
        events = (*many, bound(CRM, phone=PHONE), bound(CRM2, phone=PHONE, member_id="M9"))
        assert (CRM2, "phone", "shared") in refusals(*events)


class TestStaff:
    def test_same_joins_and_undecided_takes_it_back(self) -> None:
        assert groups(decided(A, B, "same", at=1)) == [{A, B}]
        assert groups(decided(A, B, "same", at=1), decided(B, A, "undecided", at=2)) == [{A}, {B}]

    def test_different_forbids_and_undecided_takes_it_back(self) -> None:
        events = (bound(A, phone=PHONE), bound(B, phone=PHONE), decided(A, B, "different", at=1))
        assert groups(*events) == [{A}, {B}]
        assert refusals(*events) == [(B, "phone", "decided_different")]
        assert groups(*events, decided(B, A, "undecided", at=2)) == [{A, B}]

    def test_the_latest_decision_counts_whichever_side_states_it(self) -> None:
        assert groups(decided(A, B, "different", at=1), decided(B, A, "same", at=2)) == [{A, B}]
        assert groups(decided(B, A, "same", at=1), decided(A, B, "different", at=2)) == [{A}, {B}]

    def test_of_one_stamp_the_decision_of_the_greater_contact_counts(self) -> None:
        events = (decided(A, B, "same", event_id="x"), decided(B, A, "different", event_id="x"))
        assert groups(*events) == groups(*reversed(events)) == [{A}, {B}]

    def test_its_link_is_of_tier_0_from_the_lesser_node_to_the_greater(self) -> None:
        (link,) = resolved(decided(B, A, "same", at=3)).accepted
        assert tuple(link) == (0, T0 + 3, "staff", (B, ""), (A, ""))

    def test_a_decision_about_oneself_ties_nothing(self) -> None:
        assert groups(decided(A, A, "different"), decided(A, A, "same", at=1)) == [{A}]
        assert resolved(decided(A, A, "same")).accepted == ()


class TestJoin:
    MEMBERS = (bound(CRM, member_id="M7"), bound(CRM2, member_id="M8"))

    def test_not_even_staff_join_two_members(self) -> None:
        (refused,) = resolved(*self.MEMBERS, decided(CRM, CRM2, "same")).refused
        assert (refused.reason, refused.detail) == ("exclusive_conflict", ("member_id", "M7", "M8"))

    def test_staff_join_what_is_guarded_from_tier_2_on(self) -> None:
        users = (seen(LINE, line_user="p:U1"), seen(LINE2, line_user="p:U2"))
        assert groups(*users, decided(LINE, LINE2, "same")) == [{LINE, LINE2}]
        assert groups(*users, bound(LINE, link=LINE2)) == [{LINE}, {LINE2}]

    def test_the_stronger_tier_comes_first(self) -> None:
        weak, strong = stated(CRM, email=MAIL, at=1), bound(CRM2, phone=PHONE, at=2)
        between = (stated(A, email=MAIL, at=1), bound(A, phone=PHONE, at=2))
        assert groups(*self.MEMBERS, weak, strong, *between) == [{CRM}, {CRM2, A}]

    def test_within_a_tier_the_earlier_since_comes_first(self) -> None:
        first, second = bound(CRM, email=MAIL, at=1), bound(CRM2, phone=PHONE, at=2)
        between = (bound(A, email=MAIL, at=1), bound(A, phone=PHONE, at=2))
        assert groups(*self.MEMBERS, first, second, *between) == [{CRM, A}, {CRM2}]

    def test_at_the_same_time_the_order_is_by_type_then_value_then_node(self) -> None:
        types = (bound(CRM, phone=PHONE), bound(CRM2, email=MAIL), bound(A, phone=PHONE, email=MAIL))
        assert groups(*self.MEMBERS, *types) == [{CRM}, {CRM2, A}]
        values = (bound(CRM, phone=OTHER_PHONE), bound(CRM2, phone=PHONE), bound(A, phone=[PHONE, OTHER_PHONE]))
        assert groups(*self.MEMBERS, *values) == [{CRM}, {CRM2, A}]

    def test_a_pair_decided_different_is_a_conflict_first_of_values(self) -> None:
        events = (*self.MEMBERS, decided(CRM, CRM2, "different"), bound(A, phone=PHONE), bound(A, email=MAIL))
        joins = (bound(CRM, phone=PHONE), bound(CRM2, email=MAIL))
        assert reasons(*events, *joins) == {"exclusive_conflict"}

    def test_different_forbids_also_what_others_would_bring_together(self) -> None:
        events = (bound(A, phone=PHONE), bound(B, phone=PHONE, email=MAIL), bound(C, email=MAIL, at=1))
        assert groups(*events) == [{A, B, C}]
        assert groups(*events, decided(A, C, "different")) in ([{A, B}, {C}], [{A}, {B, C}])

    def test_a_link_between_two_that_are_one_already_is_accepted(self) -> None:
        users = (seen(LINE, line_user="p:U1", member_id="M7"), seen(LINE2, line_user="p:U2", member_id="M7"))
        assert refusals(*users, bound(LINE, phone=PHONE), bound(LINE2, phone=PHONE)) == []

    def test_an_identifier_of_an_exclusive_type_is_itself_a_value_of_its_side(self) -> None:
        cards = {"x_card": {"exclusive": {"scope": "tenant", "guards": 1}, "verified": 1}}
        many = [bound(CRM, x_card=f"{n}", at=n) for n in range(1, 5)]
        events = (*many, bound(CRM, phone=PHONE), bound(A, phone=PHONE, x_card="9"))
        assert {row[2] for row in refusals(*events, types=cards)} == {"shared_device", "shared"}


class TestIds:
    def test_the_founder_is_the_least_by_time_then_contact_key(self) -> None:
        assert resolved(bound(B, phone=PHONE, at=1), bound(A, phone=PHONE, at=2)).customers[0].founder == B
        assert resolved(bound(B, phone=PHONE, at=1), bound(A, phone=PHONE, at=1)).customers[0].founder == A

    def test_what_was_taken_back_still_founds(self) -> None:
        events = (bound(B, email=MAIL, at=0), unbound(B, email=MAIL, at=1), bound(A, phone=PHONE, at=2))
        assert resolved(*events, bound(B, phone=PHONE, at=3)).customers[0].founder == B

    def test_statements_and_decisions_of_others_about_it_found_too(self) -> None:
        joined = (bound(A, phone=PHONE, at=5), bound(B, phone=PHONE, at=5))
        assert resolved(*joined, unbound(C, link=B, at=1)).customers[0].founder == B
        assert resolved(*joined, decided(C, B, "undecided", at=1)).customers[0].founder == B

    def test_values_that_are_none_or_blocked_and_other_events_found_nobody(self) -> None:
        joined = (bound(A, phone=PHONE, at=5), bound(B, phone=PHONE, at=6))
        for nothing in (bound(B, member_id="guest", at=1), bound(B, phone="12", at=1), seen(B, at=1)):
            assert resolved(*joined, nothing).customers[0].founder == A

    def test_a_contact_without_a_time_comes_last(self) -> None:
        assert [one.founder for one in resolved(seen(A), bound(B, phone=PHONE, at=9)).customers] == [A, B]
        assert resolved(seen(A), decided(B, A, "undecided", at=9)).customers[0].founder == A
