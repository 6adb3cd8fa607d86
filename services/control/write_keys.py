"""Write keys: what a website's pages send along, so that it is known whose website they are.

A write key is no secret, for every visitor can read it; it opens nothing but the way into the log, for its one site.
It is stored as its hash all the same, shown once and revocable, like any key.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.control import registry as control

START: Final = "wk_"
_BYTES: Final = 24
_LONGEST: Final = 128
_SHOWN: Final = 9
_LEAST_SHOWN: Final = 6


class UnknownSite(control.ControlError):
    """There is no such source of the channel web."""


@dataclass(frozen=True, slots=True)
class WebSource:
    """A source of the channel web."""

    source: str
    tenant: str
    account: str
    rate: float | None


@dataclass(frozen=True, slots=True)
class WriteKey:
    """A write key, as much of it as is kept."""

    source: str
    tenant: str
    prefix: str
    created_at: datetime
    revoked_at: datetime | None


async def add_site(db: Any, source: str, *, tenant: str, account: str) -> str:
    """Connect a website and return its write key. Raises what ``control.add_source`` raises."""
    async with db.transaction():
        await control.add_source(db, source, tenant=tenant, channel="web", account=account, sealed_secrets=[])
        return await add_write_key(db, source)


async def add_write_key(db: Any, source: str) -> str:
    """Make a further write key of a site and return it: nobody can ask for it again. Raises UnknownSite."""
    key = START + secrets.token_urlsafe(_BYTES)
    added = await db.fetchval(
        "INSERT INTO onefold.write_keys (write_key_hash, source, prefix)"
        " SELECT $1, source, $3 FROM onefold.sources WHERE source = $2 AND channel = 'web' RETURNING source",
        control.hash_of(key),
        source,
        key[:_SHOWN],
    )
    if added is None:
        raise UnknownSite(f"there is no source {source!r} of the channel web; see `onefold sources list`")
    return key


def may_be_one(text: str) -> bool:
    """Whether it is worth looking for: what is no write key is never hashed, nor remembered as unknown."""
    return text.startswith(START) and len(text) <= _LONGEST


async def find_site(db: Any, key_hash: bytes) -> WebSource | None:
    """The site that the key of that hash belongs to, unless it was revoked, or the site disabled."""
    row = await db.fetchrow(
        "SELECT source, tenant, account, (options ->> 'rate')::double precision AS rate"
        " FROM onefold.write_keys JOIN onefold.sources USING (source)"
        " WHERE write_key_hash = $1 AND revoked_at IS NULL AND disabled_at IS NULL"
        " AND channel = 'web' AND account IS NOT NULL",
        key_hash,
    )
    return WebSource(**row) if row else None


async def list_write_keys(db: Any, tenant: str | None = None) -> list[WriteKey]:
    """A tenant's write keys, or everybody's, oldest first, with the revoked ones."""
    rows = await db.fetch(
        "SELECT source, tenant, prefix, k.created_at, revoked_at"
        " FROM onefold.write_keys k JOIN onefold.sources USING (source)"
        " WHERE $1::text IS NULL OR tenant = $1 ORDER BY k.created_at, prefix",
        tenant,
    )
    return [WriteKey(**row) for row in rows]


async def revoke_write_key(db: Any, beginning: str) -> WriteKey:
    """Revoke the one live write key that begins so, for good. Raises UnknownKey."""
    shown = beginning[:_SHOWN]  # whoever has the whole key may give it whole
    if len(shown) < _LEAST_SHOWN:
        raise control.UnknownKey(f"give at least the first {_LEAST_SHOWN} characters; see `onefold write-keys list`")
    row = await db.fetchrow(
        "WITH meant AS (SELECT write_key_hash FROM onefold.write_keys"
        " WHERE starts_with(prefix, $1) AND revoked_at IS NULL)"
        " UPDATE onefold.write_keys k SET revoked_at = now() FROM onefold.sources s"
        " WHERE s.source = k.source AND write_key_hash IN (SELECT write_key_hash FROM meant)"
        " AND (SELECT count(*) FROM meant) = 1"
        " RETURNING k.source, tenant, prefix, k.created_at, revoked_at",
        shown,
    )
    if row is None:
        raise control.UnknownKey(f"no live write key, or more than one, begins with {shown!r}")
    return WriteKey(**row)
