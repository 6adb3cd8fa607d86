"""The worked examples of `docs/identity-resolution.md`, B to J, in any order of events; A is `test_worked_example`."""

from collections.abc import Iterable
from random import Random

from projections.identity.resolution.resolution import Resolution
from schemas.events import Event
from tests.support.identity_events import bound, claimed, decided, merged, resolved, seen, stated

X = "web:shop:x"
U1, U2 = "line:oa1:U1", "line:oa1:U2"
PHONE = "+886911111111"
WHATSAPP = "whatsapp:n1:886911111111"
RECORD, OTHER_RECORD = "crm:erp:1", "crm:erp:2"
ORDERS = 6  # how many of the orders of an example are tried


def in_any_order(events: Iterable[Event]) -> Resolution:
    """The resolution of the events, which is the same in several random orders."""
    events = [*events]
    expected = resolved(*events)
    chance = Random(len(events))
    for _ in range(ORDERS):
        chance.shuffle(events)
        found = resolved(*events)
        assert (found.customers, found.refused) == (expected.customers, expected.refused)
    return expected


def groups(events: Iterable[Event]) -> list[set[str]]:
    return [set(customer.contacts) for customer in in_any_order(events).customers]


def refusals(events: Iterable[Event]) -> set[tuple[str, str, str]]:
    return {(one.link.node[0], one.link.type, one.reason) for one in in_any_order(events).refused}


def browsers(count: int) -> list[str]:
    return [f"web:shop:b{number:02d}" for number in range(count)]


def test_example_b_a_family_browser_belongs_to_whoever_is_logged_in() -> None:
    events = [
        stated(RECORD, member_id="A", at=1),
        claimed(X, member_id="A", email="a@example.tw", at=2),
        bound(U1, link=X, at=3),
        claimed(X, member_id="B", at=4),
        stated(OTHER_RECORD, member_id="B", at=5),
    ]
    assert groups(events) == [{RECORD, U1}, {OTHER_RECORD, X}]
    links = {(link.node, link.type) for link in in_any_order(events).accepted}
    assert ((X, "A"), "email") in links


def test_example_c_a_loyal_member_is_one_customer_and_a_demo_account_is_nobody() -> None:
    loyal = [stated(RECORD, member_id="M7"), *(claimed(one, member_id="M7") for one in browsers(60))]
    assert groups(loyal) == [{RECORD, *browsers(60)}]
    demo = [claimed(one, member_id="M-demo", email=f"{one[-2:]}@example.tw") for one in browsers(60)]
    assert groups(demo) == [{one} for one in browsers(60)]
    assert {reason for _, _, reason in refusals(demo)} == {"generic"}


def test_example_d_a_strangers_claims_add_a_contact_and_move_nothing() -> None:
    member = [stated(RECORD, member_id="M7", phone=PHONE, email="m@example.tw"), seen(WHATSAPP, phone=PHONE)]
    assert groups([*member, claimed(X, phone=PHONE, email="s@example.tw", at=5)]) == [{RECORD, X, WHATSAPP}]
    with_id = claimed(X, phone=PHONE, email="s@example.tw", member_id="S1", at=5)
    assert groups([*member, with_id]) == [{RECORD, WHATSAPP}, {X}]


def test_example_e_a_replaced_crm_is_joined_by_merges_and_parted_when_they_are_taken_back() -> None:
    pairs = [("M1", "N1"), ("M2", "N2")]
    records = [stated(f"crm:erp:{one}", member_id=one) for pair in pairs for one in pair]
    merges = [merged(old, new, at=5) for old, new in pairs]
    assert groups([*records, *merges]) == [{"crm:erp:M1", "crm:erp:N1"}, {"crm:erp:M2", "crm:erp:N2"}]
    assert len(groups([*records, *merges, *(merged(old, None, at=6) for old, _ in pairs)])) == 4


def test_example_f_two_line_accounts_of_one_member_do_not_share_their_phone() -> None:
    users = [seen(U1, line_user="p:U1", at=1), seen(U2, line_user="p:U2", at=2)]
    phones = [bound(one, phone=PHONE, at=3) for one in (U1, U2)]
    logins = [bound(one, member_id="M7", at=4) for one in (U1, U2)]
    assert groups([*users, *phones]) == [{U1}, {U2}]
    assert refusals([*users, *phones]) == {(U1, "phone", "shared"), (U2, "phone", "shared")}
    assert groups([*users, *phones, *logins, seen(WHATSAPP, phone=PHONE)]) == [{U1, U2, WHATSAPP}]


def test_example_g_forms_with_a_members_phone_belong_by_claim_until_they_are_too_many_people() -> None:
    guest = [claimed(one, phone=PHONE, at=number) for number, one in enumerate(browsers(12))]
    assert groups(guest) == [{*browsers(12)}]
    member = [stated(RECORD, member_id="M7", phone=PHONE), seen(WHATSAPP, phone=PHONE)]
    assert groups([*member, *guest]) == [{RECORD, WHATSAPP, *browsers(12)}]
    strangers = [claimed(one, email=f"{one[-2:]}@example.tw", at=20) for one in browsers(12)]
    found = groups([*member, *guest, *strangers])
    assert {RECORD, WHATSAPP} in found
    assert len(found) == 13


def test_example_h_a_kiosk_ties_none_of_its_visitors() -> None:
    kiosk = "web:shop:kiosk"
    users = [f"line:oa1:K{number:02d}" for number in range(12)]
    visits = [seen(one, line_user=f"p:{one}", at=number) for number, one in enumerate(users)]
    visits += [bound(one, link=kiosk, at=20 + number) for number, one in enumerate(users)]
    phones = [f"+88692222222{number}" for number in range(6)]
    typed = [claimed(kiosk, phone=phone, at=50 + number) for number, phone in enumerate(phones)]
    owners = [seen(f"whatsapp:n1:{phone[1:]}", phone=phone) for phone in phones]
    found = groups([*visits, *typed, *owners])
    assert len(found) == 18
    assert {kiosk, "whatsapp:n1:886922222225"} in found


def test_example_i_a_brazilian_number_is_one_with_and_without_its_ninth_digit() -> None:
    record = stated(RECORD, phone="+55 11 98765-4321")
    assert groups([record, seen("whatsapp:n1:551187654321", phone="+551187654321")]) == [
        {RECORD, "whatsapp:n1:551187654321"}
    ]


def test_example_j_staff_joins_two_line_users_and_undoes_it() -> None:
    users = [seen(U1, line_user="p:U1", at=1), seen(U2, line_user="p:U2", at=2)]
    same, undecided = decided(U1, U2, "same", at=5), decided(U1, U2, "undecided", at=6)
    assert groups([*users, same]) == [{U1, U2}]
    assert groups([*users, same, undecided]) == [{U1}, {U2}]


def test_example_j_staff_keeps_contacts_of_one_member_apart() -> None:
    records = [stated(one, member_id="M7", at=1) for one in (RECORD, OTHER_RECORD)]
    different = decided(RECORD, OTHER_RECORD, "different", at=2)
    assert groups([*records, different]) == [{RECORD}, {OTHER_RECORD}]
    assert refusals([*records, different]) == {(OTHER_RECORD, "member_id", "decided_different")}
