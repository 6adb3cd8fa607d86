"""``onefold bench``."""

from typing import Annotated

import typer


def bench(
    *,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Run this benchmark (again: and that): end_to_end, identity, growth, hub, ingest, visible; or all.",
        ),
    ] = None,
    events: Annotated[
        int, typer.Option(min=1000, max=10_000_000, help="How many events the log holds; all else is in proportion.")
    ] = 200_000,
    contacts: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="How many contacts they are about; likewise.")
    ] = 20_000,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="How often each is measured; medians are shown.")] = 3,
    as_json: Annotated[
        bool, typer.Option("--json", help="The result as one JSON object, last on stdout; all else on stderr.")
    ] = False,
) -> None:
    """Measure on servers of its own: the rate end to end beside the usual way and the bare pipeline, and more."""
    from benchmarks.figures import Size  # noqa: PLC0415 - heavy, and other commands don't need it
    from benchmarks.main import run  # noqa: PLC0415 - likewise
    from benchmarks.registry import BENCHMARKS, benchmarks  # noqa: PLC0415 - likewise

    try:
        chosen = benchmarks(only or ())
    except KeyError as unknown:
        raise typer.BadParameter(f"{unknown.args[0]} is none of {', '.join(BENCHMARKS)}", param_hint="--only") from None
    raise typer.Exit(run(chosen, Size(events, contacts, rounds), as_json=as_json))
