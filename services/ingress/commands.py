"""``onefold ingress``, ``onefold sources doctor`` and ``onefold members``."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:  # slow to import
    from services.ingress.core.list_lines import Form

members = typer.Typer(help="Member ids of a tenant.", no_args_is_help=True)
TenantWanted = Annotated[str, typer.Option("--tenant", help="Whose members they are.")]
ByOption = Annotated[str | None, typer.Option(help="Who says so.")]
_PIECE: Final = 65_536


def ingress(
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port to listen on (ONEFOLD_PORT).")] = None,
) -> None:
    """Serve signed webhooks and POST /v1/events; SIGTERM ends it after the requests under way."""
    from services.ingress.main import run
    from services.runtime.logs import configure_logging
    from services.runtime.settings import MissingSetting, Settings

    settings = Settings() if port is None else Settings(port=port)
    configure_logging(settings)
    try:
        run(settings)
    except MissingSetting as error:
        typer.echo(f"onefold: {error}", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"onefold: can't listen on {settings.host}:{settings.port}: {error.strerror}", err=True)
        raise typer.Exit(1) from None


def doctor(
    source: Annotated[str, typer.Argument(help="The source's name.")],
    *,
    url: Annotated[
        str | None,
        typer.Option(
            envvar="ONEFOLD_URL", help="Where the service answers; else that of `up`, or ONEFOLD_HOST and ONEFOLD_PORT."
        ),
    ] = None,
) -> None:
    """Send signed tests to the service, and say what to enter in the channel's console; status 1 on a failure."""
    from services.control.channel_consoles import console_settings
    from services.control.sources import own_source
    from services.ingress.handlers.doctor import SourceUnderTest, tested_source
    from services.runtime.settings import Settings
    from services.runtime.terminal import on_database, setting, show

    settings = Settings()
    master = setting(lambda: settings.master_key)

    async def opened(engine: Any) -> SourceUnderTest:
        return tested_source(await own_source(engine, source, None), master)

    tested = on_database(settings, opened)
    findings = _examined(tested, url or _address(settings.host, settings.port))
    words = {"ok": "yes", "failed": "NO", "unknown": "?"}
    show(("check", "", "what was found, and what to do"), ((f.what, words[f.state], f.advice) for f in findings))
    show(
        ("in the channel's console", "enter"), console_settings(tested.source, settings.public_url, tested.verify_token)
    )
    if any(finding.state == "failed" for finding in findings):
        raise typer.Exit(1)


@members.command("merge")
def merge(
    old: Annotated[str | None, typer.Argument(help="The member id that became another.")] = None,
    into: Annotated[str | None, typer.Argument(help="The member id that it became.")] = None,
    *,
    tenant: TenantWanted,
    file: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="A list in place of OLD and INTO: .csv (member_id,into) or NDJSON."
        ),
    ] = None,
    by: ByOption = None,
) -> None:
    """Say that a member id became another one, or of many by a list; status 1 if any is refused."""
    from services.runtime.terminal import fail

    if file is not None and old is None and into is None and by is None:
        with file.open("rb") as opened:
            _import(
                tenant, "csv" if file.suffix.lower() == ".csv" else "ndjson", iter(lambda: opened.read(_PIECE), b"")
            )
    elif file is None and old is not None and into is not None:
        _import(tenant, "ndjson", [_line(old, into, by)])
    else:
        fail("give OLD and INTO, or --file alone")


@members.command("unmerge")
def unmerge(
    old: Annotated[str, typer.Argument(help="The member id that is itself again.")],
    *,
    tenant: TenantWanted,
    by: ByOption = None,
) -> None:
    """Take back that a member id became another one."""
    _import(tenant, "ndjson", [_line(old, None, by)])


def _line(old: str, into: str | None, by: str | None) -> bytes:
    import orjson

    return orjson.dumps({"member_id": old, "into": into, "by": by})


def _import(tenant: str, form: "Form", pieces: Iterable[bytes]) -> None:
    from services.ingress.merge_command import import_merges
    from services.runtime.settings import Settings
    from services.runtime.terminal import on_database, say, show

    settings = Settings()
    taken = on_database(settings, lambda engine: import_merges(engine, settings, tenant, form, pieces))
    say(f"{taken.accepted} in the log, {taken.refusals.count} refused.")
    if taken.refusals.count:
        first = taken.refusals.first
        show(("line", "field", "why it is refused"), ((str(one.index), one.field, one.detail) for one in first))
        raise typer.Exit(1)


def _examined(tested: Any, url: str) -> list[Any]:
    import asyncio

    import httpx

    from services.ingress.handlers.doctor import examine
    from services.runtime.terminal import fail

    async def examined() -> list[Any]:
        async with httpx.AsyncClient(base_url=url) as client:
            return await examine(tested, client)

    try:
        return asyncio.run(examined())
    except httpx.InvalidURL:
        fail("the service's address is a URL such as http://127.0.0.1:8080")


def _address(host: str, port: int) -> str:
    """Where a service that listens so is reached from its own machine."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - these are looked for, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
