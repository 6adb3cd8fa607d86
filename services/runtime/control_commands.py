"""``onefold migrate``, and ``onefold tenants``, ``keys`` and ``sources``: the control plane from the command line."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Final, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.runtime.settings import MissingSetting, Settings

T = TypeVar("T")
WEBHOOK_PATHS: Final = {
    "line": "/webhooks/line/{source}",
    "facebook": "/webhooks/meta/{source}",
    "instagram": "/webhooks/meta/{source}",
    "whatsapp": "/webhooks/meta/{source}",
}
_FAILED: Final = 1

tenants = typer.Typer(help="Brands: everything belongs to one.", no_args_is_help=True)
keys = typer.Typer(help="API keys of a tenant.", no_args_is_help=True)
sources = typer.Typer(help="Channel accounts whose webhooks come in.", no_args_is_help=True)
write_keys = typer.Typer(help="Write keys of websites, which stand in their pages.", no_args_is_help=True)

TenantOption = Annotated[str | None, typer.Option("--tenant", help="Only this tenant's.")]


def migrate() -> None:
    """Bring database and topics up to this version: control tables, read models, topics. Safe to repeat."""
    from projections.engine.generations import ensure_generation  # noqa: PLC0415 - heavy, as the others below
    from projections.registry import TABLES  # noqa: PLC0415
    from services.runtime import control  # noqa: PLC0415
    from services.runtime.broker import ensure_topics  # noqa: PLC0415

    settings = Settings()

    async def run() -> str:
        await control.migrate(settings.database_url)
        generation = await _with_database(settings, lambda db: ensure_generation(db, TABLES))
        if settings.kafka:
            await ensure_topics(settings)
        return generation

    generation = _run(run)
    topics = "topics are there" if settings.kafka else "no topics looked at, ONEFOLD_KAFKA is not set"
    _say(f"Control tables are up to date; read models are {generation}; {topics}.")


@tenants.command("add")
def add_tenant(
    tenant: Annotated[str, typer.Argument(help="Its short name: a-z, 0-9, _ and -. It can't be changed.")],
    *,
    name: Annotated[str | None, typer.Option(help="Its name for people.")] = None,
    region: Annotated[str | None, typer.Option(help="Where phone numbers without a country code are from.")] = None,
) -> None:
    """Add a brand."""
    from services.runtime import control  # noqa: PLC0415

    settings = Settings()
    _on_database(
        settings, lambda db: control.add_tenant(db, tenant, name=name, region=region or settings.default_region)
    )
    _say(f"Tenant {tenant} added. Next, a key for it: onefold keys add {tenant} --scope events:write")


@tenants.command("list")
def list_tenants() -> None:
    """Every brand."""
    from services.runtime import control  # noqa: PLC0415

    found = _on_database(Settings(), control.list_tenants)
    _show(
        ("tenant", "name", "region", "since"), ((t.tenant, t.name, t.default_region, _at(t.created_at)) for t in found)
    )


@keys.command("add")
def add_key(
    tenant: Annotated[str, typer.Argument(help="Whose key it is.")],
    *,
    scope: Annotated[
        list[str], typer.Option(help="events:write, customers:read, customers:write or admin; may be repeated.")
    ],
    name: Annotated[str, typer.Option(help="What it is for, to know it again.")] = "",
) -> None:
    """Make a key and print it, this once."""
    from services.runtime import control  # noqa: PLC0415

    key = _on_database(Settings(), lambda db: control.add_key(db, tenant, scope, name=name))
    _say(
        f"A key for {tenant} ({', '.join(scope)}). Keep it now: it is stored as a hash and can't be shown again.\n"
        "Send it as the header `Authorization: Bearer …`."
    )
    typer.echo(key)  # alone on stdout, so that a script can take it


@keys.command("list")
def list_keys(*, tenant: TenantOption = None) -> None:
    """Every key, as much of it as is shown."""
    from services.runtime import control  # noqa: PLC0415

    found = _on_database(Settings(), lambda db: control.list_keys(db, tenant))
    _show(
        ("begins with", "tenant", "name", "scopes", "since", "revoked"),
        ((k.prefix, k.tenant, k.name, " ".join(k.scopes), _at(k.created_at), _at(k.revoked_at)) for k in found),
    )


@keys.command("revoke")
def revoke_key(
    beginning: Annotated[str, typer.Argument(help="The key's beginning, as `onefold keys list` shows it.")],
) -> None:
    """Revoke a key; it stops working within two seconds."""
    from services.runtime import control  # noqa: PLC0415

    key = _on_database(Settings(), lambda db: control.revoke_key(db, beginning))
    _say(f"Key {key.prefix}… of {key.tenant} is revoked.")


@sources.command("add")
def add_source(  # noqa: PLR0913 - a source's facts
    channel: Annotated[str, typer.Argument(help="line, facebook, instagram, whatsapp or web.")],
    source: Annotated[str, typer.Argument(help="A name of your choice; it becomes part of the webhook's URL.")],
    *,
    tenant: Annotated[str, typer.Option(help="Whose it is.")],
    account: Annotated[str, typer.Option(help="The account's own id on the channel, as contacts shall show it.")],
    provider: Annotated[str | None, typer.Option(help="LINE: the provider that the account belongs to.")] = None,
    secret_env: Annotated[list[str] | None, typer.Option(help="Variable with a secret; may be repeated.")] = None,
    secret_stdin: Annotated[bool, typer.Option("--secret-stdin", help="Secrets from stdin, one a line.")] = False,
) -> None:
    """Connect a channel's account; its secret signs the webhooks, and never stands on the command line."""
    from services.runtime import control  # noqa: PLC0415
    from services.runtime.secrets import seal  # noqa: PLC0415

    settings = Settings()
    if channel == "web":
        _add_site(settings, source, tenant, account)
        return
    if channel not in WEBHOOK_PATHS:
        _fail(f"webhooks come from {', '.join(WEBHOOK_PATHS)}; not from {channel!r}")
    secrets = _secrets(secret_env or [], from_stdin=secret_stdin)
    master = _setting(lambda: settings.master_key)
    _on_database(
        settings,
        lambda db: control.add_source(
            db,
            source,
            tenant=tenant,
            channel=channel,
            account=account,
            provider=provider,
            sealed_secrets=[seal(master, secret) for secret in secrets],
        ),
    )
    path = WEBHOOK_PATHS[channel].format(source=source)
    _say(f"Source {source} added. In the channel's console, set the webhook URL to https://YOUR-HOST{path}")


@sources.command("list")
def list_sources(*, tenant: TenantOption = None) -> None:
    """Every source, without its secrets."""
    from services.runtime import control  # noqa: PLC0415

    found = _on_database(Settings(), lambda db: control.list_sources(db, tenant))
    _show(
        ("source", "tenant", "channel", "account", "provider", "secrets", "webhook"),
        (
            (
                s.source,
                s.tenant,
                s.channel,
                s.account,
                s.provider or "",
                str(len(s.sealed_secrets)),
                WEBHOOK_PATHS.get(s.channel, "").format(source=s.source),
            )
            for s in found
        ),
    )


def _add_site(settings: Settings, source: str, tenant: str, account: str) -> None:
    from services.runtime.write_keys import add_site  # noqa: PLC0415

    key = _on_database(settings, lambda db: add_site(db, source, tenant=tenant, account=account))
    _say(f"Source {source} added. Its write key, for the website's pages and Segment's SDKs; it is not shown again:")
    typer.echo(key)  # alone on stdout, so that a script can take it


@write_keys.command("add")
def add_write_key(source: Annotated[str, typer.Argument(help="A source of the channel web.")]) -> None:
    """Make a further write key of a website and print it, this once."""
    from services.runtime import write_keys  # noqa: PLC0415

    key = _on_database(Settings(), lambda db: write_keys.add_write_key(db, source))
    _say(f"A write key of {source}. It is stored as a hash and can't be shown again.")
    typer.echo(key)


@write_keys.command("list")
def list_write_keys(*, tenant: TenantOption = None) -> None:
    """Every write key, as much of it as is shown."""
    from services.runtime import write_keys  # noqa: PLC0415

    found = _on_database(Settings(), lambda db: write_keys.list_write_keys(db, tenant))
    _show(
        ("begins with", "source", "tenant", "since", "revoked"),
        ((k.prefix, k.source, k.tenant, _at(k.created_at), _at(k.revoked_at)) for k in found),
    )


@write_keys.command("revoke")
def revoke_write_key(
    beginning: Annotated[str, typer.Argument(help="The write key's beginning, as `onefold write-keys list` shows it.")],
) -> None:
    """Revoke a write key; it stops working within two seconds."""
    from services.runtime import write_keys  # noqa: PLC0415

    key = _on_database(Settings(), lambda db: write_keys.revoke_write_key(db, beginning))
    _say(f"Write key {key.prefix}… of {key.source} is revoked.")


def _secrets(variables: list[str], *, from_stdin: bool) -> list[bytes]:
    unset = [name for name in variables if not os.environ.get(name)]
    if unset:
        _fail(f"{', '.join(unset)} is not set, or is empty")
    lines = [line.strip() for line in sys.stdin] if from_stdin else []
    found = [os.environ[name].strip().encode() for name in variables] + [line.encode() for line in lines if line]
    if not found:
        _fail("give the channel's secret by --secret-env VARIABLE or --secret-stdin; never as an argument")
    return found


def _on_database(settings: Settings, work: Callable[[Any], Awaitable[T]]) -> T:
    return _run(lambda: _with_database(settings, work))


async def _with_database(settings: Settings, work: Callable[[Any], Awaitable[T]]) -> T:
    import asyncpg  # noqa: PLC0415

    connection = await asyncpg.connect(settings.database_url, timeout=10)
    try:
        return await work(connection)
    finally:
        await connection.close()


def _run(work: Callable[[], Awaitable[T]]) -> T:
    """What the work returns; its foreseeable errors end the command with a sentence and status 1."""
    import asyncpg  # noqa: PLC0415
    from aiokafka.errors import KafkaError  # noqa: PLC0415

    from services.runtime.control import ControlError  # noqa: PLC0415
    from services.runtime.database import database_heals  # noqa: PLC0415

    async def run() -> T:
        return await work()

    try:
        return asyncio.run(run())
    except (ControlError, MissingSetting) as error:
        _fail(str(error))
    except asyncpg.UndefinedTableError:
        _fail("the control tables are not there yet; run `onefold migrate`")
    except Exception as error:
        if not (database_heals(error) or isinstance(error, KafkaError)):
            raise
        _fail(f"the server can't be reached: {type(error).__name__}: {error}")


def _setting(read: Callable[[], T]) -> T:
    try:
        return read()
    except MissingSetting as error:
        _fail(str(error))


def _say(text: str) -> None:
    Console(stderr=True).print(text, highlight=False, markup=False, soft_wrap=True)


def _fail(text: str) -> NoReturn:
    _say(f"onefold: {text}")
    raise typer.Exit(_FAILED)


def _show(titles: tuple[str, ...], rows: Any) -> None:
    table = Table(*titles, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(Text, row))  # no markup: names are whatever people chose
    Console().print(table, soft_wrap=True)


def _at(time: datetime | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M") if time else ""
