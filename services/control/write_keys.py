"""Write keys: a website sends one with every event, so that ingress knows which website it comes from.

A *public* key stands in the website's pages. Every visitor can read it, so what comes with it is a claim. A *server*
key is known to the website's servers only, so what comes with it is the brand's own word. Either permits nothing but
sending events for its one website, is stored as a hash, shown once, and revocable.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.migrations.tables import SOURCES, WRITE_KEYS
from services.control.errors import UnknownKey, UnknownSite
from services.control.keys import hash_of
from services.control.source_options import SourceOptions
from services.control.sources import insert_source
from services.runtime.database import read, read_one

KeyKind = Literal["public", "server"]
STARTS: Final[Mapping[KeyKind, str]] = {"public": "wk_", "server": "wsk_"}
USES: Final[Mapping[KeyKind, str]] = {
    "public": "It is for the website's pages. Everybody can read it there, so all that comes with it is a claim.",
    "server": "It is for your own servers: keep it secret, and out of every page and app. What comes with it is "
    "your own word.",
}
_BYTES: Final = 24
_LONGEST: Final = 128
_SHOWN: Final = 9
_LEAST_SHOWN: Final = 6
_COLUMNS: Final = (
    WRITE_KEYS.c.source,
    SOURCES.c.tenant,
    WRITE_KEYS.c.kind,
    WRITE_KEYS.c.prefix,
    WRITE_KEYS.c.created_at,
    WRITE_KEYS.c.revoked_at,
)

_LIVE_SITE: Final = (
    sa.select(
        SOURCES.c.source,
        SOURCES.c.tenant,
        SOURCES.c.account,
        WRITE_KEYS.c.kind,
        SOURCES.c.options,
        SOURCES.c.sealed_secrets,
    )
    .join(WRITE_KEYS)
    .where(
        WRITE_KEYS.c.write_key_hash == sa.bindparam("key_hash"),
        WRITE_KEYS.c.revoked_at.is_(None),
        SOURCES.c.disabled_at.is_(None),
        SOURCES.c.channel == "web",
        SOURCES.c.account.is_not(None),
    )
)


@dataclass(frozen=True, slots=True)
class WebSource:
    """A source of the channel web, found by a write key of that kind; by ``sealed_secrets`` its logins are signed."""

    source: str
    tenant: str
    account: str
    kind: KeyKind
    options: SourceOptions
    sealed_secrets: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class WriteKey:
    """A write key, as much of it as is kept."""

    source: str
    tenant: str
    kind: KeyKind
    prefix: str
    created_at: datetime
    revoked_at: datetime | None


async def add_site(engine: AsyncEngine, source: str, *, tenant: str, account: str) -> str:
    """Add a website without login secrets and return its public write key. Raises as ``insert_site``."""
    async with engine.begin() as connection:
        row = {"source": source, "tenant": tenant, "channel": "web", "account": account, "sealed_secrets": []}
        return (await insert_site(connection, row, ["public"]))[0]


async def insert_site(connection: AsyncConnection, row: dict[str, Any], kinds: Sequence[KeyKind]) -> list[str]:
    """Add a website inside the caller's transaction and return a new write key of each kind, in order.

    Raises NameTaken, InvalidName or UnknownTenant.
    """
    await insert_source(connection, row)
    return [await _insert_write_key(connection, row["source"], kind) for kind in kinds]


async def add_write_key(engine: AsyncEngine, source: str, kind: KeyKind = "public") -> str:
    """Make another write key of a website and return its plaintext, this once. Raises UnknownSite."""
    async with engine.begin() as connection:
        return await _insert_write_key(connection, source, kind)


def may_be_write_key(text: str) -> bool:
    """Whether the text has the form of a write key. Other text is neither hashed, nor cached as unknown."""
    return text.startswith(tuple(STARTS.values())) and len(text) <= _LONGEST


async def find_site(engine: AsyncEngine, key_hash: bytes) -> WebSource | None:
    """The website whose write key has that hash, unless the key was revoked or the website disabled."""
    row = await read_one(engine, _LIVE_SITE, key_hash=key_hash)
    if row is None:
        return None
    parsed = {"options": SourceOptions.model_validate(row["options"]), "sealed_secrets": tuple(row["sealed_secrets"])}
    return WebSource(**row | parsed)


async def list_write_keys(
    engine: AsyncEngine, tenant: str | None = None, *, source: str | None = None
) -> list[WriteKey]:
    """The write keys of a tenant, or of all tenants, or of one source, oldest first, including revoked ones."""
    query = sa.select(*_COLUMNS).join_from(WRITE_KEYS, SOURCES).order_by(WRITE_KEYS.c.created_at, WRITE_KEYS.c.prefix)
    if tenant is not None:
        query = query.where(SOURCES.c.tenant == tenant)
    if source is not None:
        query = query.where(SOURCES.c.source == source)
    return [WriteKey(**row) for row in await read(engine, query)]


async def revoke_write_key(engine: AsyncEngine, beginning: str, *, source: str | None = None) -> WriteKey:
    """Revoke the only live write key that begins so, of that source or of any, for good. Raises UnknownKey."""
    shown = beginning[:_SHOWN]  # the whole key is accepted as well
    if len(shown) < _LEAST_SHOWN or "\x00" in shown:
        raise UnknownKey(f"give at least the first {_LEAST_SHOWN} characters; see `onefold write-keys list`")
    live = sa.select(WRITE_KEYS.c.write_key_hash).where(
        sa.func.starts_with(WRITE_KEYS.c.prefix, shown), WRITE_KEYS.c.revoked_at.is_(None)
    )
    if source is not None:
        live = live.where(WRITE_KEYS.c.source == source)
    meant = live.cte("meant")
    revoke = (
        sa.update(WRITE_KEYS)
        .where(
            WRITE_KEYS.c.source == SOURCES.c.source,
            WRITE_KEYS.c.write_key_hash.in_(sa.select(meant.c.write_key_hash)),
            sa.select(sa.func.count()).select_from(meant).scalar_subquery() == 1,
        )
        .values(revoked_at=sa.func.now())
        .returning(*_COLUMNS)
    )
    async with engine.begin() as connection:
        row = (await connection.execute(revoke)).first()
    if row is None:
        raise UnknownKey(f"no live write key, or more than one, begins with {shown!r}")
    return WriteKey(**row._asdict())


async def _insert_write_key(connection: AsyncConnection, source: str, kind: KeyKind) -> str:
    key = STARTS[kind] + secrets.token_urlsafe(_BYTES)
    site = sa.select(
        sa.literal(hash_of(key), sa.LargeBinary), SOURCES.c.source, sa.literal(key[:_SHOWN]), sa.literal(kind)
    ).where(SOURCES.c.source == source, SOURCES.c.channel == "web")
    insert = sa.insert(WRITE_KEYS).from_select(["write_key_hash", "source", "prefix", "kind"], site)
    if await connection.scalar(insert.returning(WRITE_KEYS.c.source)) is None:
        raise UnknownSite(f"there is no source {source!r} of the channel web; see `onefold sources list`")
    return key
