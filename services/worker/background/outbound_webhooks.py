"""Sends the changes of customers to webhook endpoints, in the workers of the active generation.

A worker holds an endpoint for a time (`services.control.webhook_turns`). Each of its turns sends changes whose time has
come again, takes a page of the feed, and saves in one transaction what was sent, what waits and the cursor. A crash in
between sends the changes of that turn again, with the same message ids.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any, Final

import orjson
import structlog

from projections.engine.connection import Connection
from projections.identity.outbox import is_active
from services.changes.cursor import ChangeCursor
from services.changes.destinations import DestinationRules
from services.changes.errors import ChangesUnavailable, UnknownCursor
from services.changes.feed import ChangeFeed
from services.changes.log import ChangeLog
from services.changes.pages import Wanted
from services.changes.posting import WebhookPoster
from services.changes.signing import OutboundMessage, signed_headers
from services.control import webhook_turns
from services.control.errors import EndpointLost
from services.control.webhook_endpoints import SentAttempt, WebhookEndpoint
from services.control.webhook_turns import MOST_WAITING, NewlyWaiting, SavedTurn, WaitingChange
from services.runtime.cancelling import cancel_all
from services.runtime.database import DATABASE_ERRORS, Engine, is_transient, open_engine
from services.runtime.metrics import WEBHOOK_ATTEMPTS, WEBHOOKS_DISABLED, WEBHOOKS_FAILING, WEBHOOKS_WAITING
from services.runtime.secrets import open_sealed
from services.runtime.settings import Settings
from services.vault.records import open_log_sealing
from services.worker.agent_spec import Connect
from services.worker.background.reconnecting import run_reconnecting
from services.worker.core.webhook_turn import (
    EndpointHealth,
    Pending,
    RetryRules,
    Tried,
    TurnDecision,
    decide_turn,
    message_id,
    split_page,
)

log = structlog.get_logger(__name__)

_EVERY: Final = 1.0  # seconds between looks for endpoints
_LEASE: Final = 60.0  # seconds
_ENDPOINTS: Final = 100  # of one worker
_POSTS: Final = 64  # at once, of one worker
_POSTS_OF_ENDPOINT: Final = 8  # at once
_PAGE: Final = 100
_RETRIED_AT_ONCE: Final = 100
_IDLE_WAIT: Final = 5.0  # seconds for the first change of a page
_WAIT_BESIDE_FAILURES: Final = 0.5
_LONGEST_PROBE_WAIT: Final = timedelta(minutes=1)
_AGAIN_AFTER: Final = 5.0  # seconds, when Kafka was away
_COUNT_EVERY: Final = 15.0
_RELEASE_WITHIN: Final = 5.0
_HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "Onefold-Webhooks/1"}
_CURSOR_GONE: Final = "its place in the log of changes is gone; replay from the beginning, from now or from a time"


@dataclass(frozen=True, slots=True)
class _Tools:
    """What the turns of all endpoints share."""

    engine: Engine
    feed: ChangeFeed
    poster: WebhookPoster
    posts: asyncio.Semaphore


class OutboundWebhooks:
    """Sends to endpoints; see BackgroundService. ``find_topic`` gives the name of the topic of changes."""

    def __init__(  # noqa: PLR0913 - what it works with, and what tests shorten
        self,
        settings: Settings,
        connect: Connect,
        find_topic: Callable[[], Awaitable[str]],
        *,
        rules: RetryRules | None = None,
        lease: float = _LEASE,
        every: float = _EVERY,
    ) -> None:
        """``lease`` and ``every``, the pause between looks for endpoints, are seconds."""
        self._settings, self._connect, self._find_topic = settings, connect, find_topic
        self._rules, self._lease, self._every = rules or RetryRules(), lease, every

    def wake(self) -> None:
        """No-op: changes come from Kafka."""

    async def run(self) -> None:
        """Run until cancelled. After an outage of PostgreSQL it starts again."""
        await run_reconnecting(self._connect, self._serve, every=self._every, interrupted="webhooks_interrupted")

    async def _serve(self, connection: Connection) -> None:
        """Hold endpoints and send to them, as long as the connection's generation is the active one."""
        open_sealing = partial(open_log_sealing, self._settings, name="onefold-webhooks")
        feed = ChangeFeed(self._find_topic, ChangeLog(self._settings.kafka_servers, open_sealing), b"")
        sending: set[asyncio.Task[None]] = set()
        counted = 0.0
        async with (
            open_engine(self._settings.database_url, name="onefold-webhooks", max_size=4) as engine,
            feed.open(),
            WebhookPoster(DestinationRules.of(self._settings)) as poster,
        ):
            tools = _Tools(engine, feed, poster, asyncio.Semaphore(_POSTS))
            try:
                while True:
                    if not await is_active(connection):
                        await cancel_all(*sending)
                        sending = set()
                    elif len(sending) < _ENDPOINTS:
                        found = await webhook_turns.take_endpoints(engine, self._lease, _ENDPOINTS - len(sending))
                        sending |= {asyncio.create_task(self._send_to(tools, one)) for one in found}
                    if time.monotonic() >= counted + _COUNT_EVERY:
                        await self._count(engine)
                        counted = time.monotonic()
                    await asyncio.sleep(self._every)
                    sending = {task for task in sending if not task.done()}
            finally:
                await cancel_all(*sending)

    async def _count(self, engine: Engine) -> None:
        counts = await webhook_turns.count_webhooks(engine)
        WEBHOOKS_DISABLED.set(counts.disabled)
        WEBHOOKS_WAITING.set(counts.waiting)
        WEBHOOKS_FAILING.set(float(counts.failing_for))
        await webhook_turns.prune_attempts(engine)

    async def _send_to(self, tools: _Tools, endpoint: WebhookEndpoint) -> None:
        """Send to one endpoint, for as long as it is held. Whatever goes wrong is this endpoint's alone."""
        name = str(endpoint.endpoint_id)
        try:
            await _EndpointTurns(tools, endpoint, self._settings.master_key, self._rules, self._lease).run()
        except EndpointLost:
            log.info("webhook_endpoint_lost", endpoint=name)
        except asyncio.CancelledError:
            with suppress(EndpointLost, TimeoutError, *DATABASE_ERRORS):  # the lease runs out all the same
                async with asyncio.timeout(_RELEASE_WITHIN):
                    await webhook_turns.release_endpoint(tools.engine, endpoint)
            raise
        except Exception as error:  # the lease runs out, and it is tried again
            if is_transient(error):
                log.warning("webhook_endpoint_interrupted", endpoint=name, error=type(error).__name__)
            else:
                log.exception("webhook_endpoint_failed", endpoint=name)


class _EndpointTurns:
    """The turns of an endpoint that this worker holds."""

    def __init__(
        self, tools: _Tools, endpoint: WebhookEndpoint, master_key: str, rules: RetryRules, lease: float
    ) -> None:
        self._tools, self._endpoint, self._rules, self._lease = tools, endpoint, rules, lease
        self._cursor = ChangeCursor(endpoint.topic_id, endpoint.offsets)
        types = None if endpoint.types is None else frozenset(endpoint.types)
        self._wanted = Wanted(endpoint.tenant, types=types)
        self._health = EndpointHealth(endpoint.failures, endpoint.failing_since, endpoint.succeeded_at)
        self._secret = open_sealed(master_key, endpoint.sealed_secret)
        former = endpoint.sealed_former
        self._former = None if former is None else open_sealed(master_key, former)
        self._posts = asyncio.Semaphore(_POSTS_OF_ENDPOINT)
        self._probed_at = datetime.min.replace(tzinfo=UTC)

    async def run(self) -> None:
        """Take turns until the endpoint is disabled. Raises EndpointLost, and what the servers raise."""
        going_on = True
        while going_on:
            turn = asyncio.create_task(self._turn())
            try:
                while not turn.done():
                    await asyncio.wait({turn}, timeout=self._lease / 3)
                    if not turn.done():
                        await webhook_turns.renew_endpoint(self._tools.engine, self._endpoint, self._lease)
                going_on = await turn
            finally:
                await cancel_all(turn)

    async def _turn(self) -> bool:
        """One turn; whether another one follows."""
        engine, endpoint = self._tools.engine, self._endpoint
        waiting = await webhook_turns.waiting_customers(engine, endpoint.endpoint_id)
        due = [] if self._is_resting or not waiting else await self._due()
        seconds = 0.0 if due else _WAIT_BESIDE_FAILURES if waiting else _IDLE_WAIT
        try:
            values, cursor = await self._page(sum(waiting.values()), seconds)
        except UnknownCursor:
            await self._disable(_CURSOR_GONE)
            return False
        runs, behind = split_page(values, waiting.keys())
        runs = [[_pending(one)] for one in due] + runs
        if runs:
            # A person may have changed the endpoint while the page was waited for.
            await webhook_turns.renew_endpoint(engine, endpoint, self._lease)
        results = await asyncio.gather(*map(self._send_in_order, runs))
        tried = sorted(chain.from_iterable(one for one, _ in results), key=lambda one: one.at)
        # Changes of this page behind a failed one, before those whose customers wait from earlier on.
        left = [*chain.from_iterable(one for _, one in results), *behind]
        decision = decide_turn(self._rules, self._health, tried, left, _now())
        await webhook_turns.save_turn(engine, endpoint, self._lease, _saved(decision, tried, cursor))
        self._health, self._cursor = decision.health, cursor
        if decision.disabled_because is not None:
            log.warning("webhook_endpoint_disabled", endpoint=str(endpoint.endpoint_id), failures=self._health.failures)
        return decision.disabled_because is None

    @property
    def _is_probing(self) -> bool:
        return self._health.failures >= self._rules.probe_from

    @property
    def _is_resting(self) -> bool:
        """Whether nothing is tried for a while, since nothing was taken lately."""
        further = self._health.failures - self._rules.probe_from + 1
        return self._is_probing and _now() < self._probed_at + min(self._rules.wait(further), _LONGEST_PROBE_WAIT)

    async def _due(self) -> list[WaitingChange]:
        most = 1 if self._is_probing else _RETRIED_AT_ONCE
        return await webhook_turns.due_changes(self._tools.engine, self._endpoint.endpoint_id, _now(), most)

    async def _page(self, waiting: int, seconds: float) -> tuple[list[tuple[str, bytes]], ChangeCursor]:
        """The (customer, payload) of the next changes, and the cursor after them. Raises UnknownCursor."""
        if waiting >= MOST_WAITING or self._is_resting:
            await asyncio.sleep(seconds)
            return [], self._cursor
        limit = 1 if self._is_probing else _PAGE
        try:
            page, cursor = await self._tools.feed.next_page(self._cursor, self._wanted, limit, seconds)
        except ChangesUnavailable:
            await asyncio.sleep(_AGAIN_AFTER)
            return [], self._cursor
        return [(_customer_of(one.value), one.value) for one in page.changes], cursor

    async def _send_in_order(self, run: Sequence[Pending]) -> tuple[list[Tried], Sequence[Pending]]:
        """Send one customer's changes up to the first that is not taken: what was tried, and what comes behind."""
        tried: list[Tried] = []
        for number, one in enumerate(run, 1):
            tried.append(await self._send(one))
            if not tried[-1].succeeded:
                return tried, run[number:]
        return tried, ()

    async def _send(self, pending: Pending) -> Tried:
        change: dict[str, Any] = orjson.loads(pending.payload)
        async with self._posts, self._tools.posts:
            at = _now()
            message = OutboundMessage(
                message_id(change), int(at.timestamp() * 1000), self._endpoint.tenant, change["type"], pending.payload
            )
            headers = _HEADERS | signed_headers(self._form, message, self._secrets(at))
            attempt = await self._tools.poster.post(self._endpoint.url, headers, pending.payload)
        WEBHOOK_ATTEMPTS.labels("taken" if attempt.succeeded else "failed").inc()
        self._probed_at = _now()
        return Tried(pending, at, attempt.status, attempt.problem, attempt.duration)

    @property
    def _form(self) -> Any:
        return self._endpoint.form

    def _secrets(self, at: datetime) -> list[bytes]:
        """The secrets that are valid now, the newest first."""
        until = self._endpoint.former_until
        former = [] if self._former is None or until is None or until <= at else [self._former]
        return [self._secret, *former]

    async def _disable(self, because: str) -> None:
        saved = SavedTurn({"disabled_at": _now(), "disabled_because": because})
        await webhook_turns.save_turn(self._tools.engine, self._endpoint, self._lease, saved)
        log.warning("webhook_endpoint_disabled", endpoint=str(self._endpoint.endpoint_id), failures=0)


def _saved(decision: TurnDecision, tried: Sequence[Tried], cursor: ChangeCursor) -> SavedTurn:
    health = decision.health
    endpoint: dict[str, Any] = {
        "topic_id": cursor.topic_id,
        "offsets": list(cursor.offsets),
        "failures": health.failures,
        "failing_since": health.failing_since,
        "succeeded_at": health.succeeded_at,
    }
    if decision.disabled_because is not None:
        endpoint |= {"disabled_at": _now(), "disabled_because": decision.disabled_because}
    retried = [
        WaitingChange(one.position or 0, one.customer, one.payload, one.attempts, one.failing_since, next_at)
        for one, next_at in decision.retried
    ]
    queued = [
        NewlyWaiting(one.customer, one.payload, one.attempts, one.failing_since, next_at)
        for one, next_at in decision.queued
    ]
    return SavedTurn(endpoint, decision.sent, retried, queued, [_attempt(one) for one in tried])


def _attempt(tried: Tried) -> SentAttempt:
    change = orjson.loads(tried.pending.payload)
    number = tried.pending.attempts + 1
    return SentAttempt(
        tried.at, message_id(change), change["type"], number, tried.status, tried.problem, tried.duration
    )


def _pending(one: WaitingChange) -> Pending:
    return Pending(one.customer, one.payload, one.attempts, one.failing_since, one.position)


def _customer_of(payload: bytes) -> str:
    """The customer of a change; nothing for one of a quota, and these keep their order, too."""
    return str(orjson.loads(payload).get("customer_id", ""))


def _now() -> datetime:
    return datetime.now(UTC)
