"""The audit trail: which key read what about whom, without a value of any identifier."""

from collections import Counter
from typing import Any
from uuid import UUID

from services.control.keys import add_key
from tests.support.contact_records import event
from tests.support.polling import until
from tests.support.read_api import Brand, id_of

LINE, WHATSAPP, PHONE = "line:oa1:U1", "whatsapp:n1:886911111111", "+886911111111"
IDENTIFIERS = [{"type": "phone", "value": PHONE, "assurance": "verified"}]
LIVES = (
    event("contact.followed", 1, contact=LINE),
    event("message.received", 2, contact=WHATSAPP, text="hi", message_id="m1", kind="text"),
    event("identity.bound", 3, contact=WHATSAPP, identifiers=IDENTIFIERS, via="channel"),
)


async def audited(brand: Brand, actions: Counter[str], **wanted: Any) -> list[Any]:
    """The entries of these actions, once there are as many."""
    headers = {"Authorization": f"Bearer {brand.keys['auditor']}"}
    found: list[Any] = []

    async def all_there() -> bool:
        answer = await brand.client.get("/v1/audit", params={"limit": 1000, **wanted}, headers=headers)
        entries = answer.json()["entries"]
        found[:] = [one for one in entries if one["action"] in actions]
        return Counter(one["action"] for one in found) == actions

    await until(all_there, 240, "they are not in the audit trail")
    return found


async def test_each_read_about_a_person_is_recorded_without_any_identifier(brand: Brand) -> None:
    await brand.fold(*LIVES)
    brand.keys["auditor"] = await add_key(brand.engine, "demo", ["audit"], name="data protection")
    brand.keys["foreign"] = await add_key(brand.engine, "other", ["audit"])
    answer = await brand.get(f"/v1/customers/phone:{PHONE}")
    assert (await brand.get("/v1/customers/phone:+886922222222")).status_code == 404
    await brand.json("/v1/contacts/line/oa1/U1/timeline")
    await brand.json("/v1/quota")
    body = {"filter": {"phone": {"is": PHONE}}}
    headers = {"Authorization": f"Bearer {brand.keys['demo']}"}
    await brand.client.post("/v1/customers/search", json=body, headers=headers)
    assert (await brand.get("/v1/customers/email:a@b.example", "writer")).status_code == 403

    actions = Counter({"read_customer": 3, "read_contact_timeline": 1, "search_customers": 1})
    entries = await audited(brand, actions)
    by_status = {(one["action"], one["status"]): one for one in entries}
    found = by_status["read_customer", 200]
    assert found["object"] == {"named_by": "phone", "ids": [answer.json()["id"]]}
    assert found["request_id"] == answer.headers["x-request-id"]
    assert found["route"] == "GET /v1/customers/{customer}"
    assert found["key"] == {"prefix": brand.keys["demo"][:9], "name": ""}
    assert by_status["read_customer", 404]["object"] == {"named_by": "phone", "ids": []}
    assert by_status["read_customer", 403]["key"]["prefix"] == brand.keys["writer"][:9]
    timeline = by_status["read_contact_timeline", 200]
    assert timeline["object"] == {"named_by": "contact", "ids": [str(id_of(LINE))]}

    assert await audited(brand, Counter({"read_contact_timeline": 1}), object=str(id_of(LINE))) == [timeline]
    assert len(await audited(brand, Counter({"read_customer": 1}), key=brand.keys["writer"][:9])) == 1
    assert not (await brand.json("/v1/audit", "auditor", to="2001-01-01T00:00Z"))["entries"]
    assert not (await brand.json("/v1/audit", "auditor", **{"from": "2999-01-01T00:00Z"}))["entries"]
    seen_by_the_other = (await brand.json("/v1/audit", "foreign"))["entries"]
    assert all(one["key"]["prefix"] == brand.keys["foreign"][:9] for one in seen_by_the_other)
    stored = await brand.connection.fetchval("SELECT string_agg(a::text, ' ') FROM onefold.audit a")
    assert not [value for value in ("8869", "a@b", "U1", "hi") if value in stored]


async def test_the_trail_comes_in_pages_and_reading_it_is_recorded(brand: Brand) -> None:
    brand.keys["auditor"] = await add_key(brand.engine, "demo", ["audit"])
    for number in range(5):
        await brand.get(f"/v1/customers/{UUID(int=number)}")
    whole = await audited(brand, Counter({"read_customer": 5}), action="read_customer")
    paged: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = await brand.json("/v1/audit", "auditor", limit=2, action="read_customer", **cursor)
        paged += page["entries"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert paged == whole
    assert sorted(paged, key=lambda one: -one["at"]) == paged
    await until(lambda: _is_recorded(brand), 240, "reading the trail is not recorded")
    assert (await brand.get("/v1/audit", "auditor", cursor="no")).status_code == 400


async def _is_recorded(brand: Brand) -> bool:
    return bool((await brand.json("/v1/audit", "auditor", action="read_audit"))["entries"])
