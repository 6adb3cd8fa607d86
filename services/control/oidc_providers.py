"""OpenID providers: with whom the people of a tenant sign in to the console, and which role each gets.

Secrets come here sealed by `services.runtime.secrets`. A changed or removed provider ends the sessions that it began,
so that nobody keeps a role that the new rules would not give.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.migrations.tables import CONSOLE_SESSIONS, OIDC_PROVIDERS
from services.control.errors import InvalidName, UnknownProvider, translated, unknown_tenant
from services.runtime.database import read, read_one

BY_PROVIDER: Final = "oidc:"  # how `person` of a session begins that a provider's token began
_LOCAL: Final = ("127.0.0.1", "localhost", "::1")
_MOST_RULES: Final = 200
_LONGEST: Final = 2000  # characters
_BY_TENANT: Final = sa.select(OIDC_PROVIDERS).where(OIDC_PROVIDERS.c.tenant == sa.bindparam("tenant"))


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """A tenant's provider.

    ``rules`` are (role, claim, value): who has the value in the claim gets the role. ``ask`` says whom to ask for one.
    ``any_email`` accepts addresses that the provider does not call verified. A public client has no secret.
    """

    tenant: str
    issuer: str
    client_id: str
    sealed_secret: bytes | None
    scopes: tuple[str, ...]
    rules: tuple[tuple[str, str, str], ...]
    ask: str
    any_email: bool
    changed_at: datetime | None = None


async def set_provider(engine: AsyncEngine, provider: OidcProvider) -> None:
    """Set a tenant's provider, in place of the one it had. Raises InvalidName or UnknownTenant."""
    _check(provider)
    row = asdict(provider) | {"rules": [list(rule) for rule in provider.rules], "changed_at": sa.func.now()}
    add = insert(OIDC_PROVIDERS).values(row | {"scopes": list(provider.scopes)})
    change = add.on_conflict_do_update(
        index_elements=[OIDC_PROVIDERS.c.tenant],
        set_={one.name: add.excluded[one.name] for one in OIDC_PROVIDERS.c if one.name != "tenant"},
    )
    try:
        async with engine.begin() as connection:
            await connection.execute(change)
            await _end_sessions(connection, provider.tenant)
    except sa.exc.IntegrityError as error:
        raise translated(error, oidc_providers_tenant_fk=unknown_tenant(provider.tenant)) from None


async def find_provider(engine: AsyncEngine, tenant: str) -> OidcProvider | None:
    """The tenant's provider. The tenant may be any text, such as a part of an address."""
    row = await read_one(engine, _BY_TENANT, tenant=tenant) if "\x00" not in tenant else None
    return _provider(row) if row else None


async def only_provider(engine: AsyncEngine) -> OidcProvider | None:
    """The provider, where one tenant alone has one."""
    found = await read(engine, sa.select(OIDC_PROVIDERS).limit(2))
    return _provider(found[0]) if len(found) == 1 else None


async def has_providers(engine: AsyncEngine) -> bool:
    """Whether any tenant has a provider."""
    return bool(await read(engine, sa.select(OIDC_PROVIDERS.c.tenant).limit(1)))


async def remove_provider(engine: AsyncEngine, tenant: str) -> None:
    """Remove a tenant's provider, and end the sessions that it began. Raises UnknownProvider."""
    remove = sa.delete(OIDC_PROVIDERS).where(OIDC_PROVIDERS.c.tenant == tenant)
    async with engine.begin() as connection:
        if not (await connection.execute(remove)).rowcount:
            raise UnknownProvider(f"the tenant {tenant!r} has no OpenID provider")
        await _end_sessions(connection, tenant)


async def _end_sessions(connection: AsyncConnection, tenant: str) -> None:
    of_provider = sa.func.starts_with(CONSOLE_SESSIONS.c.person, BY_PROVIDER)
    await connection.execute(sa.delete(CONSOLE_SESSIONS).where(CONSOLE_SESSIONS.c.tenant == tenant, of_provider))


def is_safe_url(text: str) -> bool:
    """Whether secrets may be sent there: TLS, or this machine."""
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return False
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in _LOCAL)
    return bool(host) and secure and parts.username is None and text.isprintable() and " " not in text


def _check(provider: OidcProvider) -> None:
    parts = (provider.issuer, provider.client_id, provider.ask, *provider.scopes, *_texts(provider.rules))
    if not is_safe_url(provider.issuer) or set(provider.issuer) & {"?", "#"}:
        raise InvalidName("an issuer is an address that begins with https:// (or is on this machine), without ? and #")
    if not provider.client_id or not provider.rules or len(provider.rules) > _MOST_RULES:
        raise InvalidName(f"a provider has a client id, and 1 to {_MOST_RULES} rules")
    if any(len(one) > _LONGEST or "\x00" in one for one in parts):
        raise InvalidName(f"a provider's texts have {_LONGEST} characters at most")


def _texts(rules: Sequence[tuple[str, str, str]]) -> list[str]:
    return [text for rule in rules for text in rule]


def _provider(row: dict[str, Any]) -> OidcProvider:
    rules = tuple((role, claim, value) for role, claim, value in row["rules"])
    return OidcProvider(**row | {"scopes": tuple(row["scopes"]), "rules": rules})
