"""What nobody can do with a public write key, and populations that other systems join or part by mistake."""

from schemas.events import Event
from tests.support.identity_events import bound, claimed, groups, refusals, resolved, seen, stated

PHONE = "+886911111111"
RECORD, WHATSAPP, LINE = "crm:erp:1", "whatsapp:n1:886911111111", "line:oa1:U1"
MEMBER = (
    stated(RECORD, member_id="M7", phone=PHONE, email="m@example.tw"),
    seen(WHATSAPP, phone=PHONE),
    seen(LINE, line_user="p:U1"),
    bound(LINE, member_id="M7"),
)
TOGETHER = {RECORD, WHATSAPP, LINE}


def browsers(count: int) -> list[str]:
    return [f"web:shop:b{number:04d}" for number in range(count)]


def test_two_requests_cannot_make_five_hundred_strangers_one_customer() -> None:
    """Each has a phone of its own; the requests claim all phones from one browser, and from one contact a request."""
    phones = [f"+8869{number:08d}" for number in range(500)]
    strangers = [seen(f"whatsapp:n1:{phone[1:]}", phone=phone) for phone in phones]
    for attacker in ("web:shop:evil", "crm:erp:evil"):
        requests = [claimed(attacker, phone=phones[:250], at=5), claimed(attacker, phone=phones[250:], at=6)]
        found = groups(*strangers, *requests)
        assert len(found) == 500
        assert max(map(len, found)) == 2


def test_two_requests_that_bind_contacts_tie_nobody() -> None:
    strangers = [seen(f"whatsapp:n1:8869{number:08d}") for number in range(100)]
    named = [one.contact.key for one in strangers if one.contact]
    found = groups(
        *strangers, claimed("web:shop:evil", contact=named[:50]), claimed("web:shop:evil", contact=named[50:])
    )
    assert len(found) == 101


def test_fifty_one_logins_do_not_tear_a_member_apart() -> None:
    logins = [claimed(one, member_id="M7") for one in browsers(51)]
    emails = [claimed(one, email=f"{one[-4:]}@example.tw") for one in browsers(51)]
    for claims in (logins, [*logins, *emails]):
        assert next(one for one in groups(*MEMBER, *claims) if RECORD in one) >= TOGETHER


def test_one_claim_does_not_tear_off_a_members_whatsapp() -> None:
    stranger = "web:shop:evil"
    phone = claimed(stranger, phone=PHONE)
    login, email = claimed(stranger, member_id="S1"), claimed(stranger, email="s@example.tw")
    for claims in ([phone], [phone, login], [phone, email], [phone, login, email]):
        assert next(one for one in groups(*MEMBER, *claims) if RECORD in one) >= TOGETHER


def test_a_thousand_claims_of_everything_a_member_has_move_none_of_its_contacts() -> None:
    claims = [
        claimed(one, phone=PHONE, email="m@example.tw", member_id="M7" if number % 2 else f"S{number}")
        for number, one in enumerate(browsers(1100))
    ]
    assert next(one for one in groups(*MEMBER, *claims) if RECORD in one) >= TOGETHER


def test_a_public_claim_about_a_record_replaces_neither_its_member_id_nor_its_phone() -> None:
    claims = claimed(RECORD, member_id="M9", phone="+886922222222", at=9)
    assert next(one for one in groups(*MEMBER, claims) if RECORD in one) == TOGETHER
    assert set(refusals(*MEMBER, claims)) == {(RECORD, "member_id", "superseded"), (RECORD, "phone", "superseded")}


def test_till_records_with_the_shops_phone_and_a_walk_in_member_id_are_as_many_customers() -> None:
    records = [
        stated(f"crm:till:{number}", member_id="WALKIN", phone="+886222222222", email=f"{number}@example.tw")
        for number in range(51)
    ]
    assert len(groups(*records)) == 51


def test_a_member_with_an_own_id_on_every_browser_is_one_customer() -> None:
    logins = [claimed(one, member_id="M7", x_ga=one) for one in browsers(12)]
    assert groups(*MEMBER, *logins) == [TOGETHER | {*browsers(12)}]


def test_thirty_browsers_that_bind_to_one_line_account_are_one_customer() -> None:
    assert groups(*(bound(one, link=LINE) for one in browsers(30)), seen(LINE)) == [{LINE, *browsers(30)}]


def test_the_shops_own_number_typed_for_six_people_joins_none() -> None:
    """Contacts of one account are different people, and more than four may not claim one number."""
    people = [f"instagram:shop:{number}" for number in range(6)]
    assert len(groups(*(claimed(one, phone="+886222222222") for one in people))) == 6


def test_a_changed_phone_of_a_record_leaves_the_old_numbers_owner_alone() -> None:
    events = (
        stated(RECORD, member_id="M7", phone=PHONE, at=1),
        stated(RECORD, member_id="M7", phone="+886922222222", at=2),
        seen(WHATSAPP, phone=PHONE),
        seen("whatsapp:n1:886922222222", phone="+886922222222"),
    )
    assert groups(*events) == [{WHATSAPP}, {RECORD, "whatsapp:n1:886922222222"}]


def test_phones_written_as_an_import_has_them_meet_those_of_channels() -> None:
    written = {"886911111111": "886911111111", "5511987654321": "551187654321", "85291234567": "85291234567"}
    events: list[Event] = [stated(f"crm:erp:{text}", phone=text) for text in written]
    events += [seen(f"whatsapp:n1:{number}", phone=f"+{number}") for number in written.values()]
    assert groups(*events) == [{f"crm:erp:{text}", f"whatsapp:n1:{number}"} for text, number in sorted(written.items())]


def test_the_claims_of_one_browser_are_bounded() -> None:
    claims = [
        claimed("web:shop:evil", email=[f"{number}@x.tw" for number in range(start, start + 50)])
        for start in range(0, 500, 50)
    ]
    resolution = resolved(*claims)
    assert len(resolution.set_aside) == 400
    assert len(resolution.accepted) + len(resolution.refused) == 100
