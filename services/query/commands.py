"""The commands `query` and `why`. What they run is imported when they run: it is slow to import."""

from contextlib import closing
from typing import Annotated, Final

import typer

_TIME: Final = "such as 2026-03-01T00:00+08:00."


def query() -> None:
    """Serve the read API alone, on ONEFOLD_HOST and ONEFOLD_PORT."""
    import uvloop

    from services.query.main import create_app
    from services.runtime.http import bounds_of, listen, serve
    from services.runtime.logs import configure_logging
    from services.runtime.settings import MissingSetting, Settings

    settings = Settings()
    configure_logging(settings)
    try:
        app, listener = create_app(settings), listen(settings.host, settings.port)
    except (MissingSetting, OSError) as error:
        typer.echo(f"The read API can't be served: {error}", err=True)
        raise typer.Exit(1) from None
    with closing(listener):
        uvloop.run(serve(app, listener, bounds_of(settings)))


def why(  # noqa: PLR0913 - one an option
    a: Annotated[str, typer.Argument(metavar="A", help="A contact: `channel:account:uid`, or its id.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another contact.")],
    *,
    tenant: Annotated[str | None, typer.Option(help="Whose they are; may be left out where there is but one.")] = None,
    as_of: Annotated[str | None, typer.Option(metavar="TIME", help=f"What was true then; {_TIME}")] = None,
    known_at: Annotated[str | None, typer.Option(metavar="TIME", help=f"What was known then; {_TIME}")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As the HTTP API answers it.")] = False,
) -> None:
    """Why two contacts are one customer: the links between them and their events; or what keeps them apart."""
    from services.query.why_command import CannotExplain, cutoff_of, run
    from services.runtime.settings import MissingSetting, Settings

    try:
        run(Settings(), tenant, (a, b), cutoff_of(as_of, known_at), as_json=as_json)
    except (MissingSetting, CannotExplain) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
