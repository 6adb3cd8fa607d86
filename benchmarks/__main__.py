"""The command ``python -m benchmarks``, which ``make bench`` runs."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.figures import Size
from benchmarks.main import run
from benchmarks.registry import BENCHMARKS, benchmarks


def bench(  # noqa: PLR0913 - one an option
    *,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help=f"Run this benchmark; repeat the option for several: {', '.join(BENCHMARKS)}."
        ),
    ] = None,
    events: Annotated[
        int, typer.Option(min=1000, max=10_000_000, help="Number of events in the log; other sizes are in proportion.")
    ] = 200_000,
    contacts: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="Number of contacts they are about; likewise.")
    ] = 20_000,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Number of measurements of each; medians are shown.")] = 3,
    customers: Annotated[
        int, typer.Option(min=1000, max=10_000_000, help="Number of customers that are searched.")
    ] = 1_000_000,
    kept: Annotated[
        Path | None,
        typer.Option("--keep", metavar="FOLDER", help="Keep these customers in this folder, and read them from it."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the result to stdout as one JSON object; everything else to stderr.")
    ] = False,
) -> None:
    """Measure Onefold on servers started for this: the end-to-end rate beside two references, identity, and ingest."""
    try:
        chosen = benchmarks(only or ())
    except KeyError as unknown:
        raise typer.BadParameter(f"{unknown.args[0]} is none of {', '.join(BENCHMARKS)}", param_hint="--only") from None
    raise typer.Exit(run(chosen, Size(events, contacts, rounds, customers, kept), as_json=as_json))


if __name__ == "__main__":
    typer.run(bench)
