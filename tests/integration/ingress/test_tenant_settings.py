"""The quota, attributes and segments are set over HTTP; each is an event in the log."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import orjson

from projections.engine.generations import ensure_generation
from projections.engine.ids import NO_CONTACT
from projections.engine.projection import ContactEvent
from projections.registry import SCHEMA
from projections.timeline.store import PostgresStore
from schemas.codec import from_dict
from services.control.keys import add_key
from tests.support.ingress import OCCURRED_AT, RunningIngress, an_event


async def put(ingress: RunningIngress, path: str, content: Any, key: str) -> httpx.Response:
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    return await ingress.client.put(path, content=body, headers={"Authorization": f"Bearer {key}"})


@asynccontextmanager
async def read_models(ingress: RunningIngress) -> AsyncIterator[PostgresStore]:
    """The store of the active generation's timeline."""
    db = await asyncpg.connect(ingress.settings.database_url)
    try:
        generation = await ensure_generation(db, SCHEMA)
        await db.execute(f"SET search_path TO {generation.name}")
        async with db.transaction():
            yield PostgresStore(db)
    finally:
        await db.close()


async def test_a_quota_is_in_the_log_when_it_is_accepted(ingress: RunningIngress) -> None:
    key = await add_key(ingress.engine, "acme", ["admin"])
    answer = await put(ingress, "/v1/quota", {"limit": 500, "event_id": "q1"}, key)
    assert answer.status_code == 202, answer.text
    ((_, event),) = await ingress.log()
    assert answer.json() == {"event_id": "q1"}
    assert (event.tenant, event.type, event.contact, event.event_id) == ("acme", "tenant.quota_set", None, "q1")
    assert event.data.model_dump() == {"limit": 500, "unit": "contacts"}  # type: ignore[union-attr]  # as its type says


async def test_who_may_not_or_sends_no_quota_sets_none(ingress: RunningIngress) -> None:
    key = await add_key(ingress.engine, "acme", ["admin"])
    writer = await add_key(ingress.engine, "acme", ["customers:write", "events:write"])
    asked = [
        ({"limit": 500}, writer, 403),
        (b"{", key, 400),
        ([], key, 422),
        ({}, key, 422),
        ({"limit": -1}, key, 422),
        ({"limit": True}, key, 422),
        ({"limit": 10**15}, key, 422),
        ({"limit": 500, "unit": "people"}, key, 422),
        ({"limit": 500, "unti": "contacts"}, key, 422),
    ]
    for content, sender, status in asked:
        answer = await put(ingress, "/v1/quota", content, sender)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    assert await ingress.log() == []


async def test_a_definition_is_in_the_log_when_it_is_accepted(ingress: RunningIngress) -> None:
    key = await add_key(ingress.engine, "acme", ["admin"])
    wanted = {"key": "birthday", "type": "date", "names": {"zh": "生日"}, "event_id": "a1"}
    answer = await put(ingress, "/v1/attributes", wanted, key)
    assert answer.status_code == 202, answer.text
    ((_, event),) = await ingress.log()
    assert (event.tenant, event.type, event.event_id) == ("acme", "tenant.attribute_defined", "a1")
    data = event.data.model_dump(exclude_none=True)  # type: ignore[union-attr]  # as its type says
    assert data == {"key": "birthday", "type": "date", "names": {"zh": "生日"}, "archived": False}
    for content in (
        {},
        {"key": "b d", "type": "date"},
        {"key": "k", "type": "colour"},
        {"key": "k" * 101, "type": "text"},
    ):
        answer = await put(ingress, "/v1/attributes", content, key)
        assert answer.status_code == 422, answer.text


async def test_a_value_of_another_type_than_defined_is_refused_at_every_door(ingress: RunningIngress) -> None:
    key = await add_key(ingress.engine, "acme", ["customers:write", "events:write"])
    definition = an_event(type="tenant.attribute_defined", contact=None, data={"key": "points", "type": "number"})
    event = from_dict({**definition, "tenant": "acme", "received_at": definition["occurred_at"], "source": "test"})
    async with read_models(ingress) as store:
        await store.record([ContactEvent(NO_CONTACT, event)])
    headers = {"Authorization": f"Bearer {key}"}

    def said(value: Any) -> dict[str, Any]:
        return an_event(type="attribute.set", data={"key": "points", "value": value})

    for value, status in (("many", 422), (5, 202)):
        answers = [
            await ingress.post(said(value), key=key),
            await ingress.client.post(
                "/v1/contacts/line/oa1/U1/attributes", json={"set": {"points": value}}, headers=headers
            ),
            await ingress.client.put("/v1/members/M1", json={"attributes": {"points": value}}, headers=headers),
        ]
        assert [one.status_code for one in answers] == [status] * 3, [one.text for one in answers]
        assert all("points is defined as number" in one.text for one in answers) == (status == 422)


async def test_a_segment_is_in_the_log_as_it_was_written(ingress: RunningIngress) -> None:
    key = await add_key(ingress.engine, "acme", ["customers:write"])
    wanted = {"all": [{"tag": "vip", "count": 2}, {"last_customer": {"before": "-30d"}}, {"name": "美"}]}
    answer = await put(ingress, "/v1/segments/vip.1", {"name": "VIP", "filter": wanted, "by": "amy"}, key)
    assert answer.status_code == 202, answer.text
    headers = {"Authorization": f"Bearer {key}"}
    answer = await ingress.client.delete("/v1/segments/vip.1", params={"by": "bob"}, headers=headers)
    assert answer.status_code == 202, answer.text
    (_, saved), (_, deleted) = await ingress.log()
    assert (saved.tenant, saved.type, saved.contact) == ("acme", "tenant.segment_saved", None)
    data = saved.data.model_dump(exclude_none=True)  # type: ignore[union-attr]  # as its type says
    assert data == {"segment": "vip.1", "name": "VIP", "filter": wanted, "deleted": False, "by": "amy"}
    data = deleted.data.model_dump(exclude_none=True)  # type: ignore[union-attr]  # as its type says
    assert data == {"segment": "vip.1", "deleted": True, "by": "bob"}


async def test_a_segment_that_cannot_be_searched_is_not_saved(ingress: RunningIngress) -> None:
    key = await add_key(ingress.engine, "acme", ["customers:write"])
    reader = await add_key(ingress.engine, "acme", ["customers:read"])
    async with read_models(ingress) as store:
        known = [
            from_dict(
                an_event(segment, type="tenant.segment_saved", contact=None, data={"segment": segment, "filter": asks})
                | {"tenant": "acme", "received_at": OCCURRED_AT, "source": "test"}
            )
            for segment, asks in (("a", {"not": {"segment": "b"}}), ("many", {"any": [{"tag": "x"}] * 60}))
        ]
        await store.record([ContactEvent(NO_CONTACT, one) for one in known])
    for name, body, status, why in (
        ("b", {"name": "B", "filter": {"segment": "a"}}, 422, "'b' contains itself: b > a > b"),
        ("c", {"name": "C", "filter": {"segment": "never"}}, 422, "there is no segment 'never'"),
        ("c", {"name": "C", "filter": {"any": [{"segment": "many"}] * 2}}, 422, "more than 100 conditions"),
        ("c", {"name": "C", "filter": {"tagg": "x"}}, 422, "exactly one of the keys"),
        ("c", {"name": "C"}, 422, "Field required"),
        ("c", {"filter": {"tag": "x"}}, 422, "Field required"),
        ("-c", {"name": "C", "filter": {"tag": "x"}}, 422, "pattern"),
        ("c", b"{", 400, ""),
    ):
        answer = await put(ingress, f"/v1/segments/{name}", body, key)
        assert answer.status_code == status, answer.text
        assert why in answer.text, answer.text
    answer = await put(ingress, "/v1/segments/c", {"name": "C", "filter": {"tag": "x"}}, reader)
    assert answer.status_code == 403
    admin = await add_key(ingress.engine, "acme", ["admin"])
    broken = an_event(type="tenant.segment_saved", contact=None, data={"segment": "c", "filter": {"tagg": "x"}})
    answer = await ingress.post(broken, key=admin)
    assert (answer.status_code, "exactly one of the keys" in answer.text) == (422, True), answer.text
    assert await ingress.log() == []
