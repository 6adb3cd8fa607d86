"""What goes over the wire, and what is made of the answers."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import orjson
import pytest

from services.demo import sending
from services.demo.accounts import Door
from services.demo.connections import SIGNED, Credentials
from services.demo.errors import DoorAnswersStrangely, DoorShut
from services.demo.generate import Deliveries, deliveries, life
from services.demo.requests import Address, Request, requests

CREDENTIALS = Credentials({way: f"secret-of-{way}" for way in SIGNED}, "wk_demo")
ADDRESS = Address("http://door", "of_key", CREDENTIALS)
Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(scope="module", name="sent")
def fixture_sent() -> Deliveries:
    until = 1_790_000_000_000
    return deliveries(life(1, 50, 500, until), "1/50/500", until)


def ingress(request: httpx.Request) -> httpx.Response:
    """A door that takes everything but what the generator spoilt, by the contract's shapes."""
    _, part, *rest = request.url.path.split("/")
    if part == "webhooks":
        return httpx.Response(200 if signed(request, rest[1].removeprefix("demo-")) else 401, json={})
    if rest == ["batch"]:
        user = base64.b64encode(f"{CREDENTIALS.write_key}:".encode()).decode()
        return httpx.Response(200 if request.headers["Authorization"] == f"Basic {user}" else 401, json={})
    if request.headers["Authorization"] != f"Bearer {ADDRESS.key}":
        return httpx.Response(401)
    if rest[0] == "campaigns":
        lines = len(request.content.splitlines()) - 1
        return httpx.Response(202 if lines else 400, json={"accepted": lines, "rejected": 0})
    if rest == ["members"]:
        return members(orjson.loads(request.content)) if request.method == "PUT" else httpx.Response(405)
    return events(request.content)


def signed(request: httpx.Request, way: str) -> bool:
    digest = hmac.digest(f"secret-of-{way}".encode(), request.content, hashlib.sha256)
    if way == "line":
        return request.headers["x-line-signature"] == base64.b64encode(digest).decode()
    return request.headers["X-Hub-Signature-256"] == f"sha256={digest.hex()}"


def members(records: list[dict[str, Any]]) -> httpx.Response:
    """Each record's events: identifiers, profile, tags, attributes."""
    told = [_parts(one) for one in records if "member_id" in one]
    results = [{"event_ids": one} for one in told] + [{"status": "rejected"}] * (len(records) - len(told))
    rejected = len(records) - len(told)
    return httpx.Response(202 if told else 422, json={"results": results, "rejected": rejected})


def _parts(record: dict[str, Any]) -> list[Any]:
    named = [
        name for name, keys in (("identity", {"phone", "email"}), ("profile", {"display_name"})) if keys & record.keys()
    ]
    return [*named, *record.get("tags", {}).get("add", []), *record.get("attributes", {})]


def events(body: bytes) -> httpx.Response:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return httpx.Response(422 if b"ud83c" in body else 400, json={"results": []})
    statuses = [
        "rejected" if "spoilt" in str(event) or event == 42 or not event.get("data") else "accepted" for event in said
    ]
    results = [{"index": index, "status": status} for index, status in enumerate(statuses)]
    return httpx.Response(202 if "accepted" in statuses else 422, json={"results": results})


async def send(requests: Iterator[Request], answer: Answer, door: Door) -> None:
    transport = httpx.MockTransport(answer)
    await sending.carry(lambda: httpx.AsyncClient(transport=transport), requests, door)


async def test_everything_is_sent_once_and_counted(sent: Deliveries) -> None:
    door = Door()
    await send(requests(ADDRESS, sent), ingress, door)
    assert door == Door(
        sent=sent.accepted + sent.rejected,
        accepted=sent.accepted,
        rejected=sent.rejected,
        refused=len(sent.refused),
        accepted_by=door.accepted_by,
    )
    assert door.accepted_by.total() == sent.accepted
    assert door.accepted_by.keys() == {post.way for post in sent.posts}


async def test_a_door_that_is_shut_for_a_while_is_knocked_at_again(sent: Deliveries) -> None:
    door, turned_away = Door(), set[bytes]()

    def slowly(request: httpx.Request) -> httpx.Response:
        if len(turned_away) < 3 and request.content not in turned_away:
            turned_away.add(request.content)
            if len(turned_away) == 2:
                raise httpx.ReadError("gone", request=request)
            return httpx.Response(503, headers={"Retry-After": "0"})
        return ingress(request)

    await send(requests(ADDRESS, sent), slowly, door)
    assert (door.accepted, door.rejected, door.refused) == (sent.accepted, sent.rejected, len(sent.refused))
    assert door.resent > 0


async def test_a_door_that_stays_shut_ends_the_demo(sent: Deliveries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_GIVE_UP_AFTER", 0.5)
    with pytest.raises(DoorShut, match="status 503"):
        await send(requests(ADDRESS, sent), lambda _: httpx.Response(503), Door())


async def test_an_answer_that_may_not_be_ends_the_demo(sent: Deliveries) -> None:
    with pytest.raises(DoorAnswersStrangely, match="answered 200"):
        await send(requests(ADDRESS, sent), lambda _: httpx.Response(200, json={}), Door())
