"""Answers about the past over HTTP: what was true at a time, and what was known at a time."""

from typing import Any

import pytest

from projections.as_of import queries
from schemas.events import Event
from tests.support.identity_events import T0, bound, claimed, decided, erased, event, merged, seen, stated, unbound
from tests.support.read_api import Brand, id_of
from tests.support.worked_example import (
    ALL,
    ANOTHER_LOGS_IN,
    BINDS,
    C1,
    C2,
    LINE,
    ONE_CUSTOMER,
    PHONE,
    WHATSAPP,
    WRITES,
)

NAME = f"/v1/customers/contact:{LINE}"
ROUTES = (NAME, f"{NAME}/contacts", f"{NAME}/timeline", f"{NAME}/identity", "/v1/contacts/line/oa1/U1")


def contacts_in(customer: Any) -> list[str]:
    return [one["contact"] for one in customer["contacts"]]


def received(one: Event, at: int) -> Event:
    """The event, received ``at`` ms after the beginning."""
    return one.model_copy(update={"received_at": T0 + at})


async def test_every_answer_about_now_is_that_of_the_tables(brand: Brand) -> None:
    await brand.fold(*ALL)
    for route in ROUTES:
        assert await brand.json(route, as_of=T0 + 6) == await brand.json(route)
        assert await brand.json(route, known_at=T0 + 6) == await brand.json(route)


async def test_a_customer_is_shown_with_the_contacts_that_it_had_then(brand: Brand) -> None:
    await brand.fold(*ALL)
    assert contacts_in(await brand.json(NAME, as_of=T0 + 1)) == [LINE]
    assert contacts_in(await brand.json(NAME, as_of=T0 + 3)) == [LINE, C1]
    whole = await brand.json(NAME, as_of=T0 + 4)
    assert (contacts_in(whole), whole["member_id"], whole["phone"]) == ([LINE, C1, WHATSAPP], "M7", PHONE)
    apart = await brand.json(NAME, as_of=T0 + 5)  # another member claimed the phone, and took it back a moment later
    assert contacts_in(apart) == [LINE, C1]
    assert contacts_in(await brand.json(f"/v1/customers/{id_of(WHATSAPP)}", as_of=T0 + 5)) == [WHATSAPP]
    assert (await brand.json("/v1/customers/member:M8", as_of=T0 + 5))["id"] == str(id_of(C2))
    assert (await brand.get("/v1/customers/member:M8")).status_code == 404


async def test_why_two_contacts_were_one_and_why_they_were_not(brand: Brand) -> None:
    await brand.fold(*ALL)
    linked = await brand.json("/v1/identity/why", a=LINE, b=WHATSAPP, as_of=T0 + 4)
    assert (linked["together"], linked["because"], len(linked["chain"])) == (True, "linked", 3)
    refused = await brand.json("/v1/identity/why", a=LINE, b=WHATSAPP, as_of=T0 + 5)
    assert (refused["together"], refused["because"]) == (False, "refused")
    assert [one["reason"] for one in refused["chain"] if one["status"] == "refused"] == ["shared"]
    early = await brand.get("/v1/identity/why", a=LINE, b=WHATSAPP, as_of=T0 + 3)
    assert early.status_code == 404


async def test_what_came_late_was_true_before_it_was_known(brand: Brand) -> None:
    """The binding of second 3 is received at second 9."""
    await brand.fold(*(received(one, 9) if one == BINDS else one for one in ONE_CUSTOMER))
    assert contacts_in(await brand.json(NAME, as_of=T0 + 3)) == [LINE, C1]
    assert contacts_in(await brand.json(NAME, known_at=T0 + 8)) == [LINE]
    assert contacts_in(await brand.json(NAME, known_at=T0 + 9)) == [LINE, C1, WHATSAPP]
    assert contacts_in(await brand.json(NAME, known_at=T0 + 9, as_of=T0 + 3)) == [LINE, C1]
    assert contacts_in(await brand.json(NAME, known_at=T0 + 8, as_of=T0 + 3)) == [LINE]


async def test_a_profile_is_as_its_events_had_left_it(brand: Brand) -> None:
    await brand.fold(
        event(LINE, "contact.followed", {}, at=1),
        event(LINE, "profile.updated", {"display_name": "王小明"}, at=2),
        event(LINE, "tag.added", {"tag": "vip", "expires_after": 1}, at=3),
        event(LINE, "attribute.set", {"key": "size", "value": "S"}, at=4),
        event(LINE, "profile.updated", {"display_name": "小明"}, at=86_400_000 * 9),
        event(LINE, "attribute.set", {"key": "size", "value": "M"}, at=86_400_000 * 9),
        event(LINE, "contact.blocked", {}, at=86_400_000 * 9),
    )
    then = await brand.json(NAME, as_of=T0 + 4)
    assert (then["name"], then["valid"], [one["tag"] for one in then["tags"]]) == ("王小明", True, ["vip"])
    assert then["attributes"]["size"]["value"] == "S"
    assert (await brand.json(NAME, as_of=T0 + 3))["attributes"] == {}
    later = await brand.json(NAME, as_of=T0 + 86_400_000 * 9)
    assert (later["name"], later["valid"], later["tags"]) == ("小明", False, [])
    page = await brand.json(f"{NAME}/timeline", as_of=T0 + 2)
    assert [one["type"] for one in page["events"]] == ["profile.updated", "contact.followed"]


async def test_what_was_taken_back_since_is_found_by_its_value(brand: Brand) -> None:
    """By the phone of one contact the other is found, though no stored row says any more that it had it."""
    first, second = "crm:erp:1", "facebook:pg:7"
    await brand.fold(
        stated(first, phone=PHONE, at=1),
        bound(second, phone=PHONE, at=2),
        decided(first, LINE, "same", at=3),
        event(LINE, "contact.followed", {}, at=3),
        unbound(second, phone=PHONE, at=5),
        decided(first, LINE, "undecided", at=6),
    )
    assert contacts_in(await brand.json(f"/v1/customers/contact:{first}")) == [first]
    together = [first, second, LINE]
    for name in (f"contact:{first}", f"contact:{second}", f"contact:{LINE}", f"phone:{PHONE}"):
        assert contacts_in(await brand.json(f"/v1/customers/{name}", as_of=T0 + 4)) == together, name
        assert contacts_in(await brand.json(f"/v1/customers/{name}", known_at=T0 + 4)) == together, name


@pytest.mark.parametrize("time", ["as_of", "known_at"])
async def test_what_was_erased_since_comes_back_at_no_time(brand: Brand, time: str) -> None:
    first, gone, linking = "crm:erp:1", "facebook:pg:7", "line:oa1:U5"
    await brand.fold(
        stated(first, phone=PHONE, at=1),
        bound(gone, phone=PHONE, member_id="M7", at=2),
        bound(linking, link=gone, at=3),
        erased(gone, at=5),
        erased("facebook:pg:8", at=5),
    )
    then: dict[str, Any] = {time: T0 + 4}
    assert contacts_in(await brand.json(f"/v1/customers/phone:{PHONE}", **then)) == [first]
    assert (await brand.get("/v1/customers/member:M7", **then)).status_code == 404
    assert (await brand.get(f"/v1/customers/contact:{gone}", **then)).status_code == 404
    assert contacts_in(await brand.json(f"/v1/customers/contact:{linking}", **then)) == [linking]
    assert (await brand.get("/v1/identity/why", a=first, b=gone, **then)).status_code == 404
    assert (await brand.get("/v1/contacts/facebook/pg/8", **then)).status_code == 404


async def test_members_are_merged_as_they_were_then(brand: Brand) -> None:
    old, new = "crm:old:1", "crm:new:1"
    await brand.fold(
        stated(old, member_id="M7", at=1),
        stated(new, member_id="N7", at=1),
        merged("M7", "N7", at=2),
        merged("M7", None, at=4),
    )
    assert contacts_in(await brand.json("/v1/customers/member:M7", as_of=T0 + 1)) == [old]
    assert contacts_in(await brand.json("/v1/customers/member:M7", as_of=T0 + 3)) == [new, old]
    assert contacts_in(await brand.json("/v1/customers/member:M7", as_of=T0 + 4)) == [old]


@pytest.mark.parametrize("route", [*ROUTES, "/v1/customers/member:M7"])
async def test_a_customer_that_did_not_exist_yet_is_answered_with_a_sentence(brand: Brand, route: str) -> None:
    await brand.fold(*ONE_CUSTOMER)
    for when in ({"as_of": T0}, {"known_at": T0}):
        params: dict[str, Any] = {**when}
        answer = await brand.get(route, **params)
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
        assert "at that time" in answer.json()["detail"]


async def test_another_tenants_past_is_not_answered(brand: Brand) -> None:
    await brand.fold(*ONE_CUSTOMER)
    for route in ROUTES:
        assert (await brand.get(route, "other", as_of=T0 + 6)).status_code == 404
    assert (await brand.get(f"/v1/customers/{id_of(LINE)}", "other", as_of=T0 + 6)).status_code == 404


async def test_a_time_is_read_as_it_stands_in_a_url_and_nonsense_is_refused(brand: Brand) -> None:
    await brand.fold(*ONE_CUSTOMER)
    answer = await brand.client.get(
        f"{NAME}?as_of=2025-01-01T00:00:00.003+08:00", headers={"Authorization": f"Bearer {brand.keys['demo']}"}
    )
    assert contacts_in(answer.json()) == [LINE, C1]
    for nonsense in ("", "yesterday", "2026-03-01", "2026-03-01T00:00", "1772294400", "\0"):
        refused = await brand.get(NAME, as_of=nonsense)
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/no-time")


@pytest.mark.parametrize(
    "route",
    [
        "/v1/identity/conflicts",
        "/v1/identity/candidates",
        "/v1/accounts/line/oa1/events",
        "/v1/identity/policy",
    ],
)
async def test_a_route_without_a_past_refuses_a_time(brand: Brand, route: str) -> None:
    for when in ({"as_of": T0}, {"known_at": T0}):
        params: dict[str, Any] = {**when}
        answer = await brand.get(route, **params)
        assert (answer.status_code, "as_of" in answer.json()["detail"]) == (422, True)


async def test_more_history_than_is_read_is_refused_with_the_way_out(
    brand: Brand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST_CONTACTS", 2)
    await brand.fold(*ONE_CUSTOMER)
    assert contacts_in(await brand.json(NAME, as_of=T0 + 3)) == [LINE, C1]
    answer = await brand.get(NAME, as_of=T0 + 4)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/too-much-history")
    assert "onefold rebuild --as-of" in answer.json()["detail"]
    assert contacts_in(await brand.json(NAME)) == [LINE, C1, WHATSAPP]  # the tables answer all the same


async def test_answers_about_the_past_leave_those_about_now_alone(brand: Brand) -> None:
    await brand.fold(*ONE_CUSTOMER)
    now = await brand.json(NAME)
    for at in range(1, 5):
        await brand.json(NAME, as_of=T0 + at)
        assert await brand.json(NAME) == now
    await brand.fold(ANOTHER_LOGS_IN)
    assert contacts_in(await brand.json(NAME, as_of=T0 + 4)) == contacts_in(now)
    assert contacts_in(await brand.json(NAME)) == [LINE, C1]


async def test_neither_of_two_contacts_without_evidence_is_refused_an_answer(brand: Brand) -> None:
    await brand.fold(event("facebook:pg:1", "message.received", {"message_id": "m", "kind": "text"}))
    await brand.fold(event("facebook:pg:2", "message.received", {"message_id": "m", "kind": "text"}))
    why = await brand.json("/v1/identity/why", a="facebook:pg:1", b="facebook:pg:2")
    assert (why["together"], why["because"]) == (False, "missing_evidence")


async def test_a_contact_that_was_only_named_then_is_not_there_yet(brand: Brand) -> None:
    await brand.fold(bound(LINE, link=C1, at=1), claimed(C1, member_id="M7", at=3), WRITES, seen(LINE, at=2))
    assert contacts_in(await brand.json(NAME, as_of=T0 + 2)) == [LINE]
    assert contacts_in(await brand.json(f"/v1/customers/contact:{C1}", as_of=T0 + 2)) == [LINE]
    assert (await brand.get("/v1/contacts/web/shop/c1", as_of=T0 + 2)).status_code == 404
    assert contacts_in(await brand.json(NAME, as_of=T0 + 3)) == [LINE, C1]
