"""Erasing through the API: the worker's job removes the person everywhere, and the receipt can be checked."""

import asyncio
import json
import secrets
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from typer.testing import CliRunner, Result

from projections.erasure_orders import store
from schemas.codec import encode
from schemas.events import Identifier
from services.cli import app
from services.control import deletions, erasures
from services.control.errors import JobFinished
from services.control.jobs import cancel_job
from services.runtime.contact_ids import id_of as ids_by
from services.vault.records import EncodedEvent, SealedLog
from services.vault.vault import open_key_vault
from services.worker.jobs.erasure import REMAINS, events_of
from tests.support.contact_records import event
from tests.support.job_runs import JobRuns
from tests.support.read_api import MASTER, Brand, id_of
from tests.support.serving import served

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
INSERT INTO onefold.jobs (job_id, tenant, kind, parameters, requested_by, state, finished_at)
VALUES ('{UUID(int=4)}', 'demo', 'bulk_action', '{{"filter": {{"name": "Anne"}}, "order": {{"filter": "Anne"}}}}',
    'a test', 'done', now());
INSERT INTO onefold.webhook_endpoints (endpoint_id, tenant, url, form, sealed_secret, topic_id, offsets)
VALUES ('{ENDPOINT}', 'demo', 'https://example.com/', 'standard', '', '{UUID(int=0)}', '{{}}');
INSERT INTO onefold.webhook_waiting (endpoint_id, customer, payload, attempts, next_at)
VALUES ('{ENDPOINT}', 'a', '{{"contacts":["{LINE}"]}}', 1, now()),
    ('{ENDPOINT}', 'b', '{{"contacts":["{OTHER}","{LINE}0"]}}', 1, now());
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
    unsent = [
        await store.unsent_changes(brand.connection, *named)
        for named in (("demo", [WEB]), ("demo", ["web:shop:c"]), ("other", [WEB]))
    ]
    assert unsent == [1, 0, 0], "an erasure waits for changes that name the person"
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
        "filters": 1,
        "bulk_items": 0,
        "events_of_others": 0,
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
    assert [tuple(one) for one in states] == [("done", 0), ("failed", 0), ("waiting", 2), ("done", 0)]
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
    assert listed["receipt"]["removed"]["events_of_others"] == 1
    assert (await brand.get("/v1/contacts/web/shop/c1")).status_code == 404
    assert (await brand.get("/v1/contacts/line/oa1/U1")).status_code == 200
    for path in ("/v1/erasures", f"/v1/erasures/{started['id']}"):
        assert (await brand.get(path, "writer")).status_code == 403
    assert (await brand.get(f"/v1/erasures/{started['id']}", "other")).status_code == 404
    assert (await brand.json("/v1/erasures", "other"))["erasures"] == []


async def test_events_of_others_are_said_again_without_the_person(brand: Brand) -> None:
    phone = {"type": "phone", "value": "+886911111111", "assurance": "verified"}
    crm = {"channel": "crm", "account": "erp", "uid": "7"}
    said = [
        event("identity.bound", 5, contact=LINE, linked_contact=SITE, identifiers=[phone], event_id="both"),
        event("identity.decided", 6, contact=LINE, other=SITE, decision="same", by="amy"),
        event("identity.bound", 7, contact=LINE, linked_contact=crm, event_id="another"),
        event("message.received", 8, contact=LINE, text="hi", message_id="m2", kind="text").model_copy(
            update={"intrinsic": [Identifier(type="contact", value=WEB), Identifier(type="line_user", value="p:U1")]}
        ),
    ]
    await brand.fold(*LIVES, *said)
    old, bound = "web:shop:c0", {"channel": "web", "account": "shop", "uid": "c0"}
    said += [
        event("contact.superseded", 9, contact=old, by=SITE),
        event("identity.bound", 9, contact=WEB, linked_contact=bound, event_id="successor"),
    ]
    await brand.fold(*said[-2:])
    assert (await brand.json("/v1/contacts/web/shop/c0"))["superseded_by"] == WEB
    await erased(brand, "/v1/contacts/web/shop/c1/erase")
    await JobRuns(brand).run("erasure")
    (listed,) = (await brand.json("/v1/erasures"))["erasures"]
    assert listed["receipt"]["removed"]["events_of_others"] == 5
    for table in (
        "timeline",
        "statements",
        "contact_references",
        "holdings",
        "pair_decisions",
        "contact_states",
        "contacts",
    ):
        rows = await brand.connection.fetch(f"SELECT * FROM g1.{table}")
        found = str([value for row in rows for value in row.values() if isinstance(value, str)])
        assert not any(one in found for one in (WEB, '"c1"')), table
    customer = await brand.json(f"/v1/customers/contact:{LINE}")
    assert (customer["phone"], {one["contact"] for one in customer["contacts"]}) == ("+886911111111", {LINE})
    await brand.fold(*said)
    assert await brand.connection.fetchval("SELECT count(*) FROM g1.timeline WHERE event_id = 'both'") == 0


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


CODE = "0c0d0e"


async def asked_by_meta(brand: Brand, tenant: str = "demo", code: str = CODE) -> None:
    """A request for deletion is open."""
    await deletions.add_deletion(
        brand.engine,
        MASTER,
        code,
        tenant=tenant,
        source="shop-meta",
        channel="meta",
        subject="8812",
        requested_at=datetime.now(UTC),
    )


async def test_an_erasure_closes_the_request_that_it_answers_once_it_is_done(brand: Brand) -> None:
    await brand.fold(*LIVES)
    await asked_by_meta(brand)
    await asked_by_meta(brand, "other", "abc")
    path = "/v1/contacts/line/oa1/U1/erase"
    token = (await post(brand, f"{path}/preview")).json()["token"]
    for unknown in ("none", "abc"):
        refused = await post(brand, path, token=token, deletion=unknown)
        assert (refused.status_code, "no such request" in refused.text) == (404, True)
    started = await post(brand, path, token=token, deletion=CODE)
    assert (started.status_code, started.json()["deletion"]) == (202, CODE)
    request = await deletions.find_deletion(brand.engine, CODE)
    assert request is not None
    assert (request.state, request.closed_at) == ("received", None)
    await JobRuns(brand).run("erasure")
    request = await deletions.find_deletion(brand.engine, CODE)
    assert request is not None
    assert (request.state, request.sealed_subject, request.closed_at is None) == ("done", None, False)
    assert (await brand.json(f"/v1/erasures/{started.json()['id']}"))["deletion"] == CODE
    other = await deletions.find_deletion(brand.engine, "abc")
    assert other is not None
    assert other.state == "received"


class Eraser:
    """`onefold erase` beside the served API, in a folder of its own."""

    def __init__(self, brand: Brand, folder: Path) -> None:
        self._brand, self._folder = brand, folder

    async def run(self, *args: str, stdin: str | None = None, jobs: int = 0, key: str = "demo") -> Result:
        """The command, beside so many jobs that it waits for; its receipt goes into the folder."""
        async with asyncio.timeout(240), served(self._brand.app) as address, asyncio.TaskGroup() as together:
            env = {"ONEFOLD_URL": f"http://{address}", "ONEFOLD_KEY": self._brand.keys[key]}
            order = ["erase", *args, "--receipt", str(self._folder / "receipt.json")]
            command = together.create_task(asyncio.to_thread(CliRunner(env=env).invoke, app, order, input=stdin))
            if jobs:
                together.create_task(self._work())
        return command.result()

    async def _work(self) -> None:
        runs = JobRuns(self._brand)
        waiting = "SELECT count(*) FROM onefold.jobs WHERE kind = 'erasure' AND finished_at IS NULL"
        while not await self._brand.connection.fetchval(waiting):
            await asyncio.sleep(0.05)
        await runs.run("erasure")


async def test_the_command_shows_whom_asks_waits_and_saves_a_receipt_that_can_be_checked(
    brand: Brand, tmp_path: Path
) -> None:
    await brand.fold(*LIVES)
    await asked_by_meta(brand)
    eraser, file = Eraser(brand, tmp_path), tmp_path / "receipt.json"
    shown = await eraser.run(f"contact:{LINE}", "--preview")
    assert (shown.exit_code, shown.stdout.split()[:3]) == (0, ["contact", LINE, WEB]), shown.output
    assert "3 events are in their timelines" in shown.stdout
    declined = await eraser.run(str(id_of(LINE)), stdin="n\n")
    assert (declined.exit_code, "Erase 2 contacts for good?" in declined.stderr) == (1, True)
    assert (await brand.json("/v1/erasures"))["erasures"] == []
    assert not file.exists()

    done = await eraser.run(WEB, "--contact", "--yes", "--request", CODE, jobs=1)
    assert done.exit_code == 0, done.output
    assert "unsealed log records" in done.stdout
    assert "docs/erasure.md" in done.stderr
    assert "verify --erased" in done.stderr
    saved = json.loads(file.read_text(encoding="utf-8"))
    (listed,) = (await brand.json("/v1/erasures"))["erasures"]
    assert saved == listed
    key = Ed25519PublicKey.from_public_bytes(b64decode(saved["public_key"]))
    key.verify(b64decode(saved["signature"]), orjson.dumps(saved["receipt"], option=orjson.OPT_SORT_KEYS))
    assert (saved["deletion"], saved["receipt"]["contacts"]) == (CODE, 1)
    assert WEB not in file.read_text(encoding="utf-8")
    assert (await brand.get("/v1/contacts/line/oa1/U1")).status_code == 200

    again = await eraser.run(WEB, "--contact", "--yes")
    assert again.exit_code == 2, "a receipt is never overwritten"
    file.unlink()
    gone = await eraser.run(WEB, "--contact", "--yes")
    assert (gone.exit_code, "There is no such contact" in gone.stderr) == (1, True)
    forbidden = await eraser.run(LINE, "--contact", "--yes", key="writer")
    assert (forbidden.exit_code, "--scope customers:erase" in forbidden.stderr) == (1, True)
    assert (await eraser.run("line:oa1", "--contact", "--yes")).exit_code == 2
