"""``onefold migrate``, ``tenants``, ``keys`` and ``write-keys``: the control plane from the command line."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from schemas.topics import CUSTOMER_CHANGES
from services.runtime.settings import Settings
from services.runtime.terminal import TenantOption, on_database, run, say, show, when

if TYPE_CHECKING:
    from services.control.keys import ApiKey

tenants = typer.Typer(help="Brands: everything belongs to one.", no_args_is_help=True)
keys = typer.Typer(help="API keys of a tenant.", no_args_is_help=True)
write_keys = typer.Typer(help="Write keys of websites: of their pages, and of their servers.", no_args_is_help=True)

KeyBeginning = Annotated[str, typer.Argument(help="The key's beginning, as `onefold keys list` shows it.")]
KeyRateOption = Annotated[
    float | None, typer.Option(help="Tokens a second in each process; a request takes 1 or more. Default: a setting.")
]
KeyBurstOption = Annotated[float | None, typer.Option(help="Most tokens it saves up. Default: those of two seconds.")]


def migrate(
    *,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin a new, empty generation of the read models and fold the log anew.")
    ] = False,
) -> None:
    """Bring database and topics up to this version: control tables, read models, topics. Safe to repeat.

    If the read models were made by another version of the code, this and every service refuses them (exit status 78).
    --fresh then makes the next generation and makes it active. Stop the workers first: those that start afterwards fold
    the whole log into it. Readers see it fill up; the former generation is kept, but is no longer read or written.

    The new generation has a customer-changes topic of its own, onefold.customer-changes.g2 for generation g2, which
    announces every customer from the beginning, with seq from 1. Consumers move on to it and start with no customers;
    the former topic gets no more changes.
    """
    from services.control.read_models import prepare_read_models

    settings = Settings()
    generation = run(lambda: prepare_read_models(settings, fresh=fresh))
    topics = "topics exist" if settings.kafka else "topics were not checked, because ONEFOLD_KAFKA is not set"
    say(f"Control tables are up to date; read models are {generation.name}; {topics}.")
    if fresh:
        changes = generation.topic_name(CUSTOMER_CHANGES, settings.topic_prefix)
        say(f"{generation.name} is empty: start the workers, which fold the log into it. Its changes go to {changes}.")


@tenants.command("add")
def add_tenant(
    tenant: Annotated[str, typer.Argument(help="Its short name: a-z, 0-9, _ and -. It can't be changed.")],
    *,
    name: Annotated[str | None, typer.Option(help="Its name for people.")] = None,
    region: Annotated[str | None, typer.Option(help="Where phone numbers without a country code are from.")] = None,
) -> None:
    """Add a brand."""
    from services.control import tenants as service

    settings = Settings()
    region = region or settings.default_region
    on_database(settings, lambda engine: service.add_tenant(engine, tenant, name=name, region=region))
    say(f"Tenant {tenant} added. Next, add a key for it: onefold keys add {tenant} --scope events:write")


@tenants.command("list")
def list_tenants() -> None:
    """List every brand."""
    from services.control import tenants as service

    found = on_database(Settings(), service.list_tenants)
    show(
        ("tenant", "name", "region", "since"),
        ((t.tenant, t.name, t.default_region, when(t.created_at)) for t in found),
        empty="There is no tenant yet. Add one: onefold tenants add NAME",
    )


@keys.command("add")
def add_key(
    tenant: Annotated[str, typer.Argument(help="The tenant it belongs to.")],
    *,
    scope: Annotated[
        list[str],
        typer.Option(
            help="events:write, customers:read, customers:write, customers:export, audit or admin; may be repeated."
        ),
    ],
    name: Annotated[str, typer.Option(help="What it is for, to recognise it later.")] = "",
    rate: KeyRateOption = None,
    burst: KeyBurstOption = None,
) -> None:
    """Make a key and print it, this once."""
    from services.control import keys as service

    key = on_database(
        Settings(), lambda engine: service.add_key(engine, tenant, scope, name=name, rate=rate, burst=burst)
    )
    say(
        f"A key for {tenant} ({', '.join(scope)}). Keep it now: it is stored as a hash and can't be shown again.\n"
        "Send it as the header `Authorization: Bearer …`."
    )
    typer.echo(key)  # alone on stdout, so that a script can take it


@keys.command("list")
def list_keys(*, tenant: TenantOption = None) -> None:
    """List every key, as much of it as is stored in the clear."""
    from services.control import keys as service

    found = on_database(Settings(), lambda engine: service.list_keys(engine, tenant))
    show(
        ("begins with", "tenant", "name", "scopes", "limit", "since", "last used", "revoked"),
        map(_row, found),
        empty=f"There is no key yet. Add one: onefold keys add {tenant or 'TENANT'} --scope events:write",
    )


@keys.command("limit")
def limit_key(beginning: KeyBeginning, *, rate: KeyRateOption = None, burst: KeyBurstOption = None) -> None:
    """Change a key's rate limit; without --rate, the one of the settings counts again. It counts within two seconds."""
    from services.control import keys as service

    key = on_database(Settings(), lambda engine: service.limit_key(engine, beginning, rate, burst))
    say(f"Key {key.prefix}… of {key.tenant} has {_limit(key) or 'the rate limit of the settings'}, in each process.")


@keys.command("revoke")
def revoke_key(beginning: KeyBeginning) -> None:
    """Revoke a key; it stops working within two seconds."""
    from services.control import keys as service

    key = on_database(Settings(), lambda engine: service.revoke_key(engine, beginning))
    say(f"Key {key.prefix}… of {key.tenant} is revoked.")


@write_keys.command("add")
def add_write_key(
    source: Annotated[str, typer.Argument(help="A source of the channel web.")],
    *,
    kind: Annotated[
        Literal["public", "server"], typer.Option(help="public: for the pages; server: for your own servers.")
    ] = "public",
) -> None:
    """Make another write key of a website and print it, this once. To replace a key, revoke the old one after this."""
    from services.control import write_keys as service

    key = on_database(Settings(), lambda engine: service.add_write_key(engine, source, kind))
    say(f"A {kind} write key of {source}. It is stored as a hash and can't be shown again. {service.USES[kind]}")
    typer.echo(key)  # alone on stdout, so that a script can take it


@write_keys.command("list")
def list_write_keys(*, tenant: TenantOption = None) -> None:
    """List every write key, as much of it as is stored in the clear."""
    from services.control import write_keys as service

    found = on_database(Settings(), lambda engine: service.list_write_keys(engine, tenant))
    show(
        ("begins with", "kind", "source", "tenant", "since", "revoked"),
        ((k.prefix, k.kind, k.source, k.tenant, when(k.created_at), when(k.revoked_at)) for k in found),
        empty="There is no write key yet. A website has two from the start: "
        f"onefold sources add web NAME --tenant {tenant or 'TENANT'} --account ACCOUNT",
    )


@write_keys.command("revoke")
def revoke_write_key(
    beginning: Annotated[str, typer.Argument(help="The write key's beginning, as `onefold write-keys list` shows it.")],
) -> None:
    """Revoke a write key; it stops working within two seconds."""
    from services.control import write_keys as service

    key = on_database(Settings(), lambda engine: service.revoke_write_key(engine, beginning))
    say(f"Write key {key.prefix}… of {key.source} is revoked. What still sends it is answered with 401.")


def _row(key: "ApiKey") -> tuple[str, ...]:
    times = (key.created_at, key.last_used_at, key.revoked_at)
    return (key.prefix, key.tenant, key.name, " ".join(key.scopes), _limit(key), *map(when, times))


def _limit(key: "ApiKey") -> str:
    if key.rate is None:
        return ""
    return f"{key.rate:g}/s" + ("" if key.burst is None else f", burst {key.burst:g}")
