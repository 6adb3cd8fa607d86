"""Sources: the channel accounts whose webhooks come in.

A change reads the source, computes the next one, and writes it only if nobody changed it meanwhile. A change that
changes nothing writes nothing, so repeating it is harmless. Secrets come here sealed by `services.runtime.secrets`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from projections.migrations.tables import SOURCES, WRITE_KEYS
from services.control.errors import NameTaken, StillUsed, TooBusy, UnknownSource, translated, unknown_tenant
from services.control.names import check_account, check_channel, check_name, is_name
from services.control.source_options import SourceOptions
from services.runtime.database import read, read_one

_TRIES: Final = 20
_BY_NAME: Final = sa.select(SOURCES).where(SOURCES.c.source == sa.bindparam("source"))


@dataclass(frozen=True, slots=True)
class Source:
    """Where a channel's webhooks come in, and the account they are about (None: whichever each webhook names).

    ``sealed_secrets`` are in order of age, the newest last; ``sealed_verify_token`` is Meta's.
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


SourceChange = Callable[[Source], Source]


async def add_source(  # noqa: PLR0913 - a source's facts
    engine: AsyncEngine,
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
    """Add a source. Raises NameTaken, InvalidName or UnknownTenant."""
    row = {
        "source": source,
        "tenant": tenant,
        "channel": channel,
        "account": account,
        "provider": provider,
        "sealed_secrets": list(sealed_secrets),
        "sealed_verify_token": sealed_verify_token,
        "options": _json(options or SourceOptions()),
    }
    async with engine.begin() as connection:
        await insert_source(connection, row)


async def insert_source(connection: AsyncConnection, row: dict[str, Any]) -> None:
    """Insert the row of a source, inside the caller's transaction. Raises NameTaken, InvalidName or UnknownTenant."""
    check_name("a source's", row["source"])
    check_account(row["account"], row.get("provider"))
    check_channel(row["channel"])
    try:
        await connection.execute(sa.insert(SOURCES).values(row))
    except sa.exc.IntegrityError as error:
        raise translated(
            error,
            sources_pk=NameTaken(f"there is a source {row['source']!r} already"),
            sources_tenant_fk=unknown_tenant(row["tenant"]),
        ) from None


async def get_source(engine: AsyncEngine, source: str) -> Source | None:
    """The source of that name, of any tenant. The name may be any text, such as a part of a URL."""
    if not is_name(source):
        return None
    row = await read_one(engine, _BY_NAME, source=source)
    return _source(row) if row else None


async def own_source(engine: AsyncEngine, name: str, tenant: str | None) -> Source:
    """The source of that name, if it belongs to the tenant (None: to any tenant). Raises UnknownSource."""
    found = await get_source(engine, name)
    if found is None or tenant not in (None, found.tenant):
        raise UnknownSource("there is no such source; see `onefold sources list`")
    return found


async def list_sources(engine: AsyncEngine, tenant: str | None = None) -> list[Source]:
    """The sources of a tenant, or of all tenants, by name."""
    query = sa.select(SOURCES).order_by(SOURCES.c.source)
    if tenant is not None:
        query = query.where(SOURCES.c.tenant == tenant)
    return [_source(row) for row in await read(engine, query)]


async def change_source(engine: AsyncEngine, name: str, tenant: str | None, change: SourceChange) -> Source:
    """The source as the change leaves it. Raises UnknownSource, InvalidName or TooBusy."""
    for _ in range(_TRIES):
        before = await own_source(engine, name, tenant)
        after = change(before)
        if after == before:
            return before
        check_account(after.account, after.provider)
        changed_at = await _write(engine, before, after)
        if changed_at is not None:
            return replace(after, changed_at=changed_at)
    raise TooBusy(TooBusy.__doc__)


async def remove_source(engine: AsyncEngine, source: Source) -> None:
    """Delete the source, its secrets and its write keys, unless it was changed meanwhile. Raises TooBusy, StillUsed."""
    same = sa.select(SOURCES.c.source).where(_unchanged(source)).with_for_update()
    try:
        async with engine.begin() as connection:
            if (await connection.execute(same)).first() is None:
                raise TooBusy(TooBusy.__doc__)
            await connection.execute(sa.delete(WRITE_KEYS).where(WRITE_KEYS.c.source == source.source))
            await connection.execute(sa.delete(SOURCES).where(SOURCES.c.source == source.source))
    except sa.exc.IntegrityError:
        raise StillUsed(StillUsed.__doc__) from None


def disabled(source: Source) -> Source:
    """The source, disabled: it accepts nothing."""
    return source if source.disabled_at else replace(source, disabled_at=datetime.now(UTC))


def enabled(source: Source) -> Source:
    """The source, enabled: it accepts webhooks."""
    return replace(source, disabled_at=None)


async def _write(engine: AsyncEngine, before: Source, after: Source) -> datetime | None:
    """The time of the change; None if the source was changed since ``before`` was read."""
    update = (
        sa.update(SOURCES)
        .where(_unchanged(before))
        .values(
            account=after.account,
            provider=after.provider,
            sealed_secrets=list(after.sealed_secrets),
            sealed_verify_token=after.sealed_verify_token,
            options=_json(after.options),
            disabled_at=after.disabled_at,
            changed_at=sa.func.greatest(
                sa.func.clock_timestamp(), SOURCES.c.changed_at + sa.literal(timedelta(microseconds=1))
            ),
        )
        .returning(SOURCES.c.changed_at)
    )
    async with engine.begin() as connection:
        changed_at: datetime | None = await connection.scalar(update)
    return changed_at


def _unchanged(source: Source) -> sa.ColumnElement[bool]:
    return sa.and_(SOURCES.c.source == source.source, SOURCES.c.changed_at == source.changed_at)


def _json(options: SourceOptions) -> dict[str, Any]:
    return options.model_dump(mode="json")


def _source(row: dict[str, Any]) -> Source:
    options = SourceOptions.model_validate(row["options"])
    return Source(**row | {"sealed_secrets": tuple(row["sealed_secrets"]), "options": options})
