"""Segment's HTTP API on a real Kafka and a real PostgreSQL: what SDKs send, and what they must be told."""

import asyncio
import gzip
from base64 import b64encode
from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest

from services.control import write_keys
from services.control.errors import NameTaken, UnknownSite
from services.control.source_options import SourceOptions
from services.control.sources import change_source, disabled
from services.ingress.core.segment import BATCHES, CALLS, MAX_BATCH_BYTES, MAX_MESSAGES, MAX_UNPROVEN_BYTES
from services.runtime.broker import ensure_topics
from tests.support.ingress import OCCURRED_AT, RunningIngress, assert_problem, running_ingress, settings_for
from tests.support.servers import OwnKafka, OwnPostgres

AT = "2025-10-09T08:53:20.000Z"  # OCCURRED_AT
SUCCESS = {"success": True}


@pytest.fixture
async def key(ingress: RunningIngress) -> str:
    """The write key of a website."""
    return await write_keys.add_site(ingress.engine, "shop-web", tenant="acme", account="shop")


def a_track(number: int = 1, **fields: Any) -> dict[str, Any]:
    """A thing done on the site, as SDKs send it."""
    message = {"type": "track", "event": "Paid", "anonymousId": "c1", "messageId": f"m{number}", "timestamp": AT}
    return message | fields


def basic(write_key: str) -> dict[str, str]:
    """The header that servers' SDKs send."""
    return {"Authorization": f"Basic {b64encode(f'{write_key}:'.encode()).decode()}"}


async def send(ingress: RunningIngress, path: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return await ingress.client.post(path, content=content, headers=headers or {})


@pytest.mark.parametrize("name", [*CALLS, *BATCHES])
async def test_each_call_is_in_the_log_when_it_is_answered(ingress: RunningIngress, key: str, name: str) -> None:
    message = a_track(previousId="c1", userId="M7", groupId="g")
    answer = await send(ingress, f"/v1/{name}", {"batch": [message]} if name in BATCHES else message, basic(key))
    assert (answer.status_code, answer.json()) == (200, SUCCESS)
    log = await ingress.log()
    assert {record for record, _ in log} == {"acme|web:shop:c1", "acme|web:shop:user:M7"}
    assert {event.type for _, event in log} >= {"identity.bound"}
    assert {(event.tenant, event.source, event.occurred_at) for _, event in log} == {("acme", "shop-web", OCCURRED_AT)}


async def test_a_browser_sends_its_key_in_a_plain_text_body(ingress: RunningIngress, key: str) -> None:
    body = a_track(writeKey=key)
    answer = await send(ingress, "/v1/t", body, {"Content-Type": "text/plain", "Origin": "https://shop.example"})
    assert (answer.status_code, answer.json()) == (200, SUCCESS)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert len(await ingress.log()) == 1


async def test_a_batch_may_be_packed(ingress: RunningIngress, key: str) -> None:
    packed = gzip.compress(orjson.dumps({"batch": [a_track(number) for number in range(100)]}))
    answer = await send(ingress, "/v1/batch", packed, basic(key) | {"Content-Encoding": "gzip"})
    assert answer.json() == SUCCESS
    assert {event.event_id for _, event in await ingress.log()} == {f"web:did:m{number}" for number in range(100)}


async def test_a_repeat_is_the_same_event(ingress: RunningIngress, key: str) -> None:
    for _ in range(2):
        await send(ingress, "/v1/track", a_track(), basic(key))
    first, second = (event for _, event in await ingress.log())
    assert first == second.model_copy(update={"received_at": first.received_at})


async def test_who_is_logged_in_is_said_once_a_day_however_much_is_done(ingress: RunningIngress, key: str) -> None:
    for number in range(3):
        await send(ingress, "/v1/track", a_track(number, userId="M7"), basic(key))
    assert sorted(event.type for _, event in await ingress.log()) == ["identity.bound"] * 2 + ["web.tracked"] * 3


async def test_a_browser_that_two_members_use_in_turn_ends_with_the_last(ingress: RunningIngress, key: str) -> None:
    for number, member in enumerate(["A", "B", "A", "A"]):
        track = a_track(number, userId=member, timestamp=OCCURRED_AT + number)
        await send(ingress, "/v1/track", track, basic(key))
    logins = [event for record, event in await ingress.log() if record == "acme|web:shop:c1"]
    assert [event.event_id for event in logins] == ["web:seen:m0", "web:seen:m1", "web:seen:m2"]


async def test_without_a_known_key_nothing_is_taken(ingress: RunningIngress, key: str) -> None:
    api_key = {"Authorization": f"Bearer {ingress.key}"}
    wrong: list[dict[str, str]] = [basic(key + "x"), basic(""), basic("Ü"), {"Authorization": "Basic ?"}, api_key, {}]
    for headers in wrong:
        answer = await send(ingress, "/v1/track", a_track(), headers)
        assert_problem(answer, 401, "unauthenticated")
        assert answer.headers["access-control-allow-origin"] == "*"  # else a script can't tell this from no network
        assert "basic" not in answer.headers["www-authenticate"].lower()  # else the browser asks for a password
    for in_the_body in ("wk_guess", 7, None, ingress.key):
        assert_problem(await send(ingress, "/v1/track", a_track(writeKey=in_the_body)), 401, "unauthenticated")
    # A header that is there is what counts.
    assert_problem(await send(ingress, "/v1/track", a_track(writeKey=key), basic("wk_guess")), 401, "unauthenticated")
    assert await ingress.log() == []


async def test_a_write_key_opens_nothing_else(ingress: RunningIngress, key: str) -> None:
    assert_problem(await ingress.post([], key=key), 401, "unauthenticated")


async def test_a_revoked_key_stops_within_seconds_and_another_goes_on(ingress: RunningIngress, key: str) -> None:
    other = await write_keys.add_write_key(ingress.engine, "shop-web")
    assert (await send(ingress, "/v1/track", a_track(), basic(key))).status_code == 200
    await write_keys.revoke_write_key(ingress.engine, key)
    ingress.clock.forward(2.1)
    assert_problem(await send(ingress, "/v1/track", a_track(), basic(key)), 401, "unauthenticated")
    assert (await send(ingress, "/v1/track", a_track(), basic(other))).status_code == 200


async def test_a_bad_message_of_a_batch_is_left_out_by_itself(ingress: RunningIngress, key: str) -> None:
    large = a_track(2, properties={"x": "a" * 33_000})
    batch = [a_track(1), large, {"type": "track", "event": "x"}, "x", a_track(3)]
    answer = await send(ingress, "/v1/batch", {"batch": batch}, basic(key))
    assert answer.status_code == 200
    assert answer.json() == SUCCESS | {
        "ignored": [
            {"index": 1, "reason": "too_large"},
            {"index": 2, "reason": "no_id"},
            {"index": 3, "reason": "not_an_object"},
        ]
    }
    assert {event.event_id for _, event in await ingress.log()} == {"web:did:m1", "web:did:m3"}


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("/v1/track", b'{"event":', (400, "malformed-body")),
        ("/v1/track", [], (400, "malformed-body")),
        ("/v1/batch", {"batch": {}}, (400, "malformed-body")),
        ("/v1/track", {"event": "x"}, (400, "unusable-message")),
        ("/v1/batch", {"batch": [{"event": "x"}]}, (400, "unusable-message")),
        ("/v1/track", a_track(properties={"x": "a" * 33_000}), (413, "too-large")),
        ("/v1/batch", {"batch": [a_track(properties={"x": "a" * 33_000})]}, (413, "too-large")),
        ("/v1/batch", {"batch": [{}] * (MAX_MESSAGES + 1)}, (413, "too-large")),
        ("/v1/batch", b" " * (MAX_BATCH_BYTES + 1), (413, "too-large")),
    ],
)
async def test_what_can_not_be_taken_is_said_so(
    ingress: RunningIngress, key: str, path: str, body: Any, refusal: tuple[int, str]
) -> None:
    answer = await send(ingress, path, body, basic(key))
    assert_problem(answer, *refusal)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert await ingress.log() == []


async def test_a_full_batch_is_taken_and_an_empty_one_is_no_mistake(ingress: RunningIngress, key: str) -> None:
    full = [{"type": "page", "anonymousId": f"c{number}", "messageId": "1"} for number in range(MAX_MESSAGES)]
    for batch in (full, []):
        assert (await send(ingress, "/v1/batch", {"batch": batch}, basic(key))).json() == SUCCESS
    assert len(await ingress.log()) == MAX_MESSAGES


async def test_a_script_on_any_site_may_ask_first(ingress: RunningIngress) -> None:
    asks = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-own",
    }
    answer = await ingress.client.options("/v1/i", headers=asks)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "x-own" in answer.headers["access-control-allow-headers"]
    assert "POST" in answer.headers["access-control-allow-methods"]
    odd = await ingress.client.options("/v1/i", headers=asks | {"Access-Control-Request-Headers": "a\tb;"})
    assert "authorization" in odd.headers["access-control-allow-headers"]


async def test_the_browsers_sdk_is_told_to_send_where_it_asked(ingress: RunningIngress, key: str) -> None:
    async def told(host: str) -> Any:
        answer = await ingress.client.get(f"/v1/projects/{key}/settings", headers={"Host": host})
        assert answer.headers["access-control-allow-origin"] == "*"
        return answer.json()["integrations"]["Segment.io"]

    assert await told("cdp.example") == {"apiKey": key, "apiHost": "cdp.example/v1", "protocol": "https"}
    assert await told("127.0.0.1:8080") == {"apiKey": key, "apiHost": "127.0.0.1:8080/v1", "protocol": "http"}
    assert await told("localhost.evil.example") == {
        "apiKey": key,
        "apiHost": "localhost.evil.example/v1",
        "protocol": "https",
    }
    assert await told("a b/<script>") == {"apiKey": key}
    for unknown in ("wk_guess", "x", "%00", ingress.key):
        answer = await ingress.client.get(f"/v1/projects/{unknown}/settings")
        assert_problem(answer, 404, "not-found")
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_what_the_sdk_tells_of_itself_is_taken_kindly(ingress: RunningIngress) -> None:
    assert (await send(ingress, "/v1/m", {"series": []})).json() == SUCCESS


async def test_calls_are_counted_by_outcome(ingress: RunningIngress, key: str) -> None:
    await send(ingress, "/v1/track", a_track(), basic(key))
    await send(ingress, "/v1/track", a_track())
    metrics = (await ingress.client.get("/metrics")).text
    assert 'onefold_ingress_webhooks_total{channel="web",outcome="ok"}' in metrics
    assert 'onefold_ingress_webhooks_total{channel="web",outcome="unauthenticated"}' in metrics
    assert key not in metrics


async def test_the_description_tells_of_the_calls(ingress: RunningIngress) -> None:
    document = (await ingress.client.get("/openapi.json")).json()
    for name in ("identify", "track", "page", "screen", "alias", "group", "merge", "batch", "import"):
        assert "200" in document["paths"][f"/v1/{name}"]["post"]["responses"]
    assert document["components"]["securitySchemes"]["writeKey"]["scheme"] == "basic"


async def test_a_source_of_another_channel_has_no_write_key(ingress: RunningIngress) -> None:
    with pytest.raises(UnknownSite):
        await write_keys.add_write_key(ingress.engine, "shop-line")
    with pytest.raises(NameTaken):
        await write_keys.add_site(ingress.engine, "shop-line", tenant="acme", account="shop")
    assert await write_keys.list_write_keys(ingress.engine) == []


async def test_a_site_past_its_rate_is_told_when_to_come_back(ingress: RunningIngress, key: str) -> None:
    await change_source(
        ingress.engine, "shop-web", None, lambda source: replace(source, options=SourceOptions(rate=0.01))
    )
    assert (await send(ingress, "/v1/track", a_track(1), basic(key))).status_code == 200
    refused = await send(ingress, "/v1/track", a_track(2), basic(key))
    assert_problem(refused, 429, "too-fast")
    assert refused.headers["retry-after"].isdecimal()
    assert refused.headers["access-control-allow-origin"] == "*"


async def test_a_disabled_site_takes_nothing_in(ingress: RunningIngress, key: str) -> None:
    await change_source(ingress.engine, "shop-web", None, disabled)
    assert_problem(await send(ingress, "/v1/track", a_track(), basic(key)), 401, "unauthenticated")


@pytest.mark.kafka
async def test_while_kafka_is_away_nothing_is_a_success_and_then_all_is_well(
    own_kafka: OwnKafka, database: str, topic_prefix: str
) -> None:
    settings = settings_for(own_kafka.bootstrap, database, topic_prefix, ack_timeout=5)
    await ensure_topics(settings)
    async with running_ingress(settings) as ingress:
        headers = basic(await write_keys.add_site(ingress.engine, "shop-web", tenant="acme", account="shop"))
        await ingress.ready()
        await own_kafka.kill()
        answer = await send(ingress, "/v1/track", a_track(1, userId="M7"), headers)
        assert_problem(answer, 503, "unavailable")
        assert answer.headers["retry-after"].isdecimal()
        assert answer.headers["access-control-allow-origin"] == "*"
        await own_kafka.start()
        async with asyncio.timeout(240):
            while (await send(ingress, "/v1/track", a_track(2, userId="M7"), headers)).status_code != 200:
                await asyncio.sleep(0.2)
        # What was not acknowledged counts as not said: the login came again with the second message.
        assert {"identity.bound", "web.tracked"} <= {event.type for _, event in await ingress.log()}


async def test_while_postgresql_is_away_a_key_that_is_not_known_is_no_wrong_key(
    kafka: str, own_postgres: OwnPostgres, topic_prefix: str
) -> None:
    settings = settings_for(kafka, own_postgres.url, topic_prefix)
    await ensure_topics(settings)
    async with running_ingress(settings) as ingress:
        await ingress.ready()
        await own_postgres.stop()
        for answer in (
            await send(ingress, "/v1/track", a_track(), basic("wk_other")),
            await ingress.client.get("/v1/projects/wk_other/settings"),
        ):
            assert_problem(answer, 503, "unavailable")
            assert answer.headers["access-control-allow-origin"] == "*"
        await own_postgres.start()


async def test_the_browsers_settings_refuse_a_server_s_key(ingress: RunningIngress) -> None:
    public = await write_keys.add_site(ingress.engine, "shop-web", tenant="acme", account="shop")
    server = await write_keys.add_write_key(ingress.engine, "shop-web", "server")
    assert (await ingress.client.get(f"/v1/projects/{public}/settings")).status_code == 200
    assert_problem(await ingress.client.get(f"/v1/projects/{server}/settings"), 403, "server-key-in-browser")
    assert (
        await ingress.client.post("/v1/track", json={"anonymousId": "a", "event": "E"}, auth=(server, ""))
    ).is_success


async def test_a_server_s_key_is_refused_in_a_page(ingress: RunningIngress, key: str) -> None:
    server = await write_keys.add_write_key(ingress.engine, "shop-web", "server")
    page = {"Origin": "https://shop.example"}
    for answer in (
        await send(ingress, "/v1/track", a_track(), basic(server) | page),
        await send(ingress, "/v1/track", a_track(writeKey=server), page),
    ):
        problem = assert_problem(answer, 403, "server-key-in-browser")
        assert "revoke" in problem["detail"]
        assert answer.headers["access-control-allow-origin"] == "*"
    assert await ingress.log() == []
    assert (await send(ingress, "/v1/track", a_track(), basic(server))).json() == SUCCESS
    assert (await send(ingress, "/v1/track", a_track(), basic(key) | page)).json() == SUCCESS


async def test_a_problem_names_itself_in_the_words_that_sdks_read(ingress: RunningIngress) -> None:
    problem = (await send(ingress, "/v1/batch", {"batch": []}, basic("wk_guess"))).json()
    assert (problem["code"], problem["message"]) == ("unauthenticated", problem["detail"])


async def test_a_key_in_the_body_allows_smaller_batches_than_one_in_a_header(ingress: RunningIngress, key: str) -> None:
    batch = {"batch": [a_track(number, properties={"x": "a" * 30_000}) for number in range(18)], "writeKey": key}
    assert len(orjson.dumps(batch)) > MAX_UNPROVEN_BYTES
    assert_problem(await send(ingress, "/v1/batch", batch), 413, "too-large")
    assert (await send(ingress, "/v1/batch", batch, basic(key))).json() == SUCCESS
