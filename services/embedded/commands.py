"""The command `up`."""

from typing import Annotated

import typer


def up(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port of the HTTP service; 0 for any.")] = None,
    *,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="First do what `onefold migrate --fresh` does: see its help.")
    ] = False,
) -> None:
    """Run the whole service on this machine: Kafka, PostgreSQL, a worker and the HTTP service."""
    from rich.console import Console

    from services.embedded import supervisor
    from services.runtime.settings import Settings

    settings = Settings() if port is None else Settings(port=port)
    raise typer.Exit(supervisor.up(settings, Console(), fresh=fresh))
