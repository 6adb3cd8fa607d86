"""``onefold ingress``, and ``onefold sources doctor``."""

from typing import Annotated, Any

import typer


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
        str | None, typer.Option(help="Where the service answers; else at ONEFOLD_HOST and ONEFOLD_PORT.")
    ] = None,
) -> None:
    """Send signed tests to the service, and say what to enter in the channel's console; status 1 on a failure."""
    from services.control.channel_consoles import console_settings
    from services.control.source_service import opened_verify_token
    from services.control.sources import own_source
    from services.ingress.handlers.doctor import SourceUnderTest
    from services.runtime.secrets import open_sealed
    from services.runtime.settings import Settings
    from services.runtime.terminal import on_database, setting, show

    settings = Settings()
    master = setting(lambda: settings.master_key)

    async def opened(engine: Any) -> SourceUnderTest:
        found = await own_source(engine, source, None)
        opened = tuple(open_sealed(master, sealed) for sealed in found.sealed_secrets)
        return SourceUnderTest(found, opened, opened_verify_token(master, found))

    tested = on_database(settings, opened)
    findings = _examined(tested, url or _address(settings.host, settings.port))
    words = {"ok": "yes", "failed": "NO", "unknown": "?"}
    show(("check", "", "what was found, and what to do"), ((f.what, words[f.state], f.advice) for f in findings))
    show(
        ("in the channel's console", "enter"), console_settings(tested.source, settings.public_url, tested.verify_token)
    )
    if any(finding.state == "failed" for finding in findings):
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
