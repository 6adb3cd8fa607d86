"""Who can get into a tenant's console: the people who are signed in, and the links that nobody has used yet."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.migrations.tables import CONSOLE_LINKS, CONSOLE_SESSIONS, KEYS
from services.control.errors import UnknownLink
from services.runtime.database import read

_MOST: Final = 200  # people, and links, that are listed


@dataclass(frozen=True, slots=True)
class SignedInPerson:
    """Somebody's sessions together. ``person`` begins with ``key:``, ``link:`` or ``oidc:``, by how they began."""

    person: str
    name: str
    scopes: frozenset[str]
    sessions: int
    begun_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class UnusedLink:
    """A one-time link that was not used yet; ``link_hash`` names it and does not sign in."""

    link_hash: bytes
    name: str
    scopes: frozenset[str]
    expires_at: datetime


async def list_people(engine: AsyncEngine, tenant: str, now: datetime | None = None) -> list[SignedInPerson]:
    """Who is signed in, the latest first; scopes and name are those of the latest session."""
    sessions = CONSOLE_SESSIONS.c
    found = (
        sa.select(
            sessions.person,
            _latest(sessions.name).label("name"),
            _latest(sa.func.array_to_string(sa.func.coalesce(KEYS.c.scopes, sessions.scopes), " ")).label("scopes"),
            sa.func.count().label("sessions"),
            sa.func.max(sessions.begun_at).label("begun_at"),
            sa.func.max(sessions.expires_at).label("expires_at"),
        )
        .join_from(CONSOLE_SESSIONS, KEYS, KEYS.c.key_hash == sessions.key_hash, isouter=True)
        .where(sessions.tenant == tenant, sessions.expires_at > (now or datetime.now(UTC)), KEYS.c.revoked_at.is_(None))
        .group_by(sessions.person)
        .order_by(sa.func.max(sessions.begun_at).desc(), sessions.person)
        .limit(_MOST)
    )
    return [SignedInPerson(**row | {"scopes": frozenset(row["scopes"].split())}) for row in await read(engine, found)]


def _latest(column: Any) -> sa.ColumnElement[Any]:
    """The value of the session that began last."""
    ordered = sa.dialects.postgresql.aggregate_order_by(column, CONSOLE_SESSIONS.c.begun_at.desc())
    return sa.func.array_agg(ordered)[1]


async def end_sessions_of(engine: AsyncEngine, tenant: str, person: str) -> int:
    """End all sessions of a person; how many there were."""
    end = sa.delete(CONSOLE_SESSIONS).where(CONSOLE_SESSIONS.c.tenant == tenant, CONSOLE_SESSIONS.c.person == person)
    async with engine.begin() as connection:
        return (await connection.execute(end)).rowcount


async def list_links(engine: AsyncEngine, tenant: str, now: datetime | None = None) -> list[UnusedLink]:
    """The links that still sign in, those that expire last first."""
    links = CONSOLE_LINKS.c
    found = (
        sa.select(links.link_hash, links.name, links.scopes, links.expires_at)
        .where(links.tenant == tenant, links.expires_at > (now or datetime.now(UTC)))
        .order_by(links.expires_at.desc(), links.link_hash)
        .limit(_MOST)
    )
    return [UnusedLink(**row | {"scopes": _set(row["scopes"])}) for row in await read(engine, found)]


async def remove_link(engine: AsyncEngine, tenant: str, link_hash: bytes) -> None:
    """Remove a link that nobody has used yet. Raises UnknownLink."""
    remove = sa.delete(CONSOLE_LINKS).where(CONSOLE_LINKS.c.tenant == tenant, CONSOLE_LINKS.c.link_hash == link_hash)
    async with engine.begin() as connection:
        if not (await connection.execute(remove)).rowcount:
            raise UnknownLink(UnknownLink.__doc__)


def _set(scopes: Collection[str]) -> frozenset[str]:
    return frozenset(scopes)
