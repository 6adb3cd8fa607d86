"""Requests go out with their credentials, and the answers are counted."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest

from services.demo.accounts import SendCounts
from services.demo.connections import SIGNED, Target
from services.demo.deliveries import Deliveries, deliveries
from services.demo.errors import DemoError
from services.demo.generate import generate_year
from services.demo.sending import send_posts

TARGET = Target("http://ingress", "of_key", {sender: f"secret-of-{sender}" for sender in SIGNED}, "wk_demo")
Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(scope="module", name="sent")
def fixture_sent() -> Deliveries:
    until = 1_790_000_000_000
    return deliveries(generate_year(1, 50, 500, until).reports, "1/50/500")


def ingress(request: httpx.Request) -> httpx.Response:
    """Accepts everything but what the generator made invalid, with answers of the documented shapes."""
    _, part, *rest = request.url.path.split("/")
    if part == "webhooks":
        return httpx.Response(200 if signed(request, rest[1].removeprefix("demo-")) else 401, json={})
    if rest == ["batch"]:
        user = base64.b64encode(f"{TARGET.write_key}:".encode()).decode()
        return httpx.Response(200 if request.headers["Authorization"] == f"Basic {user}" else 401, json={})
    if request.headers["Authorization"] != f"Bearer {TARGET.key}":
        return httpx.Response(401)
    if rest[0] == "campaigns":
        lines = len(request.content.splitlines()) - 1
        return httpx.Response(202 if lines else 400, json={"accepted": lines, "rejected": 0})
    if rest == ["members"]:
        return members(orjson.loads(request.content)) if request.method == "PUT" else httpx.Response(405)
    return events(request.content)


def signed(request: httpx.Request, sender: str) -> bool:
    digest = hmac.digest(f"secret-of-{sender}".encode(), request.content, hashlib.sha256)
    if sender == "line":
        return request.headers["x-line-signature"] == base64.b64encode(digest).decode()
    return request.headers["X-Hub-Signature-256"] == f"sha256={digest.hex()}"


def members(records: list[dict[str, Any]]) -> httpx.Response:
    """Each record's events: identifiers, profile, tags, attributes."""
    parts = [_parts(one) for one in records if "member_id" in one]
    results = [{"event_ids": one} for one in parts] + [{"status": "rejected"}] * (len(records) - len(parts))
    rejected = len(records) - len(parts)
    return httpx.Response(202 if parts else 422, json={"results": results, "rejected": rejected})


def _parts(record: dict[str, Any]) -> list[Any]:
    named = [
        name for name, keys in (("identity", {"phone", "email"}), ("profile", {"display_name"})) if keys & record.keys()
    ]
    return [*named, *record.get("tags", {}).get("add", []), *record.get("attributes", {})]


def events(body: bytes) -> httpx.Response:
    try:
        batch = orjson.loads(body)
    except orjson.JSONDecodeError:
        return httpx.Response(422 if b"ud83c" in body else 400, json={"results": []})
    statuses = [
        "rejected" if "demo:invalid" in str(event) or event == 42 or not event.get("data") else "accepted"
        for event in batch
    ]
    results = [{"index": index, "status": status} for index, status in enumerate(statuses)]
    return httpx.Response(202 if "accepted" in statuses else 422, json={"results": results})


async def send(sent: Deliveries, answer: Answer, counts: SendCounts, give_up_after: float = 60.0) -> None:
    def client() -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(answer))

    await send_posts(TARGET, sent.posts, counts, client, give_up_after)


async def test_everything_is_sent_once_and_counted(sent: Deliveries) -> None:
    counts = SendCounts()
    await send(sent, ingress, counts)
    assert counts == SendCounts(
        sent=sent.accepted + sent.rejected,
        rejected=sent.rejected,
        refused_requests=sent.refused,
        accepted_by=counts.accepted_by,
    )
    assert counts.accepted_by.total() == sent.accepted
    assert counts.accepted_by.keys() == {post.sender for post in sent.posts}


async def test_requests_are_sent_again_while_ingress_is_unavailable(sent: Deliveries) -> None:
    counts, turned_away = SendCounts(), set[bytes]()

    def slowly(request: httpx.Request) -> httpx.Response:
        if len(turned_away) < 3 and request.content not in turned_away:
            turned_away.add(request.content)
            if len(turned_away) == 2:
                raise httpx.ReadError("gone", request=request)
            return httpx.Response(503, headers={"Retry-After": "0"})
        return ingress(request)

    await send(sent, slowly, counts)
    assert (counts.accepted, counts.rejected, counts.refused_requests) == (sent.accepted, sent.rejected, sent.refused)
    assert counts.resent > 0


async def test_ingress_that_stays_unavailable_ends_the_demo(sent: Deliveries) -> None:
    with pytest.raises(DemoError, match="status 503"):
        await send(sent, lambda _: httpx.Response(503), SendCounts(), give_up_after=0.5)


async def test_an_unexpected_answer_ends_the_demo(sent: Deliveries) -> None:
    with pytest.raises(DemoError, match="answered 200"):
        await send(sent, lambda _: httpx.Response(200, json={}), SendCounts())
