"""``onefold migrate``, ``onefold tenants``, ``keys`` and ``write-keys``: the control plane from the command line."""

from typing import Annotated

import typer

from services.runtime.settings import Settings
from services.runtime.terminal import TenantOption, on_database, run, say, show, when, with_database

tenants = typer.Typer(help="Brands: everything belongs to one.", no_args_is_help=True)
keys = typer.Typer(help="API keys of a tenant.", no_args_is_help=True)
write_keys = typer.Typer(help="Write keys of websites, which stand in their pages.", no_args_is_help=True)


def migrate() -> None:
    """Bring database and topics up to this version: control tables, read models, topics. Safe to repeat."""
    from projections.engine.generations import ensure_generation
    from projections.registry import TABLES
    from services.control import registry as control
    from services.runtime.broker import ensure_topics

    settings = Settings()

    async def bring_up_to_date() -> str:
        await control.migrate(settings.database_url)
        generation = await with_database(settings, lambda db: ensure_generation(db, TABLES))
        if settings.kafka:
            await ensure_topics(settings)
        return generation

    generation = run(bring_up_to_date)
    topics = "topics are there" if settings.kafka else "no topics looked at, ONEFOLD_KAFKA is not set"
    say(f"Control tables are up to date; read models are {generation}; {topics}.")


@tenants.command("add")
def add_tenant(
    tenant: Annotated[str, typer.Argument(help="Its short name: a-z, 0-9, _ and -. It can't be changed.")],
    *,
    name: Annotated[str | None, typer.Option(help="Its name for people.")] = None,
    region: Annotated[str | None, typer.Option(help="Where phone numbers without a country code are from.")] = None,
) -> None:
    """Add a brand."""
    from services.control import registry as control

    settings = Settings()
    on_database(
        settings, lambda db: control.add_tenant(db, tenant, name=name, region=region or settings.default_region)
    )
    say(f"Tenant {tenant} added. Next, a key for it: onefold keys add {tenant} --scope events:write")


@tenants.command("list")
def list_tenants() -> None:
    """Every brand."""
    from services.control import registry as control

    found = on_database(Settings(), control.list_tenants)
    show(
        ("tenant", "name", "region", "since"), ((t.tenant, t.name, t.default_region, when(t.created_at)) for t in found)
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
    from services.control import registry as control

    key = on_database(Settings(), lambda db: control.add_key(db, tenant, scope, name=name))
    say(
        f"A key for {tenant} ({', '.join(scope)}). Keep it now: it is stored as a hash and can't be shown again.\n"
        "Send it as the header `Authorization: Bearer …`."
    )
    typer.echo(key)  # alone on stdout, so that a script can take it


@keys.command("list")
def list_keys(*, tenant: TenantOption = None) -> None:
    """Every key, as much of it as is shown."""
    from services.control import registry as control

    found = on_database(Settings(), lambda db: control.list_keys(db, tenant))
    show(
        ("begins with", "tenant", "name", "scopes", "since", "revoked"),
        ((k.prefix, k.tenant, k.name, " ".join(k.scopes), when(k.created_at), when(k.revoked_at)) for k in found),
    )


@keys.command("revoke")
def revoke_key(
    beginning: Annotated[str, typer.Argument(help="The key's beginning, as `onefold keys list` shows it.")],
) -> None:
    """Revoke a key; it stops working within two seconds."""
    from services.control import registry as control

    key = on_database(Settings(), lambda db: control.revoke_key(db, beginning))
    say(f"Key {key.prefix}… of {key.tenant} is revoked.")


@write_keys.command("add")
def add_write_key(source: Annotated[str, typer.Argument(help="A source of the channel web.")]) -> None:
    """Make a further write key of a website and print it, this once."""
    from services.control import write_keys

    key = on_database(Settings(), lambda db: write_keys.add_write_key(db, source))
    say(f"A write key of {source}. It is stored as a hash and can't be shown again.")
    typer.echo(key)


@write_keys.command("list")
def list_write_keys(*, tenant: TenantOption = None) -> None:
    """Every write key, as much of it as is shown."""
    from services.control import write_keys

    found = on_database(Settings(), lambda db: write_keys.list_write_keys(db, tenant))
    show(
        ("begins with", "source", "tenant", "since", "revoked"),
        ((k.prefix, k.source, k.tenant, when(k.created_at), when(k.revoked_at)) for k in found),
    )


@write_keys.command("revoke")
def revoke_write_key(
    beginning: Annotated[str, typer.Argument(help="The write key's beginning, as `onefold write-keys list` shows it.")],
) -> None:
    """Revoke a write key; it stops working within two seconds."""
    from services.control import write_keys

    key = on_database(Settings(), lambda db: write_keys.revoke_write_key(db, beginning))
    say(f"Write key {key.prefix}… of {key.source} is revoked.")
