"""The deliveries over HTTP, as their senders would make them: signed webhooks, batches, and what is to be refused.

A request without an answer, or answered 503 or 429, is sent again after the pause that the answer asks for.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Final

import httpx
from aiokafka import AIOKafkaProducer

from services.demo.accounts import Door
from services.demo.errors import DoorAnswersStrangely, DoorShut
from services.demo.generate import Deliveries
from services.demo.requests import Address, Request, requests
from services.demo.spoilt import Broken
from services.demo.together import together

_AT_ONCE: Final = 16  # enough that Kafka acknowledges many requests at once
_GIVE_UP_AFTER: Final = 60.0
_LATER: Final = frozenset({429, 503})


async def send(address: Address, deliveries: Deliveries, door: Door) -> None:
    """Send everything and keep ``door`` up to date. Raises DoorShut or DoorAnswersStrangely."""
    await carry(_client, requests(address, deliveries), door)


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
            response = await client.request(request.method, request.to, content=request.body, headers=request.headers)
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
    if response.status_code not in request.answers:
        wanted = " or ".join(map(str, sorted(request.answers)))
        raise DoorAnswersStrangely(
            f"{request.to} answered {response.status_code}, not {wanted}: {response.text[:300]}",
        )
    if request.status is not None:
        door.refused += 1
        return
    accepted, rejected = request.outcome(response.json())
    door.accepted += accepted
    door.accepted_by[request.way] += accepted
    door.rejected += rejected
