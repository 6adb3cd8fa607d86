"""Quota over HTTP: what is used of it, and the contacts that are beyond it."""

from typing import Any

import pytest

from tests.support.contact_records import event
from tests.support.quota import quota
from tests.support.read_api import Brand
from tests.support.strategies import DAY_MS

EVERY_KIND = ["broadcast", "cart_remarketing", "web_push"]
FOLLOWERS = [event("contact.followed", number * DAY_MS // 2, contact=f"line:oa1:U{number}") for number in range(6)]
ELSEWHERE = event("message.received", 7, contact="facebook:page1:9", message_id="m1", kind="text")
SPAN = {"from": "2024-12-31", "to": "2025-01-04"}


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
