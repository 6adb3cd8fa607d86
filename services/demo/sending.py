"""The deliveries over HTTP, each with its sender's credential.

A request without an answer, or answered 503 or 429, is sent again after a pause.
"""

import asyncio
import base64
import hashlib
import hmac
import ssl
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from heapq import merge
from itertools import groupby
from typing import Any, Final

import httpx
from aiokafka import AIOKafkaProducer

from services.demo.accounts import SendCounts
from services.demo.channels.channel import Sender
from services.demo.channels.registry import CHANNELS
from services.demo.connections import Credentials
from services.demo.deliveries import Deliveries, Post
from services.demo.errors import IngressUnavailable, UnexpectedAnswer
from services.demo.invalid import BrokenRecord, RefusedPost

_CONCURRENCY: Final = 16  # requests at once, so that Kafka acknowledges many together
_GIVE_UP_AFTER: Final = 60.0
_TRY_AGAIN: Final = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send, the API key, and the other credentials. ``command`` is how the reader calls ``onefold``."""

    url: str
    key: str
    credentials: Credentials
    command: str = "onefold"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``events`` is how many events it carries; ``refused`` says that it must be refused as a whole."""

    sender: Sender
    url: str
    body: bytes
    headers: dict[str, str]
    events: int
    answers: frozenset[int]
    refused: bool = False


def requests(target: Target, deliveries: Deliveries) -> Iterator[Request]:
    """Yield all requests, the senders' evenly mixed."""
    queues = [[_request(target, post) for post in group] for _, group in groupby(deliveries.posts, lambda p: p.sender)]
    queues.append([_refused_request(target, post) for post in deliveries.refused])
    placed = ([((place + 1) / len(queue), request) for place, request in enumerate(queue)] for queue in queues)
    return (request for _, request in merge(*placed, key=lambda one: one[0]))


def _request(target: Target, post: Post) -> Request:
    channel = CHANNELS[post.sender]
    headers = {"Content-Type": channel.content_type} | _credential(target, post)
    return Request(post.sender, target.url + post.path, post.body, headers, post.events, channel.answers)


def _refused_request(target: Target, refused: RefusedPost) -> Request:
    known = target.credentials
    if refused.wrong_credential:  # the right one with its end cut off
        cut = Credentials({sender: secret[:-1] for sender, secret in known.secrets.items()}, known.write_key[:-1])
        target = replace(target, key=target.key[:-1], credentials=cut)
    path = CHANNELS[refused.sender].path.format(campaign="nobody")
    request = _request(target, Post(refused.sender, path, refused.body, 0))
    return replace(request, answers=frozenset({refused.status}), refused=True)


def _credential(target: Target, post: Post) -> dict[str, str]:
    match CHANNELS[post.sender].credential:
        case "signature":
            digest = hmac.digest(target.credentials.secrets[post.sender].encode(), post.body, hashlib.sha256)
            if post.sender == "line":
                return {"x-line-signature": base64.b64encode(digest).decode()}
            return {"X-Hub-Signature-256": f"sha256={digest.hex()}"}
        case "write key":
            user = base64.b64encode(f"{target.credentials.write_key}:".encode()).decode()
            return {"Authorization": f"Basic {user}"}
        case "API key":
            return {"Authorization": f"Bearer {target.key}"}


async def send(target: Target, deliveries: Deliveries, counts: SendCounts) -> None:
    """Send everything and keep ``counts`` up to date. Raises IngressUnavailable or UnexpectedAnswer."""
    await send_requests(_client, requests(target, deliveries), counts)


async def send_requests(
    client: Callable[[], httpx.AsyncClient],
    requests: Iterator[Request],
    counts: SendCounts,
    give_up_after: float = _GIVE_UP_AFTER,
) -> None:
    """Send the requests, several at once; the first failure ends all. ``give_up_after`` is in seconds a request."""

    async def send_one_by_one() -> None:
        async with client() as own:
            for request in requests:
                response = await _send(own, request, counts, give_up_after)
                counts.sent += request.events
                _count(request, response, counts)

    await run_together(*(send_one_by_one() for _ in range(_CONCURRENCY)))


async def write_broken(servers: str, topic: str, broken: tuple[BrokenRecord, ...], counts: SendCounts) -> None:
    """Write the broken records into the log, past ingress."""
    async with AIOKafkaProducer(bootstrap_servers=servers, acks="all") as producer:
        for record in broken:
            await producer.send_and_wait(topic, key=record.key, value=record.value)
            counts.broken += 1


async def run_together(*work: Coroutine[Any, Any, None]) -> None:
    """Return when all are done; on the first failure end the others and raise it."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


def _client() -> httpx.AsyncClient:
    """A client for one sender task: a shared pool searches its connections at every request. No TLS is spoken."""
    return httpx.AsyncClient(timeout=20.0, trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


async def _send(
    client: httpx.AsyncClient, request: Request, counts: SendCounts, give_up_after: float
) -> httpx.Response:
    deadline, pause = time.monotonic() + give_up_after, 0.2
    method = CHANNELS[request.sender].method
    while True:
        try:
            response = await client.request(method, request.url, content=request.body, headers=request.headers)
        except httpx.TransportError as error:
            reason = f"no answer ({type(error).__name__})"
        else:
            if response.status_code not in _TRY_AGAIN:
                return response
            reason = f"status {response.status_code}"
            retry_after = response.headers.get("Retry-After", "")
            pause = max(pause, float(retry_after) if retry_after.isdigit() else 0.0)
        if time.monotonic() + pause > deadline:
            raise IngressUnavailable(f"{request.url} took no request in {give_up_after:.0f} s; last: {reason}.")
        counts.resent += request.events
        await asyncio.sleep(pause)
        pause = min(5.0, pause * 2)


def _count(request: Request, response: httpx.Response, counts: SendCounts) -> None:
    if response.status_code not in request.answers:
        wanted = " or ".join(map(str, sorted(request.answers)))
        raise UnexpectedAnswer(
            f"{request.url} answered {response.status_code}, not {wanted}: {response.text[:300]}",
        )
    if request.refused:
        counts.refused += 1
        return
    accepted, rejected = CHANNELS[request.sender].counts(response.json(), request.events)
    counts.accepted += accepted
    counts.accepted_by[request.sender] += accepted
    counts.rejected += rejected
