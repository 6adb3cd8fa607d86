"""API keys of a tenant.

A key's plaintext is returned once and stored nowhere. Its SHA-256 is stored, which is enough because a key is 32 random
bytes and not a password.
"""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from projections.migrations.tables import KEYS
from services.control.errors import UnknownKey, translated, unknown_tenant
from services.control.names import SHOWN, check_limit, checked_scopes
from services.runtime.database import read, read_one

KEY_START: Final = "of_"
_LEAST_SHOWN: Final = 6
_COLUMNS: Final = (
    KEYS.c.tenant,
    KEYS.c.name,
    KEYS.c.scopes,
    KEYS.c.prefix,
    KEYS.c.created_at,
    KEYS.c.revoked_at,
    KEYS.c.rate,
    KEYS.c.burst,
    KEYS.c.last_used_at,
)

_LIVE_KEY: Final = sa.select(*_COLUMNS).where(KEYS.c.key_hash == sa.bindparam("key_hash"), KEYS.c.revoked_at.is_(None))


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key, as much of it as may be shown.

    ``rate`` and ``burst`` are its own limit: tokens a second, and tokens of a full bucket. ``last_used_at`` is about a
    minute behind.
    """

    tenant: str
    name: str
    scopes: tuple[str, ...]
    prefix: str
    created_at: datetime
    revoked_at: datetime | None
    rate: float | None = None
    burst: float | None = None
    last_used_at: datetime | None = None


async def add_key(  # noqa: PLR0913 - what a key has
    engine: AsyncEngine,
    tenant: str,
    scopes: Collection[str],
    *,
    name: str = "",
    rate: float | None = None,
    burst: float | None = None,
) -> str:
    """Make a key and return its plaintext, this once. Raises UnknownTenant or InvalidName."""
    check_limit(rate, burst)
    key = KEY_START + secrets.token_urlsafe(32)
    row = {
        "key_hash": hash_of(key),
        "tenant": tenant,
        "name": name,
        "scopes": checked_scopes(scopes),
        "prefix": key[:SHOWN],
        "rate": rate,
        "burst": burst,
    }
    try:
        async with engine.begin() as connection:
            await connection.execute(sa.insert(KEYS).values(row))
    except sa.exc.IntegrityError as error:
        raise translated(error, keys_tenant_fk=unknown_tenant(tenant)) from None
    return key


def hash_of(key: str) -> bytes:
    """The SHA-256 that is stored of a key."""
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


async def find_key(engine: AsyncEngine, key_hash: bytes) -> ApiKey | None:
    """The key of that hash, unless it was revoked."""
    row = await read_one(engine, _LIVE_KEY, key_hash=key_hash)
    return _key(row) if row else None


async def list_keys(engine: AsyncEngine, tenant: str | None = None) -> list[ApiKey]:
    """The keys of a tenant, or of all tenants, oldest first, including revoked ones."""
    query = sa.select(*_COLUMNS).order_by(KEYS.c.created_at, KEYS.c.prefix)
    if tenant is not None:
        query = query.where(KEYS.c.tenant == tenant)
    return [_key(row) for row in await read(engine, query)]


async def note_uses(engine: AsyncEngine, key_hashes: Collection[bytes]) -> None:
    """Note that these keys were used just now; hashes of no key are passed over."""
    used = sa.update(KEYS).where(KEYS.c.key_hash.in_(sorted(key_hashes))).values(last_used_at=sa.func.now())
    async with engine.begin() as connection:
        await connection.execute(used)


async def revoke_key(engine: AsyncEngine, beginning: str, tenant: str | None = None) -> ApiKey:
    """Revoke the only live key that begins so, of a tenant or of all, for good. Raises UnknownKey."""
    return await _change(engine, beginning, tenant, revoked_at=sa.func.now())


async def limit_key(engine: AsyncEngine, beginning: str, rate: float | None, burst: float | None) -> ApiKey:
    """Set the limit of the only live key that begins so; without a rate, the setting's. Raises UnknownKey, InvalidName.

    Services go by it within two seconds.
    """
    check_limit(rate, burst)
    return await _change(engine, beginning, None, rate=rate, burst=burst)


async def _change(engine: AsyncEngine, beginning: str, tenant: str | None, **values: Any) -> ApiKey:
    shown = beginning[:SHOWN]  # the whole key is accepted as well
    if len(shown) < _LEAST_SHOWN:
        raise UnknownKey(f"give at least the first {_LEAST_SHOWN} characters of the key; see `onefold keys list`")
    live = sa.select(KEYS.c.key_hash).where(sa.func.starts_with(KEYS.c.prefix, shown), KEYS.c.revoked_at.is_(None))
    meant = (live if tenant is None else live.where(KEYS.c.tenant == tenant)).cte("meant")
    change = (
        sa.update(KEYS)
        .where(
            KEYS.c.key_hash.in_(sa.select(meant.c.key_hash)),
            sa.select(sa.func.count()).select_from(meant).scalar_subquery() == 1,
        )
        .values(values)
        .returning(*_COLUMNS)
    )
    async with engine.begin() as connection:
        row = (await connection.execute(change)).first()
    if row is None:
        raise UnknownKey(f"no live key, or more than one, begins with {shown!r}; see `onefold keys list`")
    return _key(row._asdict())


def _key(row: dict[str, Any]) -> ApiKey:
    return ApiKey(**row | {"scopes": tuple(row["scopes"])})
