"""The control plane: tenants, their API keys, and the sources whose webhooks they receive.

A key's plaintext is returned once and kept nowhere: what is stored is its SHA-256, which is enough because a key is 32
random bytes and not a password. A source's secrets are sealed by `services.runtime.secrets` before they come here.

    ControlError
    ├── NameTaken        choose another name
    ├── InvalidName      spell it differently
    ├── UnknownTenant    add the tenant first
    ├── UnknownKey       look at the list of keys
    └── UnknownSource    look at the list of sources
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg
from pydantic import TypeAdapter, ValidationError

from projections.migrations.tables import CHANNELS, SCOPES
from projections.migrations.upgrade import upgrade
from schemas.events.base import Account, TenantId, Word
from services.control.source_options import SourceOptions
from services.runtime.errors import ForeseenError

KEY_START: Final = "of_"
_SHOWN: Final = 9  # of 46 characters: enough to tell keys apart, and of no use for guessing the rest
_LEAST_SHOWN: Final = 6
_NAME: Final[TypeAdapter[str]] = TypeAdapter(TenantId)
_ACCOUNT: Final[TypeAdapter[str]] = TypeAdapter(Account)
_PROVIDER: Final[TypeAdapter[str]] = TypeAdapter(Word)
_SOURCES: Final = (
    "SELECT source, tenant, channel, account, provider, sealed_secrets, created_at, sealed_verify_token, options,"
    " changed_at, disabled_at FROM onefold.sources"
)


class ControlError(ForeseenError):
    """The control plane said no; the message says why, for a person."""


class NameTaken(ControlError):
    """There is one of that name."""


class InvalidName(ControlError):
    """The name can't be one."""


class UnknownTenant(ControlError):
    """There is no such tenant."""


class UnknownKey(ControlError):
    """There is no such key, or there are several."""


class UnknownSource(ControlError):
    """There is no such source."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """One brand."""

    tenant: str
    name: str
    default_region: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Key:
    """An API key, as much of it as may be shown."""

    tenant: str
    name: str
    scopes: tuple[str, ...]
    prefix: str
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a channel's webhooks come in, and the account they speak for (none: whichever they name).

    Its secrets, the newest last, are sealed; so is what Meta has to say when it first calls.
    """

    source: str
    tenant: str
    channel: str
    account: str | None
    provider: str | None
    sealed_secrets: tuple[bytes, ...]
    created_at: datetime
    sealed_verify_token: bytes | None
    options: SourceOptions
    changed_at: datetime
    disabled_at: datetime | None


async def migrate(database_url: str) -> None:
    """Bring the control schema up to date. Safe to run twice at once."""
    await upgrade(database_url)


async def add_tenant(db: Any, tenant: str, *, name: str | None = None, region: str = "TW") -> None:
    """Add a brand. Raises NameTaken or InvalidName."""
    _valid(_NAME, tenant, "a tenant's name is 1 to 63 of a-z, 0-9, _ and -, and begins with a letter or digit")
    if not (len(region) == 2 and region.isascii() and region.isalpha() and region.isupper()):  # noqa: PLR2004
        raise InvalidName(f"a region is two capital letters, such as TW; not {region!r}")
    try:
        await db.execute(
            "INSERT INTO onefold.tenants (tenant, name, default_region) VALUES ($1, $2, $3)",
            tenant,
            name or tenant,
            region,
        )
    except asyncpg.UniqueViolationError as error:
        raise _translated(error, tenants_pk=NameTaken(f"there is a tenant {tenant!r} already")) from None


async def list_tenants(db: Any) -> list[Tenant]:
    """Every tenant, by name."""
    rows = await db.fetch("SELECT tenant, name, default_region, created_at FROM onefold.tenants ORDER BY tenant")
    return [Tenant(**row) for row in rows]


async def add_key(db: Any, tenant: str, scopes: Sequence[str], *, name: str = "") -> str:
    """Make a key and return it: nobody can ask for it again. Raises UnknownTenant or InvalidName."""
    if not scopes or not set(scopes) <= set(SCOPES):
        raise InvalidName(f"a key has at least one of the scopes {', '.join(SCOPES)}")
    key = KEY_START + secrets.token_urlsafe(32)
    try:
        await db.execute(
            "INSERT INTO onefold.keys (key_hash, tenant, name, scopes, prefix) VALUES ($1, $2, $3, $4, $5)",
            hash_of(key),
            tenant,
            name,
            [scope for scope in SCOPES if scope in scopes],
            key[:_SHOWN],
        )
    except asyncpg.ForeignKeyViolationError as error:
        raise _translated(error, keys_tenant_fk=_unknown_tenant(tenant)) from None
    return key


def hash_of(key: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


async def find_key(db: Any, key_hash: bytes) -> Key | None:
    """The key of that hash, unless it was revoked."""
    row = await db.fetchrow(
        "SELECT tenant, name, scopes, prefix, created_at, revoked_at FROM onefold.keys"
        " WHERE key_hash = $1 AND revoked_at IS NULL",
        key_hash,
    )
    return _key(row) if row else None


async def list_keys(db: Any, tenant: str | None = None) -> list[Key]:
    """A tenant's keys, or everybody's, oldest first, with the revoked ones."""
    rows = await db.fetch(
        "SELECT tenant, name, scopes, prefix, created_at, revoked_at FROM onefold.keys"
        " WHERE $1::text IS NULL OR tenant = $1 ORDER BY created_at, prefix",
        tenant,
    )
    return [_key(row) for row in rows]


async def revoke_key(db: Any, beginning: str) -> Key:
    """Revoke the one live key that begins so, for good. Raises UnknownKey."""
    shown = beginning[:_SHOWN]  # whoever has the whole key may give it whole
    if len(shown) < _LEAST_SHOWN:
        raise UnknownKey(f"give at least the first {_LEAST_SHOWN} characters of the key; see `onefold keys list`")
    row = await db.fetchrow(
        "WITH meant AS (SELECT key_hash FROM onefold.keys WHERE starts_with(prefix, $1) AND revoked_at IS NULL)"
        " UPDATE onefold.keys SET revoked_at = now()"
        " WHERE key_hash IN (SELECT key_hash FROM meant) AND (SELECT count(*) FROM meant) = 1"
        " RETURNING tenant, name, scopes, prefix, created_at, revoked_at",
        shown,
    )
    if row is None:
        raise UnknownKey(f"no live key, or more than one, begins with {shown!r}; see `onefold keys list`")
    return _key(row)


async def add_source(  # noqa: PLR0913 - a source's facts
    db: Any,
    source: str,
    *,
    tenant: str,
    channel: str,
    account: str | None,
    sealed_secrets: Sequence[bytes],
    provider: str | None = None,
    sealed_verify_token: bytes | None = None,
    options: SourceOptions | None = None,
) -> None:
    """Connect a channel's account. Raises NameTaken, InvalidName or UnknownTenant."""
    _valid(_NAME, source, "a source's name is 1 to 63 of a-z, 0-9, _ and -, and begins with a letter or digit")
    valid_account(account, provider)
    if channel not in CHANNELS:
        raise InvalidName(f"a channel is one of {', '.join(CHANNELS)}; not {channel!r}")
    try:
        await db.execute(
            "INSERT INTO onefold.sources"
            " (source, tenant, channel, account, provider, sealed_secrets, sealed_verify_token, options)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            source,
            tenant,
            channel,
            account,
            provider,
            list(sealed_secrets),
            sealed_verify_token,
            (options or SourceOptions()).model_dump_json(),
        )
    except asyncpg.IntegrityConstraintViolationError as error:
        raise _translated(
            error,
            sources_pk=NameTaken(f"there is a source {source!r} already"),
            sources_tenant_fk=_unknown_tenant(tenant),
        ) from None


def valid_account(account: str | None, provider: str | None) -> None:
    """Raises InvalidName for what can't be an account or a provider."""
    if account is not None:
        _valid(_ACCOUNT, account, "an account is 1 to 255 characters without ':' and '|'")
    if provider is not None:
        _valid(_PROVIDER, provider, "a provider is 1 to 255 characters")


async def get_source(db: Any, source: str) -> Source | None:
    """The source of that name, whosever it is; also for what can't be a name, such as text from a URL."""
    if not _is(_NAME, source):
        return None
    row = await db.fetchrow(f"{_SOURCES} WHERE source = $1", source)
    return _source(row) if row else None


async def list_sources(db: Any, tenant: str | None = None) -> list[Source]:
    """A tenant's sources, or everybody's, by name."""
    rows = await db.fetch(f"{_SOURCES} WHERE $1::text IS NULL OR tenant = $1 ORDER BY source", tenant)
    return [_source(row) for row in rows]


def _key(row: Any) -> Key:
    fields = dict(row)
    return Key(**fields | {"scopes": tuple(fields["scopes"])})


def _source(row: Any) -> Source:
    fields = dict(row)
    options = SourceOptions.model_validate_json(fields["options"])
    return Source(**fields | {"sealed_secrets": tuple(fields["sealed_secrets"]), "options": options})


def _unknown_tenant(tenant: str) -> UnknownTenant:
    return UnknownTenant(f"there is no tenant {tenant!r}; `onefold tenants add {tenant}` adds it")


def _is(shape: TypeAdapter[str], value: str) -> bool:
    try:
        shape.validate_python(value)
    except ValidationError:
        return False
    return "\x00" not in value


def _valid(shape: TypeAdapter[str], value: str, rule: str) -> None:
    if not _is(shape, value):
        raise InvalidName(f"{rule}; not {value!r}")


def _translated(error: asyncpg.PostgresError, **by_constraint: ControlError) -> Exception:
    """The error that stands for a constraint; any other one is a bug and stays what it is."""
    return by_constraint.get(str(error.constraint_name)) or error
