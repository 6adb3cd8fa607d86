"""What RudderStack's SDKs ask besides Segment's calls, on a real Kafka and a real PostgreSQL."""

from base64 import b64encode
from typing import Any

import httpx
import orjson
import pytest

from schemas.events.conversation import Tracking
from services.control import write_keys
from tests.support.ingress import RunningIngress, assert_problem

CONFIGS = ["/sourceConfig", "/sourceConfig/"]
SUCCESS = {"success": True}


@pytest.fixture
async def key(ingress: RunningIngress) -> str:
    """A public write key of a website."""
    return await write_keys.add_site(ingress.engine, "shop-web", tenant="acme", account="shop")


def basic(write_key: str) -> dict[str, str]:
    """The header that RudderStack's SDKs send."""
    return {"Authorization": f"Basic {b64encode(f'{write_key}:'.encode()).decode()}"}


async def beacon(ingress: RunningIngress, content: bytes, write_key: str) -> httpx.Response:
    """What a browser sends when it leaves a page."""
    headers = {"Content-Type": "text/plain", "Origin": "https://shop.example"}
    return await ingress.client.post(f"/beacon/v1/batch?writeKey={write_key}", content=content, headers=headers)


def a_batch(**message: Any) -> bytes:
    track = {"type": "track", "event": "Left", "anonymousId": "c1", "messageId": "1"} | message
    return orjson.dumps({"batch": [track], "sentAt": "2025-10-09T08:53:20.000Z"})


@pytest.mark.parametrize("path", CONFIGS)
async def test_a_source_is_enabled_and_has_no_destinations(ingress: RunningIngress, key: str, path: str) -> None:
    answer = await ingress.client.get(f"{path}?p=npm&v=3", headers=basic(key) | {"Origin": "https://shop.example"})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    source = answer.json()["source"]
    assert (source["id"], source["enabled"], source["destinations"]) == (key, True, [])
    assert source["config"]["statsCollection"]["errors"] == {"enabled": False}
    assert "shop-web" not in answer.text  # everybody can read it
    assert (await ingress.client.get(f"{path}?writeKey={key}")).json() == answer.json()


@pytest.mark.parametrize("path", CONFIGS)
async def test_without_a_public_key_there_is_no_configuration(ingress: RunningIngress, key: str, path: str) -> None:
    server = await write_keys.add_write_key(ingress.engine, "shop-web", "server")
    for headers, status, slug in (
        ({}, 401, "unauthenticated"),
        (basic(key + "x"), 401, "unauthenticated"),
        ({"Authorization": f"Bearer {key}"}, 401, "unauthenticated"),
        (basic(server), 403, "server-key-in-browser"),
    ):
        answer = await ingress.client.get(path, headers=headers)
        assert_problem(answer, status, slug)
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_beacons_batch_is_in_the_log_when_it_is_answered(ingress: RunningIngress, key: str) -> None:
    answer = await beacon(ingress, a_batch(), key)
    assert (answer.status_code, answer.json()) == (200, SUCCESS)
    assert answer.headers["access-control-allow-origin"] == "*"
    ((record, event),) = await ingress.log()
    assert (record, event.event_id) == ("acme|web:shop:c1", "web:did:1")
    assert 'channel="web",outcome="ok"' in (await ingress.client.get("/metrics")).text


async def test_a_beacon_that_cannot_be_taken_is_refused(ingress: RunningIngress, key: str) -> None:
    server = await write_keys.add_write_key(ingress.engine, "shop-web", "server")
    for body, write_key, status, slug in (
        (a_batch(), "wk_guess", 401, "unauthenticated"),
        (a_batch(writeKey=key), "", 401, "unauthenticated"),
        (a_batch(), server, 403, "server-key-in-browser"),
        (b"{", key, 400, "malformed-body"),
        (a_batch(anonymousId=None), key, 400, "unusable-message"),
    ):
        assert_problem(await beacon(ingress, body, write_key), status, slug)
    assert await ingress.log() == []


@pytest.mark.parametrize("path", [*CONFIGS, "/beacon/v1/batch", "/rsaMetrics"])
async def test_a_script_on_any_site_may_ask(ingress: RunningIngress, path: str) -> None:
    asks = {"Origin": "https://shop.example", "Access-Control-Request-Headers": "anonymousid,authorization,sentat"}
    answer = await ingress.client.options(path, headers=asks)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-headers"] == asks["Access-Control-Request-Headers"]


async def test_what_an_sdk_measures_of_itself_is_dropped(ingress: RunningIngress) -> None:
    answer = await ingress.client.post("/rsaMetrics", content=b"{}")
    assert (answer.status_code, answer.json()) == (200, SUCCESS)
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_pixel_records_an_event_and_is_an_image_whatever_comes(ingress: RunningIngress, key: str) -> None:
    server = await write_keys.add_write_key(ingress.engine, "shop-web", "server")
    query = {"anonymousId": '"reader-1"', "event": "Opened", "properties.campaign": "spring"}
    long = {"properties.long": "x" * 40_000}
    for given in ({"writeKey": key}, {"writeKey": key}, {}, {"writeKey": key + "x"}, {"writeKey": server}):
        answer = await ingress.client.get("/pixel/v1/track", params=query | given)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
        assert answer.content.startswith(b"GIF89a")
    assert (await ingress.client.get("/pixel/v1/page", params=query | {"writeKey": key} | long)).status_code == 200
    assert (await ingress.client.get("/pixel/v1/page", params={"writeKey": key, "anonymousId": "r2"})).is_success
    found = [(one.contact.uid, one.data) for _, one in await ingress.log() if one.contact is not None]
    assert sorted(uid for uid, _ in found) == ["r2", "reader-1", "reader-1"]
    (tracked, _) = [data for uid, data in found if uid == "reader-1"]
    assert isinstance(tracked, Tracking)
    assert (tracked.event, tracked.properties) == ("Opened", {"campaign": "spring"})
