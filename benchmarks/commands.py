"""``onefold bench``."""

from typing import Annotated

import typer


def bench(
    *,
    events: Annotated[int, typer.Option(min=1000, max=10_000_000, help="How many events the log holds.")] = 200_000,
    contacts: Annotated[int, typer.Option(min=10, max=1_000_000, help="How many contacts they are about.")] = 20_000,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="How often each is measured; medians are shown.")] = 3,
    as_json: Annotated[
        bool, typer.Option("--json", help="The result as one JSON object, last on stdout; all else on stderr.")
    ] = False,
) -> None:
    """Measure the end-to-end rate beside the usual way and the bare pipeline, on servers of its own."""
    from benchmarks.figures import Size  # noqa: PLC0415 - heavy, and other commands don't need it
    from benchmarks.main import run  # noqa: PLC0415 - likewise

    raise typer.Exit(run(Size(events, contacts, rounds), as_json=as_json))
