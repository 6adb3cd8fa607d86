"""Erasing through the API: the worker's job removes the person everywhere, and the receipt can be checked."""

import secrets
from base64 import b64decode
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from projections.erasure_orders import store
from schemas.codec import encode
from services.control import erasures
from services.control.errors import JobFinished
from services.control.jobs import cancel_job
from services.runtime.contact_ids import id_of as ids_by
from services.vault.records import EncodedEvent, SealedLog
from services.vault.vault import open_key_vault
from services.worker.jobs.erasure import REMAINS, events_of
from tests.support.contact_records import event
from tests.support.job_runs import JobRuns
from tests.support.read_api import MASTER, Brand, id_of

LINE, WEB, OTHER = "line:oa1:U1", "web:shop:c1", "line:oa1:U2"
SITE = {"channel": "web", "account": "shop", "uid": "c1"}
SAID = event("message.received", 2, contact=LINE, text="hi", message_id="m1", kind="text")
LIVES = (
    SAID,
    event("identity.bound", 3, contact=LINE, linked_contact=SITE, via="site_button"),
    event("profile.updated", 4, contact=WEB, display_name="Anne"),
    event("profile.updated", 4, contact=OTHER, display_name="Ben"),
)
MASTER_KEYS = [secrets.token_bytes(32)]
ENDPOINT = UUID(int=5)
KEPT = f"""
INSERT INTO onefold.jobs (job_id, tenant, kind, parameters, requested_by, state, finished_at, result,
    file_name, file_type, file_size, file_sha256, file_expires_at)
VALUES ('{UUID(int=1)}', 'demo', 'import', '{{}}', 'a test', 'done', now(),
    '{{"first_rows": [["Anne"]], "events": 3}}',
    'a.csv', 'text/csv', 3, '', now() + '9 days');
INSERT INTO onefold.job_files (job_id, part, size, sha256, content) VALUES ('{UUID(int=1)}', 0, 3, '', 'abc');
INSERT INTO onefold.jobs (job_id, tenant, kind, parameters, requested_by, state, leased_until)
VALUES ('{UUID(int=2)}', 'demo', 'import', '{{}}', 'a test', 'running', now() + '1 day');
INSERT INTO onefold.jobs (job_id, tenant, kind, parameters, requested_by, state, attempt, checkpoint)
VALUES ('{UUID(int=3)}', 'demo', 'export', '{{}}', 'a test', 'running', 1, '7');
INSERT INTO onefold.webhook_endpoints (endpoint_id, tenant, url, form, sealed_secret, topic_id, offsets)
VALUES ('{ENDPOINT}', 'demo', 'https://example.com/', 'standard', '', '{UUID(int=0)}', '{{}}');
INSERT INTO onefold.webhook_waiting (endpoint_id, customer, payload, attempts, next_at)
VALUES ('{ENDPOINT}', 'a', '{{"contacts":["{LINE}"]}}', 1, now()),
    ('{ENDPOINT}', 'b', '{{"contacts":["{OTHER}"]}}', 1, now());
"""


async def post(brand: Brand, path: str, key: str = "demo", **body: Any) -> httpx.Response:
    return await brand.client.post(path, headers={"Authorization": f"Bearer {brand.keys[key]}"}, json=body or None)


@pytest.fixture
async def sealing(brand: Brand) -> AsyncIterator[SealedLog]:
    async with open_key_vault(brand.url, MASTER_KEYS, name="test") as vault:
        yield SealedLog(vault, ids_by(MASTER))


async def erased(brand: Brand, path: str) -> dict[str, Any]:
    """Preview and start; the erasure that was started."""
    preview: dict[str, Any] = (await post(brand, f"{path}/preview")).json()
    started = await post(brand, path, token=preview["token"])
    assert started.status_code == 202, started.text
    return {**started.json(), "preview": preview}


async def test_a_customer_is_erased_everywhere(brand: Brand, sealing: SealedLog) -> None:
    await brand.fold(*LIVES)
    await brand.compose()
    records = await sealing.channel_records([EncodedEvent.of(one) for one in LIVES])
    assert all(await sealing.opened_values([(one.key, one.value) for one in records]))
    await brand.connection.execute(KEPT)
    started = await erased(brand, f"/v1/customers/{id_of(LINE)}/erase")
    assert (started["preview"]["contacts"], started["preview"]["events"]) == ([LINE, WEB], 3)
    assert (started["state"], started["receipt"]) == ("open", None)
    with pytest.raises(JobFinished):
        await cancel_job(brand.engine, UUID(started["job"]))

    await JobRuns(brand, sealing).run("erasure")

    done = await brand.json(f"/v1/erasures/{started['id']}")
    receipt = done["receipt"]
    assert (done["state"], receipt["contacts"], receipt["generations_behind"]) == ("done", 2, [])
    assert receipt["remains"] == sorted(REMAINS)
    assert receipt["removed"] == {
        "events": 3,
        "log_keys": 2,
        "waiting_changes": 1,
        "files": 1,
        "imports_stopped": 1,
        "import_results": 1,
        "exports_restarted": 1,
        "bulk_items": 0,
    }
    checked = Ed25519PublicKey.from_public_bytes(b64decode(done["public_key"]))
    checked.verify(b64decode(done["signature"]), orjson.dumps(receipt, option=orjson.OPT_SORT_KEYS))

    for contact in (LINE, WEB):
        assert (await brand.get(f"/v1/contacts/{contact.replace(':', '/')}")).status_code == 404
        assert (await brand.get(f"/v1/customers/{id_of(contact)}")).status_code == 404
    assert (await brand.get(f"/v1/customers/{id_of(OTHER)}")).status_code == 200
    stored = await brand.connection.fetch("SELECT * FROM onefold.erasure_orders, onefold.jobs")
    assert not any(value in str([dict(row) for row in stored]) for value in (LINE, WEB, "Anne"))
    states = await brand.connection.fetch(
        "SELECT state, attempt FROM onefold.jobs WHERE kind <> 'erasure' ORDER BY job_id"
    )
    assert [tuple(one) for one in states] == [("done", 0), ("failed", 0), ("waiting", 2)]
    left = await brand.connection.fetchval("SELECT string_agg(customer, '') FROM onefold.webhook_waiting")
    assert left == "b"
    async with open_key_vault(brand.url, MASTER_KEYS, name="other") as vault:
        opened = await SealedLog(vault, ids_by(MASTER)).opened_values([(one.key, one.value) for one in records])
    assert opened == [None, None, None, encode(LIVES[3])]


async def test_a_contact_is_erased_and_the_others_of_the_person_stay(brand: Brand) -> None:
    await brand.fold(*LIVES)
    started = await erased(brand, "/v1/contacts/web/shop/c1/erase")
    assert started["preview"]["contacts"] == [WEB]
    await JobRuns(brand).run("erasure")
    (listed,) = (await brand.json("/v1/erasures"))["erasures"]
    assert listed["receipt"]["remains"] == sorted((*REMAINS, "unsealed_log_records"))
    assert (await brand.get("/v1/contacts/web/shop/c1")).status_code == 404
    assert (await brand.get("/v1/contacts/line/oa1/U1")).status_code == 200
    for path in ("/v1/erasures", f"/v1/erasures/{started['id']}"):
        assert (await brand.get(path, "writer")).status_code == 403
    assert (await brand.get(f"/v1/erasures/{started['id']}", "other")).status_code == 404
    assert (await brand.json("/v1/erasures", "other"))["erasures"] == []


async def test_only_what_was_shown_is_erased(brand: Brand) -> None:
    await brand.fold(*LIVES[:1])
    path = f"/v1/customers/{id_of(LINE)}/erase"
    token = (await post(brand, f"{path}/preview")).json()["token"]
    await brand.fold(*LIVES[1:])
    refused = await post(brand, path, token=token)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/preview-outdated")
    assert (await post(brand, f"{path}/preview", "writer")).status_code == 403
    assert (await post(brand, f"{path}/preview", "other")).status_code == 404


async def test_an_erasure_whose_job_failed_goes_on_and_sends_the_same_events(brand: Brand) -> None:
    await brand.fold(*LIVES)
    added = await erasures.add_erasure(brand.engine, MASTER, "demo", [LINE], requested_by="a test")
    with pytest.raises(JobFinished):
        await erasures.retry_erasure(brand.engine, added.erasure_id)
    await brand.connection.execute(
        "UPDATE onefold.jobs SET state = 'failed', finished_at = now() WHERE job_id = $1", added.job_id
    )
    order = await store.find_order(brand.connection, added.erasure_id)
    assert order is not None
    events = events_of("demo", added.erasure_id, order.requested_at, {id_of(LINE): LINE})
    await brand.fold(*events)
    await erasures.retry_erasure(brand.engine, added.erasure_id)
    await JobRuns(brand).run("erasure")
    done = await erasures.find_erasure(brand.engine, added.erasure_id)
    assert done.receipt is not None
    at = await brand.connection.fetchrow("SELECT at, event_id FROM g1.erasures")
    assert tuple(at or ()) == (order.requested_at, events[0].event_id)
    with pytest.raises(JobFinished):
        await erasures.retry_erasure(brand.engine, added.erasure_id)
