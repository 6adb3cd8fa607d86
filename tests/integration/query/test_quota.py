"""Quota over HTTP: what is used of it, and the contacts that are beyond it."""

from typing import Any

import pytest

from schemas.events import Event, Identifier
from tests.support.contact_records import event
from tests.support.quota import quota
from tests.support.read_api import Brand
from tests.support.strategies import DAY_MS

MEMBER = {"type": "member_id", "value": "M7"}
EVERY_KIND = ["broadcast", "cart_remarketing", "web_push"]
FOLLOWERS = [event("contact.followed", number * DAY_MS // 2, contact=f"line:oa1:U{number}") for number in range(6)]
ELSEWHERE = event("message.received", 7, contact="facebook:page1:9", message_id="m1", kind="text")
SPAN = {"from": "2024-12-31", "to": "2025-01-04"}


NUMBER, BSUID = "whatsapp:n1:886911111111", "whatsapp:n1:TW.13491208655302741918"
CHAT = [{"type": "phone", "value": "+886911111111"}, {"type": "whatsapp_user", "value": "TW.1:TW.13491208655302741918"}]
ONE_MEMBER = [
    event("message.received", 9 * DAY_MS, contact="facebook:page1:7", message_id="m1", kind="text"),
    *(
        event("identity.bound", 9 * DAY_MS, contact=contact, identifiers=[MEMBER], via="api")
        for contact in ("line:oa1:U0", "facebook:page1:7")
    ),
]


def received(contact: str, at: int, *identifiers: dict[str, str]) -> Event:
    made = event("message.received", at, contact=contact, message_id=f"{contact}@{at}", kind="text")
    return made.model_copy(update={"intrinsic": [Identifier(**one) for one in identifiers]})


# Of the first chat both are known, the number first; the others have a number or a BSUID alone.
WHATSAPP = [
    received(NUMBER, 0, *CHAT),
    received(BSUID, DAY_MS, CHAT[1]),
    received("whatsapp:n1:886922222222", DAY_MS, {"type": "phone", "value": "+886922222222"}),
    received("whatsapp:n1:TW.9", 2 * DAY_MS, {"type": "whatsapp_user", "value": "TW.1:TW.9"}),
]


def ref(contact: str) -> dict[str, str]:
    return dict(zip(("channel", "account", "uid"), contact.split(":", 2), strict=True))


async def searched(brand: Brand, **leaf: Any) -> int:
    """How many customers a filter finds."""
    headers = {"Authorization": f"Bearer {brand.keys['demo']}"}
    response = await brand.client.post("/v1/customers/search", json={"filter": leaf}, headers=headers)
    assert response.status_code == 200, response.text
    return int(response.json()["total"]["count"])


async def over_quota(brand: Brand, **params: Any) -> list[str]:
    """The contacts on every page."""
    page = await brand.json("/v1/contacts", over_quota="true", **params)
    found = [one["contact"] for one in page["contacts"]]
    while page["next"]:
        page = await brand.json("/v1/contacts", over_quota="true", **params, cursor=page["next"])
        found += [one["contact"] for one in page["contacts"]]
    return found


async def test_what_is_used_is_counted_by_account_and_day(brand: Brand) -> None:
    blocked = event("contact.blocked", 3 * DAY_MS, contact="line:oa1:U0")
    await brand.fold_contacts(*FOLLOWERS, ELSEWHERE, blocked, quota(4))
    found = await brand.json("/v1/quota", **SPAN)
    assert {name: found[name] for name in ("limit", "unit", "used", "share", "remaining", "over_quota", "current")} == {
        "limit": 4,
        "unit": "contacts",
        "used": 6,
        "share": 1.5,
        "remaining": 0,
        "over_quota": 2,
        "current": True,
    }
    assert found["accounts"] == [
        {"channel": "facebook", "account": "page1", "used": 1},
        {"channel": "line", "account": "oa1", "used": 5},
    ]
    assert found["channels"] == [{"channel": "facebook", "used": 1}, {"channel": "line", "used": 5}]
    # A day ends at midnight, UTC; the first events are of 16:00.
    assert [(one["day"], one["used"]) for one in found["history"]] == [
        ("2024-12-31", 2),
        ("2025-01-01", 4),
        ("2025-01-02", 6),
        ("2025-01-03", 6),
        ("2025-01-04", 6),
    ]


async def test_a_new_limit_is_in_force_at_once_over_all_history(brand: Brand) -> None:
    await brand.fold_contacts(*FOLLOWERS)
    assert await over_quota(brand) == []
    everybody = [f"line:oa1:U{number}" for number in range(6)]
    for at, limit in enumerate((4, 0, 5, 6, 100, 1)):
        await brand.fold_contacts(quota(limit, at))
        assert await over_quota(brand, limit=2) == everybody[limit:]
        assert (await brand.json("/v1/quota"))["over_quota"] == max(0, 6 - limit)
    await brand.fold_contacts(quota(3, -1))  # came late
    assert (await brand.json("/v1/quota"))["limit"] == 1


async def test_contacts_of_one_moment_are_in_the_order_of_their_keys(brand: Brand) -> None:
    await brand.fold_contacts(
        *(event("contact.followed", 5, contact=f"line:oa1:U{number}") for number in (3, 1, 2)), quota(1)
    )
    assert await over_quota(brand) == ["line:oa1:U2", "line:oa1:U3"]


async def test_who_opts_out_or_is_erased_makes_room(brand: Brand) -> None:
    await brand.fold_contacts(*FOLLOWERS, quota(4))
    assert await over_quota(brand) == ["line:oa1:U4", "line:oa1:U5"]
    await brand.fold_contacts(
        event("marketing.opted_out", 5 * DAY_MS, contact="line:oa1:U1", kinds=EVERY_KIND),
        event("contact.erased", 5 * DAY_MS, contact="line:oa1:U5", request_id="r"),
    )
    assert await over_quota(brand) == []
    assert (await brand.json("/v1/quota"))["used"] == 4


async def test_a_tenant_without_a_quota_and_another_tenant_see_nothing_of_it(brand: Brand) -> None:
    await brand.fold_contacts(*FOLLOWERS, quota(4))
    found = await brand.json("/v1/quota", key="other")
    assert (found["limit"], found["used"], found["share"], found["remaining"]) == (None, 0, None, None)
    assert (await brand.json("/v1/contacts", key="other", over_quota="true"))["contacts"] == []
    assert (await brand.get("/v1/quota", key="writer")).status_code == 403


async def test_a_quota_of_customers_counts_them(brand: Brand) -> None:
    await brand.fold(*FOLLOWERS, quota(4, unit="customers"))
    found = await brand.json("/v1/quota")
    assert (found["unit"], found["used"], found["current"]) == ("customers", 0, False)  # none is composed yet
    assert await over_quota(brand) == []
    await brand.compose()
    found = await brand.json("/v1/quota")
    assert (found["used"], found["over_quota"], found["current"]) == (6, 2, True)


async def test_the_days_count_what_the_unit_says(brand: Brand) -> None:
    """Of one customer the contact on LINE is valid first, and then, until now, the one on Facebook."""
    lives = (received("facebook:page1:7", DAY_MS), event("contact.blocked", 2 * DAY_MS, contact="line:oa1:U0"))
    await brand.fold(*FOLLOWERS[:2], *lives, *ONE_MEMBER[1:], quota(4, unit="customers"))
    await brand.compose()
    found = await brand.json("/v1/quota", **SPAN)
    assert (found["used"], [one["used"] for one in found["history"]]) == (2, [1, 2, 2, 2, 2])
    await brand.fold_contacts(quota(4, 1))
    found = await brand.json("/v1/quota", **SPAN)
    assert (found["used"], [one["used"] for one in found["history"]]) == (2, [1, 3, 2, 2, 2])


async def test_the_customers_whose_latest_contact_subscribed_last_are_over_quota(brand: Brand) -> None:
    await brand.fold(*FOLLOWERS, *ONE_MEMBER, quota(5, unit="customers"))
    await brand.compose()
    assert (await brand.json("/v1/quota"))["used"] == 6
    # U0 is one customer with the contact on Facebook, which subscribed after all others.
    assert await over_quota(brand, limit=1) == ["facebook:page1:7", "line:oa1:U0"]
    for at, limit in enumerate((0, 3, 6), 1):
        await brand.fold_contacts(quota(limit, at, unit="customers"))
        customers = [[f"line:oa1:U{number}"] for number in range(1, 6)] + [["facebook:page1:7", "line:oa1:U0"]]
        expected = [contact for one in customers[limit:] for contact in one]
        assert await over_quota(brand, limit=2) == expected
        for number in range(6):
            sent = await brand.json(f"/v1/contacts/line/oa1/U{number}/may-send", purpose="broadcast")
            assert ("over_quota" in sent["reasons"]) is (f"line:oa1:U{number}" in expected)
        assert await searched(brand, over_quota=True) == len(customers[limit:])


async def test_a_number_and_a_bsuid_of_one_chat_count_once(brand: Brand) -> None:
    await brand.fold(*WHATSAPP, quota(2))
    await brand.compose()
    found = await brand.json("/v1/quota", **SPAN)
    assert (found["used"], found["over_quota"], found["current"]) == (3, 1, True)
    assert found["accounts"] == [{"channel": "whatsapp", "account": "n1", "used": 3}]
    assert [one["used"] for one in found["history"]] == [1, 2, 3, 3, 3]
    # The address that both are subscribed with the first of them: the last one of all is over quota.
    assert await over_quota(brand) == ["whatsapp:n1:TW.9"]
    assert await searched(brand, over_quota=True) == 1
    await brand.fold_contacts(quota(0, 1))
    assert await over_quota(brand, limit=1) == [NUMBER, "whatsapp:n1:886922222222", "whatsapp:n1:TW.9"]


async def test_an_address_counts_for_as_long_as_one_of_its_contacts_does(brand: Brand) -> None:
    blocked = event("contact.blocked", 3 * DAY_MS, contact=NUMBER)
    await brand.fold(*WHATSAPP, blocked, quota(1))
    await brand.compose()
    assert (await brand.json("/v1/quota"))["used"] == 3
    assert await over_quota(brand) == [BSUID, "whatsapp:n1:TW.9"]
    out = event("marketing.opted_out", 4 * DAY_MS, contact=NUMBER, kinds=EVERY_KIND)
    await brand.fold(out)  # of one contact, for the address
    await brand.compose()
    found = await brand.json("/v1/quota", **{"from": "2024-12-31", "to": "2025-01-05"})
    assert found["used"] == found["history"][-1]["used"] == 2
    again = event("contact.superseded", 4 * DAY_MS, contact=NUMBER, by=ref(BSUID))
    back = event("marketing.opted_in", 5 * DAY_MS, contact=BSUID, kinds=EVERY_KIND)
    await brand.fold(again, back)  # a successor within the address ends nothing
    await brand.compose()
    assert (await brand.json("/v1/quota"))["used"] == 3


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/v1/quota", {"from": "2025-01-02", "to": "2025-01-01"}),
        ("/v1/quota", {"from": "2020-01-01", "to": "2025-01-01"}),
        ("/v1/quota", {"to": "0001-01-01"}),
        ("/v1/quota", {"from": "yesterday"}),
        ("/v1/contacts", {}),
        ("/v1/contacts", {"over_quota": "perhaps"}),
        ("/v1/contacts", {"over_quota": "true", "limit": 0}),
    ],
)
async def test_what_cant_be_asked_is_refused(brand: Brand, path: str, params: dict[str, Any]) -> None:
    response = await brand.get(path, **params)
    assert response.status_code == (200 if params == {"to": "0001-01-01"} else 422), response.text


async def test_a_cursor_that_no_page_gave_is_refused(brand: Brand) -> None:
    await brand.fold_contacts(*FOLLOWERS, quota(1))
    response = await brand.get("/v1/contacts", over_quota="true", cursor="WzFd")
    assert response.status_code == 400
