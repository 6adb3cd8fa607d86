"""The commands `up` and `serve`."""

from typing import Annotated

import typer


def serve(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on (ONEFOLD_PORT).")] = None,
) -> None:
    """Serve ingress and query in one process, on one port; SIGTERM ends it after the requests under way."""
    from services.embedded.http import run
    from services.runtime.settings import MissingSetting, Settings
    from services.runtime.terminal import fail

    settings = Settings() if port is None else Settings(port=port)
    try:
        run(settings)
    except MissingSetting as error:
        fail(str(error))
    except OSError as error:
        fail(f"can't listen on {settings.host}:{settings.port}: {error.strerror}")


def up(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port of the HTTP service; 0 for any.")] = None,
    *,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="First do what `onefold migrate --fresh` does: see its help.")
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, help="Worker processes, for machines with processors to spare: about 250 MB each.")
    ] = 1,
) -> None:
    """Run the whole service on this machine: Kafka, PostgreSQL, workers and the HTTP service."""
    from rich.console import Console

    from services.embedded import supervisor
    from services.runtime.settings import Settings

    settings = Settings() if port is None else Settings(port=port)
    raise typer.Exit(supervisor.up(settings, Console(), fresh=fresh, workers=workers))
