"""A CRM's members over HTTP: into the log, into the read models, found by their member id."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.events.profile import TagAdded
from services.control.keys import add_key
from tests.support.ingress import RunningIngress, assert_problem
from tests.support.polling import until
from tests.support.shop import Shop, open_shop
from tests.support.worker_processes import ForkServer, WorkerProcess

PHONE = "+886911111111"
CSV = {"Content-Type": "text/csv"}
FILE = (
    "Member ID,Name,Phone,Tags\r\nI1,Ann,886955000001,new\r\nI2,Ben,886955000002,new\r\nI3,Cid,886955000003,new;vip\r\n"
    ",Dan,,new\r\n,,,\r\nI4,Eva,12,new\r\nI1,Ann again,,new\r\n"
)
COUNTS = {"created": 3, "updated": 0, "unchanged": 0, "refused": 3, "empty": 1}
STATED = {("I1", "Ann", "+886955000001"), ("I2", "Ben", "+886955000002"), ("I3", "Cid", "+886955000003")}
UNFINISHED = {"waiting", "running"}
NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
async def shop(ingress: RunningIngress) -> AsyncIterator[Shop]:
    async with open_shop(ingress) as opened:
        yield opened


async def test_a_member_becomes_a_customer_found_by_the_member_id(shop: Shop) -> None:
    record = {
        "display_name": "王小明",
        "phone": {"value": "0911-111-111", "verified": True},
        "email": "Ming@Example.com",
        "tags": {"add": ["VIP"]},
        "attributes": {"level": "gold"},
    }
    answer = await shop.accepted("PUT", "/v1/members/A%2F7?account=pos", record)
    assert set(answer["event_ids"]) == {event.event_id for _, event in await shop.ingress.log()}
    await shop.fold()
    customer = await shop.get("/v1/customers/member:A%2F7")
    assert (customer["member_id"], customer["phone"], customer["email"]) == ("A/7", PHONE, "ming@example.com")
    (contact,) = customer["contacts"]
    assert (contact["contact"], contact["profile"]["display_name"]) == ("crm:pos:A/7", "王小明")
    assert [tag["tag"] for tag in contact["tags"]] == ["VIP"]
    assert (await shop.get(f"/v1/customers/phone:{PHONE}"))["id"] == customer["id"]


async def test_a_phone_that_is_replaced_is_another_customers_to_have(shop: Shop) -> None:
    await shop.accepted("PUT", "/v1/members/M7", {"phone": PHONE, "updated_at": 1_760_000_000_000})
    record = {"phone": "+886922222222", "previous_phone": "0911 111 111", "updated_at": 1_760_000_000_001}
    await shop.accepted("PUT", "/v1/members/M7", record)
    await shop.accepted("PUT", "/v1/members/M8", {"phone": PHONE, "updated_at": 1_760_000_000_002})
    await shop.fold()
    customers = [await shop.get(f"/v1/customers/member:{member}") for member in ("M7", "M8")]
    assert [customer["phone"] for customer in customers] == ["+886922222222", PHONE]
    assert (await shop.get(f"/v1/customers/phone:{PHONE}"))["id"] == customers[1]["id"]


async def test_a_member_id_joins_what_the_crm_knows_with_who_logged_in(shop: Shop) -> None:
    login = {
        "type": "identity.bound",
        "contact": {"channel": "web", "account": "shop", "uid": "c1"},
        "occurred_at": 1_760_000_000_000,
        "data": {"identifiers": [{"type": "member_id", "value": "M7"}], "via": "login"},
    }
    await shop.accepted("POST", "/v1/events", login)
    await shop.accepted("PUT", "/v1/members/M7", {"attributes": {"level": "gold"}})
    await shop.fold()
    customer = await shop.get("/v1/customers/contact:web:shop:c1")
    assert [contact["contact"] for contact in customer["contacts"]] == ["crm:crm:M7", "web:shop:c1"]


@pytest.mark.parametrize("lines", [False, True])
async def test_of_many_records_each_has_its_result(shop: Shop, *, lines: bool) -> None:
    records: list[Any] = [{"member_id": "1", "tags": {"add": ["a"]}}, {"member_id": 2}, {"tags": {}}, {"member_id": ""}]
    body: Any = b"\n".join(map(orjson.dumps, records)) if lines else records
    answer = await shop.accepted("PUT", "/v1/members", body, **(NDJSON if lines else {}))
    assert (answer["accepted"], answer["rejected"]) == (2, 2)
    assert [result["status"] for result in answer["results"]] == ["accepted", "accepted", "rejected", "rejected"]
    assert answer["results"][2]["problem"]["field"] == "member_id"
    told = {event_id for result in answer["results"] for event_id in result.get("event_ids", ())}
    log = [event for _, event in await shop.ingress.log()]
    assert {event.event_id for event in log} == told
    assert {event.contact.key for event in log if event.contact} == {"crm:crm:1", "crm:crm:2"}


async def test_a_request_that_is_sent_again_with_its_key_counts_once(shop: Shop) -> None:
    records = [{"member_id": "1", "tags": {"add": ["a"]}}, {"member_id": "2", "tags": {"add": ["a"]}}]
    key = {"Idempotency-Key": "nightly-1"}
    first = await shop.accepted("PUT", "/v1/members", records, **key)
    assert await shop.accepted("PUT", "/v1/members", records, **key) == first
    await shop.accepted("PUT", "/v1/members", records, **{"Idempotency-Key": "nightly-2"})
    await shop.fold()
    contact = await shop.get("/v1/contacts/crm/crm/1")
    assert [(tag["tag"], tag["count"]) for tag in contact["tags"]] == [("a", 2)]
    assert len(await shop.ingress.log()) == 6


async def test_records_past_the_events_of_one_body_are_told_to_come_again(shop: Shop) -> None:
    tags = {"tags": {"add": [f"t{number}" for number in range(100)]}}
    answer = await shop.accepted("PUT", "/v1/members", [{"member_id": number} | tags for number in range(25)])
    assert (answer["accepted"], answer["rejected"]) == (20, 5)  # of 500 records, 2,000 events
    assert answer["results"][20]["problem"]["reason"] == "too_many"


async def test_what_is_no_member_is_refused(shop: Shop) -> None:
    assert_problem(await shop.send("PUT", "/v1/members/M7", b"{"), 400, "malformed-body")
    problem = assert_problem(await shop.send("PUT", "/v1/members/M7", {"tags": {"add": [""]}}), 422, "no-member")
    assert (problem["reason"], problem["field"]) == ("invalid_field", "tags.add[0]")
    assert_problem(await shop.send("PUT", "/v1/members", [{}]), 422, "no-acceptable-member")
    assert_problem(await shop.send("PUT", "/v1/members", b""), 400, "malformed-body")
    assert_problem(await shop.send("PUT", "/v1/members", [{"member_id": 1}] * 501), 413, "too-large")
    headers = {"Idempotency-Key": "x" * 256}
    assert_problem(await shop.send("PUT", "/v1/members/M7", {}, **headers), 422, "invalid-request")
    shop.key = await add_key(shop.ingress.engine, "acme", ["customers:write"])
    assert_problem(await shop.send("PUT", "/v1/members/M7", {}), 403, "forbidden")
    assert await shop.ingress.log() == []


async def test_who_waits_is_told_when_readers_see_it(shop: Shop) -> None:
    for record in ({}, {"phone": PHONE}, [{"member_id": "1"}, {"member_id": "2", "email": "a@b.co"}]):
        path = "/v1/members" if isinstance(record, list) else "/v1/members/M7"
        waiting = asyncio.create_task(shop.accepted("PUT", f"{path}?wait=true", record))
        while not await shop.ingress.log():
            await asyncio.sleep(0.05)
        assert not waiting.done()
        while not waiting.done():
            await shop.fold()
            await asyncio.wait([waiting], timeout=0.2)
        assert (await waiting)["visible"] is True


@pytest.mark.parametrize("visible_within", [0.3])
async def test_who_waits_in_vain_is_told_so(shop: Shop) -> None:
    answer = await shop.accepted("PUT", "/v1/members/M7?wait=true", {"phone": PHONE})
    assert answer["visible"] is False
    assert len(await shop.ingress.log()) == 1
    assert "visible" not in await shop.accepted("PUT", "/v1/members/M7", {})
    for wrong in ("DROP SCHEMA g1 CASCADE", "DELETE FROM onefold.generations"):
        await shop.connection.execute(wrong)
        assert (await shop.accepted("PUT", "/v1/members/M7?wait=true", {}))["visible"] is False


@pytest.mark.kafka
@pytest.mark.parametrize("visible_within", [240])  # a worker takes a while to start, on a busy machine
async def test_with_a_worker_members_are_customers_when_the_wait_or_the_job_is_over(shop: Shop, tmp_path: Path) -> None:
    fork_server = ForkServer()
    settings = shop.ingress.settings.model_copy(update={"data_dir": tmp_path, "session_timeout": 2.0})
    worker = WorkerProcess(settings, tmp_path / "worker.log", fork_server)
    try:
        answer = await shop.accepted("PUT", "/v1/members/M7?wait=true", {"phone": PHONE})
        assert answer["visible"] is True, worker.output
        assert (await shop.get("/v1/customers/member:M7"))["phone"] == PHONE
        seen = await shop.accepted("POST", "/v1/contacts/web/shop/c1/tags?wait=true", {"add": ["VIP"]})
        assert seen["visible"] is True
        decided = {"a": "crm:crm:M7", "b": "web:shop:c1", "decision": "same", "by": "amy"}
        assert (await shop.accepted("POST", "/v1/identity/decisions?wait=true", decided))["visible"] is True
        customer = await shop.get("/v1/customers/member:M7")
        assert [contact["contact"] for contact in customer["contacts"]] == ["crm:crm:M7", "web:shop:c1"]
        merge = await shop.accepted("POST", "/v1/members/M7/merge?wait=true", {"into": "N7"})
        assert merge["visible"] is True
        assert (await shop.get("/v1/customers/member:N7"))["id"] == customer["id"]
        await _imported_and_changed_together(shop, worker)
        shop.key = await add_key(shop.ingress.engine, "acme", ["admin"])
        answer = await shop.accepted("PUT", "/v1/identity/policy?wait=true", {"policy": {}})
        assert answer["visible"] is True
        versions = (await shop.get("/v1/identity/policy"))["versions"]
        assert [one["version"] for one in versions] == [answer["event_id"]]
    finally:
        worker.kill()
        fork_server.close()


async def _imported_and_changed_together(shop: Shop, worker: WorkerProcess) -> None:
    """A file is imported, and its customers are tagged: each row is accounted for, each customer is tagged once."""
    begun = await shop.accepted("POST", "/v1/imports?kind=customers", FILE.encode(), **CSV)
    await _import_ended(shop, worker, begun["id"], runs=1)
    await shop.accepted("POST", f"/v1/imports/{begun['id']}/run")
    for run in await _import_ended(shop, worker, begun["id"], runs=2):
        assert (run["state"], run["result"]["counts"], run["done"]) == ("done", COUNTS, sum(COUNTS.values()))
        assert run["result"]["refused_for"] == {"no_member_id": 1, "no_phone": 1, "repeated": 1}
        assert run["result"]["differs"] == {}
    await _until_found(shop, worker, "new")
    for member_id, name, phone in STATED:
        customer = await shop.get(f"/v1/customers/member:{member_id}")
        assert (customer["name"], customer["phone"]) == (name, phone)
    order = {"filter": {"tag": "new"}, "action": {"do": "tag", "tag": "called"}, "expected_customers": 3}
    job = (await shop.ask("POST", "/v1/bulk-actions", order))["job"]

    async def ended() -> bool:
        return (await shop.get(f"/v1/jobs/{job['id']}"))["state"] not in UNFINISHED

    await until(ended, 240, lambda: f"the bulk action does not end\n{worker.output}")
    done = await shop.get(f"/v1/jobs/{job['id']}")
    assert (done["state"], done["result"]) == ("done", {"changed": 3, "unchanged": 0, "skipped": {}})
    await _until_found(shop, worker, "called")
    log = [event for _, event in await shop.ingress.log()]
    called = [event.contact for event in log if isinstance(event, TagAdded) and event.data.tag == "called"]
    assert sorted(contact.uid for contact in called if contact) == ["I1", "I2", "I3"]


async def _import_ended(shop: Shop, worker: WorkerProcess, upload: str, *, runs: int) -> list[Any]:
    """Wait for the end of so many dry runs and runs, which are returned."""

    async def ended() -> bool:
        found[:] = (await shop.send("GET", f"/v1/imports/{upload}")).json()["runs"]
        return len(found) == runs and all(run["state"] not in UNFINISHED for run in found)

    found: list[Any] = []
    await until(ended, 240, lambda: f"the import does not end: {found}\n{worker.output}")
    return found


async def _until_found(shop: Shop, worker: WorkerProcess, tag: str) -> None:
    """Wait until a search finds the three customers that have a tag, each with all that its row stated."""

    async def found() -> bool:
        page = await shop.ask("POST", "/v1/customers/search", {"filter": {"tag": tag}})
        return {(one["member_id"], one["name"], one["phone"]) for one in page["customers"]} == STATED

    await until(found, 240, lambda: f"a search does not find who is tagged {tag}\n{worker.output}")
