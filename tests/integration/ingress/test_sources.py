"""Sources over HTTP: walled off by tenant, never showing a secret, each change an event in the log."""

import asyncio
from typing import Any

import httpx
import pytest

from schemas.events import Event
from services.control.keys import add_key
from services.control.sources import get_source
from services.control.tenants import add_tenant
from services.runtime.broker import ensure_topics
from services.runtime.secrets import open_sealed
from tests.support.ingress import (
    MASTER,
    RunningIngress,
    assert_problem,
    line_signature,
    line_webhook,
    running_ingress,
    settings_for,
)
from tests.support.polling import until

NEW = {"source": "oa2", "channel": "line", "account": "oa2", "provider": "p1", "secrets": ["first secret"]}
META = {"source": "app", "channel": "meta", "secrets": ["app secret"], "senders": {"42": "broadcast"}}


class Admin:
    """A tenant's admin, at a ingress."""

    def __init__(self, ingress: RunningIngress, key: str) -> None:
        self._door, self._key = ingress, key

    async def ask(self, method: str, path: str = "", body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._key}"}
        return await self._door.client.request(method, f"/v1/sources{path}", json=body, headers=headers)


@pytest.fixture
async def admin(ingress: RunningIngress) -> Admin:
    return Admin(ingress, await add_key(ingress.engine, "acme", ["admin"]))


@pytest.fixture
async def stranger(ingress: RunningIngress) -> Admin:
    await add_tenant(ingress.engine, "other")
    return Admin(ingress, await add_key(ingress.engine, "other", ["admin"]))


async def told(ingress: RunningIngress, name: str) -> list[Event]:
    """What the log was told of a source, in order, each event once."""
    events = {event.event_id: event for _, event in await ingress.log() if getattr(event.data, "source", "") == name}
    return sorted(events.values(), key=lambda event: event.stamp)


async def saved_health(ingress: RunningIngress, admin: Admin, name: str) -> dict[str, Any]:
    """The health of a source, once its requests are counted: ingress may be saving them just now, by itself."""
    await ingress.app.state.ingress.activity.flush()
    found: dict[str, Any] = {}

    async def counted() -> bool:
        found.update((await admin.ask("GET", f"/{name}/health")).json())
        return bool(found["requests"])

    await until(counted, 60, lambda: f"no request was counted: {found}")
    return found


async def test_a_source_is_connected_and_takes_webhooks_in(ingress: RunningIngress, admin: Admin) -> None:
    answer = await admin.ask("POST", body=NEW)
    assert answer.status_code == 201, answer.text
    assert answer.json() | {"created_at": 0, "changed_at": 0} == {
        "source": "oa2",
        "channel": "line",
        "account": "oa2",
        "provider": "p1",
        "name": None,
        "senders": {},
        "rate": None,
        "signed_logins": "optional",
        "secrets": 1,
        "disabled": False,
        "webhook": "/webhooks/line/oa2",
        "created_at": 0,
        "changed_at": 0,
    }
    body = line_webhook("hi")
    assert (await ingress.line(body, line_signature(body, b"first secret"), "oa2")).status_code == 200
    health = await saved_health(ingress, admin, "oa2")
    assert [health[name] for name in ("state", "requests", "events", "unproven")] == ["ok", 1, 1, 0]
    assert [(one["channel"], one["account"], one["events"]) for one in health["accounts"]] == [("line", "oa2", 1)]
    await ingress.ready()  # the check asks for it, and a busy machine may not have been for a moment
    findings = (await admin.ask("POST", "/oa2/check")).json()["findings"]
    assert [one["state"] for one in findings] == ["ok", "ok", "ok", "ok", "unknown"]
    (event,) = await told(ingress, "oa2")
    assert event.type == "tenant.channel_connected"
    assert event.data.model_dump(exclude_none=True) == {  # type: ignore[union-attr]
        "source": "oa2",
        "channel": "line",
        "account": "oa2",
        "provider": "p1",
    }


async def test_no_answer_and_no_event_has_a_secret(ingress: RunningIngress, admin: Admin) -> None:
    answers = [
        await admin.ask("POST", body=META | {"verify_token": "say-this"}),
        await admin.ask("POST", "/app/secrets", {"secret": "next secret"}),
        await admin.ask("PUT", "/app", {"verify_token": "say-that"}),
        await admin.ask("GET", "/app"),
        await admin.ask("GET"),
        await admin.ask("POST", body={**META, "secrets": ["wrong", 7]}),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 200, 422]
    texts = [answer.text for answer in answers] + [event.model_dump_json() for _, event in await ingress.log()]
    for secret in ("app secret", "next secret", "say-this", "say-that", "wrong"):
        assert not any(secret in text for text in texts)
    row = await ingress.db.fetchval("SELECT s::text FROM onefold.sources s WHERE source = 'app'")
    assert "secret" not in row
    assert "say-" not in row


async def test_while_a_secret_is_replaced_either_is_taken(ingress: RunningIngress, admin: Admin) -> None:
    await admin.ask("POST", body=NEW)
    added = await admin.ask("POST", "/oa2/secrets", {"secret": "second secret"})
    assert added.json()["secrets"] == 2
    again = await admin.ask("POST", "/oa2/secrets", {"secret": "second secret"})
    assert again.json() == added.json(), "a repeat changes nothing"
    body = line_webhook("hi")
    for secret in (b"first secret", b"second secret"):
        assert (await ingress.line(body, line_signature(body, secret), "oa2")).status_code == 200
    assert (await admin.ask("POST", "/oa2/secrets", {"keep": 1})).json()["secrets"] == 1
    ingress.clock.forward(2.1)
    assert_problem(await ingress.line(body, line_signature(body, b"first secret"), "oa2"), 401, "wrong-signature")
    assert (await ingress.line(body, line_signature(body, b"second secret"), "oa2")).status_code == 200


async def test_only_so_many_secrets_are_kept_and_the_newest(ingress: RunningIngress, admin: Admin) -> None:
    await admin.ask("POST", body=NEW)
    for number in range(4):
        await admin.ask("POST", "/oa2/secrets", {"secret": f"s{number}", "keep": 3})
    source = await get_source(ingress.engine, "oa2")
    assert source is not None
    assert [open_sealed(MASTER, sealed) for sealed in source.sealed_secrets] == [b"s1", b"s2", b"s3"]


async def test_a_disabled_source_takes_nothing_in(ingress: RunningIngress, admin: Admin) -> None:
    await admin.ask("POST", body=NEW)
    kept = {"account": "oa2", "provider": "p1"}
    assert (await admin.ask("PUT", "/oa2", kept | {"disabled": True})).json()["disabled"]
    body = line_webhook("hi")
    assert_problem(await ingress.line(body, line_signature(body, b"first secret"), "oa2"), 404, "not-found")
    assert not (await admin.ask("PUT", "/oa2", kept)).json()["disabled"]
    ingress.clock.forward(2.1)
    assert (await ingress.line(body, line_signature(body, b"first secret"), "oa2")).status_code == 200
    assert [event.type.removeprefix("tenant.channel_") for event in await told(ingress, "oa2")] == [
        "connected",
        "disconnected",
        "connected",
    ]


async def test_a_removed_source_is_gone_and_the_log_knows(ingress: RunningIngress, admin: Admin) -> None:
    await admin.ask("POST", body=NEW)
    assert (await admin.ask("DELETE", "/oa2")).status_code == 204
    for method, body in (("GET", None), ("DELETE", None), ("PUT", {}), ("POST", NEW)):
        path = "" if method == "POST" else "/oa2"
        assert (await admin.ask(method, path, body)).status_code == (201 if method == "POST" else 404)
    gone = [event for event in await told(ingress, "oa2") if event.type == "tenant.channel_disconnected"]
    assert [event.data.reason for event in gone] == ["removed"]  # type: ignore[union-attr]


async def test_a_repeat_is_the_same_event(ingress: RunningIngress, admin: Admin) -> None:
    first, second = await admin.ask("POST", body=META), await admin.ask("POST", body=META)
    assert (first.status_code, second.status_code, first.json()) == (201, 201, second.json())
    ids = [event.event_id for _, event in await ingress.log()]
    assert len(ids) == 2
    assert len(set(ids)) == 1


async def test_a_name_that_is_taken_is_a_409_whoever_has_it(admin: Admin, stranger: Admin) -> None:
    await admin.ask("POST", body=NEW)
    assert_problem(await stranger.ask("POST", body=NEW), 409, "name-taken")
    assert_problem(await admin.ask("POST", body={**NEW, "account": "another"}), 409, "name-taken")
    assert_problem(await admin.ask("POST", body={**NEW, "secrets": ["another"]}), 409, "name-taken")


@pytest.mark.parametrize(
    "asked",
    [
        ("GET", "/oa2", None),
        ("PUT", "/oa2", {"disabled": True}),
        ("DELETE", "/oa2", None),
        ("POST", "/oa2/secrets", {"secret": "x", "keep": 1}),
        ("GET", "/oa2/write-keys", None),
        ("DELETE", "/oa2/write-keys/wk_123456", None),
    ],
)
async def test_another_tenant_s_source_is_a_404(
    ingress: RunningIngress, admin: Admin, stranger: Admin, asked: Any
) -> None:
    before = (await admin.ask("POST", body=NEW)).json()
    assert_problem(await stranger.ask(*asked), 404, "not-found")
    for method, path in (("GET", "/oa2/health"), ("POST", "/oa2/check")):
        assert_problem(await stranger.ask(method, path), 404, "not-found")
    assert (await stranger.ask("GET")).json() == {"sources": []}
    assert (await admin.ask("GET", "/oa2")).json() == before
    assert len(await told(ingress, "oa2")) == 1


async def test_it_takes_an_admin(ingress: RunningIngress) -> None:
    writer = Admin(ingress, ingress.key)
    for method, path in (("GET", ""), ("POST", ""), ("DELETE", "/shop-line")):
        assert_problem(await writer.ask(method, path), 403, "forbidden")
    assert_problem(await Admin(ingress, "of_nobody").ask("GET"), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"channel": "telegram"}, "channel"),
        ({"source": "A B"}, "source"),
        ({"account": "a:b"}, "account"),
        ({"secrets": []}, "secrets"),
        ({"rate": 0}, "rate"),
        ({"senders": {"1": "spam"}}, "senders.1"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_what_can_not_be_is_a_422_that_names_the_field(admin: Admin, change: Any, field: str) -> None:
    problem = assert_problem(await admin.ask("POST", body=NEW | change), 422, "invalid-request")
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_text_that_can_not_be_kept_is_a_422(admin: Admin) -> None:
    for change in ({"account": "a\x00"}, {"name": "a\x00"}, {"provider": "\x00"}, {"verify_token": "Ü"}):
        assert_problem(await admin.ask("POST", body=NEW | change), 422, "invalid-request")


async def test_what_is_missing_where_nothing_was_written_is_told_of_the_body(admin: Admin) -> None:
    body = {"source": "oa9", "channel": "line", "account": "oa9"}
    problem = assert_problem(await admin.ask("POST", body=body), 422, "invalid-request")
    assert problem["errors"] == [
        {"field": "body", "message": "a source needs a secret, or nobody could sign for it"},
    ]


async def test_a_body_that_is_no_json_is_a_400_and_a_large_one_a_413(ingress: RunningIngress) -> None:
    key = await add_key(ingress.engine, "acme", ["admin"])
    headers = {"Authorization": f"Bearer {key}"}
    assert_problem(await ingress.client.post("/v1/sources", content=b"{", headers=headers), 400, "malformed-body")
    assert_problem(await ingress.client.post("/v1/sources", content=b" " * 70_000, headers=headers), 413, "too-large")


async def test_without_the_log_the_change_is_kept_and_repeating_it_completes_it(
    kafka: str, database: str, topic_prefix: str
) -> None:
    async with running_ingress(settings_for(kafka, database, topic_prefix, ack_timeout=5)) as ingress:
        admin = Admin(ingress, await add_key(ingress.engine, "acme", ["admin"]))
        assert_problem(await admin.ask("POST", body=NEW), 503, "unavailable")
        assert (await admin.ask("GET", "/oa2")).status_code == 200
        assert_problem(await admin.ask("DELETE", "/oa2"), 503, "unavailable")
        assert (await admin.ask("GET", "/oa2")).json()["disabled"], "not gone before the log knows"
        await ensure_topics(ingress.settings)
        async with asyncio.timeout(240):
            while (await admin.ask("DELETE", "/oa2")).status_code != 204:
                await asyncio.sleep(0.2)
        await ingress.ready()
        assert [event.event_id.rpartition(":")[2] for event in await told(ingress, "oa2")] == ["removed"]


SITE = {"source": "shop", "channel": "web", "account": "shop", "rate": 50}


async def _tracked(ingress: RunningIngress, key: str) -> int:
    track = {"anonymousId": "a1", "event": "Looked", "messageId": key}
    return (await ingress.client.post("/v1/track", json=track, auth=(key, ""))).status_code


async def test_a_website_is_connected_and_its_keys_are_shown_once(
    ingress: RunningIngress, admin: Admin, stranger: Admin
) -> None:
    answer = await admin.ask("POST", body=SITE)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["rate"], made["webhook"], made["secrets"]) == (50, "", 1)
    assert (made["write_key"][:3], made["server_key"][:4], len(made["login_secret"])) == ("wk_", "wsk_", 43)
    shown = (await admin.ask("GET", "/shop")).json()
    assert not {"write_key", "server_key", "login_secret"} & shown.keys()
    second = (await admin.ask("POST", "/shop/write-keys")).json()
    third = (await admin.ask("POST", "/shop/write-keys", {"kind": "server"})).json()
    assert (second["server_key"], third["write_key"]) == (None, None)
    keys = [made["write_key"], made["server_key"], second["write_key"], third["server_key"]]
    assert len(set(keys)) == 4
    assert [await _tracked(ingress, key) for key in keys] == [200] * 4
    assert (await stranger.ask("POST", "/shop/write-keys")).status_code == 404
    assert (await admin.ask("POST", "/line/write-keys")).status_code == 404
    assert (await admin.ask("POST", "/shop/write-keys", {"kind": "secret"})).status_code == 422
    assert (await admin.ask("POST", body=SITE | {"source": "other", "account": None})).status_code == 422
    assert [event.type for event in await told(ingress, "shop")][-1] == "tenant.channel_connected"


async def test_write_keys_are_listed_and_revoked_by_their_beginning(ingress: RunningIngress, admin: Admin) -> None:
    made = (await admin.ask("POST", body=SITE)).json()
    listed = (await admin.ask("GET", "/shop/write-keys")).json()["write_keys"]
    assert sorted((one["kind"], one["begins_with"]) for one in listed) == [
        ("public", made["write_key"][:9]),
        ("server", made["server_key"][:9]),
    ]
    gone = await admin.ask("DELETE", f"/shop/write-keys/{made['server_key'][:9]}")
    assert (gone.json()["kind"], gone.json()["revoked_at"] is None) == ("server", False)
    assert_problem(await admin.ask("DELETE", f"/shop/write-keys/{made['server_key'][:9]}"), 404, "not-found")
    assert_problem(await admin.ask("DELETE", "/shop/write-keys/wk_"), 404, "not-found")
    assert (await _tracked(ingress, made["server_key"]), await _tracked(ingress, made["write_key"])) == (401, 200)


async def test_a_website_may_bring_its_login_secret_and_require_signed_logins(admin: Admin) -> None:
    own = SITE | {"secrets": ["a login secret of our own"], "signed_logins": "required"}
    answer = await admin.ask("POST", body=own)
    assert (answer.json()["login_secret"], answer.json()["signed_logins"]) == (None, "required")
    assert "of our own" not in answer.text
    changed = await admin.ask("PUT", "/shop", {"account": "shop"})
    assert (changed.json()["signed_logins"], changed.json()["rate"]) == ("required", None)
    changed = await admin.ask("PUT", "/shop", {"account": "shop", "signed_logins": "optional"})
    assert changed.json()["signed_logins"] == "optional"
    added = await admin.ask("POST", "/shop/secrets", {"secret": "another login secret"})
    assert added.json()["secrets"] == 2
    assert_problem(await admin.ask("POST", "/shop/secrets", {"secret": "short"}), 422, "invalid-request")
    for change in ({"secrets": ["short"]}, {"signed_logins": "maybe"}):
        refused = await admin.ask("POST", body=SITE | {"source": "other"} | change)
        assert_problem(refused, 422, "invalid-request")
    assert_problem(await admin.ask("POST", body=NEW | {"signed_logins": "required"}), 422, "invalid-request")


async def test_a_website_that_the_log_does_not_know_is_made_anew_by_a_repeat(
    kafka: str, database: str, topic_prefix: str
) -> None:
    async with running_ingress(settings_for(kafka, database, topic_prefix, ack_timeout=5)) as ingress:
        admin = Admin(ingress, await add_key(ingress.engine, "acme", ["admin"]))
        assert_problem(await admin.ask("POST", body=SITE), 503, "unavailable")
        await ensure_topics(ingress.settings)
        async with asyncio.timeout(240):
            while (answer := await admin.ask("POST", body=SITE)).status_code != 201:
                assert answer.status_code == 503, answer.text
                await asyncio.sleep(0.2)
        await ingress.ready()
        assert await _tracked(ingress, answer.json()["server_key"]) == 200
