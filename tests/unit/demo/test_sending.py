"""What goes over the wire, and what is made of the answers."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator
from random import Random

import httpx
import orjson
import pytest

from services.demo import sending
from services.demo.accounts import Door
from services.demo.errors import DoorAnswersStrangely, DoorShut
from services.demo.generate import Deliveries, deliveries, life

ADDRESS = sending.Address("http://door", "of_key", "line-source", "a-channel-secret")
Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(name="sent")
def fixture_sent() -> Deliveries:
    return deliveries(life(1, 50, 500, 1_790_000_000_000), Random(1))


def ingress(request: httpx.Request) -> httpx.Response:
    """A door that takes everything but what the generator spoilt, by the contract's shapes."""
    if request.url.path.startswith("/webhooks"):
        wanted = base64.b64encode(hmac.digest(ADDRESS.line_secret.encode(), request.content, hashlib.sha256))
        return httpx.Response(200 if request.headers["x-line-signature"].encode() == wanted else 401, json={})
    if request.headers["Authorization"] != f"Bearer {ADDRESS.key}":
        return httpx.Response(401)
    try:
        events = orjson.loads(request.content)
    except orjson.JSONDecodeError:
        return httpx.Response(422 if b"ud83c" in request.content else 400, json={"results": []})
    statuses = [
        "rejected" if "spoilt" in str(event) or event == 42 or not event.get("data") else "accepted" for event in events
    ]
    results = [{"index": index, "status": status} for index, status in enumerate(statuses)]
    return httpx.Response(202 if "accepted" in statuses else 422, json={"results": results})


async def send(requests: Iterator[sending.Request], answer: Answer, door: Door) -> None:
    transport = httpx.MockTransport(answer)
    await sending.carry(lambda: httpx.AsyncClient(transport=transport), requests, door)


async def test_everything_is_sent_once_and_counted(sent: Deliveries) -> None:
    door = Door()
    await send(sending._requests(ADDRESS, sent), ingress, door)
    assert door == Door(
        sent=sent.accepted + sent.rejected, accepted=sent.accepted, rejected=sent.rejected, refused=len(sent.refused)
    )


async def test_a_door_that_is_shut_for_a_while_is_knocked_at_again(sent: Deliveries) -> None:
    door, turned_away = Door(), set[bytes]()

    def slowly(request: httpx.Request) -> httpx.Response:
        if len(turned_away) < 3 and request.content not in turned_away:
            turned_away.add(request.content)
            if len(turned_away) == 2:
                raise httpx.ReadError("gone", request=request)
            return httpx.Response(503, headers={"Retry-After": "0"})
        return ingress(request)

    await send(sending._requests(ADDRESS, sent), slowly, door)
    assert (door.accepted, door.rejected, door.refused) == (sent.accepted, sent.rejected, len(sent.refused))
    assert door.resent > 0


async def test_a_door_that_stays_shut_ends_the_demo(sent: Deliveries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_GIVE_UP_AFTER", 0.5)
    with pytest.raises(DoorShut, match="status 503"):
        await send(sending._requests(ADDRESS, sent), lambda _: httpx.Response(503), Door())


async def test_an_answer_that_may_not_be_ends_the_demo(sent: Deliveries) -> None:
    with pytest.raises(DoorAnswersStrangely, match="answered 200"):
        await send(sending._requests(ADDRESS, sent), lambda _: httpx.Response(200, json={}), Door())
