"""The worked examples of `docs/identity-resolution.md`; example A is in `test_worked_example`."""

from schemas.events import Event
from tests.support.identity_events import bound, claimed, decided, groups, refusals, seen, unbound

PHONE = "+886911111111"
U1, U2 = "line:oa1:U1", "line:oa1:U2"
TABLET = "web:shop:t"


def test_example_b_a_shops_tablet_joins_no_members() -> None:
    logins = [claimed(TABLET, member_id=f"M{number}", at=number) for number in range(1, 5)]
    members = [claimed(f"web:shop:c{number}", member_id=f"M{number}", at=10 + number) for number in range(1, 5)]
    assert groups(*logins, *members) == [*({f"web:shop:c{number}"} for number in range(1, 5)), {TABLET}]
    assert refusals(*logins) == [(TABLET, "member_id", "shared_device")]


def test_example_c_a_hotline_of_ten_joins_and_of_eleven_does_not() -> None:
    callers = [claimed(f"web:shop:c{number:02d}", phone=PHONE, at=number) for number in range(11)]
    assert groups(*callers[:10]) == [{f"web:shop:c{number:02d}" for number in range(10)}]
    assert groups(*callers) == [{f"web:shop:c{number:02d}"} for number in range(11)]
    verified = bound(U1, phone=PHONE, at=20)
    assert {U1} in groups(*callers, verified)
    assert (U1, "phone", "generic") not in refusals(*callers, verified)


def test_example_d_two_line_users_with_one_phone_stay_apart() -> None:
    events = _two_line_users()
    assert groups(*events) == [{U1}, {U2}]
    assert refusals(*events) == [(U1, "phone", "shared"), (U2, "phone", "shared")]


def test_example_e_staff_joins_them_and_undoes_it() -> None:
    same, undecided = decided(U1, U2, "same", at=5), decided(U1, U2, "undecided", at=6)
    assert groups(*_two_line_users(), same) == [{U1, U2}]
    assert groups(*_two_line_users(), same, undecided) == [{U1}, {U2}]


def test_example_e_staff_keeps_contacts_of_one_member_apart() -> None:
    logins = [claimed(contact, member_id="M7", at=1) for contact in ("web:shop:c1", "web:shop:c2")]
    different = decided("web:shop:c1", "web:shop:c2", "different", at=2)
    assert groups(*logins, different) == [{"web:shop:c1"}, {"web:shop:c2"}]
    assert refusals(*logins, different) == [("web:shop:c2", "member_id", "decided_different")]


def test_a_login_taken_back_still_counts_towards_a_shared_device() -> None:
    logins = [claimed(TABLET, member_id=f"M{number}", at=number) for number in range(1, 5)]
    taken_back = unbound(TABLET, member_id="M1", at=9)
    assert refusals(*logins, taken_back) == [(TABLET, "member_id", "shared_device")]


def test_the_documented_spellings_of_a_phone_are_one_identifier() -> None:
    assert groups(claimed("web:shop:c1", phone="0911-111-111"), claimed("web:shop:c2", phone=PHONE)) == [
        {"web:shop:c1", "web:shop:c2"}
    ]


def _two_line_users() -> list[Event]:
    return [
        seen(U1, line_user="p1:U1", at=1),
        seen(U2, line_user="p1:U2", at=2),
        bound(U1, phone=PHONE, at=3),
        bound(U2, phone=PHONE, at=4),
    ]
