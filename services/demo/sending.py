"""The deliveries over HTTP, as their senders would make them: signed webhooks, batches, and what is to be refused.

A request without an answer, or answered 503 or 429, is sent again after the pause that the answer asks for.
"""

import asyncio
import base64
import hashlib
import hmac
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import merge
from typing import Final

import httpx
import orjson
from aiokafka import AIOKafkaProducer

from services.demo.accounts import Door
from services.demo.errors import DoorAnswersStrangely, DoorShut
from services.demo.generate import Deliveries
from services.demo.spoilt import Broken, Refused
from services.demo.together import together

_AT_ONCE: Final = 16  # enough that Kafka acknowledges many requests at once
_GIVE_UP_AFTER: Final = 60.0
_LATER: Final = frozenset({429, 503})
_ANSWERS: Final = frozenset({202, 422})


@dataclass(frozen=True, slots=True)
class Address:
    """Where to send, and with which credentials."""

    url: str
    key: str
    line_source: str
    line_secret: str
    command: str = "onefold"  # with what it needs to find the same servers

    @property
    def webhook(self) -> str:
        """Where LINE sends."""
        return f"{self.url}/webhooks/line/{self.line_source}"

    @property
    def events(self) -> str:
        """Where everybody else sends."""
        return f"{self.url}/v1/events"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``events`` is how many it carries; ``status`` what it must be answered, if it is to be refused."""

    to: str
    body: bytes
    headers: dict[str, str]
    events: int
    status: int | None = None


async def send(address: Address, deliveries: Deliveries, door: Door) -> None:
    """Send everything and keep ``door`` up to date. Raises DoorShut or DoorAnswersStrangely."""
    await carry(_client, _requests(address, deliveries), door)


async def carry(client: Callable[[], httpx.AsyncClient], requests: Iterator[Request], door: Door) -> None:
    """Send the requests, several at once; the first that fails ends all."""
    await together(*(_carry_one_by_one(client, requests, door) for _ in range(_AT_ONCE)))


def _client() -> httpx.AsyncClient:
    """One for each sender: a pool looks through all its connections at every request. Ours never speaks TLS."""
    return httpx.AsyncClient(timeout=20.0, trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


async def write_broken(servers: str, topic: str, broken: tuple[Broken, ...], door: Door) -> None:
    """Put the broken records straight into the log, behind the door's back."""
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all")
    await producer.start()
    try:
        for record in broken:
            await producer.send_and_wait(topic, key=record.key, value=record.value)
            door.broken += 1
    finally:
        await producer.stop()


async def _carry_one_by_one(
    new_client: Callable[[], httpx.AsyncClient], requests: Iterator[Request], door: Door
) -> None:
    async with new_client() as client:
        for request in requests:
            response = await _post(client, request, door)
            door.sent += request.events
            _note(request, response, door)


async def _post(client: httpx.AsyncClient, request: Request, door: Door) -> httpx.Response:
    deadline, pause = time.monotonic() + _GIVE_UP_AFTER, 0.2
    while True:
        try:
            response = await client.post(request.to, content=request.body, headers=request.headers)
        except httpx.TransportError as error:
            reason = f"no answer ({type(error).__name__})"
        else:
            if response.status_code not in _LATER:
                return response
            reason = f"status {response.status_code}"
            pause = max(pause, _seconds(response.headers.get("Retry-After")))
        if time.monotonic() + pause > deadline:
            raise DoorShut(f"{request.to} did not take a request in {_GIVE_UP_AFTER:.0f} s; the last time: {reason}.")
        door.resent += request.events
        await asyncio.sleep(pause)
        pause = min(5.0, pause * 2)


def _seconds(retry_after: str | None) -> float:
    return float(retry_after) if retry_after and retry_after.isdigit() else 0.0


def _note(request: Request, response: httpx.Response, door: Door) -> None:
    """Enter the answer into the accounts."""
    if request.status is not None:
        _expect(response, request, frozenset({request.status}))
        door.refused += 1
    elif "x-line-signature" in request.headers:
        _expect(response, request, frozenset({200}))
        door.accepted += request.events
    else:
        _expect(response, request, _ANSWERS)
        statuses = [result["status"] for result in response.json()["results"]]
        door.accepted += statuses.count("accepted")
        door.rejected += statuses.count("rejected")


def _expect(response: httpx.Response, request: Request, statuses: frozenset[int]) -> None:
    if response.status_code not in statuses:
        wanted = " or ".join(map(str, sorted(statuses)))
        raise DoorAnswersStrangely(
            f"{request.to} answered {response.status_code}, not {wanted}: {response.text[:300]}",
        )


def _requests(address: Address, deliveries: Deliveries) -> Iterator[Request]:
    """All requests, the kinds mixed as evenly as they come."""
    webhooks = [_webhook(address, orjson.dumps(body), len(body["events"])) for body in deliveries.line_webhooks]
    batches = [_batch(address, orjson.dumps(batch), len(batch)) for batch in deliveries.batches]
    refused = [_to_be_refused(address, request) for request in deliveries.refused]
    kinds = (
        [((place + 1) / len(kind), request) for place, request in enumerate(kind)]
        for kind in (webhooks, batches, refused)
    )
    return (request for _, request in merge(*kinds, key=lambda placed: placed[0]))


def _batch(address: Address, body: bytes, events: int, status: int | None = None) -> Request:
    headers = {"Authorization": f"Bearer {address.key}", "Content-Type": "application/json"}
    return Request(address.events, body, headers, events, status)


def _webhook(address: Address, body: bytes, events: int, status: int | None = None) -> Request:
    signature = base64.b64encode(hmac.digest(address.line_secret.encode(), body, hashlib.sha256)).decode()
    headers = {"x-line-signature": signature, "Content-Type": "application/json"}
    return Request(address.webhook, body, headers, events, status)


def _to_be_refused(address: Address, request: Refused) -> Request:
    # A credential that opens nothing: the right one with its end cut off.
    wrong = Address(address.url, address.key[:-1], address.line_source, address.line_secret[:-1])
    credentials = address if request.proof == "right" else wrong
    make = _webhook if request.to == "line" else _batch
    return make(credentials, request.body, 0, request.status)
