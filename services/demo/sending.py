"""The deliveries over HTTP, each with its sender's credential.

A request without an answer, or answered 503 or 429, is sent again after a pause.
"""

import asyncio
import base64
import hashlib
import hmac
import ssl
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

import httpx
from aiokafka import AIOKafkaProducer

from schemas.topics import CHANNEL_EVENTS
from services.demo.accounts import SendCounts
from services.demo.connections import Target
from services.demo.deliveries import Deliveries
from services.demo.errors import DemoError
from services.demo.senders import SENDERS
from services.demo.senders.shape import Post
from services.runtime.settings import Settings
from services.runtime.unreachable import trouble_with_http

_CONCURRENCY: Final = 16  # requests at once, so that Kafka acknowledges many together
_GIVE_UP_AFTER: Final = 60.0
_TRY_AGAIN: Final = frozenset({429, 503})


def _client() -> httpx.AsyncClient:
    """A client for one sender task: a shared pool searches its connections at every request. No TLS is spoken."""
    return httpx.AsyncClient(timeout=20.0, trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


async def send_posts(
    target: Target,
    posts: Iterable[Post],
    counts: SendCounts,
    client: Callable[[], httpx.AsyncClient] = _client,
    give_up_after: float = _GIVE_UP_AFTER,
) -> None:
    """Send the requests, several at once, and count; the first failure ends all.

    ``give_up_after`` is in seconds a request. Raises DemoError.
    """
    queue = iter(posts)

    async def send_one_by_one() -> None:
        async with client() as own:
            for post in queue:
                response = await _send(own, target, post, counts, give_up_after)
                counts.sent += post.events
                _count(target, post, response, counts)

    await _run_together(*(send_one_by_one() for _ in range(_CONCURRENCY)))


def _headers(target: Target, post: Post) -> dict[str, str]:
    if post.wrong_credential:  # the right one with its end cut off
        cut = {sender: secret[:-1] for sender, secret in target.secrets.items()}
        target = Target(target.url, target.key[:-1], cut, target.write_key[:-1])
    return {"Content-Type": SENDERS[post.sender].content_type} | _credential(target, post)


def _credential(target: Target, post: Post) -> dict[str, str]:
    match SENDERS[post.sender].credential:
        case "signature":
            digest = hmac.digest(target.secrets[post.sender].encode(), post.body, hashlib.sha256)
            if post.sender == "line":
                return {"x-line-signature": base64.b64encode(digest).decode()}
            return {"X-Hub-Signature-256": f"sha256={digest.hex()}"}
        case "write key":
            user = base64.b64encode(f"{target.write_key}:".encode()).decode()
            return {"Authorization": f"Basic {user}"}
        case "API key":
            return {"Authorization": f"Bearer {target.key}"}


async def send(target: Target, deliveries: Deliveries, counts: SendCounts, settings: Settings) -> None:
    """Send everything: requests to ingress, and broken records past it into the log. Raises DemoError."""
    topic = CHANNEL_EVENTS.full_name(settings.topic_prefix)

    async def write_broken() -> None:
        async with AIOKafkaProducer(bootstrap_servers=settings.kafka_servers, acks="all") as producer:
            for record in deliveries.broken:
                await producer.send_and_wait(topic, key=record.key, value=record.value)
                counts.broken_written += 1

    await _run_together(send_posts(target, deliveries.posts, counts), write_broken())


async def _run_together(*work: Coroutine[Any, Any, None]) -> None:
    """Return when all are done; on the first failure end the others and raise it."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _send(
    client: httpx.AsyncClient, target: Target, post: Post, counts: SendCounts, give_up_after: float
) -> httpx.Response:
    deadline, pause = time.monotonic() + give_up_after, 0.2
    method, url, headers = SENDERS[post.sender].method, target.url + post.path, _headers(target, post)
    while True:
        try:
            response = await client.request(method, url, content=post.body, headers=headers)
        except httpx.TransportError as error:
            reason = str(trouble_with_http(error))
        else:
            if response.status_code not in _TRY_AGAIN:
                return response
            reason = f"status {response.status_code}"
            retry_after = response.headers.get("Retry-After", "")
            pause = max(pause, float(retry_after) if retry_after.isdigit() else 0.0)
        if time.monotonic() + pause > deadline:
            raise DemoError(f"{url} took no request in {give_up_after:.0f} s; last: {reason}.")
        counts.resent += post.events
        await asyncio.sleep(pause)
        pause = min(5.0, pause * 2)


def _count(target: Target, post: Post, response: httpx.Response, counts: SendCounts) -> None:
    sender = SENDERS[post.sender]
    wanted = {post.refused_with} if post.refused_with else sender.statuses
    if response.status_code not in wanted:
        expected = " or ".join(map(str, sorted(wanted)))
        url, text = target.url + post.path, response.text[:300]
        raise DemoError(f"{url} answered {response.status_code}, not {expected}: {text}")
    if post.refused_with:
        counts.refused_requests += 1
        return
    accepted, rejected = sender.counts(response.json(), post.events)
    counts.accepted_by[post.sender] += accepted
    counts.rejected += rejected
