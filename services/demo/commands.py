"""``onefold demo``."""

from typing import Annotated

import typer


def demo(  # noqa: PLR0913 - the command's options
    *,
    leave: Annotated[
        bool, typer.Option("--exit", help="End when everything is shown; status 0 only if the accounts balance.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The result as one JSON object, last on stdout; all else on stderr.")
    ] = False,
    events: Annotated[int, typer.Option(min=1, max=1_000_000, help="Number of distinct events.")] = 20_000,
    people: Annotated[
        int, typer.Option(min=1, max=90_000, help="Number of people; at most an eighth of the events.")
    ] = 2_000,
    seed: Annotated[int, typer.Option(help="Another number makes other people and events.")] = 7,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Port of the HTTP service; 0 is any free one.")
    ] = None,
) -> None:
    """Start everything and send it the year of a made-up brand; then stay up to look around, until Ctrl-C."""
    from services.demo.main import run_demo
    from services.demo.run import Parameters

    raise typer.Exit(run_demo(Parameters(seed, people, events), leave=leave, as_json=as_json, port=port))
