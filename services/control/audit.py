"""The audit trail in the control schema: entries are added, listed newest first, and deleted once they are old."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.migrations.tables import AUDIT, TENANTS
from services.control.names import SHOWN
from services.runtime.auditing import AuditEntry
from services.runtime.database import read

_DELETED_AT_ONCE: Final = 5000
_SAVE: Final = insert(AUDIT).on_conflict_do_nothing()


class AuditPosition(NamedTuple):
    """A place in the list: that of one entry."""

    at: datetime
    request_id: UUID


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which entries are asked for: those from ``first`` on and before ``end``, and of them what is given besides."""

    first: datetime | None = None
    end: datetime | None = None
    key_prefix: str | None = None
    action: str | None = None
    object_id: UUID | None = None


async def save_entries(engine: AsyncEngine, entries: Sequence[AuditEntry]) -> None:
    """Add entries; one that is there already stays as it is."""
    rows = [asdict(entry) | {"object_ids": list(entry.object_ids)} for entry in entries]
    async with engine.begin() as connection:
        await connection.execute(_SAVE, rows)


async def list_entries(
    engine: AsyncEngine, tenant: str, wanted: AuditQuery, limit: int, after: AuditPosition | None = None
) -> list[AuditEntry]:
    """A tenant's entries after a place, newest first, ``limit`` at most."""
    conditions = [AUDIT.c.tenant == tenant, *_conditions(wanted)]
    if after is not None:
        place = sa.tuple_(sa.literal(after.at, AUDIT.c.at.type), sa.literal(after.request_id, sa.Uuid()))
        conditions.append(sa.tuple_(AUDIT.c.at, AUDIT.c.request_id) < place)
    order = (AUDIT.c.at.desc(), AUDIT.c.request_id.desc())
    rows = await read(engine, sa.select(AUDIT).where(*conditions).order_by(*order).limit(limit))
    return [AuditEntry(**row | {"object_ids": tuple(row["object_ids"])}) for row in rows]


def _conditions(wanted: AuditQuery) -> list[sa.ColumnElement[bool]]:
    given = (
        (wanted.first, lambda first: AUDIT.c.at >= first),
        (wanted.end, lambda end: AUDIT.c.at < end),
        (wanted.key_prefix, lambda prefix: AUDIT.c.key_prefix == prefix[:SHOWN]),
        (wanted.action, lambda action: AUDIT.c.action == action),
        (wanted.object_id, lambda object_id: AUDIT.c.object_ids.contains([object_id])),
    )
    return [condition(value) for value, condition in given if value is not None]


async def prune_entries(engine: AsyncEngine, before: datetime) -> int:
    """Delete the entries of all tenants from before a time, so many in one transaction; how many there were."""
    deleted = 0
    for row in await read(engine, sa.select(TENANTS.c.tenant)):
        while more := await _prune_some(engine, row["tenant"], before):
            deleted += more
    return deleted


async def _prune_some(engine: AsyncEngine, tenant: str, before: datetime) -> int:
    key = (AUDIT.c.tenant, AUDIT.c.at, AUDIT.c.request_id)
    # Another process that prunes takes others, and does not wait for these.
    old = (
        sa.select(*key)
        .where(AUDIT.c.tenant == tenant, AUDIT.c.at < before)
        .order_by(AUDIT.c.at)
        .limit(_DELETED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    async with engine.begin() as connection:
        return (await connection.execute(sa.delete(AUDIT).where(sa.tuple_(*key).in_(old)))).rowcount
