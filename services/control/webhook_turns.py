"""Sending to webhook endpoints: taking one, what waits for it, and saving a turn. Only who took it last can save.

A worker that takes an endpoint holds it for a time, the lease, and each turn that it saves renews it. An endpoint whose
lease has run out is taken by another worker. A change by a person ends the turn, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.migrations.tables import WEBHOOK_ATTEMPTS, WEBHOOK_ENDPOINTS, WEBHOOK_WAITING
from services.control.errors import EndpointLost
from services.control.webhook_endpoints import PAUSED_BY_A_PERSON, SentAttempt, WebhookEndpoint
from services.runtime.database import read, read_one

MOST_WAITING: Final = 10_000  # changes of one endpoint; then it reads no further until some were taken
_NOW: Final = sa.func.clock_timestamp()
_ATTEMPTS_FOR: Final = timedelta(days=7)
_PRUNED_AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True)
class WaitingChange:
    """A change that waits to be sent, tried ``attempts`` times since ``failing_since``; ``position`` orders them."""

    position: int
    customer: str
    payload: bytes
    attempts: int
    failing_since: datetime | None
    next_at: datetime


class NewlyWaiting(NamedTuple):
    """A change that is to wait; those of a customer are saved in their order."""

    customer: str
    payload: bytes
    attempts: int
    failing_since: datetime | None
    next_at: datetime


@dataclass(frozen=True, slots=True)
class SavedTurn:
    """What a turn changes: the endpoint's own columns, changes that wait, and attempts.

    ``sent`` are positions of changes that wait no longer; ``retried`` are those that were tried again in vain.
    """

    endpoint: dict[str, Any]
    sent: Sequence[int] = ()
    retried: Sequence[WaitingChange] = ()
    queued: Sequence[NewlyWaiting] = ()
    attempts: Sequence[SentAttempt] = ()


class WebhookCounts(NamedTuple):
    """Over all endpoints: those that were disabled by failures, what waits, and the seconds since one began to fail."""

    disabled: int
    waiting: int
    failing_for: float


async def take_endpoints(engine: AsyncEngine, lease: float, most: int) -> list[WebhookEndpoint]:
    """Endpoints that nobody holds, now held for ``lease`` seconds; those that were let go first come first."""
    free = (
        sa.select(WEBHOOK_ENDPOINTS.c.endpoint_id)
        .where(
            WEBHOOK_ENDPOINTS.c.disabled_at.is_(None),
            sa.or_(WEBHOOK_ENDPOINTS.c.leased_until.is_(None), WEBHOOK_ENDPOINTS.c.leased_until <= _NOW),
        )
        .order_by(WEBHOOK_ENDPOINTS.c.leased_until.asc().nulls_first())
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    take = (
        sa.update(WEBHOOK_ENDPOINTS)
        .where(WEBHOOK_ENDPOINTS.c.endpoint_id.in_(free))
        .values(turn=WEBHOOK_ENDPOINTS.c.turn + 1, leased_until=_NOW + timedelta(seconds=lease))
        .returning(*WEBHOOK_ENDPOINTS.c)
    )
    async with engine.begin() as connection:
        rows = [row._asdict() for row in await connection.execute(take)]
    names = [one for one in WebhookEndpoint.__slots__ if one != "waiting"]
    return [
        WebhookEndpoint(
            **{name: row[name] for name in names}
            | {"types": None if row["types"] is None else tuple(row["types"]), "offsets": tuple(row["offsets"])},
            waiting=0,
        )
        for row in rows
    ]


async def renew_endpoint(engine: AsyncEngine, endpoint: WebhookEndpoint, lease: float) -> None:
    """Hold the endpoint for ``lease`` seconds from now. Raises EndpointLost."""
    await save_turn(engine, endpoint, lease, SavedTurn({}))


async def release_endpoint(engine: AsyncEngine, endpoint: WebhookEndpoint) -> None:
    """Let another worker take the endpoint at once. Raises EndpointLost."""
    await save_turn(engine, endpoint, 0, SavedTurn({}))


async def waiting_customers(engine: AsyncEngine, endpoint_id: UUID) -> dict[str, int]:
    """How many changes of each customer wait."""
    query = (
        sa.select(WEBHOOK_WAITING.c.customer, sa.func.count().label("changes"))
        .where(WEBHOOK_WAITING.c.endpoint_id == endpoint_id)
        .group_by(WEBHOOK_WAITING.c.customer)
    )
    return {row["customer"]: row["changes"] for row in await read(engine, query)}


async def due_changes(engine: AsyncEngine, endpoint_id: UUID, now: datetime, most: int) -> list[WaitingChange]:
    """The first change of each customer, where its time has come; those that have waited longest for it come first."""
    first = (
        sa.select(*(WEBHOOK_WAITING.c[name] for name in WaitingChange.__slots__))
        .where(WEBHOOK_WAITING.c.endpoint_id == endpoint_id)
        .order_by(WEBHOOK_WAITING.c.customer, WEBHOOK_WAITING.c.position)
        .ext(distinct_on(WEBHOOK_WAITING.c.customer))
        .subquery()
    )
    query = sa.select(first).where(first.c.next_at <= now).order_by(first.c.next_at, first.c.position).limit(most)
    return [WaitingChange(**row) for row in await read(engine, query)]


async def save_turn(engine: AsyncEngine, endpoint: WebhookEndpoint, lease: float, saved: SavedTurn) -> None:
    """Save what a turn changed, and hold the endpoint for ``lease`` seconds from now. Raises EndpointLost."""
    of_endpoint = WEBHOOK_WAITING.c.endpoint_id == endpoint.endpoint_id
    held = (
        sa.update(WEBHOOK_ENDPOINTS)
        .where(
            WEBHOOK_ENDPOINTS.c.endpoint_id == endpoint.endpoint_id,
            WEBHOOK_ENDPOINTS.c.turn == endpoint.turn,
            WEBHOOK_ENDPOINTS.c.disabled_at.is_(None),
        )
        .values(leased_until=_NOW + timedelta(seconds=lease), **saved.endpoint)
    )
    async with engine.begin() as connection:
        if not (await connection.execute(held)).rowcount:
            raise EndpointLost(EndpointLost.__doc__)
        if saved.sent:
            gone = sa.delete(WEBHOOK_WAITING).where(of_endpoint, WEBHOOK_WAITING.c.position.in_(saved.sent))
            await connection.execute(gone)
        if saved.retried:
            again = sa.update(WEBHOOK_WAITING).where(
                of_endpoint, WEBHOOK_WAITING.c.position == sa.bindparam("at_position")
            )
            again = again.values({name: sa.bindparam(f"new_{name}") for name in _RETRIED})
            rows = [
                {"at_position": one.position, **{f"new_{name}": getattr(one, name) for name in _RETRIED}}
                for one in saved.retried
            ]
            await connection.execute(again, rows)
        if saved.queued:
            rows = [{"endpoint_id": endpoint.endpoint_id, **one._asdict()} for one in saved.queued]
            await connection.execute(sa.insert(WEBHOOK_WAITING), rows)
        if saved.attempts:
            names = SentAttempt.__slots__
            rows = [
                {"endpoint_id": endpoint.endpoint_id, **{name: getattr(one, name) for name in names}}
                for one in saved.attempts
            ]
            await connection.execute(sa.insert(WEBHOOK_ATTEMPTS), rows)


_RETRIED: Final = ("attempts", "failing_since", "next_at")


async def count_webhooks(engine: AsyncEngine) -> WebhookCounts:
    """What there is to worry about, over all tenants."""
    since = sa.func.min(WEBHOOK_ENDPOINTS.c.failing_since).filter(WEBHOOK_ENDPOINTS.c.disabled_at.is_(None))
    waiting = sa.select(sa.func.count()).select_from(WEBHOOK_WAITING).scalar_subquery()
    query = sa.select(
        sa.func.count().filter(WEBHOOK_ENDPOINTS.c.disabled_because != PAUSED_BY_A_PERSON).label("disabled"),
        waiting.label("waiting"),
        sa.func.coalesce(sa.extract("epoch", _NOW - since), 0.0).label("failing_for"),
    )
    row = await read_one(engine, query)
    return WebhookCounts(0, 0, 0.0) if row is None else WebhookCounts(**row)


async def prune_attempts(engine: AsyncEngine) -> None:
    """Delete some of the attempts that are older than a week."""
    key = sa.tuple_(WEBHOOK_ATTEMPTS.c.endpoint_id, WEBHOOK_ATTEMPTS.c.attempt_id)
    old = (
        sa.select(WEBHOOK_ATTEMPTS.c.endpoint_id, WEBHOOK_ATTEMPTS.c.attempt_id)
        .where(WEBHOOK_ATTEMPTS.c.at <= _NOW - _ATTEMPTS_FOR)
        .limit(_PRUNED_AT_ONCE)
    )
    async with engine.begin() as connection:
        await connection.execute(sa.delete(WEBHOOK_ATTEMPTS).where(key.in_(old)))
