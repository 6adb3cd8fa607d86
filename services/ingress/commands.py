"""``onefold ingress``."""

from typing import Annotated

import typer


def ingress(
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port to listen on (ONEFOLD_PORT).")] = None,
) -> None:
    """Serve signed webhooks and POST /v1/events; SIGTERM ends it after the requests under way."""
    from services.ingress.main import run  # noqa: PLC0415 - heavy, and other commands don't need it
    from services.runtime.logs import configure_logging  # noqa: PLC0415
    from services.runtime.settings import MissingSetting, Settings  # noqa: PLC0415

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
