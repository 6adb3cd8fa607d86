"""Endpoints of outbound webhooks: what people do with them. `webhook_turns` has what the worker that sends does.

Secrets come here sealed by `services.runtime.secrets`. A change that a person makes ends the turn of the worker that
holds the endpoint: what it has sent meanwhile and can't save any more is sent again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.migrations.tables import WEBHOOK_ATTEMPTS, WEBHOOK_ENDPOINTS, WEBHOOK_WAITING
from services.control.errors import TooManyEndpoints, UnknownEndpoint, translated, unknown_tenant
from services.runtime.database import read, read_one

MOST_ENDPOINTS: Final = 20  # of one tenant
PAUSED_BY_A_PERSON: Final = "a person has disabled it"
FORMER_FOR: Final = timedelta(days=1)  # a secret stays valid beside the one that replaced it
_WAITING: Final = (
    sa.select(sa.func.count())
    .select_from(WEBHOOK_WAITING)
    .where(WEBHOOK_WAITING.c.endpoint_id == WEBHOOK_ENDPOINTS.c.endpoint_id)
    .scalar_subquery()
    .label("waiting")
)
_SHOWN: Final = sa.select(*WEBHOOK_ENDPOINTS.c, _WAITING)


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """An endpoint.

    ``types`` are the changes that it gets (None: all); ``failures`` counts the attempts since the latest success;
    ``topic_id`` and ``offsets`` are the cursor of the first change that was not taken yet, and ``waiting`` how many
    changes before it are still to be sent. A disabled one has the reason in ``disabled_because``.
    """

    endpoint_id: UUID
    tenant: str
    url: str
    form: str
    types: tuple[str, ...] | None
    sealed_secret: bytes
    sealed_former: bytes | None
    former_until: datetime | None
    topic_id: UUID
    offsets: tuple[int, ...]
    created_at: datetime
    succeeded_at: datetime | None
    failures: int
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_because: str | None
    turn: int
    waiting: int


@dataclass(frozen=True, slots=True)
class SentAttempt:
    """One attempt to send a message; ``number`` counts the attempts of that message, ``duration`` is in ms."""

    at: datetime
    message_id: UUID
    type: str
    number: int
    status: int | None
    problem: str | None
    duration: int


async def add_endpoint(  # noqa: PLR0913 - an endpoint's facts
    engine: AsyncEngine,
    tenant: str,
    url: str,
    *,
    form: str,
    types: Collection[str] | None,
    sealed_secret: bytes,
    topic_id: UUID,
    offsets: Sequence[int],
) -> WebhookEndpoint:
    """Add an endpoint that gets the changes from these offsets on. Raises UnknownTenant and TooManyEndpoints."""
    row: dict[str, Any] = {
        "endpoint_id": uuid4(),
        "tenant": tenant,
        "url": url,
        "form": form,
        "types": None if types is None else sorted(types),
        "sealed_secret": sealed_secret,
        "topic_id": topic_id,
        "offsets": list(offsets),
    }
    of_tenant = sa.select(sa.func.count()).select_from(WEBHOOK_ENDPOINTS).where(WEBHOOK_ENDPOINTS.c.tenant == tenant)
    try:
        async with engine.begin() as connection:
            if (await connection.execute(of_tenant)).scalar_one() >= MOST_ENDPOINTS:
                raise TooManyEndpoints(f"a tenant has at most {MOST_ENDPOINTS} webhook endpoints; remove one first")
            await connection.execute(sa.insert(WEBHOOK_ENDPOINTS).values(row))
            return await _found(connection, row["endpoint_id"], tenant)
    except sa.exc.IntegrityError as error:
        raise translated(error, webhook_endpoints_tenant_fk=unknown_tenant(tenant)) from None


async def find_endpoint(engine: AsyncEngine, endpoint_id: UUID, tenant: str | None = None) -> WebhookEndpoint:
    """The endpoint of that id; of this tenant, where one is given. Raises UnknownEndpoint."""
    row = await read_one(engine, _SHOWN.where(*_meant(endpoint_id, tenant)))
    if row is None:
        raise UnknownEndpoint(UnknownEndpoint.__doc__)
    return _endpoint(row)


async def list_endpoints(engine: AsyncEngine, tenant: str | None = None) -> list[WebhookEndpoint]:
    """The endpoints of a tenant, or of all tenants, the oldest first."""
    query = _SHOWN.order_by(WEBHOOK_ENDPOINTS.c.created_at, WEBHOOK_ENDPOINTS.c.endpoint_id)
    if tenant is not None:
        query = query.where(WEBHOOK_ENDPOINTS.c.tenant == tenant)
    return [_endpoint(row) for row in await read(engine, query)]


async def change_endpoint(
    engine: AsyncEngine, endpoint_id: UUID, tenant: str | None, changes: dict[str, Any]
) -> WebhookEndpoint:
    """Set ``url``, ``form`` or ``types``. Raises UnknownEndpoint."""
    async with engine.begin() as connection:
        await _change(connection, endpoint_id, tenant, **changes)
        return await _found(connection, endpoint_id, tenant)


async def rotate_secret(
    engine: AsyncEngine, endpoint_id: UUID, tenant: str | None, sealed_secret: bytes
) -> WebhookEndpoint:
    """Sign with another secret, for a day with the former one, too. Raises UnknownEndpoint."""
    values = {
        "sealed_secret": sealed_secret,
        "sealed_former": WEBHOOK_ENDPOINTS.c.sealed_secret,
        "former_until": sa.func.now() + FORMER_FOR,
    }
    async with engine.begin() as connection:
        await _change(connection, endpoint_id, tenant, **values)
        return await _found(connection, endpoint_id, tenant)


async def enable_endpoint(engine: AsyncEngine, endpoint_id: UUID, tenant: str | None) -> WebhookEndpoint:
    """Send again, and what waits at once. Raises UnknownEndpoint."""
    again = {"attempts": 0, "failing_since": None, "next_at": sa.func.now()}
    async with engine.begin() as connection:
        await _change(connection, endpoint_id, tenant, **_ENABLED)
        waiting = sa.update(WEBHOOK_WAITING).where(WEBHOOK_WAITING.c.endpoint_id == endpoint_id)
        await connection.execute(waiting.values(again))
        return await _found(connection, endpoint_id, tenant)


async def disable_endpoint(engine: AsyncEngine, endpoint_id: UUID, tenant: str | None) -> WebhookEndpoint:
    """Send nothing until it is enabled; one that is disabled already keeps its reason. Raises UnknownEndpoint."""
    values = {
        "disabled_at": sa.func.coalesce(WEBHOOK_ENDPOINTS.c.disabled_at, sa.func.now()),
        "disabled_because": sa.func.coalesce(WEBHOOK_ENDPOINTS.c.disabled_because, PAUSED_BY_A_PERSON),
    }
    async with engine.begin() as connection:
        await _change(connection, endpoint_id, tenant, **values)
        return await _found(connection, endpoint_id, tenant)


async def replay_from(
    engine: AsyncEngine, endpoint_id: UUID, tenant: str | None, topic_id: UUID, offsets: Sequence[int]
) -> WebhookEndpoint:
    """Send the changes from these offsets on, and none that waits besides. Raises UnknownEndpoint."""
    async with engine.begin() as connection:
        await _change(connection, endpoint_id, tenant, topic_id=topic_id, offsets=list(offsets), **_ENABLED)
        await connection.execute(sa.delete(WEBHOOK_WAITING).where(WEBHOOK_WAITING.c.endpoint_id == endpoint_id))
        return await _found(connection, endpoint_id, tenant)


async def remove_endpoint(engine: AsyncEngine, endpoint_id: UUID, tenant: str | None) -> None:
    """Remove the endpoint, what waits for it, and its attempts. Raises UnknownEndpoint."""
    async with engine.begin() as connection:
        removed = await connection.execute(sa.delete(WEBHOOK_ENDPOINTS).where(*_meant(endpoint_id, tenant)))
        if not removed.rowcount:
            raise UnknownEndpoint(UnknownEndpoint.__doc__)


async def list_attempts(
    engine: AsyncEngine, endpoint_id: UUID, tenant: str | None, limit: int = 100
) -> list[SentAttempt]:
    """The latest attempts to send to the endpoint, the newest first. Raises UnknownEndpoint."""
    await find_endpoint(engine, endpoint_id, tenant)
    query = (
        sa.select(*(WEBHOOK_ATTEMPTS.c[name] for name in SentAttempt.__slots__))
        .where(WEBHOOK_ATTEMPTS.c.endpoint_id == endpoint_id)
        .order_by(WEBHOOK_ATTEMPTS.c.attempt_id.desc())
        .limit(limit)
    )
    return [SentAttempt(**row) for row in await read(engine, query)]


_ENABLED: Final[dict[str, Any]] = {
    "disabled_at": None,
    "disabled_because": None,
    "failures": 0,
    "failing_since": None,
}


def _meant(endpoint_id: UUID, tenant: str | None) -> list[sa.ColumnElement[bool]]:
    of_tenant = [] if tenant is None else [WEBHOOK_ENDPOINTS.c.tenant == tenant]
    return [WEBHOOK_ENDPOINTS.c.endpoint_id == endpoint_id, *of_tenant]


async def _change(connection: AsyncConnection, endpoint_id: UUID, tenant: str | None, **values: Any) -> None:
    """Change the row, and end the turn of whoever holds the endpoint. Raises UnknownEndpoint."""
    ended = {"turn": WEBHOOK_ENDPOINTS.c.turn + 1, "leased_until": None}
    update = sa.update(WEBHOOK_ENDPOINTS).where(*_meant(endpoint_id, tenant)).values(**values, **ended)
    if not (await connection.execute(update)).rowcount:
        raise UnknownEndpoint(UnknownEndpoint.__doc__)


async def _found(connection: AsyncConnection, endpoint_id: UUID, tenant: str | None) -> WebhookEndpoint:
    row = (await connection.execute(_SHOWN.where(*_meant(endpoint_id, tenant)))).one()
    return _endpoint(row._asdict())


def _endpoint(row: dict[str, Any]) -> WebhookEndpoint:
    found = {name: row[name] for name in WebhookEndpoint.__slots__}
    types = None if found["types"] is None else tuple(found["types"])
    return WebhookEndpoint(**found | {"types": types, "offsets": tuple(found["offsets"])})
