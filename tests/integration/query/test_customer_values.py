"""What a customer is shown with: sessions of browsers, strangers' claims, renumbered members, addresses."""

from random import Random
from typing import Any

import pytest

from schemas.events import Event
from tests.support.contact_records import event
from tests.support.identity_events import bound, claimed, merged, ref, seen
from tests.support.read_api import Brand

BROWSER, PHONE_OF_A = "web:shop:x", "+886911111111"
NUMBER, BSUID = "whatsapp:n1:886911111111", "whatsapp:n1:TW.1"
KINDS = ["broadcast", "cart_remarketing", "web_push"]


def login(contact: str, member_id: str, at: int) -> Event:
    return bound(contact, at=at, assurance="stated", member_id=member_id)


def named(contact: str, name: str, at: int) -> Event:
    return event("profile.updated", at, contact=contact, event_id=f"named@{at}", display_name=name)


def attribute(contact: str, key: str, value: str, at: int) -> Event:
    return event("attribute.set", at, contact=contact, event_id=f"{key}@{at}", key=key, value=value)


async def customer(brand: Brand, contact: str) -> Any:
    return await brand.json(f"/v1/customers/contact:{contact}")


SHARED_BROWSER = (
    login("crm:erp:A", "A", 1),
    login("crm:erp:B", "B", 1),
    login(BROWSER, "A", 2),
    claimed(BROWSER, at=3, phone=PHONE_OF_A, email="a@example.tw"),
    named(BROWSER, "Ann", 3),
    attribute(BROWSER, "birthday", "1990-01-31", 3),
    attribute(BROWSER, "city", "台北", 3),
)


async def test_who_logs_in_on_anothers_browser_is_shown_with_nothing_of_that_person(brand: Brand) -> None:
    await brand.fold(*SHARED_BROWSER, login(BROWSER, "B", 5))
    of_b, of_a = await customer(brand, BROWSER), await customer(brand, "crm:erp:A")
    assert [one["contact"] for one in of_b["contacts"]] == ["crm:erp:B", BROWSER]
    assert (of_b["member_id"], of_b["phone"], of_b["email"]) == ("B", None, None)
    assert (of_b["name"], of_b["names"], of_b["attributes"]) == (None, [], {})
    shown = of_b["contacts"][1]
    assert (shown["profile"]["display_name"], shown["attributes"]) == (None, {})
    assert shown == await brand.json("/v1/contacts/web/shop/x")
    assert [one["contact"] for one in of_a["contacts"]] == ["crm:erp:A"]
    assert (of_a["phone"], of_a["email"]) == (PHONE_OF_A, "a@example.tw")


async def test_a_browser_that_is_given_back_shows_what_its_user_said_before(brand: Brand) -> None:
    between = (named(BROWSER, "Bob", 6), attribute(BROWSER, "city", "高雄", 6), attribute(BROWSER, "birthday", "2", 6))
    unset = event("attribute.unset", 7, contact=BROWSER, event_id="unset@7", key="birthday")
    after = attribute(BROWSER, "points", "7", 9)
    await brand.fold(*SHARED_BROWSER, login(BROWSER, "B", 5), *between, unset, login(BROWSER, "A", 8), after)
    of_a, of_b = await customer(brand, BROWSER), await customer(brand, "crm:erp:B")
    assert [one["contact"] for one in of_a["contacts"]] == ["crm:erp:A", BROWSER]
    assert of_a["name"] == "Ann"
    values = {key: one["value"] for key, one in of_a["attributes"].items()}
    assert values == {"birthday": "1990-01-31", "city": "台北", "points": "7"}
    assert (of_b["names"], of_b["attributes"]) == ([], {})


async def test_each_part_of_a_profile_is_the_latest_that_was_said_in_the_session(brand: Brand) -> None:
    said = [{"display_name": "Ann"}, {"display_name": "Anna", "locale": "en"}, {"locale": "zh-TW"}, {"avatar": "a"}]
    parts = [event("profile.updated", at, contact=BROWSER, event_id=f"p{at}", **one) for at, one in enumerate(said, 10)]
    of_b = event("profile.updated", 21, contact=BROWSER, event_id="b", display_name="Bob", locale="fr", avatar="b")
    logins = [login(BROWSER, member, at) for member, at in (("A", 1), ("B", 20), ("A", 30))]
    await brand.fold(*parts, of_b, *logins)
    shown = (await brand.json("/v1/contacts/web/shop/x"))["profile"]
    assert shown == {"display_name": "Anna", "avatar": "a", "locale": "zh-TW"}


async def test_what_a_guest_said_belongs_to_the_first_who_logs_in(brand: Brand) -> None:
    await brand.fold(named(BROWSER, "Guest", 1), login(BROWSER, "A", 2), login(BROWSER, "B", 4), login(BROWSER, "A", 6))
    assert (await customer(brand, BROWSER))["names"] == ["Guest"]


STRANGER = "web:shop:stranger"
MEMBER = (
    login("crm:erp:M7", "M7", 1),
    bound("crm:erp:M7", at=1, assurance="stated", phone=PHONE_OF_A, email="mei@example.com"),
    named("crm:erp:M7", "林小美", 1),
    attribute("crm:erp:M7", "city", "台北", 1),
)


async def test_a_strangers_claim_adds_a_contact_and_overrides_nothing(brand: Brand) -> None:
    await brand.fold(
        *MEMBER,
        claimed(STRANGER, at=5, phone=PHONE_OF_A, email="mallory@example.com"),
        named(STRANGER, "Mallory", 5),
        attribute(STRANGER, "city", "x", 5),
        attribute(STRANGER, "color", "red", 5),
    )
    found = await customer(brand, "crm:erp:M7")
    assert [(one["contact"], one["by_claim"]) for one in found["contacts"]] == [("crm:erp:M7", False), (STRANGER, True)]
    assert (found["phone"], found["email"], found["name"]) == (PHONE_OF_A, "mei@example.com", "林小美")
    values = {key: one["value"] for key, one in found["attributes"].items()}
    assert values == {"city": "台北", "color": "red"}


async def test_a_claim_is_shown_where_nothing_else_is_known(brand: Brand) -> None:
    await brand.fold(
        login("crm:erp:M7", "M7", 1),
        bound("crm:erp:M7", at=1, assurance="stated", phone=PHONE_OF_A),
        claimed(STRANGER, at=5, phone=PHONE_OF_A, email="mei@example.com"),
        named(STRANGER, "Mei", 5),
    )
    found = await customer(brand, "crm:erp:M7")
    assert (found["email"], found["name"], found["names"]) == ("mei@example.com", "Mei", ["Mei"])


async def test_a_renumbered_member_is_one_customer_with_all_its_ids(brand: Brand) -> None:
    await brand.fold(login("crm:erp:1", "M7", 1), login("crm:erp:2", "N7", 2), login(BROWSER, "M7", 3))
    assert len((await customer(brand, "crm:erp:1"))["contacts"]) == 2
    await brand.fold_identity(merged("M7", "N7", at=4))
    one = await customer(brand, "crm:erp:1")
    assert [contact["contact"] for contact in one["contacts"]] == ["crm:erp:1", "crm:erp:2", BROWSER]
    assert (one["member_id"], one["member_ids"]) == ("N7", ["M7", "N7"])
    await brand.fold_identity(merged("M7", None, at=5))
    apart = await customer(brand, "crm:erp:2")
    assert (apart["member_id"], apart["member_ids"], len(apart["contacts"])) == ("N7", ["N7"], 1)


async def test_a_contact_that_only_others_named_is_nowhere(brand: Brand) -> None:
    named_only = {"channel": "line", "account": "oa1", "uid": "U9"}
    binding = event("identity.bound", 1, contact=BROWSER, linked_contact=named_only, via="site_button")
    await brand.fold(event("web.tracked", contact=BROWSER, event="view"), binding)
    found = await customer(brand, BROWSER)
    assert [one["contact"] for one in found["contacts"]] == [BROWSER]
    for path in ("/v1/contacts/line/oa1/U9", "/v1/contacts/line/oa1/U9/timeline"):
        assert (await brand.get(path)).status_code == 404
    assert (await customer(brand, "line:oa1:U9"))["id"] == found["id"]  # every id ever given resolves
    await brand.fold(event("contact.followed", 2, contact="line:oa1:U9"))
    assert [one["contact"] for one in (await customer(brand, BROWSER))["contacts"]] == ["line:oa1:U9", BROWSER]


async def test_a_customer_of_contacts_that_others_named_is_not_found(brand: Brand) -> None:
    one, other = "line:oa1:U8", "line:oa1:U9"
    await brand.fold_identity(bound(one, link=other))  # the contacts' own read models have neither
    for path in ("", "/contacts", "/timeline"):
        assert (await brand.get(f"/v1/customers/contact:{one}{path}")).status_code == 404


def whatsapp(contact: str, at: int, *more: str) -> Event:
    """A message, for which WhatsApp vouches for the number and the BSUID."""
    vouched = {"phone": PHONE_OF_A, "whatsapp_user": "p:TW.1"}
    return seen(contact, at=at, event_id=f"{contact}@{at}", **{name: vouched[name] for name in more or vouched})


async def test_whatsapps_number_and_bsuid_are_one_address(brand: Brand) -> None:
    refused = event("marketing.opted_out", 3, contact=NUMBER, kinds=KINDS)
    await brand.fold(whatsapp(NUMBER, 1), whatsapp(BSUID, 2, "whatsapp_user"), refused)
    for contact in ("886911111111", "TW.1"):
        page = await brand.json(f"/v1/contacts/whatsapp/n1/{contact}")
        assert page["address"] == [NUMBER, BSUID]
        assert {kind: consent["allowed"] for kind, consent in page["consents"].items()} == dict.fromkeys(KINDS, False)
        assert not page["valid"]
    assert not (await customer(brand, BSUID))["valid"]


async def test_an_opt_in_of_one_contact_is_one_of_the_address(brand: Brand) -> None:
    await brand.fold(
        whatsapp(NUMBER, 1),
        whatsapp(BSUID, 2),
        event("marketing.opted_out", 3, contact=NUMBER, kinds=KINDS),
        event("marketing.opted_in", 4, contact=BSUID, kinds=["broadcast"]),
    )
    found = await customer(brand, NUMBER)
    assert [(one["valid"], one["consents"]["broadcast"]["allowed"]) for one in found["contacts"]] == [(True, True)] * 2
    may = {"broadcast": True, "web_push": False, "cart_remarketing": False}
    assert [one["may_be_messaged"] for one in found["contacts"]] == [may] * 2


async def test_a_contact_whose_successor_is_elsewhere_takes_its_address_along(brand: Brand) -> None:
    gone = event("contact.superseded", 3, contact=NUMBER, by=ref("whatsapp:n1:886999999999"))
    await brand.fold(whatsapp(NUMBER, 1), whatsapp(BSUID, 2), gone)
    assert [one["valid"] for one in (await customer(brand, NUMBER))["contacts"]] == [False, False]


async def test_a_number_of_two_accounts_is_two_addresses(brand: Brand) -> None:
    second = "whatsapp:n2:886911111111"
    refused = event("marketing.opted_out", 3, contact=NUMBER, kinds=KINDS)
    await brand.fold(whatsapp(NUMBER, 1, "phone"), whatsapp(second, 2, "phone"), refused)
    found = {one["contact"]: one for one in (await customer(brand, NUMBER))["contacts"]}
    assert {key: one["valid"] for key, one in found.items()} == {NUMBER: False, second: True}
    assert found[second] == await brand.json("/v1/contacts/whatsapp/n2/886911111111")


@pytest.mark.parametrize("seed", range(5))
async def test_order_repetition_and_batching_change_no_value(brand: Brand, seed: int) -> None:
    random = Random(seed)
    story = [
        *SHARED_BROWSER,
        login(BROWSER, "B", 5),
        named(BROWSER, "Bob", 6),
        attribute(BROWSER, "city", "高雄", 6),
        login(BROWSER, "A", 8),
        claimed(STRANGER, at=9, phone=PHONE_OF_A, email="mallory@example.com"),
        named(STRANGER, "Mallory", 9),
        whatsapp(NUMBER, 1),
        whatsapp(BSUID, 2),
        event("marketing.opted_out", 3, contact=BSUID, kinds=["broadcast"]),
        merged("B", "B2", at=10),
    ]
    arriving = random.sample([*story, *random.sample(story, 4)], len(story) + 4)
    while arriving:
        cut = random.randint(1, 6)
        await brand.fold(*arriving[:cut])
        arriving = arriving[cut:]
    of_a, of_b = await customer(brand, BROWSER), await customer(brand, "crm:erp:B")
    assert [one["contact"] for one in of_a["contacts"]] == ["crm:erp:A", STRANGER, BROWSER, NUMBER, BSUID]
    assert (of_a["phone"], of_a["email"], of_a["name"]) == (PHONE_OF_A, "a@example.tw", "Ann")
    assert {key: one["value"] for key, one in of_a["attributes"].items()} == {"birthday": "1990-01-31", "city": "台北"}
    assert [one["consents"]["broadcast"]["allowed"] for one in of_a["contacts"]] == [True, True, True, False, False]
    assert (of_b["member_id"], of_b["names"], of_b["attributes"]) == ("B2", [], {})
