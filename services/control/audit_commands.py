"""The command ``audit``: who read and changed a tenant's data."""

import getpass
import os
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid4

import orjson
import typer

from services.runtime.settings import Settings
from services.runtime.terminal import fail, on_database, say, show

if TYPE_CHECKING:
    from services.control.audit import AuditQuery
    from services.runtime.auditing import AuditEntry
    from services.runtime.database import Engine

_TIME = "such as 2026-03-01T00:00+08:00."


def audit(  # noqa: PLR0913 - one an option
    tenant: Annotated[str, typer.Argument(help="The brand.")],
    *,
    since: Annotated[str | None, typer.Option(metavar="TIME", help=f"Only from then on; {_TIME}")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help=f"Only before; {_TIME}")] = None,
    key: Annotated[str | None, typer.Option(help="Only this key, by its beginning; `cli`: this command.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this operation, by its id.")] = None,
    about: Annotated[UUID | None, typer.Option("--object", help="Only about this contact or customer.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most entries that are shown.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Everything of an entry, as one object a line.")] = False,
) -> None:
    """Show which key read or changed what, newest first. That it was shown is recorded, too."""
    from services.control.audit import AuditQuery

    wanted = AuditQuery(_time(since), _time(until), key, action, about)
    found = on_database(Settings(), lambda engine: _read(engine, tenant, wanted, limit))
    if as_json:
        for one in found:
            typer.echo(orjson.dumps(asdict(one), default=str))
        return
    show(
        ("time (UTC)", "key", "action", "status", "about"),
        (
            (
                one.at.astimezone(UTC).strftime("%m-%d %H:%M:%S"),
                one.key_prefix,
                one.action,
                str(one.status),
                _about(one),
            )
            for one in found
        ),
        empty="Nothing of that was recorded.",
    )
    if len(found) == limit:
        say("There may be more: raise --limit, or go on with --until.")


async def _read(engine: "Engine", tenant: str, wanted: "AuditQuery", limit: int) -> "list[AuditEntry]":
    from services.control.audit import list_entries, save_entries
    from services.control.errors import unknown_tenant
    from services.control.tenants import list_tenants
    from services.runtime.auditing import AuditEntry

    if tenant not in {known.tenant for known in await list_tenants(engine)}:
        raise unknown_tenant(tenant)
    ids = () if wanted.object_id is None else (wanted.object_id,)
    now, user = datetime.now(UTC), _user()
    reading = AuditEntry(uuid4(), tenant, now, "cli", user, "audit", "onefold audit", None, ids, 200)
    found = await list_entries(engine, tenant, wanted, limit)
    await save_entries(engine, [reading])
    return found


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # as in a container whose user has no name
        return str(os.getuid())


def _time(text: str | None) -> datetime | None:
    from projections.engine.times import NoTime, read_datetime

    try:
        return None if text is None else read_datetime(text)
    except NoTime as error:
        fail(str(error))


def _about(entry: "AuditEntry") -> str:
    more = f" +{len(entry.object_ids) - 1}" if len(entry.object_ids) > 1 else ""
    return f"{entry.object_ids[0]}{more}" if entry.object_ids else entry.named_by or ""
