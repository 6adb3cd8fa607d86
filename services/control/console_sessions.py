"""Sessions of the web console, and one-time links that begin one.

A session is known by a random text, which only the browser has; its SHA-256 is stored. One that an API key began has
that key's scopes as long as the key lives. One that a link began has the scopes that the link was made with, and one
that an OpenID provider's token began has those of the role that the token gave. ``person`` says whose a session is.
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.migrations.tables import CONSOLE_LINKS, CONSOLE_SESSIONS, CONSOLE_USED_STATES, KEYS, TENANTS
from services.control.errors import SignInUsed, UnknownKey, translated, unknown_tenant
from services.control.keys import KEY_START, hash_of
from services.control.names import checked_scopes
from services.runtime.database import read_one

SESSION_LASTS: Final = timedelta(hours=12)
LINK_LASTS: Final = timedelta(hours=1)
LONGEST_SECRET: Final = 128  # characters; a longer text is not worth hashing

_SESSION: Final = (
    sa.select(
        CONSOLE_SESSIONS.c.session_hash,
        CONSOLE_SESSIONS.c.tenant,
        TENANTS.c.name.label("tenant_name"),
        TENANTS.c.default_region.label("region"),
        sa.func.coalesce(KEYS.c.scopes, CONSOLE_SESSIONS.c.scopes).label("scopes"),
        sa.func.coalesce(KEYS.c.prefix, "console").label("key_prefix"),
        CONSOLE_SESSIONS.c.name,
        CONSOLE_SESSIONS.c.person,
    )
    .join_from(CONSOLE_SESSIONS, TENANTS, TENANTS.c.tenant == CONSOLE_SESSIONS.c.tenant)
    .outerjoin(KEYS, KEYS.c.key_hash == CONSOLE_SESSIONS.c.key_hash)
    .where(
        CONSOLE_SESSIONS.c.session_hash == sa.bindparam("session_hash"),
        CONSOLE_SESSIONS.c.expires_at > sa.bindparam("now"),
        sa.or_(
            CONSOLE_SESSIONS.c.key_hash.is_(None),
            sa.and_(KEYS.c.key_hash.is_not(None), KEYS.c.revoked_at.is_(None)),
        ),
    )
)


@dataclass(frozen=True, slots=True)
class ConsoleSession:
    """Who is signed in: for which tenant, with which scopes, and how the audit trail shows it."""

    session_hash: bytes
    tenant: str
    tenant_name: str
    region: str
    scopes: frozenset[str]
    key_prefix: str
    name: str
    person: str


async def add_link(
    engine: AsyncEngine, tenant: str, scopes: Collection[str], name: str, now: datetime | None = None
) -> str:
    """Make a link's secret, which begins one session within an hour. Raises UnknownTenant."""
    secret = secrets.token_urlsafe(32)
    row = {
        "link_hash": hash_of(secret),
        "tenant": tenant,
        "scopes": checked_scopes(scopes),
        "name": name,
        "expires_at": (now or datetime.now(UTC)) + LINK_LASTS,
    }
    try:
        async with engine.begin() as connection:
            await connection.execute(sa.insert(CONSOLE_LINKS).values(row))
    except sa.exc.IntegrityError as error:
        raise translated(error, console_links_tenant_fk=unknown_tenant(tenant)) from None
    return secret


async def begin_by_link(engine: AsyncEngine, secret: str, now: datetime | None = None) -> str:
    """Use a link up, and return the secret of the session that it begins. Raises UnknownKey."""
    at = now or datetime.now(UTC)
    columns = (CONSOLE_LINKS.c.tenant, CONSOLE_LINKS.c.scopes, CONSOLE_LINKS.c.name)
    use = (
        sa.delete(CONSOLE_LINKS)
        .where(CONSOLE_LINKS.c.link_hash == hash_of(secret[:LONGEST_SECRET]), CONSOLE_LINKS.c.expires_at > at)
        .returning(*columns)
    )
    async with engine.begin() as connection:
        found = (await connection.execute(use)).first()
        if found is None:
            raise UnknownKey("this link was used already, or is too old")
        return await _begin(connection, at, person=f"link:{found.name}", **found._asdict())


async def begin_by_provider(  # noqa: PLR0913 - what a session has
    engine: AsyncEngine,
    tenant: str,
    scopes: Collection[str],
    *,
    name: str,
    person: str,
    state: str,
    now: datetime | None = None,
) -> str:
    """Return the secret of a session that a provider's token begins. ``state`` begins one once. Raises SignInUsed."""
    at = now or datetime.now(UTC)
    use = sa.insert(CONSOLE_USED_STATES).values(state_hash=hash_of(state), expires_at=at + LINK_LASTS)
    try:
        async with engine.begin() as connection:
            await connection.execute(use)
            values = {"tenant": tenant, "scopes": checked_scopes(scopes), "name": name, "person": person}
            return await _begin(connection, at, **values)
    except sa.exc.IntegrityError as error:
        raise translated(error, console_used_states_pk=SignInUsed(SignInUsed.__doc__)) from None


async def begin_by_key(engine: AsyncEngine, key: str, now: datetime | None = None) -> str:
    """Return the secret of a session that has an API key's scopes. Raises UnknownKey."""
    person = sa.literal("key:", sa.Text()).concat(KEYS.c.prefix).label("person")
    columns = (KEYS.c.tenant, KEYS.c.scopes, KEYS.c.name, KEYS.c.key_hash, person)
    live = sa.select(*columns).where(KEYS.c.key_hash == hash_of(key), KEYS.c.revoked_at.is_(None))
    if not key.startswith(KEY_START) or len(key) > LONGEST_SECRET:
        raise UnknownKey("this is no API key")
    async with engine.begin() as connection:
        found = (await connection.execute(live)).first()
        if found is None:
            raise UnknownKey("this key is unknown or was revoked")
        return await _begin(connection, now or datetime.now(UTC), **found._asdict())


async def _begin(connection: AsyncConnection, at: datetime, **values: object) -> str:
    secret = secrets.token_urlsafe(32)
    row = {"session_hash": hash_of(secret), "expires_at": at + SESSION_LASTS, **values}
    await connection.execute(sa.insert(CONSOLE_SESSIONS).values(row))
    for table in (CONSOLE_SESSIONS, CONSOLE_LINKS, CONSOLE_USED_STATES):
        await connection.execute(sa.delete(table).where(table.c.expires_at <= at))
    return secret


async def find_session(engine: AsyncEngine, secret: str, now: datetime | None = None) -> ConsoleSession | None:
    """The session of that secret, unless it is over or its key was revoked."""
    if not secret or len(secret) > LONGEST_SECRET:
        return None
    row = await read_one(engine, _SESSION, session_hash=hash_of(secret), now=now or datetime.now(UTC))
    return ConsoleSession(**row | {"scopes": frozenset(row["scopes"])}) if row else None


async def end_session(engine: AsyncEngine, session_hash: bytes) -> None:
    """End a session for good."""
    async with engine.begin() as connection:
        await connection.execute(sa.delete(CONSOLE_SESSIONS).where(CONSOLE_SESSIONS.c.session_hash == session_hash))
