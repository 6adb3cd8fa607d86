import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from schemas.topics import event_key
from services.control.keys import add_key
from services.control.tenants import add_tenant
from tests.support.ingress import OCCURRED_AT, RunningIngress, an_event, assert_problem

NDJSON = {"Content-Type": "application/x-ndjson"}


async def test_one_event_is_in_the_log_when_it_is_accepted(ingress: RunningIngress) -> None:
    answer = await ingress.post(an_event())
    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": 1,
        "rejected": 0,
        "results": [{"index": 0, "event_id": "e1", "status": "accepted"}],
    }
    ((key, event),) = await ingress.log()
    assert key.encode() == event_key("acme", "web:shop:c1")
    assert (event.tenant, event.event_id, event.source, event.occurred_at) == ("acme", "e1", "api", OCCURRED_AT)
    assert event.received_at > OCCURRED_AT


@pytest.mark.parametrize("lines", [False, True])
async def test_a_batch_is_answered_event_by_event(ingress: RunningIngress, *, lines: bool) -> None:
    events = [an_event("a"), an_event("b", type=None), an_event("c", contact=None)]
    body: Any = "\n".join(map(json.dumps, events)).encode() if lines else events
    answer = await ingress.post(body, NDJSON if lines else None)
    assert answer.status_code == 202
    results = answer.json()["results"]
    assert [result["status"] for result in results] == ["accepted", "rejected", "accepted"]
    assert results[1]["problem"]["field"] == "type"
    assert results[1]["problem"]["type"] == "/problems/rejected-event"
    log = await ingress.log()
    assert {event.event_id for _, event in log} == {"a", "c"}
    assert {key for key, _ in log} == {"acme|web:shop:c1", "acme|"}


async def test_many_at_once_are_all_there(ingress: RunningIngress) -> None:
    batches = [
        [an_event(f"{batch}-{number}", contact={"channel": "web", "account": "s", "uid": f"c{number % 7}"})]
        for batch in range(20)
        for number in range(25)
    ]
    answers = await asyncio.gather(*(ingress.post(batch) for batch in batches))
    assert {answer.status_code for answer in answers} == {202}
    assert len({event.event_id for _, event in await ingress.log()}) == 500


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"contact": {"channel": "telegram", "account": "a", "uid": "u"}}, "invalid_field"),
        ({"contact": {"channel": "web", "account": "a"}}, "invalid_field"),
        ({"occurred_at": None}, "invalid_time"),
        ({"occurred_at": OCCURRED_AT // 1000}, "invalid_time"),
        ({"occurred_at": -OCCURRED_AT}, "invalid_time"),
        ({"data": {"tag": "a\x00b"}}, "nul_character"),
        ({"type": "x", "data": {"text": "a" * 1_000_000}}, "too_large"),
        ({"tenant": "other"}, "wrong_tenant"),
        ({"data": {"tag": "LONE"}}, "not_json"),
    ],
)
async def test_a_bad_event_has_its_problem_and_the_ones_around_it_go_through(
    ingress: RunningIngress, change: dict[str, Any], reason: str
) -> None:
    bad = json.dumps(an_event("bad", **change)).replace("LONE", "\\ud800").encode()
    good = [json.dumps(an_event(name)).encode() for name in ("before", "after")]
    alone = assert_problem(await ingress.post(bad), 422, "no-acceptable-event")
    assert alone["results"][0]["problem"]["reason"] == reason
    assert alone["detail"] == alone["results"][0]["problem"]["detail"]
    answer = await ingress.post(b"[" + b",".join([good[0], bad, good[1]]) + b"]")
    assert answer.status_code == 202
    assert answer.json()["results"][1]["problem"]["reason"] == reason
    assert {event.event_id for _, event in await ingress.log()} == {"before", "after"}


async def test_a_time_in_the_future_is_taken_to_be_now(ingress: RunningIngress) -> None:
    assert (await ingress.post(an_event(occurred_at=OCCURRED_AT * 10))).status_code == 202
    ((_, event),) = await ingress.log()
    assert event.occurred_at == event.received_at


@pytest.mark.parametrize("body", [b'{"type":', b"nonsense", b"", b"\xff\xfe"])
async def test_what_is_no_json_is_a_400(ingress: RunningIngress, body: bytes) -> None:
    assert_problem(await ingress.post(body), 400, "malformed-body")


async def test_a_bad_line_costs_only_itself(ingress: RunningIngress) -> None:
    body = b"\n".join([json.dumps(an_event("a")).encode(), b'{"type":', json.dumps(an_event("b")).encode()])
    answer = await ingress.post(body, NDJSON)
    assert answer.status_code == 202
    assert answer.json()["results"][1]["problem"]["reason"] == "not_json"
    assert len(await ingress.log()) == 2


async def test_too_many_events_are_a_413(ingress: RunningIngress) -> None:
    body = assert_problem(await ingress.post([an_event()] * 501), 413, "too-large")
    assert body["reason"] == "too_many"
    assert await ingress.log() == []


class Upload:
    """A body without end that knows how much of it was taken."""

    def __init__(self, size: int) -> None:
        self.size, self.taken = size, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"["
        while self.taken < self.size:
            self.taken += 65_536
            yield b" " * 65_536


async def test_ten_megabytes_are_a_413_and_are_not_read(ingress: RunningIngress) -> None:
    assert_problem(await ingress.post(b"[" + b" " * 10_000_000), 413, "too-large")
    upload = Upload(10_000_000)
    declared = await ingress.post(upload, {"Content-Length": "10000001"})
    assert_problem(declared, 413, "too-large")


async def test_a_body_of_no_declared_length_is_read_up_to_its_limit(ingress: RunningIngress) -> None:
    upload = Upload(10_000_000)
    assert_problem(await ingress.post(upload), 413, "too-large")


@pytest.mark.parametrize("length", ["-1", "abc", "9" * 400])
async def test_a_declared_length_that_is_none_changes_nothing(ingress: RunningIngress, length: str) -> None:
    answer = await ingress.post(Upload(1000), {"Content-Length": length})
    assert answer.status_code in (202, 400, 413)


async def test_a_packed_body_is_unpacked_within_the_limit(ingress: RunningIngress) -> None:
    packed = gzip.compress(json.dumps([an_event("a")]).encode())
    assert (await ingress.post(packed, {"Content-Encoding": "gzip"})).status_code == 202
    bomb = gzip.compress(b"[" + b" " * 50_000_000)
    assert_problem(await ingress.post(bomb, {"Content-Encoding": "gzip"}), 413, "too-large")
    assert_problem(await ingress.post(packed[:-9], {"Content-Encoding": "gzip"}), 400, "malformed-body")
    assert_problem(await ingress.post(packed, {"Content-Encoding": "br"}), 415, "unsupported-encoding")
    assert [event.event_id for _, event in await ingress.log()] == ["a"]


async def test_without_a_key_nothing_is_taken(ingress: RunningIngress) -> None:
    answer = await ingress.client.post("/v1/events", json=an_event())
    assert_problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert_problem(await ingress.post(an_event(), key="of_" + "x" * 43), 401, "unauthenticated")
    reader = await add_key(ingress.engine, "acme", ["customers:read"])
    assert_problem(await ingress.post(an_event(), key=reader), 403, "forbidden")
    assert await ingress.log() == []


async def test_a_key_writes_as_its_tenant_only(ingress: RunningIngress) -> None:
    await add_tenant(ingress.engine, "other")
    key = await add_key(ingress.engine, "other", ["events:write"])
    assert (await ingress.post(an_event(), key=key)).status_code == 202
    assert_problem(await ingress.post(an_event(tenant="acme"), key=key), 422, "no-acceptable-event")
    ((record_key, event),) = await ingress.log()
    assert (event.tenant, record_key) == ("other", "other|web:shop:c1")


async def test_other_methods_and_paths_are_problems(ingress: RunningIngress) -> None:
    assert_problem(await ingress.client.get("/v1/events"), 405, "method-not-allowed")
    assert_problem(await ingress.client.post("/v1/nothing"), 404, "not-found")


async def test_what_was_not_given_back_of_the_budget_would_show(ingress: RunningIngress) -> None:
    for _ in range(3):
        await ingress.post([an_event()] * 10)
        await ingress.post(b"x")
        await ingress.post(Upload(5_000_000))
    metrics = (await ingress.client.get("/metrics")).text
    assert "\nonefold_ingress_bytes 0.0\n" in metrics
    assert 'onefold_http_seconds_count{method="POST",route="/v1/events",status="202"}' in metrics


async def test_the_openapi_document_tells_of_both_doors(ingress: RunningIngress) -> None:
    document = (await ingress.client.get("/openapi.json")).json()
    events = document["paths"]["/v1/events"]["post"]
    assert {"202", "400", "401", "403", "413", "422", "503"} <= events["responses"].keys()
    assert set(events["requestBody"]["content"]) == {"application/json", "application/x-ndjson"}
    assert "/webhooks/line/{source}" in document["paths"]
    text = json.dumps(document)
    referred = {name.split('"')[0] for name in text.split("#/components/schemas/")[1:]}
    assert referred <= document["components"]["schemas"].keys()
    assert set(document["components"]["schemas"]["TagAdded"]["required"]) == {"type", "occurred_at", "data"}


@pytest.mark.parametrize(
    "path", ["/v1/events", "/v1/members/M1", "/v1/campaigns/june/messages", "/v1/members/merges", "/v1/sources"]
)
async def test_a_query_parameter_that_a_route_has_not_is_refused_by_name(ingress: RunningIngress, path: str) -> None:
    method = "PUT" if path == "/v1/members/M1" else "POST"
    key = await add_key(ingress.engine, "acme", ["admin"])
    ask = partial(ingress.client.request, method, path, params={"wait_": "true"}, content=b"{}")
    answer = await ask(headers={"Authorization": f"Bearer {key}"})
    assert [one["field"] for one in assert_problem(answer, 422, "invalid-request")["errors"]] == ["query.wait_"]
    assert_problem(await ask(), 401, "unauthenticated")
    assert await ingress.log() == []
