"""Changing a source: each change reads it, makes the next one of it, and writes that only over what it read.

A change that changes nothing writes nothing, so that repeating it is harmless and says the same event again.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg

from services.control.registry import ControlError, Source, UnknownSource, get_source, valid_account

Change = Callable[[Source], Source]
_TRIES: Final = 20


class TooBusy(ControlError):
    """Others kept changing the source at the same time; try again."""


class StillUsed(ControlError):
    """Something in the control plane still refers to the source, so it stays, disabled."""


async def own_source(db: Any, name: str, tenant: str | None) -> Source:
    """The source of that name, if it is this tenant's (none: anybody's). Raises UnknownSource."""
    found = await get_source(db, name)
    if found is None or tenant not in (None, found.tenant):
        raise UnknownSource("there is no such source; see `onefold sources list`")
    return found


async def change_source(db: Any, name: str, tenant: str | None, change: Change) -> Source:
    """The source as the change leaves it. Raises UnknownSource, InvalidName or TooBusy."""
    for _ in range(_TRIES):
        before = await own_source(db, name, tenant)
        after = change(before)
        if after == before:
            return before
        valid_account(after.account, after.provider)
        changed_at = await _write(db, before, after)
        if changed_at is not None:
            return replace(after, changed_at=changed_at)
    raise TooBusy(TooBusy.__doc__)


async def remove_source(db: Any, source: Source) -> None:
    """Forget the source, its secrets and write keys, unless it was changed meanwhile. Raises TooBusy or StillUsed."""
    try:
        gone = await db.fetchval(
            "WITH gone AS (SELECT source FROM onefold.sources WHERE source = $1 AND changed_at = $2 FOR UPDATE),"
            " keys AS (DELETE FROM onefold.write_keys WHERE source IN (SELECT source FROM gone))"
            " DELETE FROM onefold.sources WHERE source IN (SELECT source FROM gone) RETURNING source",
            source.source,
            source.changed_at,
        )
    except asyncpg.ForeignKeyViolationError:
        raise StillUsed(StillUsed.__doc__) from None
    if gone is None:
        raise TooBusy(TooBusy.__doc__)


def disabled(source: Source) -> Source:
    """The source, taking nothing in."""
    return source if source.disabled_at else replace(source, disabled_at=datetime.now(UTC))


def enabled(source: Source) -> Source:
    """The source, taking webhooks in."""
    return replace(source, disabled_at=None)


async def _write(db: Any, before: Source, after: Source) -> datetime | None:
    """When it was written; None if somebody else was faster."""
    at: datetime | None = await db.fetchval(
        "UPDATE onefold.sources SET account = $3, provider = $4, sealed_secrets = $5, sealed_verify_token = $6,"
        " options = $7, disabled_at = $8, changed_at = greatest(clock_timestamp(), changed_at + interval '1 us')"
        " WHERE source = $1 AND changed_at = $2 RETURNING changed_at",
        before.source,
        before.changed_at,
        after.account,
        after.provider,
        list(after.sealed_secrets),
        after.sealed_verify_token,
        after.options.model_dump_json(),
        after.disabled_at,
    )
    return at
