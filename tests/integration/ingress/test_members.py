"""A CRM's members over HTTP: into the log, into the read models, found by their member id."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.control.keys import add_key
from tests.support.ingress import RunningIngress, assert_problem
from tests.support.shop import Shop, open_shop
from tests.support.worker_processes import ForkServer, WorkerProcess

PHONE = "+886911111111"
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
    assert (problem["reason"], problem["field"]) == ("invalid_field", "tags.add.0")
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
async def test_with_a_worker_a_member_is_a_customer_when_the_wait_is_over(shop: Shop, tmp_path: Path) -> None:
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
        shop.key = await add_key(shop.ingress.engine, "acme", ["admin"])
        answer = await shop.accepted("PUT", "/v1/identity/policy?wait=true", {"policy": {}})
        assert answer["visible"] is True
        versions = (await shop.get("/v1/identity/policy"))["versions"]
        assert [one["version"] for one in versions] == [answer["event_id"]]
    finally:
        worker.kill()
        fork_server.close()
